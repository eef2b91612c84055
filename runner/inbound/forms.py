"""
Forms to an object: fields are text, repeated ones a list, uploads are files. Sources: the URL
Standard (application/x-www-form-urlencoded), RFC 7578 (multipart/form-data).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, MultipartDecoder, NeedData, State
from werkzeug.sansio.multipart import File as Upload

from runner.errors import BodyTooLarge, BodyUnreadable
from runner.inbound.bounds import Bounds, check_size
from runner.inbound.media import Media, read_media
from runner.inbound.text import codec, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.inbound.files import Files
    from runner.values import Json

CHUNK_BYTES = 16 << 10  # what the decoder sees at once, so that it never holds a long header


def query_object(query: str) -> dict[str, Json]:
    """Read a query string: names to texts, a repeated name to a list of them."""
    return _collect(parse_qsl(query, keep_blank_values=True, errors="replace"))


def read_form(body: bytes, media: Media, bounds: Bounds) -> dict[str, Json]:
    """
    Read an urlencoded form. A byte that is not of its charset (UTF-8 by default) becomes U+FFFD.

    Raises:
        BodyTooLarge: more fields than `bounds.max_fields`.
        MediaUnsupported: a charset that we do not read.
    """
    name = codec(media.charset)
    text = body.decode(name, "replace")
    if text.count("&") >= bounds.max_fields:
        raise BodyTooLarge(f"the form has more than the {bounds.max_fields:,} fields that are accepted here")
    encoding = name.removesuffix("-sig")  # the byte order mark is the body's, not each field's
    return _collect(
        parse_qsl(text.strip("\r\n"), keep_blank_values=True, encoding=encoding, errors="replace")
    )


def read_multipart(
    body: bytes, media: Media, bounds: Bounds, files: Files, notes: list[str]
) -> dict[str, Json]:
    """
    Read a multipart form. A part with a file name is a file, put into *files*; an upload field
    that was left empty is null; every other part is text.

    Raises:
        BodyUnreadable: no boundary, a part without a name, a text of another charset, or cut off.
        BodyTooLarge: too many parts, too long a header, or texts or a file past their bound.
    """
    if not media.boundary:
        raise BodyUnreadable("the Content-Type of the form has no boundary")
    fields: list[tuple[str, Json]] = []
    text_bytes = 0
    try:
        for part, content in _parts(body, media.boundary, bounds):
            if part.name is None:
                raise BodyUnreadable(f"the form, part {len(fields) + 1}: it has no name")
            value: Json = None
            text_bytes += len(str(part.headers))  # slow to parse, so they are bounded together too
            if not isinstance(part, Upload):
                text_bytes += len(content)
            check_size(text_bytes, bounds.max_body_bytes, "the form without its files")
            if not isinstance(part, Upload):
                charset = read_media(part.headers.get("content-type", "")).charset
                value = read_text(content, charset or media.charset, notes)
            elif content or part.filename:
                value = files.add(content, part.filename, part.headers.get("content-type", ""))
            fields.append((part.name, value))
    except RequestEntityTooLarge:
        raise BodyTooLarge(
            f"the form has more than the {bounds.max_parts:,} parts that are accepted here"
        ) from None
    except ValueError as error:
        raise BodyUnreadable(f"the form, part {len(fields) + 1}: {error}") from None
    return _collect(fields)


def _parts(body: bytes, boundary: str, bounds: Bounds) -> Iterator[tuple[Field | Upload, bytes]]:
    """Give each part with its whole content; ValueError where the form is malformed."""
    decoder = MultipartDecoder(boundary.encode(), max_parts=bounds.max_parts)
    part: Field | Upload | None = None
    content: list[bytes] = []
    size = 0
    for at in range(0, len(body) + CHUNK_BYTES, CHUNK_BYTES):
        decoder.receive_data(body[at : at + CHUNK_BYTES] or None)  # None ends it
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            if isinstance(event, Field | Upload):
                part, content, size = event, [], 0
            elif isinstance(event, Data) and part is not None:
                content.append(event.data)
                size += len(event.data)
                check_size(size, bounds.max_file_bytes, f'the field "{part.name}" of the form')
                if not event.more_data:
                    yield part, b"".join(content)
        if decoder.state in (State.PREAMBLE, State.PART):
            check_size(len(decoder.buffer), bounds.max_part_header_bytes, "the header of a part")


def _collect(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """Make an object of the pairs; a name that comes again gets a list."""
    collected: dict[str, Json] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if name not in collected:
            collected[name] = value
        elif name in repeated:
            collected[name].append(value)
        else:
            collected[name] = [collected[name], value]
            repeated.add(name)
    return collected
