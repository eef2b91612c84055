"""JSON Web Tokens: the generic `jwt`, and Google Pub/Sub's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.inbound.jwt import MAX_KEYS, read_keys
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.google_pubsub import KEYS_URL
from runner.inbound.providers.jwt import jwt_provider
from runner.inbound.providers.provider import Identity, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Fetch, Passed, Refused, Verdict
from runner.inbound.verify import verify
from tests.inbound import signers
from tests.inbound.signers import NOW, URL

SECRET = "hunter2-hunter2-hunter2-hunter2!"
ACCOUNT = "pusher@project.iam.gserviceaccount.com"
CLAIMS = {"iss": "https://id.example.com", "exp": NOW + 3600}
JWKS_URL = "https://id.example.com/keys"


@pytest.fixture(scope="module")
def jwks() -> dict[str, Any]:
    """One key of each kind, and some that are of no use here."""
    return {
        "keys": [
            signers.jwk(signers.rsa(), kid="rsa", use="sig"),
            signers.jwk(signers.p256(), kid="ec", alg="ES256"),
            signers.jwk(signers.ed25519(), kid="ed"),
            signers.jwk(signers.rsa("another"), kid="enc", use="enc"),
            {"kty": "oct", "k": signers.base64url(SECRET.encode()), "kid": "oct"},
            {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
            {"kty": "RSA", "n": "AA"},
            5,
        ]
    }


def shown(token: str, header: str = "Authorization", scheme: str = "Bearer ") -> Request:
    return signers.request(b"{}", {header: scheme + token})


def judged(
    token: str | Request,
    options: Mapping[str, Any],
    *,
    secrets: tuple[str, ...] = (),
    fetched: Mapping[str, bytes] | None = None,
    now: float = NOW,
    **more: Any,
) -> Verdict:
    request = token if isinstance(token, Request) else shown(token)
    trust = Trust(secrets, options, **more)
    return verify(request, jwt_provider(options), trust, now=now, fetched=fetched or {})


def code(verdict: Verdict) -> str:
    assert isinstance(verdict, Refused), verdict
    return verdict.code


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_secret_signs(alg: str) -> None:
    token = signers.token(CLAIMS, SECRET.encode(), alg=alg)
    assert isinstance(judged(token, {}, secrets=(SECRET,)), Passed)
    assert isinstance(judged(token, {}, secrets=("other", SECRET)), Passed)
    assert code(judged(token, {}, secrets=("other",))) == "mismatch"
    assert code(judged(token, {}, secrets=())) == "no_secret"
    assert code(judged(token, {}, secrets=("",))) == "no_secret"


def test_every_kind_of_key_of_a_set_signs(jwks: dict[str, Any]) -> None:
    for key, kid in ((signers.rsa(), "rsa"), (signers.p256(), "ec"), (signers.ed25519(), "ed")):
        for header in ({"kid": kid}, {}):
            assert isinstance(judged(signers.token(CLAIMS, key, **header), {"jwks": jwks}), Passed)
    for alg in ("RS384", "RS512"):
        assert isinstance(judged(signers.token(CLAIMS, signers.rsa(), alg=alg), {"jwks": jwks}), Passed)
    assert isinstance(judged(signers.token(CLAIMS, signers.rsa()), {"jwks": json.dumps(jwks)}), Passed)


def test_a_token_of_another_key_is_refused(jwks: dict[str, Any]) -> None:
    for key in (signers.rsa("stranger"), signers.p256("stranger"), signers.ed25519("stranger")):
        assert code(judged(signers.token(CLAIMS, key), {"jwks": jwks})) == "mismatch"
    for kid in ("ec", "oct", "unknown", ""):
        token = signers.token(CLAIMS, signers.rsa(), kid=kid)
        assert code(judged(token, {"jwks": jwks})) == "mismatch"
    assert (
        code(judged(signers.token(CLAIMS, signers.rsa("another"), kid="enc"), {"jwks": jwks})) == "mismatch"
    )


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "hs256", "RS1", "PS256", "ES384", "ES256K", "HS1"]
)
def test_no_other_algorithm_is_one(alg: str, jwks: dict[str, Any]) -> None:
    body = ".".join(signers.base64url(json.dumps(one).encode()) for one in ({"alg": alg}, CLAIMS))
    for token in (f"{body}.", f"{body}.AAAA"):
        for options in ({}, {"jwks": jwks}, {"algorithms": [alg]}):
            assert code(judged(token, options, secrets=(SECRET,))) == "unsupported"


def test_a_public_key_is_never_a_secret(jwks: dict[str, Any]) -> None:
    """The classic confusion: an HS token signed with the text of the public key."""
    for text in (signers.spki(signers.rsa()), json.dumps(jwks), json.dumps(jwks["keys"][0]), SECRET):
        token = signers.token(CLAIMS, text.encode(), kid="rsa")
        assert code(judged(token, {"jwks": jwks})) == "unsupported"
    token = signers.token(CLAIMS, SECRET.encode(), kid="oct")
    assert code(judged(token, {"jwks": jwks}, secrets=("other",))) == "mismatch"
    assert code(judged(signers.token(CLAIMS, signers.rsa()), {}, secrets=(SECRET,))) == "unsupported"


def test_nothing_in_a_token_brings_a_key(jwks: dict[str, Any]) -> None:
    stranger = signers.rsa("stranger")
    for header in (
        {"jwk": signers.jwk(stranger)},
        {"jku": "https://evil.com/keys"},
        {"x5u": "https://evil.com"},
    ):
        assert code(judged(signers.token(CLAIMS, stranger, **header), {"jwks": jwks})) == "mismatch"
    assert code(judged(signers.token(CLAIMS, signers.rsa(), crit=["b64"], b64=False), {"jwks": jwks})) == (
        "malformed"
    )


def test_a_flipped_bit_is_refused(jwks: dict[str, Any]) -> None:
    token = signers.token(CLAIMS, signers.p256(), kid="ec")
    for place in range(0, len(token), 3):
        flipped = token[:place] + chr(ord(token[place]) ^ 1) + token[place + 1 :]
        assert isinstance(judged(flipped, {"jwks": jwks}), Refused)


@pytest.mark.parametrize(
    ("claims", "now", "expected"),
    [
        ({"exp": NOW + 1}, NOW, None),
        ({"exp": NOW}, NOW + 59, None),
        ({"exp": NOW}, NOW + 60, "stale"),
        ({"exp": NOW + 99, "nbf": NOW + 60}, NOW, None),
        ({"exp": NOW + 99, "nbf": NOW + 61}, NOW, "stale"),
        ({}, NOW, "malformed"),
        ({"exp": None}, NOW, "malformed"),
        ({"exp": True}, NOW, "malformed"),
        ({"exp": str(NOW + 99)}, NOW, "malformed"),
        ({"exp": NOW + 99, "nbf": "x"}, NOW, "malformed"),
        ({"exp": 1e308}, NOW, None),
        ({"exp": -1e308}, NOW, "stale"),
        ({"exp": 10**400}, NOW, "malformed"),
    ],
)
def test_its_times_count_with_a_minute_of_leeway(
    claims: dict[str, Any], now: float, expected: str | None
) -> None:
    verdict = judged(signers.token(claims, SECRET.encode()), {}, secrets=(SECRET,), now=now)
    assert isinstance(verdict, Passed) if expected is None else code(verdict) == expected


def test_the_workflow_sets_the_leeway() -> None:
    ended = signers.token({"exp": NOW - 6}, SECRET.encode())
    assert code(judged(ended, {}, secrets=(SECRET,), tolerance_seconds=5)) == "stale"
    endless = signers.token({}, SECRET.encode())
    assert isinstance(judged(endless, {}, secrets=(SECRET,), tolerance_seconds=math.inf), Passed)


@pytest.mark.parametrize(
    ("options", "claims", "is_passed"),
    [
        ({"issuer": "https://id.example.com"}, {}, True),
        ({"issuer": ["https://x", "https://id.example.com"]}, {}, True),
        ({"issuer": "https://id.example.com/"}, {}, False),
        ({"issuer": "https://x"}, {"iss": ["https://x"]}, False),
        ({"audience": "orders"}, {"aud": "orders"}, True),
        ({"audience": ["a", "orders"]}, {"aud": ["b", "orders"]}, True),
        ({"audience": "orders"}, {"aud": "order"}, False),
        ({"audience": "orders"}, {}, False),
        ({"audience": "orders"}, {"aud": {"orders": 1}}, False),
        ({}, {}, True),
        ({}, {"aud": URL}, True),
        ({}, {"aud": "another-service"}, False),
    ],
)
def test_issuer_and_audience(options: dict[str, Any], claims: dict[str, Any], *, is_passed: bool) -> None:
    verdict = judged(signers.token(CLAIMS | claims, SECRET.encode()), options, secrets=(SECRET,))
    assert isinstance(verdict, Passed) if is_passed else code(verdict) == "not_allowed"


def test_the_header_and_the_algorithms_can_be_chosen() -> None:
    token = signers.token(CLAIMS, SECRET.encode())
    for scheme in ("", "Bearer "):
        request = shown(token, "X-Token", scheme)
        assert isinstance(judged(request, {"header": "X-Token"}, secrets=(SECRET,)), Passed)
    assert code(judged(shown(token, "X-Token"), {}, secrets=(SECRET,))) == "missing"
    assert code(judged(shown(token, scheme=""), {}, secrets=(SECRET,))) == "malformed"
    assert code(judged(shown(token, scheme="Basic "), {}, secrets=(SECRET,))) == "malformed"
    assert code(judged(token, {"algorithms": ["HS512"]}, secrets=(SECRET,))) == "unsupported"


def test_what_it_signs_passes() -> None:
    options = {"issuer": "https://id.example.com", "audience": ["orders"], "header": "x-token"}
    provider, trust = jwt_provider(options), Trust((SECRET,), options)
    signed = provider.schemes[0].sign(signers.request(b"{}", {}), trust, now=NOW)
    assert isinstance(verify(signed, provider, trust, now=NOW, fetched={}), Passed)
    with pytest.raises(NotImplementedError, match="only the provider"):
        provider.schemes[0].sign(signed, Trust(options={"jwks": JWKS_URL}), now=NOW)


class TestFetchedKeys:
    def test_they_are_asked_for_and_an_unknown_one_anew(self, jwks: dict[str, Any]) -> None:
        options = {"jwks": JWKS_URL}
        token = signers.token(CLAIMS, signers.rsa(), kid="rsa")
        asked = judged(token, options)
        assert isinstance(asked, Fetch)
        assert (asked.url, asked.otherwise) == (JWKS_URL, None)
        copy = {JWKS_URL: json.dumps(jwks).encode()}
        assert isinstance(judged(token, options, fetched=copy), Passed)

        again = judged(signers.token(CLAIMS, signers.rsa(), kid="new"), options, fetched=copy)
        assert isinstance(again, Fetch)
        assert again.keep_seconds < asked.keep_seconds
        assert again.otherwise is not None
        assert again.otherwise.code == "mismatch"

    @pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"keys": {}}', b'{"keys": null}', b"\xff"])
    def test_what_is_no_set_is_unavailable(self, content: bytes) -> None:
        token = signers.token(CLAIMS, signers.rsa())
        verdict = judged(token, {"jwks": JWKS_URL}, fetched={JWKS_URL: content})
        assert code(verdict) == "unavailable"

    def test_a_flood_of_keys_is_refused(self) -> None:
        many = {"keys": [signers.jwk(signers.ed25519())] * (MAX_KEYS + 1)}
        with pytest.raises(ValueError, match="Key Set"):
            read_keys(many)

    def test_a_short_or_huge_key_of_rsa_is_none(self) -> None:
        huge = signers.base64url(b"\xff" * 4096)
        keys = [signers.jwk(signers.rsa("weak", 1024)), {"kty": "RSA", "n": huge, "e": "AQAB"}]
        assert read_keys({"keys": keys}) == ()
        other = signers.jwk(signers.p256()) | {"x": "AQ", "y": "AQ"}  # no point of the curve
        assert (
            read_keys({"keys": [other, signers.jwk(ec.generate_private_key(ec.SECP256R1()), use="enc")]})
            == ()
        )


VALUES = st.text(max_size=6) | st.integers() | st.floats() | st.none() | st.lists(st.none())


@settings(max_examples=200, deadline=None)
@given(
    token=st.text(max_size=80)
    | st.lists(st.binary(max_size=60).map(signers.base64url), min_size=3, max_size=3).map(".".join)
    | st.tuples(
        st.dictionaries(st.sampled_from(["alg", "kid", "crit"]), VALUES),
        st.dictionaries(st.sampled_from(["exp", "aud", "iss"]), VALUES),
    ).map(lambda parts: ".".join(signers.base64url(json.dumps(one).encode()) for one in (*parts, "x"))),
    scheme=st.sampled_from(["", "Bearer ", "bearer  ", "Basic "]),
)  # fmt: skip
def test_hostile_tokens_never_raise(token: str, scheme: str) -> None:
    options = {"jwks": {"keys": [signers.jwk(signers.ed25519())]}, "service_account": ACCOUNT}
    assert isinstance(judged(shown(token, scheme=scheme), options, secrets=(SECRET,)), Refused)
    trust = Trust(options=options)
    verdict = verify(shown(token, scheme=scheme), PROVIDERS["google-pubsub"], trust, now=NOW, fetched={})
    assert isinstance(verdict, Refused)


GOOGLES = {
    "aud": URL,
    "email": ACCOUNT,
    "email_verified": True,
    "exp": NOW + 3600,
    "iss": "https://accounts.google.com",
}


class TestGooglePubSub:
    def judged(self, claims: Mapping[str, Any], jwks: Any, **options: Any) -> Verdict:
        trust = Trust(options={"service_account": ACCOUNT, "jwks": jwks, **options})
        token = signers.token(claims, signers.rsa(), kid="rsa")
        return verify(shown(token), PROVIDERS["google-pubsub"], trust, now=NOW, fetched={})

    def test_its_service_account_passes(self, jwks: dict[str, Any]) -> None:
        assert isinstance(self.judged(GOOGLES, jwks), Passed)
        assert isinstance(self.judged(GOOGLES | {"aud": "x"}, jwks, audience="x"), Passed)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"aud": "https://hooks.example.com/other"}, "not_allowed"),
            ({"aud": None}, "not_allowed"),
            ({"email": "other@project.iam.gserviceaccount.com"}, "not_allowed"),
            ({"email": [ACCOUNT]}, "not_allowed"),
            ({"email_verified": False}, "not_allowed"),
            ({"email_verified": "true"}, "not_allowed"),
            ({"iss": "https://accounts.google.com.evil.com"}, "not_allowed"),
            ({"iss": None}, "not_allowed"),
            ({"exp": NOW - 61}, "stale"),
            ({"exp": None}, "malformed"),
        ],
    )
    def test_anything_else_is_refused(
        self, change: dict[str, Any], expected: str, jwks: dict[str, Any]
    ) -> None:
        assert code(self.judged(GOOGLES | change, jwks)) == expected

    def test_without_an_account_everything_is_refused(self, jwks: dict[str, Any]) -> None:
        """Whoever has a project at Google gets tokens for our address."""
        accounts: list[Any] = [None, "", []]
        for account in accounts:
            assert code(self.judged(GOOGLES, jwks, service_account=account)) == "no_secret"

    def test_other_algorithms_are_refused(self, jwks: dict[str, Any]) -> None:
        trust = Trust(options={"service_account": ACCOUNT, "jwks": jwks})
        for key in (signers.p256(), signers.ed25519(), SECRET.encode()):
            request = shown(signers.token(GOOGLES, key))
            assert code(verify(request, PROVIDERS["google-pubsub"], trust, now=NOW, fetched={})) == (
                "unsupported"
            )

    def test_googles_own_keys_are_fetched(self) -> None:
        verdict = self.judged(GOOGLES, None)
        assert isinstance(verdict, Fetch)
        assert verdict.url == KEYS_URL == "https://www.googleapis.com/oauth2/v3/certs"

    def test_what_a_message_is(self) -> None:
        identify = PROVIDERS["google-pubsub"].identify
        request = signers.request(b"", {"X-Goog-Pubsub-Message-Id": "7"})
        message = {"messageId": "2070443601311540", "attributes": {"eventType": "OBJECT_FINALIZE"}}
        assert identify(request, {"message": message}) == Identity("OBJECT_FINALIZE", (), "2070443601311540")
        assert identify(request, {"message": {"message_id": "1"}}) == Identity(None, (), "1")
        assert identify(request, {"a": 1}) == Identity(None, (), "7")
