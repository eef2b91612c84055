"""Signatures that only the provider can make: what passes, and what does not."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.inbound.asymmetric import EitherKey, StandardWebhooksV1a, ed25519_key, p256_key
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Identity, Provider, Trust
from runner.inbound.request import Request
from runner.inbound.signature import AnyOf
from runner.inbound.verdict import Passed, Refused, Reply, Verdict
from runner.inbound.verify import shake_hands, verify
from tests.inbound import signers
from tests.inbound.signers import NOW

VECTORS = Path(__file__).parents[3] / "shared" / "fixtures" / "signature-vectors.json"
OURS = ("discord", "sendgrid", "paypal", "aws-sns", "google-pubsub")
V1A = Provider("v1a", "v1a", "", (StandardWebhooksV1a(),), needs_secret=False)
PUBLIC = "whpk_" + base64.b64encode(signers.raw_public(signers.ed25519())).decode()
DISCORD = {"public_key": signers.raw_public(signers.ed25519()).hex()}
SENDGRID = {"public_key": signers.spki(signers.p256())}


@pytest.fixture(scope="module")
def pins() -> dict[str, dict[str, Any]]:
    """The options of PayPal and SNS with a certificate of the tests' own."""
    one = signers.pem(signers.certificate("anything", signers.rsa())).decode()
    return {
        "paypal": {"webhook_id": "1JE4291016473214C", "certificate": one},
        "aws-sns": {"certificate": one},
    }


def judged(
    name: str, request: Request, options: Mapping[str, Any], *, now: float = NOW, **more: Any
) -> Verdict:
    provider = V1A if name == "v1a" else PROVIDERS[name]
    return verify(request, provider, Trust(options=options, **more), now=now, fetched={})


def code(verdict: Verdict) -> str:
    assert isinstance(verdict, Refused), verdict
    return verdict.code


SENDERS: dict[str, Callable[..., Request]] = {
    "discord": signers.discord,
    "sendgrid": signers.sendgrid,
    "v1a": signers.v1a,
    "paypal": signers.paypal,
    "aws-sns": signers.sns,
}
TOLERANCES = {"discord": 300, "sendgrid": 300, "v1a": 300, "paypal": 3 * 86_400 + 300, "aws-sns": 3900}


