"""
Decode: the bytes of a request's body to its `payload`, by the table in the language's reference.
Pure; called after the sender was verified, never before.

What that table leaves open: an empty body is null, except under GET and HEAD, where the query is
the payload. Without a Content-Type a body that begins with { or [ and parses is JSON, else UTF-8
text, else a file. A form's field stays text, also where it holds JSON (`payload=` of GitHub and
Slack): `from_json(payload.payload)` reads it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import BodyUnreadable
from runner.inbound.bounds import Bounds, check_depth, check_size, is_surely_flat
from runner.inbound.files import DEFAULT_TYPE, Files
from runner.inbound.forms import query_object, read_form, read_multipart
from runner.inbound.media import Media, read_media
from runner.inbound.notes import Notes
from runner.inbound.text import UTF_8, read_table, read_text
from runner.inbound.unpack import unpack
from runner.inbound.xml import read_xml
from runner.values import Json, loads

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Bounds", "Decoded", "body_limit", "decode", "query_object"]

HALF = re.compile(rb"\\u[dD][89a-fA-F]")
# An escaped backslash, a surrogate pair, or (the group) a surrogate that stands alone.
SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
TOO_LONG = re.compile(rb"[0-9]{4301}")  # Python's own bound on the digits of an integer


@dataclass(frozen=True, slots=True)
class Decoded:
    """
    A body, read. `files` maps a digest (SHA-256, 64 hex digits) to the bytes of an upload or a
    binary body, which the payload refers to; `notes` are sentences on what had to be guessed.
    """

    payload: Json
    files: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def body_limit(content_type: str, bounds: Bounds) -> int:
    """
    Give the most bytes that a request of this Content-Type may have, packed or not: `max_body`,
    or `max_file` for a file and for what may be one, or both together for a form with files.

    Raises:
        MediaUnsupported: as `read_media`.
    """
    return _limit(read_media(content_type), bounds)


def decode(
    body: bytes,
    *,
    content_type: str,
    content_encoding: str = "",
    query: str = "",
    method: str = "POST",
    bounds: Bounds,
    is_thorough: bool = False,
) -> Decoded:
    """
    Read a body by its headers. Every payload can be written as JSON in UTF-8. With *is_thorough* the
    notes also tell of keys that JSON repeats; the payload is the same.

    Raises:
        BodyUnreadable: it is not what its type says; the message names the place.
        BodyTooLarge: it, a file in it, or what it unpacks to passes its bound.
        MediaUnsupported: a charset or an encoding that we do not read.
    """
    if not body and method in ("GET", "HEAD"):
        return Decoded(query_object(query))
    media = read_media(content_type)
    limit = _limit(media, bounds)
    if content_encoding:
        body = unpack(body, content_encoding, limit, bounds)
    check_size(len(body), limit, "the body")
    if not body:
        return Decoded(None)
    notes = Notes(is_thorough=is_thorough)
    if media.kind == "json":
        return Decoded(_read_json(body, media.charset, bounds, notes), {}, notes.said())
    files = Files()
    payload = _read(body, media, bounds, files, notes)
    return Decoded(payload, files.stored, notes.said())


def _limit(media: Media, bounds: Bounds) -> int:
    if media.kind == "multipart":
        return bounds.max_file_bytes + bounds.max_body_bytes
    return bounds.max_file_bytes if media.kind in ("file", "unknown") else bounds.max_body_bytes


def _read(body: bytes, media: Media, bounds: Bounds, files: Files, notes: Notes) -> Json:
    match media.kind:
        case "json lines":
            return _read_json_lines(body, media.charset, bounds, notes)
        case "form":
            return read_form(body, media, bounds)
        case "multipart":
            return read_multipart(body, media, bounds, files, notes)
        case "xml":
            return read_xml(body, media.charset, bounds, notes)
        case "table":
            return read_table(read_text(body, media.charset, notes), media, bounds)
        case "text":
            return read_text(body, media.charset, notes)
        case "unknown":
            return _sniff(body, bounds, files, notes)
        case _:
            return files.add(body, media.filename or "body", media.name)


def _sniff(body: bytes, bounds: Bounds, files: Files, notes: Notes) -> Json:
    if len(body) <= bounds.max_body_bytes and b"\0" not in body:
        if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            try:
                return _read_json(body, "", bounds, notes)
            except BodyUnreadable:
                notes.append("the body begins like JSON but is none, and names no type: kept as text")
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    return files.add(body, "body", DEFAULT_TYPE)


def _read_json(body: bytes, charset: str, bounds: Bounds, notes: Notes) -> Json:
    return _parse(_plain(body, charset, notes), bounds, "the body", notes)


def _read_json_lines(body: bytes, charset: str, bounds: Bounds, notes: Notes) -> list[Json]:
    lines = _plain(body, charset, notes).split(b"\n")
    return [
        _parse(line, bounds, f"line {number}", notes)
        for number, line in enumerate(lines, 1)
        if line and not line.isspace()
    ]


def _parse(text: bytes, bounds: Bounds, what: str, notes: Notes) -> Json:
    try:
        value = loads(text)
    except json.JSONDecodeError as error:
        _utf_8(text)  # names the byte, where that is the fault
        found = repr(error.doc[error.pos]) if error.pos < len(error.doc) else "the end"
        place = f"line {error.lineno}, column {error.colno}"
        raise BodyUnreadable(f"{what} is not JSON: {place}: {error.msg}, found {found}") from None
    except ValueError as error:
        reason = "an integer has too many digits" if TOO_LONG.search(text) else str(error)
        raise BodyUnreadable(f"{what} is not JSON that is read here: {reason}") from None
    if not is_surely_flat(text, bounds.max_depth):
        check_depth(value, bounds, what)
    notes.look(text)
    return value


def _plain(body: bytes, charset: str, notes: list[str]) -> bytes:
    """Bring JSON to UTF-8 without a byte order mark and without lone surrogates."""
    if charset not in UTF_8:
        body = read_text(body, charset, notes).encode()
    elif body[0] > 0x7F or 0 in body[:4]:  # a byte order mark, UTF-16 or UTF-32
        body = _utf_8(body)
    elif b"\xed" in body:  # begins a surrogate in bytes, which one of our two parsers lets pass
        _utf_8(body)
    if b"\\" in body and HALF.search(body):
        body = _without_lone_surrogates(body, notes)
    return body


def _utf_8(body: bytes) -> bytes:
    try:
        return body.decode(json.detect_encoding(body)).encode()
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is 0x{body[error.start]:02x}"
        raise BodyUnreadable(f"the JSON is not {error.encoding}: {found}") from None


def _without_lone_surrogates(body: bytes, notes: list[str]) -> bytes:
    """
    Put U+FFFD for each half of a surrogate pair that stands alone, and note it: what senders make
    that cut a text in the middle of an emoji. No such text could be written as UTF-8.
    """
    alone = 0

    def mend(match: re.Match[bytes]) -> bytes:
        nonlocal alone
        if match[1] is None:
            return match[0]
        alone += 1
        return b"\\ufffd"

    body = SURROGATES.sub(mend, body)
    if alone:
        notes.append(f"the body has {alone} halves of surrogate pairs alone: read as U+FFFD")
    return body
