"""What a body becomes: one row of the table of `payload` after another."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
import zlib
from typing import Any

import brotli
import pytest

from runner.errors import BodyTooLarge, BodyUnreadable, MediaUnsupported
from runner.inbound.decode import Bounds, Decoded, body_limit, decode, query_object

BOUNDS = Bounds()
FORM = "application/x-www-form-urlencoded"


def read(body: bytes, content_type: str, **more: Any) -> Decoded:
    """Decode with the default bounds."""
    return decode(body, content_type=content_type, bounds=more.pop("bounds", BOUNDS), **more)


@pytest.mark.parametrize(
    ("content_type", "body", "payload"),
    [
        pytest.param("application/json", b'{"a": [1, null]}', {"a": [1, None]}, id="json"),
        pytest.param("APPLICATION/JSON; charset=UTF-8", b"[]", [], id="json-in-capitals"),
        pytest.param("text/json", b"true", True, id="text-json"),
        pytest.param("application/cloudevents+json", b'{"id":"1"}', {"id": "1"}, id="plus-json"),
        pytest.param("application/json", b'\xef\xbb\xbf{"a":1}', {"a": 1}, id="json-with-a-bom"),
        pytest.param("application/json", '{"a":"é"}'.encode("utf-16"), {"a": "é"}, id="utf-16"),
        pytest.param("application/json", '["é"]'.encode("utf-16-le"), ["é"], id="utf-16-bare"),
        pytest.param("application/json; charset=iso-8859-1", b'"\xe9"', "é", id="json-in-latin-1"),
        pytest.param("application/json", b'{"a":1,"a":2}', {"a": 2}, id="the-last-equal-key-wins"),
        pytest.param(
            "application/json",
            b'{"id":12345678901234567890123}',
            {"id": 12345678901234567890123},
            id="integers-stay-exact",
        ),
        pytest.param("application/json", b'"\\ud83d\\ude00"', "😀", id="a-surrogate-pair"),
        pytest.param("application/json", rb'"\\ud83d"', r"\ud83d", id="an-escaped-backslash"),
        pytest.param("application/x-ndjson", b'{"a":1}\n\n[2]\r\n', [{"a": 1}, [2]], id="ndjson"),
        pytest.param(FORM, b"a=1&b=x+y%20z&a=2&c=", {"a": ["1", "2"], "b": "x y z", "c": ""}, id="form"),
        pytest.param(FORM, b"a=1&a=2&a=3", {"a": ["1", "2", "3"]}, id="three-equal-fields"),
        pytest.param(FORM, 'payload={"a":"é"}'.encode(), {"payload": '{"a":"é"}'}, id="json-in-a-form"),
        pytest.param(FORM + "; charset=iso-8859-7", b"a=%E1", {"a": "α"}, id="a-greek-form"),
        pytest.param(FORM, b"a=%ff", {"a": "\N{REPLACEMENT CHARACTER}"}, id="a-form-that-is-not-utf-8"),
        pytest.param(
            "text/xml",
            b'<?xml version="1.0"?><a x="1"><b>1</b><b/>t</a>',
            {"a": {"@x": "1", "b": ["1", None], "#text": "t"}},
            id="xml",
        ),
        pytest.param("application/atom+xml", b"\n <a>&lt;</a>", {"a": "<"}, id="plus-xml"),
        pytest.param(
            "text/xml",
            '<?xml version="1.0" encoding="GBK"?><a>订</a>'.encode("gbk"),
            {"a": "订"},
            id="xml-that-declares-its-charset",
        ),
        pytest.param(
            "text/xml; charset=windows-1253",
            "<a>ω</a>".encode("cp1253"),
            {"a": "ω"},
            id="xml-whose-charset-the-header-says",
        ),
        pytest.param("text/csv", b"a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}], id="csv"),
        pytest.param("text/csv", b'a;b\n1,5;"x;\ny"', [{"a": "1,5", "b": "x;\ny"}], id="csv-semicolons"),
        pytest.param(
            "text/csv",
            b"a,b\n1\n\n1,2,\n",
            [{"a": "1", "b": None}, {"a": "1", "b": "2"}],
            id="csv-short-row-blank-line-and-delimiter-at-the-end",
        ),
        pytest.param(
            "text/csv", b"a,a,\n1,2,3", [{"a": "1", "a_2": "2", "column_3": "3"}], id="csv-names-that-repeat"
        ),
        pytest.param("text/csv; header=absent", b"1,2", [["1", "2"]], id="csv-without-a-header"),
        pytest.param("text/tab-separated-values", b"a,b\tc\n1\t2", [{"a,b": "1", "c": "2"}], id="tsv"),
        pytest.param("text/plain", "é {{ 7 * 7 }}".encode(), "é {{ 7 * 7 }}", id="text"),
        pytest.param("text/plain; charset=gb18030", "订单".encode("gb18030"), "订单", id="text-gb18030"),
        pytest.param("text/plain", "é".encode("utf-16"), "é", id="text-with-a-utf-16-mark"),
        pytest.param("application/yaml", b"a: 1", "a: 1", id="yaml-is-text"),
        pytest.param("", b' {"a":1}', {"a": 1}, id="untyped-json"),
        pytest.param("", b"[not json", "[not json", id="untyped-text"),
        pytest.param("nonsense", b"x", "x", id="no-media-type"),
    ],
)
def test_a_body_is_read_by_its_content_type(content_type: str, body: bytes, payload: Any) -> None:
    assert read(body, content_type).payload == payload


@pytest.mark.parametrize(
    ("content_type", "filename", "kept_as"),
    [
        pytest.param("application/pdf", "body", "application/pdf", id="pdf"),
        pytest.param('image/png; name="../../a b.png"', "a b.png", "image/png", id="named"),
        pytest.param("", "body", "application/octet-stream", id="untyped"),
        pytest.param("multipart/mixed; boundary=x", "body", "multipart/mixed", id="multipart-mixed"),
    ],
)
def test_other_bytes_are_a_file_stored_by_their_digest(
    content_type: str, filename: str, kept_as: str
) -> None:
    body = b"%PDF\x00\xff"
    digest = hashlib.sha256(body).hexdigest()
    decoded = read(body, content_type)
    assert decoded.payload == {
        "filename": filename, "content_type": kept_as, "size": 6, "file": digest,
    }  # fmt: skip
    assert decoded.files == {digest: body}


def test_json_that_looks_like_a_file_brings_no_file() -> None:
    """Content-type confusion (CVE-2026-21858): only bytes that came along are files."""
    forged = b'{"filename":"a","content_type":"b","size":1,"file":"/etc/passwd","files":[]}'
    assert read(forged, "application/json").files == {}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_get_without_a_body_has_the_query_as_its_payload(method: str) -> None:
    decoded = read(b"", "", method=method, query="a=1&b=%C3%A9&a=2&empty=")
    assert decoded.payload == {"a": ["1", "2"], "b": "é", "empty": ""}


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "text/xml", FORM])
def test_an_empty_body_is_null(content_type: str) -> None:
    assert read(b"", content_type, query="a=1").payload is None


def test_a_query_without_values_is_an_object_of_empty_texts() -> None:
    assert query_object("a&b=") == {"a": "", "b": ""}
    assert query_object("") == {}


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        pytest.param("gzip", gzip.compress(b'{"a":1}'), id="gzip"),
        pytest.param("X-GZIP", gzip.compress(b'{"a":1}'), id="x-gzip"),
        pytest.param("gzip", gzip.compress(b'{"a"') + gzip.compress(b":1}"), id="two-gzip-members"),
        pytest.param("deflate", zlib.compress(b'{"a":1}'), id="deflate"),
        pytest.param("deflate", zlib.compress(b'{"a":1}')[2:-4], id="raw-deflate"),
        pytest.param("BR", brotli.compress(b'{"a":1}'), id="br"),
        pytest.param("br, gzip", gzip.compress(brotli.compress(b'{"a":1}')), id="br-in-gzip"),
        pytest.param("deflate, gzip", gzip.compress(zlib.compress(b'{"a":1}')), id="both"),
        pytest.param("identity", b'{"a":1}', id="identity"),
    ],
)
def test_a_packed_body_is_unpacked_first(encoding: str, packed: bytes) -> None:
    assert read(packed, "application/json", content_encoding=encoding).payload == {"a": 1}


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        pytest.param("application/json", b'{"a":\n x}', "line 2, column 2: .* found 'x'", id="json"),
        pytest.param("application/json", b'{"a":', "line 1, column 6: .* found the end", id="cut-off"),
        pytest.param("application/json", b"NaN", "found 'N'", id="nan"),
        pytest.param("application/json", b"[Infinity]", "found 'I'", id="infinity"),
        pytest.param("application/json", b"1e999", "infinity", id="infinite-as-a-double"),
        pytest.param("application/json", b'"\xff"', "byte|UTF-8", id="json-that-is-not-utf-8"),
        pytest.param("application/json", b'["\xed\xa0\x80", 1234567890123456789012]', "byte 2 is 0xed",
                     id="a-surrogate-in-bytes"),
        pytest.param("application/json", b"9" * 5000, "too many digits", id="5000-digits"),
        pytest.param("application/json", b"[" * 10_000, "depth", id="10000-brackets"),
        pytest.param("application/json", b"[" * 201 + b"1" + b"]" * 201, "deeper than 200", id="201-deep"),
        pytest.param("application/x-ndjson", b"1\n2\n{", "line 3 is not JSON", id="ndjson"),
        pytest.param("text/xml", b"<a>\n<b></a>", "line 2, column 6: mismatched tag", id="xml"),
        pytest.param("text/xml", b"<a>" * 201, "deeper than 200", id="xml-too-deep"),
        pytest.param("text/xml", b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "DOCTYPE", id="dtd"),
        pytest.param("text/xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE", id="entity"),
        pytest.param("text/xml", b"<a>&b;</a>", "undefined entity", id="undeclared-entity"),
        pytest.param("text/csv", b"a,b\n1,2,3", "line 2: 3 cells", id="csv-long-row"),
        pytest.param("text/plain; charset=utf-8", b"caf\xe9", "byte 3 is 0xe9", id="text"),
        pytest.param("multipart/form-data", b"x", "no boundary", id="multipart-without-a-boundary"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_what_it_says_is_refused_with_the_place(
    content_type: str, body: bytes, says: str
) -> None:
    with pytest.raises(BodyUnreadable, match=says) as raised:
        read(body, content_type)
    assert raised.value.status == 400


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        pytest.param(b"plain", "not gzip, from byte 0", id="not-packed"),
        pytest.param(gzip.compress(b"text")[:-3], "ends early", id="cut-off"),
        pytest.param(gzip.compress(b"") * 101, "more than 100 members", id="members"),
        pytest.param(gzip.compress(b"a") + b"rest", "not gzip, from byte 21", id="something-after"),
    ],
)
def test_a_packed_body_that_is_broken_is_refused(packed: bytes, says: str) -> None:
    with pytest.raises(BodyUnreadable, match=says):
        read(packed, "text/plain", content_encoding="gzip")


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        pytest.param(b"plain", "not br|ends early", id="not-packed"),
        pytest.param(brotli.compress(b"text")[:-1], "ends early, after 7 bytes", id="cut-off"),
        pytest.param(brotli.compress(bytes(1 << 20))[:-1], "ends early", id="cut-off-after-much"),
        pytest.param(b"", "ends early", id="empty"),
        pytest.param(brotli.compress(b"a") * 2, "something after", id="two-of-them"),
        pytest.param(brotli.compress(b"a") + b"rest", "something after", id="something-after"),
        pytest.param(brotli.compress(bytes(1 << 20)) + b"\0", "something after", id="one-byte-after-much"),
    ],
)
def test_a_brotli_body_that_is_broken_is_refused(packed: bytes, says: str) -> None:
    with pytest.raises(BodyUnreadable, match=says):
        read(packed, "text/plain", content_encoding="br")


def test_a_brotli_body_of_exactly_the_bound_is_read() -> None:
    bounds = Bounds(max_body_bytes=1 << 20)
    text = "x" * (1 << 20)
    packed = brotli.compress(text.encode())
    assert read(packed, "text/plain", content_encoding="br", bounds=bounds).payload == text
    with pytest.raises(BodyTooLarge):
        read(brotli.compress(text.encode() + b"x"), "text/plain", content_encoding="br", bounds=bounds)


def test_of_a_brotli_bomb_no_more_is_unpacked_than_may_be() -> None:
    bomb = brotli.compress(bytes(100 << 20), quality=5)
    assert len(bomb) < 10_000
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        read(bomb, "text/plain", content_encoding="br")
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 << 20  # the bound is 1 MiB


def test_what_a_bomb_unpacks_to_is_bounded_at_every_stage() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    packed = brotli.compress(bytes(20 << 20), quality=5)
    for encoding, body in (
        ("gzip", bomb),
        ("gzip, gzip", gzip.compress(bomb)),
        ("br", packed),
        ("br, br", brotli.compress(packed)),
    ):
        with pytest.raises(BodyTooLarge, match="1,048,576") as raised:
            read(body, "application/json", content_encoding=encoding)
        assert raised.value.status == 413


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        pytest.param("text/plain", "zstd", id="zstd"),
        pytest.param("text/plain", "gzip, gzip, gzip", id="three-times"),
        pytest.param("text/plain; charset=utf-7", "", id="utf-7"),
        pytest.param("text/plain; charset=unicode_escape", "", id="a-codec-of-python"),
        pytest.param("application/json; charset=rot13", "", id="json-in-rot13"),
        pytest.param(FORM + "; charset=zlib", "", id="a-form-in-zlib"),
        pytest.param("text/" + "x" * 2000, "", id="a-long-type"),
    ],
)
def test_encodings_and_charsets_that_are_not_read_get_415(content_type: str, encoding: str) -> None:
    with pytest.raises(MediaUnsupported) as raised:
        read(b"x", content_type, content_encoding=encoding)
    assert raised.value.status == 415


@pytest.mark.parametrize(
    ("content_type", "limit"),
    [
        pytest.param("application/json", 10, id="json"),
        pytest.param("text/plain", 10, id="text"),
        pytest.param("application/pdf", 100, id="file"),
        pytest.param("", 100, id="untyped"),
        pytest.param("multipart/form-data; boundary=x", 110, id="upload"),
    ],
)
def test_the_bound_on_a_body_follows_from_its_type(content_type: str, limit: int) -> None:
    bounds = Bounds(max_body_bytes=10, max_file_bytes=100)
    assert body_limit(content_type, bounds) == limit
    with pytest.raises(BodyTooLarge):
        read(b"x" * (limit + 1), content_type, bounds=bounds)


def test_a_table_whose_filled_up_rows_would_burst_is_refused() -> None:
    wide = b",".join(b"%d" % number for number in range(2_000))
    with pytest.raises(BodyTooLarge, match="cells"):
        read(wide + b"\nx" * 501, "text/csv")


def test_half_a_surrogate_pair_is_replaced_and_noted() -> None:
    """Senders that cut a text in the middle of an emoji are not refused for it."""
    for number in (b"1", b"1234567890123456789012"):  # both of our parsers
        decoded = read(b'["a\\ud83d", "\\ude00\\ud83d\\ude00", ' + number + b"]", "application/json")
        assert decoded.payload[:2] == ["a\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}😀"]
        assert decoded.notes == ("the body has 2 halves of surrogate pairs alone: read as U+FFFD",)


@pytest.mark.parametrize(
    ("content_type", "body", "note"),
    [
        pytest.param("application/json", b'{"a":1,"b":2,"a":3}', 'the key "a" stands', id="at-the-top"),
        pytest.param("application/json", b'[{"x": {"\\u0061":1, "a":1}}]', 'the key "a" stands', id="deep"),
        pytest.param(
            "application/json",
            b'{"a":1,"a":2,"b":1,"b":1,"c":1,"c":1,"d":1,"d":1,"e":0,"e":12345678901234567890}',
            'the keys "a", "b", "c" and 2 more stand',
            id="many",
        ),
        pytest.param("application/x-ndjson", b'{"a":1}\n{"a":1,"a":2}', 'the key "a" stands', id="lines"),
        pytest.param("", b'{"a":1,"a":2}', 'the key "a" stands', id="untyped"),
        pytest.param("application/json; charset=utf-16", '{"é":1,"é":2}'.encode("utf-16"), "é", id="utf-16"),
        pytest.param("application/json", b'{"a":{"a":[{"a":1},{"a":1}]}}', None, id="in-different-objects"),
        pytest.param("application/json", rb'{"a":"\"a\":1,\"a\":2"}', None, id="in-a-text"),
    ],
)
def test_repeated_keys_are_noted_when_one_looks(content_type: str, body: bytes, note: str | None) -> None:
    quick, thorough = read(body, content_type), read(body, content_type, is_thorough=True)
    assert quick.payload == thorough.payload
    assert quick.notes == ()
    assert [note in one for one in thorough.notes] == [True] if note else not thorough.notes


def test_a_note_is_said_once_and_is_no_copy_of_the_payload() -> None:
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\n\xe9\r\n' % n for n in range(50)
    )
    assert len(read(parts + b"--b--", "multipart/form-data; boundary=b").notes) == 1
    long = b"k" * 5000
    (note,) = read(b'{"%b":1,"%b":2}' % (long, long), "application/json", is_thorough=True).notes
    assert len(note) < 200


def test_text_of_no_known_charset_is_guessed_and_noted() -> None:
    decoded = read(b"caf\xe9 \x93x\x94", "text/plain")
    assert decoded.payload == "café “x”"
    assert "windows-1252" in decoded.notes[0]


def test_untyped_bytes_past_max_body_are_a_file_even_if_they_are_text() -> None:
    bounds = Bounds(max_body_bytes=10)
    assert read(b"[" + b"1" * 20, "", bounds=bounds).payload["size"] == 21


@pytest.mark.parametrize("depth", [1, 199, 200, 201, 500])
@pytest.mark.parametrize("text", ["", "[", "}{", '\\"]'])
def test_a_body_is_read_to_its_depth_whatever_brackets_stand_in_its_texts(depth: int, text: str) -> None:
    body = b"[" * (depth - 1) + b'{"a": "' + text.encode() + b'"}' + b"]" * (depth - 1)
    if depth <= 200:
        assert decode(body, content_type="application/json", bounds=Bounds()).payload
    else:
        with pytest.raises(BodyUnreadable, match="deeper than 200"):
            decode(body, content_type="application/json", bounds=Bounds())
