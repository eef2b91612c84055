"""What a browser on a page of another origin is told."""

from __future__ import annotations

import pytest

from runner.inbound.cors import cors_headers, preflight

SHOP = "https://shop.example.com"
ASKING = {
    "origin": SHOP,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-thing",
}


def test_a_preflight_of_a_listed_origin_is_answered_with_what_it_may_send() -> None:
    assert preflight("OPTIONS", ASKING, (SHOP,), ("POST", "PUT")) == {
        "vary": "origin",
        "access-control-allow-origin": SHOP,
        "access-control-expose-headers": "retry-after",
        "access-control-allow-methods": "POST, PUT",
        "access-control-allow-headers": "content-type, x-thing",
        "access-control-max-age": "600",
    }


def test_a_preflight_of_another_origin_allows_nothing() -> None:
    asking = {**ASKING, "origin": "https://evil.example"}
    assert preflight("OPTIONS", asking, (SHOP,), ("POST",)) == {"vary": "origin"}


@pytest.mark.parametrize(
    ("method", "headers", "origins"),
    [
        ("POST", ASKING, (SHOP,)),
        ("OPTIONS", {"origin": SHOP}, (SHOP,)),
        ("OPTIONS", {"access-control-request-method": "POST"}, (SHOP,)),
        ("OPTIONS", {"webhook-request-origin": "events.example.com"}, ("*",)),
        ("OPTIONS", ASKING, ()),
    ],
)
def test_what_is_no_preflight_or_not_configured_is_not_answered(
    method: str, headers: dict[str, str], origins: tuple[str, ...]
) -> None:
    assert preflight(method, headers, origins, ("POST",)) is None


@pytest.mark.parametrize(
    "names",
    ["a b", "x\r\nset-cookie: a", "ä", ", ".join(f"x{number}" for number in range(51)), "x" * 1001, ""],
)
def test_header_names_that_are_none_or_too_many_are_not_echoed(names: str) -> None:
    asking = {**ASKING, "access-control-request-headers": names}
    answer = preflight("OPTIONS", asking, ("*",), ("POST",))
    assert answer is not None
    assert "access-control-allow-headers" not in answer


@pytest.mark.parametrize(
    "origin",
    [
        "", "null", "http://shop.example.com", SHOP + ".evil.example", SHOP + ":8443", "https://example.com",
        "https://evil.example/" + SHOP, SHOP + "/",
    ],
)  # fmt: skip
def test_an_origin_that_is_like_a_listed_one_is_another(origin: str) -> None:
    assert cors_headers(origin, (SHOP,)) == {"vary": "origin"}


def test_every_answer_says_which_origin_may_read_it_and_never_with_cookies() -> None:
    answer = cors_headers(SHOP, ("https://other.example", SHOP))
    assert answer["access-control-allow-origin"] == SHOP
    assert answer["vary"] == "origin"
    assert cors_headers(SHOP, ("*",))["access-control-allow-origin"] == "*"
    assert cors_headers(SHOP, ()) == {}
    for one in (answer, cors_headers(SHOP, ("*",))):
        assert "access-control-allow-credentials" not in one
