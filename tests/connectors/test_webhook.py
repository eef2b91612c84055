"""`webhook.send`, to receivers that check what Standard Webhooks tells them to check."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

import connectors
from connectors.webhook import WebhookConnection, signature
from runner.connector import Call
from runner.errors import OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.webhook_receiver import WebhookReceiver

MakeCall = Callable[..., Call]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the example of the specification's libraries
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
PAID: dict[str, Any] = {"type": "invoice.paid", "data": {"id": 7, "name": "Zoë"}}


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(SECRET) as one:
        yield one


def signing(secret: str = SECRET, **fields: Any) -> WebhookConnection:
    return WebhookConnection.model_validate({"secret": secret, **fields})


async def send(
    make_call: MakeCall, connection: WebhookConnection, *, seconds: float = 10, **inputs: Any
) -> Any:
    action = connectors.action("webhook.send")
    assert action is not None
    call = make_call(connection, seconds)
    return (await action.function(call, connection, action.read_input(inputs))).model_dump()


def test_the_signature_is_that_of_the_published_vector() -> None:
    """The vector of the libraries' own tests: standard-webhooks, libraries, test of `sign`."""
    signed = signature(
        SECRET,
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_receiver_takes_what_is_sent(receiver: WebhookReceiver, make_call: MakeCall) -> None:
    answer = await send(
        make_call, signing(), url=receiver.hook, timestamp="2026-01-02T03:04:05Z", headers={"X-A": 1}, **PAID
    )

    delivery = {"endpoint": receiver.hook, "outcome": "delivered", "status": 204, "error": None}
    assert answer == {"id": "msg_evt1_shop_step", "delivered": 1, "gone": [], "deliveries": [delivery]}
    assert receiver.taken == {"msg_evt1_shop_step": {**PAID, "timestamp": "2026-01-02T03:04:05Z"}}
    assert receiver.requests[0].headers["x-a"] == "1"


async def test_a_payload_is_the_whole_body(receiver: WebhookReceiver, make_call: MakeCall) -> None:
    await send(make_call, signing(), url=receiver.hook, payload=[1, 0.5, None, "ä"])

    assert receiver.requests[0].body == '[1,0.5,null,"ä"]'.encode()
    assert list(receiver.taken.values()) == [[1, 0.5, None, "ä"]]


async def test_each_attempt_has_the_same_id(receiver: WebhookReceiver, make_call: MakeCall) -> None:
    for _ in range(2):
        await send(make_call, signing(), url=receiver.hook, **PAID)

    assert (len(receiver.taken), receiver.repeats) == (1, 1)


async def test_a_secret_is_changed_without_a_gap(receiver: WebhookReceiver, make_call: MakeCall) -> None:
    """A receiver that knows the old one or the new one takes what both have signed."""
    async with WebhookReceiver(OLD) as late:
        both = signing(previous_secret=OLD)
        for hook in (receiver.hook, late.hook):
            assert (await send(make_call, both, url=hook, **PAID))["delivered"] == 1


async def test_a_private_key_signs_and_its_public_half_is_told(make_call: MakeCall) -> None:
    key = Ed25519PrivateKey.generate()
    seed, public = key.private_bytes_raw(), key.public_key().public_bytes_raw()
    told = "whpk_" + base64.b64encode(public).decode()
    for written in (seed, seed + public):
        way = signing("whsk_" + base64.b64encode(written).decode())
        async with WebhookReceiver(told) as receiver:
            assert (await send(make_call, way, url=receiver.hook, **PAID))["delivered"] == 1
        assert await way.test(make_call(way)) == f"signs as v1a; the receivers need {told}"


async def test_a_wrong_secret_is_refused_and_the_hint_says_so(
    receiver: WebhookReceiver, make_call: MakeCall
) -> None:
    with pytest.raises(Rejected, match=r"answered 401: .* does it know the connection's secret\?") as caught:
        await send(make_call, signing(OLD), url=receiver.hook, **PAID)

    assert OLD not in str(caught.value)
    assert receiver.taken == {}


async def test_an_endpoint_that_is_gone_stands_in_the_result(
    receiver: WebhookReceiver, make_call: MakeCall
) -> None:
    receiver.reply(410)

    answer = await send(make_call, signing(), url=receiver.hook, **PAID)

    assert (answer["delivered"], answer["gone"]) == (0, [receiver.hook])
    assert answer["deliveries"][0]["status"] == 410


@pytest.mark.parametrize(
    ("status", "headers", "meaning"),
    [
        (301, {"Location": "/elsewhere"}, Rejected),
        (307, {"Location": "/elsewhere"}, Rejected),
        (400, {}, Rejected),
        (403, {}, Rejected),
        (404, {}, Rejected),
        (429, {"Retry-After": "9"}, Unavailable),
        (503, {"Retry-After": "9"}, Unavailable),
        (500, {}, OutcomeUnknown),
        (502, {}, OutcomeUnknown),
        (504, {}, OutcomeUnknown),
    ],
)
async def test_each_status_has_its_meaning(
    receiver: WebhookReceiver,
    make_call: MakeCall,
    status: int,
    headers: dict[str, str],
    meaning: type[Exception],
) -> None:
    receiver.reply(status, headers=headers)

    with pytest.raises(meaning) as caught:
        await send(make_call, signing(), url=receiver.hook, **PAID)

    assert len(receiver.requests) == 1  # a redirect is not followed
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 9


async def test_an_endpoint_that_is_silent_or_away_is_tried_again(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut):
            await send(make_call, signing(), url=silent.url, timeout_seconds=0.1, **PAID)
    with pytest.raises(Unavailable):
        await send(make_call, signing(), url=f"http://127.0.0.1:{unused_port()}", **PAID)


class Subscribers:
    """Three endpoints: the second and third answer once what they are told."""

    def __init__(self, receivers: list[WebhookReceiver]) -> None:
        self.receivers = receivers
        self.hooks = [one.hook for one in receivers]


@pytest.fixture
async def three() -> AsyncIterator[Subscribers]:
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(WebhookReceiver(SECRET)) for _ in range(3)]
        yield Subscribers(receivers)