@pytest.fixture
def options(pins: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {"discord": DISCORD, "sendgrid": SENDGRID, "v1a": {"public_key": PUBLIC}, **pins}


@pytest.mark.parametrize("name", SENDERS)
class TestEverySender:
    def test_what_it_signed_passes(self, name: str, options: dict[str, dict[str, Any]]) -> None:
        assert isinstance(judged(name, SENDERS[name](), options[name]), Passed)

    def test_a_flipped_bit_is_refused(self, name: str, options: dict[str, dict[str, Any]]) -> None:
        """Anywhere in the body, and anywhere in a header."""
        request = SENDERS[name]()
        for place in range(0, len(request.body), 7):
            body = bytearray(request.body)
            body[place] ^= 1
            verdict = judged(name, replace(request, body=bytes(body)), options[name])
            if isinstance(verdict, Passed):  # SNS signs chosen fields, not the white space between them
                assert name == "aws-sns"
                assert changed_unsigned(request.body, bytes(body))
        for header in request.headers:
            if header in ("content-type", "x-amz-sns-message-type"):
                continue
            text = request.headers[header]
            for place in range(0, len(text), 11):
                flipped = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
                verdict = judged(
                    name, replace(request, headers={**request.headers, header: flipped}), options[name]
                )
                # another certificate of PayPal's is none that a pinned one stands beside
                assert isinstance(verdict, Refused) or header == "paypal-cert-url", (header, place)

    def test_another_key_is_refused(self, name: str, options: dict[str, dict[str, Any]]) -> None:
        assert code(judged(name, SENDERS[name](key="another"), options[name])) == "mismatch"

    def test_no_key_at_all_is_refused(self, name: str) -> None:
        if name == "aws-sns":  # whose certificate is fetched
            return
        assert code(judged(name, SENDERS[name](), {})) == "no_secret"
        assert code(judged(name, SENDERS[name](), {"public_key": "", "webhook_id": ""}, secrets=("",))) == (
            "no_secret"
        )

    def test_its_tolerance_holds_both_ways(self, name: str, options: dict[str, dict[str, Any]]) -> None:
        request, tolerance = SENDERS[name](), TOLERANCES[name]
        for off in (-tolerance, tolerance):
            assert isinstance(judged(name, request, options[name], now=NOW + off), Passed)
        for off in (-tolerance - 1, tolerance + 1):
            assert code(judged(name, request, options[name], now=NOW + off)) == "stale"

    def test_the_workflow_sets_the_tolerance(self, name: str, options: dict[str, dict[str, Any]]) -> None:
        request = SENDERS[name]()
        assert code(judged(name, request, options[name], now=NOW + 6, tolerance_seconds=5)) == "stale"
        never = judged(name, request, options[name], now=NOW + 10**9, tolerance_seconds=math.inf)
        assert isinstance(never, Passed)

    def test_nothing_shown_is_refused(self, name: str, options: dict[str, dict[str, Any]]) -> None:
        assert code(judged(name, signers.request(b"", {}), options[name])) == "missing"

    def test_only_the_provider_can_sign(self, name: str, options: dict[str, dict[str, Any]]) -> None:
        provider = V1A if name == "v1a" else PROVIDERS[name]
        with pytest.raises(NotImplementedError, match="only the provider"):
            provider.schemes[0].sign(SENDERS[name](), Trust(options=options[name]), now=NOW)


def changed_unsigned(before: bytes, after: bytes) -> bool:
    """Whether only what SNS does not sign is different."""
    one, other = json.loads(before), json.loads(after)
    keep = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature")
    return all(one.get(name) == other.get(name) for name in keep)


@pytest.mark.parametrize("name", SENDERS)
@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=200)
    | st.from_regex(rb'\{"(Type|type|Signature|value|event)":.{0,30}\}', fullmatch=True),
    texts=st.lists(st.text(max_size=60), min_size=6, max_size=6),
    key=st.text(max_size=70),
)
def test_hostile_requests_and_keys_never_raise(name: str, body: bytes, texts: list[str], key: str) -> None:
    headers = dict(zip([*SENDERS[name]().headers, *"abcdef"][:6], texts, strict=True))
    request = signers.request(body, headers)
    for options in ({}, {"public_key": key, "webhook_id": key, "certificate": key}):
        assert not isinstance(judged(name, request, options, secrets=(key,)), Passed)
    provider = PROVIDERS.get(name)
    if provider is not None:
        assert isinstance(provider.identify(request, request.json), Identity)
        shake_hands((*provider.unsigned, *provider.signed), request, Trust(options={"confirm": True}))


@pytest.mark.parametrize("name", ["discord", "sendgrid", "v1a"])
@pytest.mark.parametrize(
    "stamp", ["", "-1", "+1700000000", "1700000000.0", "1e9", "NaN", "١٧", "9" * 400, " ", "0x6553f100"]
)  # fmt: skip
def test_a_timestamp_is_plain_digits(name: str, stamp: str, options: dict[str, dict[str, Any]]) -> None:
    """Rightly signed, whatever it says."""
    assert code(judged(name, SENDERS[name](at=stamp), options[name])) in ("malformed", "missing")


@pytest.mark.parametrize(
    "signature", ["", "v1a,", "v1a", "0" * 128, "zz" * 64, "é" * 64, "=", "MEUC", "AA==" * 5000, "  "]
)
@pytest.mark.parametrize("name", ["discord", "sendgrid", "v1a"])
def test_a_malformed_signature_is_refused(
    name: str, signature: str, options: dict[str, dict[str, Any]]
) -> None:
    request = SENDERS[name]()
    header = next(one for one in request.headers if "signature" in one and "timestamp" not in one)
    verdict = judged(name, replace(request, headers={**request.headers, header: signature}), options[name])
    assert code(verdict) in ("malformed", "missing", "mismatch", "unsupported")


