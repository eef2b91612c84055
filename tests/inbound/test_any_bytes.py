"""The law of decoding: any bytes become a payload that can be written down, or are refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.errors import InboundError
from runner.inbound.decode import Bounds, Decoded, decode
from runner.values import dumps, loads

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "payloads"

TYPES = [
    "", "application/json", "application/json; charset=utf-16", "application/x-ndjson",
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=gbk",
    "multipart/form-data; boundary=b", "multipart/form-data; boundary*0=b", "text/xml",
    "application/xml; charset=shift_jis", "text/csv", "text/csv; header=absent",
    "text/tab-separated-values", "text/plain", "text/plain; charset=iso-2022-jp",
    "text/plain; charset=gb18030", "application/pdf", "multipart/mixed", "/", "a/b/c; ;=",
]  # fmt: skip

PIECES = st.sampled_from(
    [
        b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\u", b"\\ud83d", b"\\ude00", b"1e999", b"NaN",
        b"12345678901234567890", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"null",
        b"<a>", b"</a>", b"<a/>", b"<!DOCTYPE a>", b"&#xD800;", b"&amp;", b"<?xml encoding='gbk'?>",
        b"--b", b"\r\n", b"\r\n\r\n", b"--b--", b'Content-Disposition: form-data; name="a"',
        b'; filename="', b"filename*=utf-8''%ed%a0%80", b"Content-Type: text/plain; charset=\xff",
        b"a=1", b"&", b"%", b"%ff", b";", b"\t", b"\n", b"'", b"=",
    ]
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200), st.lists(PIECES, max_size=25).map(b"".join),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
        | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip


def read(body: bytes, content_type: str, encoding: str) -> Decoded | InboundError:
    """Decode, or give the refusal."""
    try:
        return decode(body, content_type=content_type, content_encoding=encoding, bounds=Bounds())
    except InboundError as error:
        return error


@settings(max_examples=600, deadline=None)
@given(body=BODIES, content_type=st.sampled_from(TYPES), packing=st.sampled_from(["", "gzip"]))
@example(body=b"[" * 10_000, content_type="application/json", packing="gzip")
@example(body=b"[" * 10_000, content_type="", packing="")
@example(body=b"<a>" * 10_000, content_type="text/xml", packing="")
@example(body=b"&" * 10_001, content_type="application/x-www-form-urlencoded", packing="")
def test_any_bytes_become_a_payload_that_can_be_written_or_are_refused(
    body: bytes, content_type: str, packing: str
) -> None:
    decoded = read(gzip.compress(body) if packing else body, content_type, packing)
    if isinstance(decoded, InboundError):
        assert len(str(decoded)) < 400  # never the payload itself
        return
    written = dumps(decoded.payload).encode()
    assert loads(written) == decoded.payload
    assert all(isinstance(content, bytes) for content in decoded.files.values())


@settings(max_examples=100, deadline=None)
@given(body=st.binary(min_size=1, max_size=100), encoding=st.sampled_from(["gzip", "deflate", "br"]))
def test_bytes_that_are_not_packed_as_they_say_are_refused_or_read(body: bytes, encoding: str) -> None:
    assert isinstance(read(body, "", encoding), Decoded | InboundError)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the fixtures stand beside the repository")
def test_real_payloads_of_every_provider_are_read() -> None:
    index: list[dict[str, Any]] = json.loads((FIXTURES / "index.json").read_text())
    kinds = {"json": (dict, list), "urlencoded": (dict,), "xml": (dict,), "plain": (str,)}
    for entry in index:
        body = (FIXTURES / entry["file"]).read_bytes()
        decoded = decode(body, content_type=entry["content_type"], bounds=Bounds())
        kind = next(types for word, types in kinds.items() if word in entry["content_type"])
        assert isinstance(decoded.payload, kind), entry["file"]
        assert loads(dumps(decoded.payload).encode()) == decoded.payload
        assert decoded.notes == ()
        if kind == (dict, list):
            assert decoded.payload == json.loads(body)
