"""Multipart forms: texts, uploads, and their bounds."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from runner.errors import BodyTooLarge, BodyUnreadable
from runner.inbound.decode import Bounds, Decoded, decode


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    """Write a form; each part is its header lines and its content."""
    return (
        b"".join(b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
        + end
    )


def field(name: str, more: str = "") -> str:
    """Write the header of a part."""
    return f'Content-Disposition: form-data; name="{name}"{more}'


def read(body: bytes, **bounds: Any) -> Decoded:
    """Decode a form."""
    return decode(body, content_type="multipart/form-data; boundary=b", bounds=Bounds(**bounds))


def test_fields_are_texts_uploads_are_files_and_repeated_names_are_lists() -> None:
    upload = field("doc", '; filename="a.txt"') + "\r\nContent-Type: text/plain"
    body = form(
        (field("a"), b"1"), (upload, b"hello\r\n"), (field("a"), "é".encode()), (upload, b"two"),
    )  # fmt: skip
    first, second = hashlib.sha256(b"hello\r\n").hexdigest(), hashlib.sha256(b"two").hexdigest()
    decoded = read(body)
    assert decoded.payload["a"] == ["1", "é"]
    assert decoded.payload["doc"] == [
        {"filename": "a.txt", "content_type": "text/plain", "size": 7, "file": first},
        {"filename": "a.txt", "content_type": "text/plain", "size": 3, "file": second},
    ]
    assert decoded.files == {first: b"hello\r\n", second: b"two"}


def test_a_part_of_json_without_a_file_name_stays_text() -> None:
    body = form((field("event") + "\r\nContent-Type: application/json", b'{"a":1}'))
    assert read(body).payload == {"event": '{"a":1}'}


def test_an_upload_field_that_was_left_empty_is_null() -> None:
    assert read(form((field("doc", '; filename=""'), b""))).payload == {"doc": None}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("../../etc/passwd", "passwd", id="dot-dot"),
        pytest.param(r"C:\\Users\\a\\b.pdf", "b.pdf", id="windows"),
        pytest.param("a\tb.pdf", "ab.pdf", id="control-character"),
        pytest.param("..", "file", id="dots"),
        pytest.param("παραγγελία.pdf", "παραγγελία.pdf", id="greek"),
        pytest.param("x" * 300 + ".pdf", "x" * 196 + ".pdf", id="long"),
    ],
)
def test_a_file_name_is_no_path(sent: str, kept: str) -> None:
    body = form((field("doc", f'; filename="{sent}"'), b"x"))
    assert read(body).payload["doc"]["filename"] == kept


@pytest.mark.parametrize("size", [0, 1, (16 << 10) - 60, 16 << 10, (16 << 10) + 1, 100_000], ids=str)
def test_a_file_comes_out_byte_for_byte_wherever_the_decoder_cuts_it(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = (b"\r\n--" + content)[:size]  # looks like a boundary that is none
    decoded = read(form((field("doc", '; filename="a"'), content), (field("after"), b"1")))
    assert decoded.files[decoded.payload["doc"]["file"]] == content
    assert decoded.payload["after"] == "1"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(form((field("a"), b"1"), end=b""), "part 1", id="cut-off"),
        pytest.param(form((field("a"), b"1"), ("X: y", b"")), "part 2: .*Disposition", id="no-header"),
        pytest.param(form(("Content-Disposition: form-data", b"")), "no name", id="no-name"),
        pytest.param(b"nothing", "part 1", id="no-parts"),
    ],
)
def test_a_malformed_form_is_refused_with_the_part(body: bytes, says: str) -> None:
    with pytest.raises(BodyUnreadable, match=says):
        read(body)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(form(*[(field("a"), b"")] * 10_000), "1,000 parts", id="10000-parts"),
        pytest.param(form((field("x" * 40_000), b"")), "header of a part", id="header"),
        pytest.param(
            form((field("a"), b"x" * 600), (field("b"), b"x" * 600)), "without its files", id="texts"
        ),
        pytest.param(form(*[(field("x" * 9_000), b"")] * 120), "without its files", id="headers"),
        pytest.param(b"\r\n" * 20_000 + form(), "header of a part", id="preamble"),
        pytest.param(form((field("a", '; filename="f"'), b"x" * 2001)), '"a"', id="file"),
    ],
)
def test_a_form_past_a_bound_is_refused(body: bytes, says: str) -> None:
    bounds = {"max_body_bytes": 1000, "max_file_bytes": 2000}
    if len(body) > 3000:
        bounds = {}
    with pytest.raises(BodyTooLarge, match=says):
        read(body, **bounds)