async def test_each_endpoint_of_a_list_has_its_outcome(three: Subscribers, make_call: MakeCall) -> None:
    three.receivers[1].reply(410)
    three.receivers[2].reply(422, body="no")

    answer = await send(make_call, signing(), endpoints=[*three.hooks, three.hooks[0]], **PAID)

    outcomes = [(one["endpoint"], one["outcome"], one["status"]) for one in answer["deliveries"]]
    assert outcomes == list(zip(three.hooks, ["delivered", "gone", "rejected"], [204, 410, 422], strict=True))
    assert (answer["delivered"], answer["gone"]) == (1, [three.hooks[1]])
    assert [len(one.requests) for one in three.receivers] == [1, 1, 1]  # one that stands twice gets it once
    assert {key for one in three.receivers for key in one.keys} == {"evt1.shop.step"}


async def test_one_that_cannot_now_has_all_tried_again_by_the_same_id(
    three: Subscribers, make_call: MakeCall
) -> None:
    three.receivers[1].reply(503, headers={"Retry-After": "60"})

    with pytest.raises(OutcomeUnknown, match=r"2 of 3 endpoints have it; .* answered 503") as caught:
        await send(make_call, signing(), endpoints=three.hooks, **PAID)
    answer = await send(make_call, signing(), endpoints=three.hooks, **PAID)

    assert caught.value.cause == "429"  # blames no host
    assert answer["delivered"] == 3
    assert [len(one.taken) for one in three.receivers] == [1, 1, 1]
    assert [one.repeats for one in three.receivers] == [1, 0, 1]


