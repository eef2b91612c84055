"""The bundled sample events, held against the rows of their providers."""

from __future__ import annotations

import pytest

from runner.inbound.bounds import Bounds
from runner.inbound.decode import decode
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Identity, Trust
from runner.inbound.request import Request
from runner.inbound.samples import providers_with_samples, sample, samples_of
from runner.inbound.verdict import Passed, Refused
from runner.inbound.verify import shake_hands, verify

NOW = 1_770_000_000.5
URL = "https://hooks.example.com/hooks/abc"
SECRETS = {"adyen": "0f" * 32}  # a key in hex; of the others any text is one
SECRET = "whsec_aG9va2xpbmUgc2FtcGxlIHNlY3JldA=="
ALL = [(provider, one) for provider in providers_with_samples() for one in samples_of(provider)]
# the provider names no type of these, so we name the sample
NAMELESS = {("google-pubsub", "message"), ("websub", "feed")}


def taken(provider: str, event_type: str, entropy: bytes = b"one", *, now: float = NOW) -> Request:
    """A sample, addressed."""
    return sample(provider, event_type, now=now, entropy=entropy).to(URL)


def trust(provider: str) -> Trust:
    return Trust((SECRETS.get(provider, SECRET),))


def identity(provider: str, request: Request) -> Identity:
    content_type = PROVIDERS[provider].reads_as or request.header("content-type")
    payload = decode(request.body, content_type=content_type, bounds=Bounds()).payload
    return PROVIDERS[provider].identify(request, payload)


def test_every_provider_has_a_sample_and_every_sample_a_provider() -> None:
    assert set(providers_with_samples()) == set(PROVIDERS)
    assert all(samples_of(provider) for provider in PROVIDERS)


@pytest.mark.parametrize(("provider", "event_type"), ALL)
def test_a_sample_is_small_whole_and_of_its_own_type(provider: str, event_type: str) -> None:
    request = taken(provider, event_type)
    assert request.body
    assert len(request.body) < 3000
    for text in (*request.headers.values(), request.body.decode()):
        assert "{{" not in text
    found = identity(provider, request)
    if (provider, event_type) in NAMELESS:
        assert found.type is None
    else:
        assert event_type in (found.type, *found.also)


@pytest.mark.parametrize(("provider", "event_type"), ALL)
def test_a_sample_passes_where_it_can_be_signed_and_fails_where_it_was_changed(
    provider: str, event_type: str
) -> None:
    row = PROVIDERS[provider]
    try:
        signed = row.schemes[0].sign(taken(provider, event_type), trust(provider), now=NOW)
    except NotImplementedError:
        assert provider in {"aws-sns", "discord", "google-pubsub", "paypal", "sendgrid"}
        return
    assert isinstance(verify(signed, row, trust(provider), now=NOW + 1, fetched={}), Passed)
    other = Trust(("1e" * 32,))
    assert isinstance(verify(signed, row, other, now=NOW + 1, fetched={}), Refused)


@pytest.mark.parametrize(("provider", "event_type"), ALL)
def test_a_sample_is_an_event_and_no_handshake(provider: str, event_type: str) -> None:
    row, request = PROVIDERS[provider], taken(provider, event_type)
    assert shake_hands(row.unsigned + row.signed, request, trust(provider)) is None


@pytest.mark.parametrize(("provider", "event_type"), ALL)
def test_two_samples_are_two_deliveries(provider: str, event_type: str) -> None:
    one, other = (taken(provider, event_type, entropy) for entropy in (b"one", b"other"))
    assert one != other
    first, second = identity(provider, one).delivery_id, identity(provider, other).delivery_id
    assert first is None or first != second


def test_a_sample_is_the_same_with_the_same_time_and_entropy() -> None:
    assert taken("github", "push") == taken("github", "push")
    assert taken("github", "push") != taken("github", "push", now=NOW + 60)


def test_the_same_placeholder_is_the_same_value() -> None:
    request = taken("github", "push")
    assert request.json["head_commit"]["id"] == request.json["after"] == request.json["commits"][0]["id"]
    assert request.json["before"] != request.json["after"]


def test_a_form_is_encoded() -> None:
    fields = dict(taken("twilio", "message.received").form)
    assert fields["Body"].endswith("Two flat whites & a cake, +1 for oat milk ☕")
    assert fields["From"] == "+302105550142"


@pytest.mark.parametrize(
    ("provider", "event_type", "message"),
    [
        ("github", "issue.open", 'there is no sample "issue.open" of github; did you mean "issues.opened"?'),
        (
            "stripe",
            "x",
            'there is no sample "x" of stripe; known here: checkout.session.completed, invoice.paid',
        ),
        ("githb", "push", 'there are no samples of "githb"; did you mean "github"?'),
        ("../samples/github", "push", "there are no samples of"),
    ],
)
def test_an_unknown_sample_is_refused_with_the_nearest(provider: str, event_type: str, message: str) -> None:
    with pytest.raises(LookupError) as caught:
        taken(provider, event_type)
    assert str(caught.value).startswith(message)
