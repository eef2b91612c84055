"""
Content-Encoding: gzip, deflate and br, with a bound on what they unpack to (CWE-409). Sources: RFC 9110
section 8.4.1 (`deflate` is zlib's format there and raw deflate from senders that got it wrong), RFC 7932.
"""

from __future__ import annotations

import zlib

import brotli

from runner.errors import BodyUnreadable, MediaUnsupported
from runner.inbound.bounds import Bounds, check_size

GZIP = zlib.MAX_WBITS | 16  # zlib's way to say: with a gzip header
WINDOW_BITS = {"gzip": GZIP, "x-gzip": GZIP, "deflate": zlib.MAX_WBITS}
READ = (*WINDOW_BITS, "br")
PIECE_BYTES = 64 * 1024  # of what brotli gives at once: it passes the bound that it is given by up to that
MAX_MEMBERS = 100  # a gzip body may be several, one after another; log shippers send a few


def unpack(body: bytes, content_encoding: str, limit: int, bounds: Bounds) -> bytes:
    """
    Undo the encodings of a Content-Encoding header, the last one first; none leaves *body* as is.

    Raises:
        MediaUnsupported: an encoding that we do not read, or more than `bounds.max_encodings`.
        BodyTooLarge: it unpacks to more than *limit* bytes, at any stage.
        BodyUnreadable: it is not what the header says, or ends early.
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > bounds.max_encodings:
        raise MediaUnsupported(f"Content-Encoding names {len(names)} encodings; send one")
    for name in reversed(names):
        if name not in READ:
            raise MediaUnsupported(
                f'the Content-Encoding "{name[:40]}" is not read here; send gzip, deflate, br or none'
            )
        body = _unbrotli(body, limit) if name == "br" else _inflate(body, name, limit)
    return body


def _unbrotli(body: bytes, limit: int) -> bytes:
    """Brotli, piece by piece, so that of a bomb no more is unpacked than may be."""
    decompressor = brotli.Decompressor()
    unpacked: list[bytes] = []
    size = 0
    rest = body
    while True:
        try:
            unpacked.append(decompressor.process(rest, output_buffer_limit=PIECE_BYTES))
        except brotli.error:
            raise BodyUnreadable(f"the body is not br, or has something after its {size} bytes") from None
        size += len(unpacked[-1])
        check_size(size, limit, "the unpacked body")
        if decompressor.is_finished():
            return b"".join(unpacked)
        if not unpacked[-1]:  # all has come out that is in there
            raise BodyUnreadable(f"the br body ends early, after {len(body)} bytes")
        rest = b""


def _inflate(body: bytes, name: str, limit: int) -> bytes:
    window_bits = WINDOW_BITS[name]
    if name == "deflate" and not _has_zlib_header(body):
        window_bits = -zlib.MAX_WBITS
    unpacked: list[bytes] = []
    size = 0
    rest = body
    for _ in range(MAX_MEMBERS):
        inflater = zlib.decompressobj(window_bits)
        try:
            unpacked.append(inflater.decompress(rest, limit - size + 1))
        except zlib.error as error:
            place = len(body) - len(rest)
            raise BodyUnreadable(f"the body is not {name}, from byte {place}: {error}") from None
        size += len(unpacked[-1])
        check_size(size, limit, "the unpacked body")
        if not inflater.eof:
            raise BodyUnreadable(f"the {name} body ends early, after {len(body)} bytes")
        rest = inflater.unused_data
        if not rest:
            return b"".join(unpacked)
    raise BodyUnreadable(f"the {name} body has more than {MAX_MEMBERS} members")


def _has_zlib_header(body: bytes) -> bool:
    """RFC 1950 section 2.2: the method is 8, and the first two bytes are a multiple of 31."""
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
