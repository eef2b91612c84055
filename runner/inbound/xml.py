"""
XML to an object: `@attr`, `#text`, repeated children as a list; all values are text, an empty
element is null. A document type declaration, and with it every entity, is refused: no body can
make us open a file or grow a thousandfold. Sources: RFC 7303 (charsets), CWE-611, CWE-776.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn
from xml.parsers import expat

import xmltodict

from runner.errors import BodyUnreadable
from runner.inbound.text import UTF_8, read_text

if TYPE_CHECKING:
    from runner.inbound.bounds import Bounds
    from runner.values import Json

DECLARED = re.compile(rb"""\s*<\?xml[^>]{1,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def read_xml(body: bytes, charset: str, bounds: Bounds, notes: list[str]) -> Json:
    """
    Read one XML document; *charset* is that of the Content-Type and wins over the document's own.

    Raises:
        BodyUnreadable: not well-formed, too deep, or with a document type declaration.
        MediaUnsupported: a charset that we do not read.
    """
    if not charset and (declared := DECLARED.match(body)):
        charset = declared[1].decode().lower()
    encoding = None  # expat looks at the byte order mark
    if charset:
        encoding = "utf-8"
        if charset not in UTF_8:  # expat itself knows only a few
            body = read_text(body, charset, notes).encode()
    body = body.lstrip()  # a blank line before the declaration is a common mistake of senders
    try:
        _look(body, encoding, bounds)
        return xmltodict.parse(body, encoding=encoding)
    except expat.ExpatError as error:
        raise BodyUnreadable(
            f"the body is not XML: line {error.lineno}, column {error.offset + 1}: "
            f"{expat.ErrorString(error.code)}"
        ) from None


def _look(body: bytes, encoding: str | None, bounds: Bounds) -> None:
    """Go through the document once, keeping nothing, before anything is built from it."""
    parser = expat.ParserCreate(encoding)
    depth = 0

    def opened(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > bounds.max_depth:
            raise BodyUnreadable(
                f"the XML, line {parser.CurrentLineNumber}: nested deeper than {bounds.max_depth} levels"
            )

    def closed(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declared(*_: object) -> NoReturn:
        raise BodyUnreadable(
            f"the XML, line {parser.CurrentLineNumber}: a document type declaration (<!DOCTYPE) "
            "is refused, because entities could be declared in it; send the document without it"
        )

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.StartDoctypeDeclHandler = declared
    parser.Parse(body, True)  # the whole document: True says it is the last piece