def test_discord_signs_in_either_place_of_the_key_and_either_of_two_keys() -> None:
    other = signers.raw_public(signers.ed25519("another")).hex()
    for trust in (
        Trust((DISCORD["public_key"],)),
        Trust((other, DISCORD["public_key"])),
        Trust((other,), DISCORD),
        Trust((), {"public_key": [other, DISCORD["public_key"]]}),
    ):
        assert verify(signers.discord(), PROVIDERS["discord"], trust, now=NOW, fetched={}) == Passed(
            "X-Signature-Ed25519"
        )


def test_keys_are_read_strictly() -> None:
    for text in ("", "00", "whpk_", "zz" * 32, "é" * 64, "A" * 43 + "!", " ".join(["00"] * 32)):
        with pytest.raises(ValueError, match=r".*"):
            ed25519_key(text)
    p384 = signers.spki(ec.generate_private_key(ec.SECP384R1()))
    for text in ("", "AAAA", p384, signers.spki(signers.rsa()), "-----BEGIN PUBLIC KEY-----\nAAAA\n"):
        with pytest.raises(ValueError, match=r".*"):
            p256_key(text)
    key = SENDGRID["public_key"]
    wrapped = f"-----BEGIN PUBLIC KEY-----\n{key[:64]}\n{key[64:]}\n-----END PUBLIC KEY-----\n"
    assert p256_key(wrapped) == p256_key(key) == p256_key(f" {key[:50]}\n{key[50:]} ")


