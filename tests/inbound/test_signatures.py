"""For every provider with a shared secret: what is rightly signed passes, and nothing else does."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.inbound.digests import base64_key
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Trust
from runner.inbound.request import Request
from runner.inbound.timestamps import read_timestamp
from runner.inbound.verdict import Passed, Refused
from tests.inbound.senders import (
    MARKS,
    NOW,
    SYMMETRIC,
    TIMED,
    UNCOVERED,
    judged,
    of_vector,
    secrets,
    signed,
    trusting,
    unsigned,
    vectors,
    with_header,
)

HOUR = 3600.0
DAY = 86_400.0


@pytest.mark.parametrize(
    "vector", [v for v in vectors() if v["provider"] in SYMMETRIC], ids=lambda v: v["id"]
)
def test_published_vectors_are_judged_as_published(vector: dict[str, Any]) -> None:
    request, trust, now = of_vector(vector)
    verdict = judged(vector["provider"], request, trust=trust, now=now)
    assert isinstance(verdict, Passed) is vector["expect"], verdict


@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_rightly_signed_request_passes(name: str) -> None:
    assert isinstance(judged(name, signed(name)), Passed)


@pytest.mark.parametrize("name", [name for name in SYMMETRIC if name not in UNCOVERED])
def test_no_bit_of_the_body_can_be_changed(name: str) -> None:
    request = signed(name)
    for position in range(len(request.body)):
        body = bytearray(request.body)
        body[position] ^= 1 << position % 8
        verdict = judged(name, replace(request, body=bytes(body)))
        assert isinstance(verdict, Refused), (position, bytes(body))


@pytest.mark.parametrize("name", MARKS)
def test_no_bit_of_the_signature_can_be_changed(name: str) -> None:
    request = signed(name)
    mark = request.headers[MARKS[name]]
    for position in range(len(mark)):
        for bit in range(7):
            changed = mark[:position] + chr(ord(mark[position]) ^ 1 << bit) + mark[position + 1 :]
            verdict = judged(name, with_header(request, MARKS[name], changed))
            assert isinstance(verdict, Refused), changed


@pytest.mark.parametrize("name", SYMMETRIC)
def test_any_of_several_secrets_may_have_signed(name: str) -> None:
    first, second = secrets(name)
    request = signed(name, trust=Trust((second,)))
    assert isinstance(judged(name, request), Refused)
    assert isinstance(judged(name, request, trust=Trust((first, second))), Passed)


@pytest.mark.parametrize("name", SYMMETRIC)
@pytest.mark.parametrize("none", [(), ("",), ("", "")], ids=["none", "empty", "two empty"])
def test_without_a_secret_everything_is_refused(name: str, none: tuple[str, ...]) -> None:
    verdict = judged(name, signed(name), trust=Trust(none))
    assert isinstance(verdict, Refused)
    assert verdict.code == "no_secret"


@pytest.mark.parametrize("name", sorted(TIMED))
def test_what_is_too_old_or_too_new_is_refused(name: str) -> None:
    for off in (-30 * DAY, 30 * DAY):
        verdict = judged(name, signed(name, now=NOW + off))
        assert isinstance(verdict, Refused)
        assert verdict.code == "stale"
        assert "tolerance" in verdict.hint
        lenient = Trust(secrets(name)[:1], tolerance_seconds=math.inf)
        assert isinstance(judged(name, signed(name, now=NOW + off), trust=lenient), Passed)


@pytest.mark.parametrize("name", sorted(TIMED))
def test_the_tolerance_is_kept_to_the_second_both_ways(name: str) -> None:
    trust = Trust(secrets(name)[:1], tolerance_seconds=60)
    for off, passes in ((60, True), (-60, True), (61, False), (-61, False)):
        assert isinstance(judged(name, signed(name, now=NOW + off), trust=trust), Passed) is passes


@pytest.mark.parametrize("name", SYMMETRIC)
def test_without_a_signature_the_refusal_names_what_is_missing(name: str) -> None:
    verdict = judged(name, unsigned(name))
    assert isinstance(verdict, Refused)
    assert verdict.code == "missing"
    assert verdict.reason.startswith("the request has no ")
    assert MARKS.get(name, "") in verdict.reason.lower()
    assert verdict.hint


@pytest.mark.parametrize("name", MARKS)
def test_a_header_that_comes_twice_is_refused(name: str) -> None:
    request = signed(name)
    mark = request.headers[MARKS[name]]
    for joined in (f"{mark}, {mark}", f"{mark},{mark}", f"wrong, {mark}", f"{mark}, wrong", f"{mark} wrong"):
        verdict = judged(name, with_header(request, MARKS[name], joined))
        # a list between commas without white space is a list of two, as a rotation has
        if name == "pagerduty" and joined == f"{mark},{mark}":
            assert isinstance(verdict, Passed)
        else:
            assert isinstance(verdict, Refused), joined


GARBAGE = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="v0123=,;t.sha56h abcdef+/\u00fc\u0660", max_size=80),
    st.sampled_from(
        [
            "", " ", "v1,", "v1=", "sha256=", "SHA256=" + "0" * 64, "sha256=" + "0" * 63, "v0=",
            "t=1,v1=", "t=,v1=", "t=nan,v1=" + "0" * 64, "ts=1;h1=", "t=-1,v1=" + "0" * 64, "\x00", "\udcff",
            "t=" + "9" * 400 + ",v1=" + "0" * 64, "=" * 44, "A" * 43 + "=", "v1," + "A" * 43 + "=",
            "\u0660" * 64, "sha256=" + "\uff10" * 64, "None", "null", "md5=" + "0" * 32, "sha512=",
        ]
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("name", MARKS)
@given(text=GARBAGE)
def test_no_garbage_passes_or_raises(name: str, text: str) -> None:
    verdict = judged(name, with_header(signed(name), MARKS[name], text))
    assert isinstance(verdict, Refused)
    assert all(secret not in verdict.reason for secret in secrets(name))


HEADERS = [
    "x-slack-request-timestamp", "webhook-timestamp", "webhook-id", "x-zendesk-webhook-signature-timestamp",
    "x-hubspot-request-timestamp", "x-zm-request-timestamp", "svix-timestamp", "svix-id", "authorization",
    "x-hubspot-signature", "x-hubspot-signature-version", "content-type", "webhook-signature",
]  # fmt: skip
TIMES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "NaN", "-1", "inf", "1e3", "9" * 5000, "0", "٣", "2026-02-31T00:00:00Z", "0000-01-01T00:00:00Z",
         "9999-12-31T23:59:60Z", "2026-01-15T10:00:00", "2026-01-15", "2026-01-15T10:00:00+99:99",
         "0001-01-01T00:00:00+14:00"]
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("name", SYMMETRIC)
@given(
    headers=st.dictionaries(
        st.sampled_from([*HEADERS, *MARKS.values()]), st.one_of(TIMES, GARBAGE), max_size=6
    ),
    body=st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [b"[" * 5000, b'{"signature": 1}',
             b'{"signature": {"timestamp": [], "token": {}, "signature": 1e400}}',
             b'{"webhookTimestamp": NaN}', b'{"webhookTimestamp": -1e308}', b"timestamp=1&token=&signature=",
             b'{"notificationItems": [{"NotificationRequestItem": []}]}', b'{"notificationItems": [1]}']
        ),
    ),
    url=st.sampled_from(
        ["", "http://[", "https://a:b/", "https://a/?signature=&timestamp=&nonce=", "https://a:99999/?x='",
         "https://a/?signature=%ff&timestamp=1&nonce=\udcff", "https://a/?" + "&" * 3000, "//", "https://\u0130/"]
    ),
    method=st.sampled_from(["POST", "GET", "", "\u00fc"]),
)  # fmt: skip
@example(headers={}, body=b"", url="", method="POST")
def test_nothing_that_a_sender_sends_passes_or_raises(
    name: str, headers: dict[str, str], body: bytes, url: str, method: str
) -> None:
    request = Request(method, url, headers, body)
    for tolerance in (None, math.inf):
        assert isinstance(judged(name, request, trust=Trust(secrets(name), {}, tolerance)), Refused)
    for handshake in PROVIDERS[name].unsigned + PROVIDERS[name].signed:
        handshake(request, trusting(name))
    PROVIDERS[name].identify(request, request.json)


def test_an_unknown_version_never_passes() -> None:
    request = signed("stripe")
    newer = request.headers["stripe-signature"].replace("v1=", "v2=")
    verdict = judged("stripe", with_header(request, "stripe-signature", newer))
    assert isinstance(verdict, Refused)
    assert verdict.code == "unsupported"


def test_of_several_signatures_any_may_match() -> None:
    request = signed("stripe")
    time, _comma, right = request.headers["stripe-signature"].partition(",")
    both = f"{time},v1={'0' * 64},{right},v0=decoy"
    assert isinstance(judged("stripe", with_header(request, "stripe-signature", both)), Passed)


def test_the_older_weaker_signature_of_a_provider_is_not_enough() -> None:
    sha1 = {"x-hub-signature": "sha1=" + "0" * 40}
    verdict = judged("github", replace(unsigned("github"), headers=sha1))
    assert isinstance(verdict, Refused)
    # where HubSpot's newest version came and is wrong, an older one that is right does not help
    old = PROVIDERS["hubspot"].schemes[1].sign(unsigned("hubspot"), trusting("hubspot"), now=NOW)
    assert isinstance(judged("hubspot", old), Passed)
    both = with_header(old, "x-hubspot-signature-v3", "A" * 43 + "=")
    both = with_header(both, "x-hubspot-request-timestamp", str(int(NOW * 1000)))
    assert isinstance(judged("hubspot", both), Refused)


def test_a_secret_that_is_no_key_refuses_everything() -> None:
    for secret in ("whsec_", "whsec_***", "=", "whsec_ä"):
        verdict = judged("standard-webhooks", signed("standard-webhooks"), trust=Trust((secret,)))
        assert isinstance(verdict, Refused)
        assert verdict.code == "no_secret"
    assert base64_key("whsec_") == (b"",)  # an empty key: the scheme leaves it out


@pytest.mark.parametrize("secret", ["pässwörd", "\U0001f511 key", "with\udcffescape"])
def test_a_secret_may_be_any_text(secret: str) -> None:
    for name in ("github", "slack", "hubspot"):
        trust = Trust((secret,))
        assert isinstance(judged(name, signed(name, trust=trust), trust=trust), Passed)


def test_a_token_is_compared_as_the_bytes_of_the_wire() -> None:
    utf_8_as_servers_read_it = "pässwörd".encode().decode("latin-1")
    request = with_header(unsigned("gitlab"), "x-gitlab-token", utf_8_as_servers_read_it)
    assert isinstance(judged("gitlab", request, trust=Trust(("pässwörd",))), Passed)


def test_gitlab_may_show_its_token_or_sign() -> None:
    secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    trust = Trust((secret,))
    by_signature = PROVIDERS["standard-webhooks"].schemes[0].sign(unsigned("gitlab"), trust, now=NOW)
    assert isinstance(judged("gitlab", by_signature, trust=trust), Passed)
    changed = replace(by_signature, body=by_signature.body + b" ")
    assert isinstance(judged("gitlab", changed, trust=trust), Refused)
    both = with_header(by_signature, "x-gitlab-token", "another token")
    assert isinstance(judged("gitlab", both, trust=trust), Passed)


def test_twilio_signs_no_body_that_is_neither_a_form_nor_named_by_its_digest() -> None:
    trust = trusting("twilio")
    empty = replace(unsigned("twilio"), body=b"", headers={})
    request = PROVIDERS["twilio"].schemes[0].sign(empty, trust, now=NOW)
    assert isinstance(judged("twilio", request), Passed)
    for body, kind in ((b"{}", "application/json"), (b"\xff", "application/x-www-form-urlencoded")):
        smuggled = with_header(replace(request, body=body), "content-type", kind)
        assert isinstance(judged("twilio", smuggled), Refused)


def test_times_are_read_strictly() -> None:
    assert read_timestamp("1700000000", "unix") == 1_700_000_000
    assert read_timestamp("1700000000500", "unix_ms") == 1_700_000_000.5
    assert read_timestamp("2023-11-14T22:13:20.123456789Z", "rfc3339") == pytest.approx(1_700_000_000.123456)
    assert read_timestamp("2023-11-15T00:13:20+02:00", "rfc3339") == 1_700_000_000
    for text in ("", "-1", "+1", "1.0", "1e9", "NaN", "\u0661", " 1", "0x1", "1_000", "9" * 21):
        assert read_timestamp(text, "unix") is None
