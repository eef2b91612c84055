"""
What a Content-Type header says about how to read a body. Sources: RFC 9110 section 8.3, RFC 6839
(the suffixes +json and +xml), RFC 4180 (the parameter `header` of text/csv).
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Literal, TypeAlias

from werkzeug.http import parse_options_header

from runner.errors import MediaUnsupported

Kind: TypeAlias = Literal[
    "json", "json lines", "form", "multipart", "xml", "table", "text", "file", "unknown"
]

MAX_LENGTH = 1_000  # characters of a Content-Type; a boundary has 70, the longest real type 120

BY_SUFFIX = {  # what the machine's own table lacks, or may have otherwise
    ".csv": "text/csv",
    ".form": "application/x-www-form-urlencoded",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".urlencoded": "application/x-www-form-urlencoded",
    ".xml": "application/xml",
}
KINDS: dict[str, Kind] = {
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
    "application/x-ndjson": "json lines",
    "application/ndjson": "json lines",
    "application/x-jsonlines": "json lines",
    "application/jsonlines": "json lines",
    "application/jsonl": "json lines",
    "text/csv": "table",
    "application/csv": "table",
    "text/tab-separated-values": "table",
    # Text that is not called text/…
    "application/yaml": "text",
    "application/x-yaml": "text",
    "application/javascript": "text",
    "application/graphql": "text",
    "application/jwt": "text",
    "application/jose": "text",
    "application/secevent+jwt": "text",
}


@dataclass(frozen=True, slots=True)
class Media:
    """A Content-Type, read: its lower-case name, how it is decoded, and the parameters we use."""

    name: str
    kind: Kind
    charset: str = ""
    boundary: str = ""
    filename: str = ""
    has_header_row: bool = True


def read_media(content_type: str) -> Media:
    """
    Read a Content-Type header. What is absent or no media type is of the kind "unknown".

    Raises:
        MediaUnsupported: it is longer than any real one.
    """
    if len(content_type) > MAX_LENGTH:  # before the cache, which would keep it
        raise MediaUnsupported(f"the Content-Type has more than {MAX_LENGTH:,} characters")
    return _read(content_type)


@lru_cache(maxsize=256)  # a sender always says the same, except for the boundary of a form
def _read(content_type: str) -> Media:
    name, parameters = parse_options_header(content_type)
    name = name.lower()
    return Media(
        name=name,
        kind=_kind(name),
        charset=parameters.get("charset", "").strip().lower(),
        boundary=parameters.get("boundary", ""),
        filename=parameters.get("name", ""),
        has_header_row=parameters.get("header", "").lower() != "absent",
    )


def _kind(name: str) -> Kind:
    family, _, subtype = name.partition("/")
    if not family or not subtype:
        return "unknown"
    if name in KINDS:
        return KINDS[name]
    if subtype == "json" or subtype.endswith("+json"):
        return "json"
    if subtype == "xml" or subtype.endswith("+xml"):
        return "xml"
    return "text" if family == "text" else "file"


def type_by_name(name: str) -> str | None:
    """The media type that a file's *name* speaks of, or None."""
    return BY_SUFFIX.get(PurePath(name).suffix.lower()) or mimetypes.guess_type(name)[0]
