"""`hmac`, `token` and `basic` of a sender that has no row: what can be said, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest

from runner.inbound.providers import provider_of
from runner.inbound.providers.provider import Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Passed, Refused
from runner.language.verification import Verification
from runner.values import Json
from tests.inbound.senders import NOW, judged_by, signed, trusting

SECRET = "s3cret"
TRUST = Trust((SECRET,))
BODY = b'{"a": 1}'


def digest(message: bytes, algorithm: str = "sha256", key: bytes = SECRET.encode()) -> bytes:
    return hmac.new(key, message, algorithm).digest()


def sent(headers: dict[str, str], *, url: str = "https://h.example/x", body: bytes = BODY) -> Request:
    return Request("POST", url, headers, body)


CASES: list[tuple[dict[str, Json], Request]] = [
    ({"header": "x-sig"}, sent({"x-sig": digest(BODY).hex()})),
    (
        {"header": "x-sig", "prefix": "sha512=", "algorithm": "sha512"},
        sent({"x-sig": "sha512=" + digest(BODY, "sha512").hex()}),
    ),
    (
        {"header": "X-Sig", "encoding": "base64", "algorithm": "sha1"},
        sent({"x-sig": base64.b64encode(digest(BODY, "sha1")).decode()}),
    ),
    ({"header": "x-sig", "encoding": "hex"}, sent({"x-sig": digest(BODY).hex().upper()})),
    ({"query": "sig", "signed": "{{ body }}"}, sent({}, url=f"https://h.example/x?sig={digest(BODY).hex()}")),
    (
        {"header": "x-sig", "signed": "{{ url }}|{{body}}"},
        sent({"x-sig": digest(b"https://h.example/x|" + BODY).hex()}),
    ),
    (
        {
            "header": "x-sig",
            "signed": "{{ timestamp }}.{{ body }}",
            "timestamp": {"header": "x-time", "format": "unix_ms"},
        },
        sent({"x-sig": digest(b"1768471200000." + BODY).hex(), "x-time": "1768471200000"}),
    ),
    (
        {
            "header": "x-sig",
            "signed": "{{ timestamp }}.{{ body }}",
            "timestamp_header": "x-time",
            "timestamp_format": "rfc3339",
        },
        sent({"x-sig": digest(b"2026-01-15T10:00:00Z." + BODY).hex(), "x-time": "2026-01-15T10:00:00Z"}),
    ),
    (
        {
            "header": "x-sig",
            "prefix": "v1=",
            "separator": ",",
            "signed": "{{ timestamp }}.{{ body }}",
            "timestamp": {"header": "x-sig", "prefix": "t=", "format": "unix"},
        },
        sent({"x-sig": f"t=1768471200,v0=x,v1={digest(b'1768471200.' + BODY).hex()}"}),
    ),
    (
        {
            "header": "webhook-signature",
            "prefix": "v1,",
            "separator": " ",
            "encoding": "base64",
            "secret_encoding": "base64",
            "signed": "{{ id }}.{{ timestamp }}.{{ body }}",
            "timestamp": {"header": "webhook-timestamp"},
            "id": {"header": "webhook-id"},
        },
        signed("standard-webhooks"),
    ),
    (
        {"header": "x-sig", "key_encoding": "hex"},
        sent({"x-sig": digest(BODY, key=bytes.fromhex("00ff")).hex()}),
    ),
]
TRUSTS = {9: trusting("standard-webhooks"), 10: Trust(("00ff",))}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_an_hmac_wherever_it_stands(number: int) -> None:
    options, request = CASES[number]
    provider = provider_of(Verification("hmac", ("S",), options))
    trust = TRUSTS.get(number, TRUST)
    assert isinstance(judged_by(provider, request, trust), Passed)
    assert isinstance(judged_by(provider, replace(request, body=request.body + b" "), trust), Refused)
    assert isinstance(judged_by(provider, request, Trust(("other",))), Refused)
    assert isinstance(judged_by(provider, request, Trust()), Refused)
    again = provider.schemes[0].sign(sent({}), trust, now=NOW)
    assert isinstance(judged_by(provider, again, trust), Passed)
    if "timestamp" in str(options.get("signed")):
        stale = judged_by(provider, request, trust, now=NOW + 301)
        assert isinstance(stale, Refused)
        assert stale.code == "stale"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, "`header`, `query` and `field`"),
        ({"header": "x", "query": "y"}, "one of"),
        ({"header": "x", "algorithm": "md5"}, "md5"),
        ({"header": "x", "encoding": "rot13"}, "rot13"),
        ({"header": "x", "secret_encoding": "rot13"}, "secret_encoding"),
        ({"header": "x", "signed": "{{ payload }}"}, "payload"),
        ({"header": "x", "signed": "{{ body.__class__ }}"}, "__class__"),
        ({"header": "x", "signed": "{% if x %}{{ body }}"}, "{%"),
        ({"header": "x", "signed": "{{ id }}{{ body }}"}, "`id`"),
        ({"header": "x", "timestamp": {"header": "t"}}, "timestamp"),
        ({"header": "x", "separator": ","}, "prefix"),
        ({"header": "x", "algoritm": "sha1"}, 'did you mean "algorithm"?'),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options: dict[str, Json], names: str) -> None:
    with pytest.raises(ValueError) as caught:
        provider_of(Verification("hmac", ("S",), options))
    assert names in str(caught.value)


def test_a_payload_in_the_body_is_no_template() -> None:
    provider = provider_of(Verification("hmac", ("S",), {"header": "x-sig", "signed": "{{ body }}{{ url }}"}))
    body = b"{{ url }}"
    request = sent({"x-sig": digest(body + b"https://h.example/x").hex()}, body=body)
    assert isinstance(judged_by(provider, request, TRUST), Passed)


@pytest.mark.parametrize(
    ("options", "request_", "passes"),
    [
        ({"header": "x-token"}, sent({"x-token": SECRET}), True),
        ({"header": "x-token"}, sent({"x-token": f" {SECRET} "}), True),
        ({"header": "x-token"}, sent({"x-token": SECRET[:-1]}), False),
        ({"header": "x-token"}, sent({"x-token": ""}), False),
        ({"header": "x-token"}, sent({}), False),
        ({"header": "x-token"}, sent({"x-token": f"{SECRET}, {SECRET}"}), False),
        ({"header": "authorization"}, sent({"authorization": f"Bearer {SECRET}"}), True),
        ({"header": "authorization"}, sent({"authorization": f"bearer {SECRET}"}), True),
        ({"header": "authorization"}, sent({"authorization": "Bearer "}), False),
        ({"header": "authorization"}, sent({"authorization": SECRET}), False),
        ({"header": "authorization", "prefix": ""}, sent({"authorization": SECRET}), True),
        ({"query": "key"}, sent({}, url=f"https://h.example/x?key={SECRET}"), True),
        ({"query": "key"}, sent({}, url="https://h.example/x?key="), False),
    ],
)
def test_a_token(options: dict[str, Json], request_: Request, passes: bool) -> None:
    provider = provider_of(Verification("token", ("S",), options))
    assert isinstance(judged_by(provider, request_, TRUST), Passed) is passes
    assert isinstance(judged_by(provider, provider.schemes[0].sign(sent({}), TRUST, now=NOW), TRUST), Passed)
    assert isinstance(judged_by(provider, request_, Trust(("",))), Refused)


@pytest.mark.parametrize(
    ("pair", "passes"),
    [
        (b"anna:s3cret", True),
        (b"bob:s3cret", False),
        (b"anna:other", False),
        (b"anna:", False),
        (b"anna", False),
        (b"", False),
        (b"\xff:\xff", False),
    ],
)
def test_basic(pair: bytes, passes: bool) -> None:
    provider = provider_of(Verification("basic", ("S",), {"user": "anna"}))
    credentials = base64.b64encode(pair).decode()
    for scheme in ("Basic", "basic"):
        request = sent({"authorization": f"{scheme} {credentials}"})
        assert isinstance(judged_by(provider, request, TRUST), Passed) is passes
    for wrong in (f"Bearer {credentials}", "Basic", "Basic %%%", "Basic ü"):
        assert isinstance(judged_by(provider, sent({"authorization": wrong}), TRUST), Refused)


def test_a_password_may_hold_colons_and_umlauts() -> None:
    provider = provider_of(Verification("basic", ("S",), {"user": "anna"}))
    trust = Trust(("pä:ss:wort",))
    assert isinstance(judged_by(provider, provider.schemes[0].sign(sent({}), trust, now=NOW), trust), Passed)


def test_names_that_are_not_known_are_refused_with_the_nearest() -> None:
    for verification, words in (
        (Verification("git-hub"), 'did you mean "github"?'),
        (Verification("meta-whatsapp", (), {"verify_tokn": "X"}), 'did you mean "verify_token"?'),
        (Verification("github", (), {"public_key": "X"}), "it has none but `secret`"),
        (Verification("basic", (), {}), "`user`"),
        (Verification("token", (), {"heder": "x"}), 'did you mean "header"?'),
    ):
        with pytest.raises(ValueError) as caught:
            provider_of(verification)
        assert words in str(caught.value)
    assert provider_of(Verification("jwt", (), {"jwks": "https://issuer.example/keys"})).name == "jwt"


def test_the_digest_of_the_wrong_thing_does_not_pass() -> None:
    provider = provider_of(Verification("hmac", ("S",), {"header": "x-sig"}))
    plain = sent({"x-sig": hashlib.sha256(SECRET.encode() + BODY).hexdigest()})
    empty_key = sent({"x-sig": digest(BODY, key=b"").hex()})
    for request in (plain, empty_key):
        assert isinstance(judged_by(provider, request, TRUST), Refused)
        assert isinstance(judged_by(provider, request, Trust(("",))), Refused)
