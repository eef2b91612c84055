"""
A feed's XML as a tree, in bounds: no entity that the document declares, nothing fetched, and only so
many elements so deep. Sources: RFC 7303 (which charset counts), CWE-611, CWE-776.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder  # it builds only; our own parser feeds it
from xml.parsers import expat

DEEPEST, MOST_ELEMENTS = 64, 200_000
DECLARED = re.compile(rb"""\s*<\?xml[^>]{1,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# Python has codecs that are slow or strange on hostile input (punycode, unicode_escape): these are texts'.
CHARSETS = re.compile(
    r"utf-?(8|16|32)([bl]e)?|(us-)?ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?12\d\d|cp(12\d\d|437|850|866)|"
    r"koi8-[ru]|macintosh|shift[-_]jis|euc-(jp|kr)|iso-2022-jp|gb(2312|k|18030)|big5"
)


class Unreadable(Exception):
    """This is no feed that can be read; the message says why."""


def read_xml(content: bytes, content_type: str) -> Element:
    """
    The root of the document; names are `{namespace}local`.

    Raises:
        Unreadable: it is not well-formed, too deep or too large, or declares entities.
    """
    encoding, content = _encoded(content, content_type)
    reader = _Reader(expat.ParserCreate(encoding, "}"))
    try:
        return reader.read(content)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise Unreadable(
            f"the feed is not XML: line {error.lineno}, column {error.offset + 1}: {reason}"
        ) from None


def _encoded(content: bytes, content_type: str) -> tuple[str | None, bytes]:
    """The content as expat can read it: in UTF-8 where the charset is known, else by its own mark."""
    content = content.lstrip()  # a blank line before the declaration is a common mistake
    message = Message()
    message["Content-Type"] = content_type
    named = [message.get_content_charset("")]
    if declared := DECLARED.match(content.removeprefix(b"\xef\xbb\xbf")):
        named.append(declared[1].decode().lower())
    for charset in named:
        if charset and CHARSETS.fullmatch(charset):
            try:
                return "utf-8", content.decode(charset).encode()
            except (UnicodeError, LookupError):
                continue  # servers often name another one than the document is in
    return None, content


class _Reader:
    """Builds a tree from a parser's events, as long as they stay in bounds."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        self._builder = TreeBuilder()
        self._depth = self._elements = 0
        parser.buffer_text = True
        parser.StartElementHandler = self._opened
        parser.EndElementHandler = self._closed
        parser.CharacterDataHandler = self._builder.data
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity

    def read(self, content: bytes) -> Element:
        self._parser.Parse(content, True)  # the whole document: True says it is the last piece
        return self._builder.close()

    def _opened(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST:
            raise Unreadable(f"the feed is nested deeper than {DEEPEST} levels")
        if self._elements > MOST_ELEMENTS:
            raise Unreadable(f"the feed has more than {MOST_ELEMENTS:,} elements")
        self._builder.start(_name(name), {_name(key): value for key, value in attributes.items()})

    def _closed(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(_name(name))

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
        if has_subset:  # a name alone, as old RSS has, declares nothing and is not fetched
            self._entity()

    def _entity(self, *_: object) -> NoReturn:
        raise Unreadable("the feed declares entities, which are refused: they can grow without end")


def _name(text: str) -> str:
    return f"{{{text}" if "}" in text else text
