"""
What any client on the network may send: each attack as the bytes of a connection, by its name.

`PATH` in them stands for the path of a good address.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping

PATH = b"/hooks/PATH"
HOST = b" HTTP/1.1\r\nhost: x\r\n"
MEBIBYTE = 1 << 20
BOMB = 60 * MEBIBYTE  # zero bytes, which pack a thousandfold
PART = b'--b\r\nContent-Disposition: form-data; name="a"'


def request(body: bytes = b"", headers: bytes = b"", *, method: bytes = b"POST", after: bytes = b"") -> bytes:
    """Give a well-formed request with this body; *after* stands behind its path."""
    start = method + b" " + PATH + after + HOST + b"connection: close\r\n"
    return start + headers + b"content-length: %d\r\n\r\n" % len(body) + body


def announcing(length: bytes, body: bytes = b"{}") -> bytes:
    """Give a request with this length, whatever its body has."""
    return b"POST " + PATH + HOST + b"connection: close\r\ncontent-length: " + length + b"\r\n\r\n" + body


def chunked(body: bytes) -> bytes:
    """Give a request whose chunks are these bytes, whatever they are."""
    return b"POST " + PATH + HOST + b"transfer-encoding: chunked\r\n\r\n" + body


def typed(body: bytes, content_type: bytes, encoding: bytes = b"") -> bytes:
    """Give a request with a body of this type, packed as it says or not."""
    headers = b"content-type: " + content_type + b"\r\n"
    return request(body, headers + (b"content-encoding: " + encoding + b"\r\n" if encoding else b""))


def form(body: bytes, boundary: bytes = b"b") -> bytes:
    """Give a multipart form with this body."""
    return typed(body, b"multipart/form-data; boundary=" + boundary)


FIRST_LINES: Mapping[str, bytes] = {
    "nothing but line ends": b"\r\n" * 100,
    "no version": b"POST " + PATH + b"\r\n\r\n",
    "an unknown version": b"POST " + PATH + b" HTTP/9.9\r\nhost: x\r\n\r\n",
    "HTTP/1.0": b"POST " + PATH + b" HTTP/1.0\r\n\r\n",
    "no host": b"POST " + PATH + b" HTTP/1.1\r\n\r\n",
    "two hosts": request(headers=b"host: y\r\n"),
    "words too many": request(after=b" a b c"),
    "tabs for spaces": b"POST\t" + PATH + b"\tHTTP/1.1\r\nhost: x\r\n\r\n",
    "lone carriage returns": b"POST " + PATH + b" HTTP/1.1\rhost: x\r\r",
    "a TLS greeting": bytes.fromhex("1603010200010001fc0303") + bytes(range(256)),
    "HTTP/2 without TLS": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
    "HTTP/2 and garbage": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500,
    "an upgrade to h2c": b"GET "
    + PATH
    + HOST
    + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
    "a websocket": request(
        headers=b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        method=b"GET",
    ),
    "a websocket without a key": request(
        headers=b"connection: upgrade\r\nupgrade: websocket\r\n", method=b"GET"
    ),
}
TARGETS = (
    b"/hooks/%", b"/hooks/%zz", b"/hooks/%00", b"/hooks/%ff%fe", b"/hooks/\xff\xfe", b"/hooks/a;b=c",
    b"/hooks/" + b"a" * 15_000, b"/hooks/../../etc/passwd", b"/hooks/%2e%2e%2f", b"/hooks//", b"/hooks",
    b"*", b"?", b"http://", b"http://[::1", b"http://x:99999/hooks/a", b"//x/hooks/a", b"/hooks/a#b",
    b"/hooks/a?%zz=%", b"/hooks/%F0%9F%98%80", b"x:80", b"/%68ooks/a", b"/%ff", b"/\xff",
)  # fmt: skip
BEHIND_THE_PATH = (
    b"/%/%zz/%ff/%00/%2F", b"?%=%zz&%ff=%00&&=&;", b"?" + b"a&" * 2000, b"/" + b"../" * 1000, b"%00",
)  # fmt: skip
METHODS = (
    b"post", b"CONNECT", b"TRACE", b"OPTIONS", b"HEAD", b"PRI", b"A" * 10_000, b"G\0T", b"P\xd6ST", b"",
    b"(", b"\x7f",
)  # fmt: skip
HEADERS: Mapping[str, bytes] = {
    "a header of a megabyte": b"x: " + b"x" * MEBIBYTE + b"\r\n",
    "five thousand headers": b"x: y\r\n" * 5000,
    "a hundred and one headers": b"x: y\r\n" * 101,
    "folded": b"x: y\r\n z\r\n\tz\r\n",
    "without a colon": b"x\r\n",
    "without a name": b": y\r\n",
    "a space before the colon": b"content-length : 5\r\n",
    "nulls": b"x: \0\0\r\n",
    "bytes": b"x: \x80\xff\r\n",
    "forged addresses": b'forwarded: for="[::1\r\nx-forwarded-for: ' + b"127.0.0.1," * 500 + b"\r\n",
    "an expectation of nonsense": b"expect: the worst\r\n",
    "a type of nonsense": b"content-type: a/b/c; ;=;charset=\xff;boundary\r\n",
}
LENGTHS = (
    b"3", b"1", b"0", b"-1", b"+2", b"2, 3", b"2, 2", b"0x2", b"2e0", b"\xb2", b"", b" ", b"9" * 19,
    b"9" * 25, b"9" * 5000, b"2\r\ncontent-length: 3", b"2\r\ntransfer-encoding: chunked",
    b"2\r\ntransfer-encoding: gzip", b"1099511627776", b"2\r\nexpect: 100-continue",
)  # fmt: skip
CHUNKS = (
    b"zz\r\n\r\n", b"-1\r\nx\r\n", b"0x2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n", b"\r\n\r\n",
    b"1\r\n{}\r\n0\r\n\r\n", b"ffffffffffffffff\r\n{}", b"f" * 30 + b"\r\n", b"2\n{}\n0\n\n", b"0\r\n",
    b"2;" + b"a=b;" * 5000 + b"\r\n{}\r\n0\r\n\r\n", b"5\r\n{}", b"1\r\n \r\n" * 30_000 + b"0\r\n\r\n",
    b"2\r\n{}\r\n0\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
    (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 2 + b"0\r\n\r\n",
)  # fmt: skip
BODIES: Mapping[str, bytes] = {
    "a bomb in gzip": typed(gzip.compress(b"\0" * BOMB), b"application/json", b"gzip"),
    "a bomb in gzip, as a file": typed(gzip.compress(b"\0" * BOMB), b"application/pdf", b"gzip"),
    "a bomb in deflate": typed(zlib.compress(b"\0" * BOMB), b"text/plain", b"deflate"),
    "a bomb in a bomb": typed(gzip.compress(gzip.compress(b"\0" * BOMB)), b"a/b", b"gzip, gzip"),
    "ten encodings": typed(b"x", b"text/plain", b", ".join([b"gzip"] * 10)),
    "brotli": typed(bytes.fromhex("1b0f00f8a5425d"), b"text/plain", b"br"),
    "gzip that is none": typed(b"\x1f\x8b\xff", b"text/plain", b"gzip"),
    "gzip that ends early": typed(gzip.compress(b"x" * 1000)[:-9], b"text/plain", b"gzip"),
    "a thousand empty members": typed(gzip.compress(b"") * 1000, b"text/plain", b"gzip"),
    "a charset that is none": typed(b"{}", b"application/json; charset=idna"),
    "a charset that gives bytes": typed(b"{}", b"text/plain; charset=zlib_codec"),
    "deep JSON": typed(b"[" * 60_000, b"application/json"),
    "deep JSON that ends": typed(b"[" * 30_000 + b"]" * 30_000, b"application/json"),
    "deep XML": typed(b"<a>" * 20_000, b"application/xml"),
    "a billion laughs": typed(
        b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;&c;</a>', b"application/xml"
    ),
    "an external entity": typed(
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', b"text/xml"
    ),
    "a long integer": typed(b"9" * 60_000, b"application/json"),
    "numbers that are none": typed(b"[NaN, Infinity, -Infinity, 1e999]", b"application/json"),
    "halves of surrogate pairs": typed(b'"\\ud83d\xed\xa0\x80"', b"application/json"),
    "thirty thousand fields": typed(b"a&" * 30_000, b"application/x-www-form-urlencoded"),
    "a table of empty columns": typed(b"," * 60_000 + b"\n\n" * 100, b"text/csv"),
    "a request inside": request(request(b"{}")),
    "a form that never ends": form(PART + b"\r\n\r\nx"),
    "a part without a name": form(b"--b\r\n\r\nx\r\n--b--\r\n"),
    "no boundary": typed(b"--b", b"multipart/form-data"),
    "a boundary of a kilobyte": form(b"--" + b"b" * 1000 + b"--", b"b" * 1000),
    "an empty boundary": form(b"--\r\n\r\n----", b'""'),
    "a part's header without an end": form(b"--b\r\nContent-Disposition: " + b"x" * 60_000),
    "ten thousand parts": form((PART + b"\r\n\r\n\r\n") * 10_000 + b"--b--\r\n"),
    "a file with a path": form(PART + b'; filename="../../../etc/passwd"\r\n\r\nx\r\n--b--\r\n'),
    "a file with a name of bytes": form(PART + b"; filename*=utf-8''%ff%00%0d%0a\r\n\r\nx\r\n--b--\r\n"),
    "a part packed in itself": form(PART + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n--b--\r\n"),
    "line ends alone": form(b"\r\n" * 30_000),
    "almost boundaries": form(b"\r\n--" * 15_000),
}

ATTACKS: Mapping[str, bytes] = {
    **FIRST_LINES,
    **{f"target {one[:30]!r}": b"POST " + one + HOST + b"connection: close\r\n\r\n" for one in TARGETS},
    **{f"behind the path {one[:20]!r}": request(after=one, method=b"GET") for one in BEHIND_THE_PATH},
    **{f"method {one[:20]!r}": request(method=one) for one in METHODS},
    **{f"headers: {name}": request(headers=lines) for name, lines in HEADERS.items()},
    "headers that never end": b"POST " + PATH + HOST + b"x: ",
    **{f"length {one[:40]!r}": announcing(one) for one in LENGTHS},
    "two requests at once": request(b"{}").replace(b"connection: close\r\n", b"") + request(b"{}"),
    **{f"chunks {one[:20]!r}, {len(one)}": chunked(one) for one in CHUNKS},
    **{f"body: {name}": sent for name, sent in BODIES.items()},
}
