"""A refused request is explained by the mistake that was made."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from runner.inbound.diagnosis import MAX_BYTES, diagnose
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Trust
from runner.inbound.request import Request
from tests.inbound.senders import JSON, NOW, secrets, signed, trusting, unsigned, with_header


def explained(name: str, request: Request, trust: Trust | None = None, *, now: float = NOW) -> str:
    return diagnose(request, PROVIDERS[name], trust or trusting(name), now)


def signed_over(body: bytes, name: str = "github") -> Request:
    return PROVIDERS[name].schemes[0].sign(replace(unsigned(name), body=body), trusting(name), now=NOW)


def test_what_passes_needs_no_explanation() -> None:
    assert explained("github", signed("github")) == ""


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda secret: secret + "\n", "white space"),
        (lambda secret: f'"{secret}"', "quotation marks"),
        (lambda secret: f"GITHUB_SECRET={secret}", "NAME=value"),
        (lambda secret: f"Bearer {secret}", "Bearer"),
        (lambda secret: base64.b64encode(secret.encode()).decode(), "base64"),
    ],
)
def test_a_secret_that_was_pasted_wrongly(mistake: object, words: str) -> None:
    assert callable(mistake)
    secret = secrets("github")[0]
    found = explained("github", signed("github"), Trust((mistake(secret),)))
    assert found.startswith("the secret here")
    assert words in found
    assert secret not in found


def test_a_prefix_that_was_left_out() -> None:
    whole = Trust(("whsec_abcdef",))
    request = PROVIDERS["stripe"].schemes[0].sign(unsigned("stripe"), whole, now=NOW)
    assert "lacks its beginning" in explained("stripe", request, Trust(("abcdef",)))


@pytest.mark.parametrize(
    ("original", "arrived", "words"),
    [
        (JSON, JSON + b"\n", "newline"),
        (JSON + b"\n", JSON, "newline at its end is gone"),
        (b'{"a":\n1}', b'{"a":\r\n1}', "CRLF"),
        (b'{"a":\r\n1}', b'{"a":\n1}', "LF"),
        (b'{"a":1,"b":"\xc3\xa9"}', b'{"a": 1, "b": "\\u00e9"}', "parsed and written anew"),
        (b'{"a": 1, "b": 2}', b'{"a":1,"b":2}', "spaces"),
        (json.dumps({"a": [1]}, indent=2).encode(), b'{"a":[1]}', "indented"),
        (b'{"u":"http:\\/\\/x"}', b'{"u":"http://x"}', "\\/"),
    ],
)
def test_a_body_that_was_changed_on_its_way(original: bytes, arrived: bytes, words: str) -> None:
    found = explained("github", replace(signed_over(original), body=arrived))
    assert "the body was changed on its way" in found
    assert words in found


def test_an_address_that_the_sender_knows_otherwise() -> None:
    request = signed("square")
    arrived = replace(request, url=request.url.replace("https://", "http://"))
    assert "https://" in explained("square", arrived)
    assert "public_url" in explained("square", arrived)


def test_a_clock_in_another_time_zone() -> None:
    assert "2 h behind" in explained("slack", signed("slack", now=NOW - 7200))
    assert "tolerance" in explained("slack", signed("slack", now=NOW - 5000))


def test_a_request_of_somebody_else() -> None:
    assert "Stripe" in explained("github", signed("stripe"))
    old = with_header(unsigned("github"), "x-hub-signature", "sha1=" + "0" * 40)
    assert "SHA-1" in explained("github", old)


def test_the_test_that_zendesk_signs_with_a_public_secret() -> None:
    public = Trust(("dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",))
    request = PROVIDERS["zendesk"].schemes[0].sign(unsigned("zendesk"), public, now=NOW)
    assert "everybody knows" in explained("zendesk", request)


def test_a_mistake_that_is_not_found_leaves_the_general_hint() -> None:
    wrong = with_header(signed("github"), "x-hub-signature-256", "sha256=" + "0" * 64)
    assert "differ" in explained("github", wrong)


def test_a_large_body_is_not_tried_in_other_forms() -> None:
    big = signed_over(b" " * MAX_BYTES)
    assert "newline" not in explained("github", replace(big, body=big.body + b"\n"))


@pytest.mark.parametrize("body", [b"\xff" * 10, b"[" * 50_000, b'{"a": NaN}', b"", b'"\\ud800"'])
def test_no_body_makes_it_raise(body: bytes) -> None:
    for name in PROVIDERS:
        diagnose(replace(unsigned("github"), body=body), PROVIDERS[name], Trust(("x", "\udcff")), NOW)
        wrong = with_header(
            replace(unsigned("github"), body=body), "x-hub-signature-256", "sha256=" + "0" * 64
        )
        explained("github", wrong, Trust(("\ud800", "ü=")))