async def test_one_delivery_can_be_enough(three: Subscribers, make_call: MakeCall) -> None:
    three.receivers[1].reply(503)
    three.receivers[2].reply(500)

    answer = await send(make_call, signing(), endpoints=three.hooks, retry_until="any", **PAID)

    outcomes = [(one["outcome"], one["status"]) for one in answer["deliveries"]]
    assert outcomes == [("delivered", 204), ("unavailable", 503), ("unknown", 500)]


async def test_an_endpoint_that_hangs_does_not_take_the_others_with_it(
    three: Subscribers, make_call: MakeCall
) -> None:
    async with RawPeer(hang) as silent:
        answer = await send(
            make_call, signing(), seconds=0.5, endpoints=[silent.url, *three.hooks], retry_until="any", **PAID
        )

    assert [one["outcome"] for one in answer["deliveries"]] == ["unknown", *["delivered"] * 3]


async def test_nobody_takes_it(three: Subscribers, make_call: MakeCall) -> None:
    away = [f"http://127.0.0.1:{unused_port()}/" for _ in range(2)]
    three.receivers[0].reply(404)
    three.receivers[1].reply(400)

    with pytest.raises(Unavailable, match="0 of 2 endpoints have it"):
        await send(make_call, signing(), endpoints=away, **PAID)
    with pytest.raises(Rejected, match="no endpoint takes it"):
        await send(make_call, signing(), endpoints=three.hooks[:2], **PAID)
    assert (await send(make_call, signing(), endpoints=[], **PAID))["deliveries"] == []


async def test_an_address_that_must_not_be_called_is_an_outcome_of_its_own(
    receiver: WebhookReceiver, make_call: MakeCall
) -> None:
    endpoints = ["http://169.254.169.254/latest", "file:///etc/passwd", receiver.hook]

    answer = await send(make_call, signing(), endpoints=endpoints, **PAID)

    assert [one["outcome"] for one in answer["deliveries"]] == ["rejected", "rejected", "delivered"]


async def test_a_connection_may_name_its_hosts(receiver: WebhookReceiver, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match=r"\*\.example\.com only"):
        await send(make_call, signing(hosts=["*.Example.com."]), url=receiver.hook, **PAID)
    assert (await send(make_call, signing(hosts=["127.0.0.1"]), url=receiver.hook, **PAID))["delivered"] == 1


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (PAID, "either url or endpoints"),
        ({**PAID, "url": "http://a.example", "endpoints": []}, "either url or endpoints"),
        ({"url": "http://a.example"}, "give the type of what happened"),
        ({**PAID, "url": "http://a.example", "payload": 1}, "payload is the whole body"),
        ({"url": "http://a.example", "type": "a b"}, r"such as invoice\.paid"),
        ({**PAID, "url": "http://a.example", "headers": {"Webhook-Id": "x"}}, "set by webhook.send itself"),
        ({**PAID, "endpoints": ["http://a.example"] * 51}, "50"),
        ({"url": "http://a.example", "payload": "\ud800"}, "cannot be written as JSON"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(
    make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await send(make_call, signing(), **inputs)


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "must begin with whsec_"),
        ("whsec_!!!", "not base64"),
        ("whsec_" + base64.b64encode(b"s" * 23).decode(), "23 bytes"),
        ("whsk_" + base64.b64encode(b"s" * 33).decode(), "33 bytes"),
    ],
)
def test_a_key_that_is_none_is_refused_and_not_shown(secret: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        signing(secret)

    assert secret not in str(caught.value)


async def test_a_key_is_never_shown(make_call: MakeCall) -> None:
    way = signing(SECRET.rstrip("="), previous_secret=OLD)

    assert SECRET not in repr(way)
    assert OLD not in repr(way)
    assert {SECRET, OLD} <= way.secret_texts()
    assert await way.test(make_call(way)) == (
        "signs as v1 with a key of 24 bytes; send a webhook to try an endpoint"
    )
