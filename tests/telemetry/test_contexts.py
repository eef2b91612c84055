"""What of a sender's trace is gone on from: W3C Trace Context, level 1."""

from __future__ import annotations

import pytest

from runner.engine.tracing import Context, read_context

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f" 00-{TRACE}-{SPAN}-03 ", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),  # a later version is read as far as it is known
    ],
)
def test_a_place_is_read(text: str, is_sampled: bool) -> None:
    assert read_context({"traceparent": text}) == Context(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
    ],
)
def test_what_is_none_begins_a_new_trace(text: str) -> None:
    assert read_context({"traceparent": text}) is None


@pytest.mark.parametrize(
    ("state", "kept"), [("a=1,b=2", "a=1,b=2"), ("a=" + "x" * 600, ""), ("ä=1", ""), ("a=1\x00", "")]
)
def test_a_state_goes_along_if_it_is_fit_to(state: str, kept: str) -> None:
    found = read_context({"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": state})
    assert found
    assert found.state == kept
    headers = found.headers()
    assert headers["traceparent"] == f"00-{TRACE}-{SPAN}-01"
    assert headers.get("tracestate", "") == kept