class TestStandardWebhooks:
    """A public key beside a secret, and either alone."""

    both = Provider(
        "both", "", "", (EitherKey(AnyOf(PROVIDERS["cloudevents"].schemes), StandardWebhooksV1a()),),
        needs_secret=False,
    )  # fmt: skip

    def test_several_signatures_of_which_one_is_ours(self) -> None:
        request = signers.v1a()
        shown = request.headers["webhook-signature"]
        other = signers.v1a(key="another").headers["webhook-signature"]
        for text in (f"v1,AAAA {shown}", f"{other} {shown}", f"v2,x {shown}"):
            mixed = replace(request, headers={**request.headers, "webhook-signature": text})
            assert isinstance(judged("v1a", mixed, {"public_key": PUBLIC}), Passed)

    def test_v1_alone_is_refused_with_only_a_public_key(self) -> None:
        request = signers.v1a()
        headers = {**request.headers, "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
        assert code(judged("v1a", replace(request, headers=headers), {"public_key": PUBLIC})) == "unsupported"

    def test_a_flood_of_signatures_is_refused_unread(self) -> None:
        request = signers.v1a()
        text = " ".join([request.headers["webhook-signature"]] * 21)
        flooded = replace(request, headers={**request.headers, "webhook-signature": text})
        assert code(judged("v1a", flooded, {"public_key": PUBLIC})) == "malformed"

    def test_the_headers_of_svix(self) -> None:
        svix = replace(V1A, schemes=(StandardWebhooksV1a(("svix", "webhook")),))
        trust = Trust((PUBLIC,))
        for name in ("svix", "webhook"):
            request = signers.v1a(name=name)
            assert svix.schemes[0].applies(request)
            assert isinstance(verify(request, svix, trust, now=NOW, fetched={}), Passed)

    def test_either_kind_of_key_passes_its_own_kind(self) -> None:
        bearer = signers.request(b"", {"Authorization": "Bearer hunter2"})
        signed = signers.v1a()
        for trust, request in (
            (Trust(("hunter2", PUBLIC)), bearer),
            (Trust(("hunter2",), {"public_key": PUBLIC}), signed),
            (Trust(("hunter2", PUBLIC)), signed),
            (Trust((PUBLIC,)), signed),
        ):
            assert isinstance(verify(request, self.both, trust, now=NOW, fetched={}), Passed)

    def test_a_public_key_is_never_a_secret(self) -> None:
        """Whoever knows it could sign with it."""
        forged = signers.request(b"", {"Authorization": f"Bearer {PUBLIC}"})
        assert isinstance(verify(forged, self.both, Trust((PUBLIC,)), now=NOW, fetched={}), Refused)
        for trust in (Trust(), Trust(("",))):
            assert code(verify(forged, self.both, trust, now=NOW, fetched={})) == "no_secret"


class TestDiscord:
    def shaken(self, body: str) -> Reply | None:
        provider = PROVIDERS["discord"]
        assert provider.unsigned == ()
        return shake_hands(provider.signed, signers.discord(body.encode()), Trust(options=DISCORD))

    def test_both_pings_are_answered(self) -> None:
        ping = self.shaken('{"id":"1","token":"t","type":1,"version":1}')
        assert ping is not None
        assert (ping.status, json.loads(ping.body)) == (200, {"type": 1})
        events = self.shaken('{"version":1,"application_id":"1","type":0}')
        assert events is not None
        assert (events.status, events.body, "content-type" in events.headers) == (204, b"", True)

    @pytest.mark.parametrize(
        "body",
        ['{"type":1,"event":{"type":"X"}}', '{"type":2}', '{"type":true}', "[1]", "1", "", '{"type":"1"}'],
    )
    def test_what_is_no_ping_is_no_handshake(self, body: str) -> None:
        assert self.shaken(body) is None

    def test_what_an_event_is(self) -> None:
        provider = PROVIDERS["discord"]
        interaction = provider.identify(signers.discord(), signers.discord().json)
        assert interaction == Identity(
            "APPLICATION_COMMAND",
            ("interaction.application_command", "APPLICATION_COMMAND.deploy"),
            "787053080478613555",
        )
        event = {"version": 1, "type": 1, "event": {"type": "ENTITLEMENT_CREATE", "data": {}}}
        assert provider.identify(signers.discord(), event).type == "ENTITLEMENT_CREATE"
        assert provider.thanks is not None
        thanks = provider.thanks(signers.discord(), event)
        assert thanks is not None
        assert thanks.status == 204
        assert provider.thanks(signers.discord(), {"type": 2}) is None


@pytest.mark.parametrize(
    ("payload", "identity"),
    [
        ([{"event": "open", "sg_event_id": "x"}], Identity("open", (), "x")),
        ([{"event": "open", "sg_event_id": "x"}, {"event": "click"}], Identity("open", ("click",))),
        ([{"event": "open"}, {"event": "open"}], Identity("open")),
        ([], Identity()),
        ({"event": "open"}, Identity()),
        ([1, None, {"event": {}}], Identity()),
    ],
)  # fmt: skip
def test_what_sendgrids_events_are(payload: object, identity: Identity) -> None:
    assert PROVIDERS["sendgrid"].identify(signers.sendgrid(), payload) == identity


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")
def test_every_vector_agrees() -> None:
    """Those of our providers, and every v1a; where a vector has no `now`, time does not matter to it."""
    seen = 0
    for vector in json.loads(VECTORS.read_bytes()) if VECTORS.exists() else ():
        is_v1a = vector["provider"] in ("standard-webhooks", "svix") and "public_key" in vector
        if vector["provider"] not in OURS and not is_v1a:
            continue
        scheme = StandardWebhooksV1a(("svix", "webhook") if vector["provider"] == "svix" else ("webhook",))
        provider = replace(V1A, schemes=(scheme,)) if is_v1a else PROVIDERS[vector["provider"]]
        names = ("public_key", "certificate", "webhook_id", "jwks", "audience", "service_account")
        trust = Trust(
            options={name: vector[name] for name in names if name in vector},
            tolerance_seconds=None if "now" in vector else math.inf,
        )
        request = signers.request(
            vector["body"].encode(), vector["headers"], method=vector["method"], url=vector["url"]
        )
        verdict = verify(request, provider, trust, now=vector.get("now", NOW), fetched={})
        assert isinstance(verdict, Passed) == vector["expect"], (vector["id"], verdict)
        seen += 1
    assert seen >= 28
    assert re.fullmatch(r"[a-z0-9_-]+", provider.name)
