"""
Webhooks that others receive from us: `webhook.send`, signed and told apart by Standard Webhooks.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, version 1.0.0
(signature scheme, headers, "Delivery success and failure", "Request timeouts", "Multiple endpoints").
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    Input,
    Json,
    OutcomeUnknown,
    Output,
    Parked,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
)

webhook = Connector("webhook", title="Webhooks", summary="Signed webhooks to those who subscribed to them.")

SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes of a shared key: 192 to 512 bits
SEED = 32  # bytes of an Ed25519 key; some write the public one behind it
MOST_ENDPOINTS = 50  # they are called at once, and a step has one bound in time
SHARE = 0.9  # of the step's time: an endpoint that hangs must not take the others' outcome with it
REFUSED = {401, 403}
OWN_KEY = "idempotency-key"
HOST = re.compile(r"(\*\.(?=[^.]+\.))?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]*:[0-9a-f:.]*")

Outcome = Literal["delivered", "gone", "rejected", "unavailable", "unknown"]


def key_bytes(secret: str) -> bytes:
    """
    The key of `whsec_…` (shared) or `whsk_…` (private, Ed25519); the padding may be missing.

    Raises:
        ValueError: it is none; the message does not quote it.
    """
    secret = secret.strip()
    prefix = next((one for one in (SHARED, PRIVATE) if secret.startswith(one)), None)
    if prefix is None:
        raise ValueError("must begin with whsec_ (a shared secret) or whsk_ (a private Ed25519 key)")
    text = secret.removeprefix(prefix)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {prefix} is not base64") from None
    if prefix == SHARED and not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"holds {len(key)} bytes; a shared secret has {SHORTEST_KEY} to {LONGEST_KEY}")
    if prefix == PRIVATE and len(key) not in {SEED, 2 * SEED}:
        raise ValueError(
            f"holds {len(key)} bytes; an Ed25519 key has {SEED}, or {2 * SEED} with the public one"
        )
    return key


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One entry of `webhook-signature`; *timestamp* is in UTC seconds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    key = key_bytes(secret)
    if secret.strip().startswith(SHARED):
        return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
    return f"v1a,{base64.b64encode(Ed25519PrivateKey.from_private_bytes(key[:SEED]).sign(signed)).decode()}"


@webhook.connection("webhook")
class WebhookConnection(Connection):
    """A key that webhooks are signed with, by Standard Webhooks; the receivers check it."""

    title: ClassVar[str] = "Signed webhooks"
    steps: ClassVar[tuple[str, ...]] = (
        "Make a key: whsec_ and behind it what openssl rand -base64 32 prints.",
        "Give the same key to whoever receives your webhooks, and to nobody else.",
    )

    secret: SecretStr = Field(
        description="The key: `whsec_…`, which the receivers have too, or `whsk_…`, an Ed25519 key of "
        "which they have the public half. Who shares a `whsec_` can sign as you: give each customer "
        "a connection of their own, or use a `whsk_`."
    )
    previous_secret: SecretStr | None = Field(
        None, description="The key before, while receivers change over: both sign each webhook."
    )
    hosts: list[str] | None = Field(
        None,
        description="The only hosts that get webhooks, such as api.example.com or *.example.com. "
        "Left out: any public one; what goes out is a signature, never the key.",
    )

    @field_validator("secret", "previous_secret")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_bytes(value.get_secret_value())
        return value

    @field_validator("hosts")
    @classmethod
    def _named(cls, value: list[str] | None) -> list[str] | None:
        hosts = None if value is None else [one.strip().strip("[]").rstrip(".").lower() for one in value]
        if hosts is not None and (wrong := [one for one in hosts if not HOST.fullmatch(one)]):
            raise ValueError(f"{wrong[0]!r} is no host; write api.example.com or *.example.com")
        return hosts

    def bound_hosts(self) -> list[str] | None:
        """The hosts given; None: any."""
        return self.hosts

    def signatures(self, message_id: str, timestamp: int, body: bytes) -> str:
        """The value of `webhook-signature`: one entry for each key, the present one first."""
        keys = [one.get_secret_value() for one in (self.secret, self.previous_secret) if one is not None]
        signed = (signature(key, message_id=message_id, timestamp=timestamp, body=body) for key in keys)
        return " ".join(signed)

    async def test(self, call: Call) -> str:  # noqa: ARG002 - there is nobody to ask
        """Say how it signs, and what receivers of a private key's webhooks need."""
        secret = self.secret.get_secret_value().strip()
        key = key_bytes(secret)
        if secret.startswith(SHARED):
            return f"signs as v1 with a key of {len(key)} bytes; send a webhook to try an endpoint"
        public = Ed25519PrivateKey.from_private_bytes(key[:SEED]).public_key().public_bytes_raw()
        return f"signs as v1a; the receivers need {PUBLIC}{base64.b64encode(public).decode()}"


def _event_type(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*", text):
        raise ValueError("is made of letters, digits and _, with full stops between, such as invoice.paid")
    return text


class Send(Input):
    """The inputs of `webhook.send`."""

    url: str | None = Field(None, description="Where it goes.", examples=["https://example.com/hooks"])
    endpoints: list[str] | None = Field(
        None,
        description=f"Where it goes, in place of `url`: at most {MOST_ENDPOINTS} addresses, called at once.",
        max_length=MOST_ENDPOINTS,
    )
    type: Annotated[str, AfterValidator(_event_type)] | None = Field(
        None, description="What happened: the body's `type`.", examples=["invoice.paid"]
    )
    timestamp: str | None = Field(
        None,
        description="When it happened (ISO 8601): the body's `timestamp`.",
        examples=["{{ event.received_at }}"],
    )
    data: Json = Field(None, description="The body's `data`.")
    payload: Json = Field(
        None, description="The whole body as JSON, in place of `type`, `timestamp` and `data`."
    )
    headers: dict[str, str | int | float | bool | None] | None = Field(
        None, description="More headers; null leaves one out."
    )
    timeout_seconds: float = Field(
        15,
        gt=0,
        le=300,
        description="How long an endpoint may take; at most nine tenths of the step's `timeout`.",
    )
    retry_until: Literal["all", "any"] = Field(
        "all",
        description="Of several endpoints: try again until `all` have taken it, are gone or refuse it, or "
        "until `any` has; those that have it already get it again under the same webhook-id.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.url is None) == (self.endpoints is None):
            raise ValueError("give either url or endpoints")
        if self.payload is None and self.type is None:
            raise ValueError("give the type of what happened, or a payload")
        if self.payload is not None and (self.type, self.timestamp, self.data) != (None, None, None):
            raise ValueError("payload is the whole body; give it, or type, timestamp and data")
        if wrong := [one for one in self.headers or {} if one.lower().startswith("webhook-")]:
            raise ValueError(f"the header {wrong[0]} is set by webhook.send itself")
        return self

    def body(self) -> bytes:
        """The body, as it is signed and sent."""
        body = self.payload
        if body is None:
            given = {"type": self.type, "timestamp": self.timestamp, "data": self.data}
            body = {name: value for name, value in given.items() if value is not None or name == "data"}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class Delivery(BaseModel):
    """What became of it at one endpoint."""

    endpoint: str = Field(description="Its address.")
    outcome: Outcome = Field(
        description="delivered; gone (410: take it off your list); rejected (the same would be again); "
        "unavailable (nothing happened there); unknown (it may have)."
    )
    status: int | None = Field(description="The HTTP status; null where there was none.")
    error: str | None = Field(description="What was wrong.")


class Sent(Output):
    """What became of it."""

    id: str = Field(description="The webhook-id: the same for each attempt.")
    delivered: int = Field(description="How many endpoints took it.")
    gone: list[str] = Field(
        description="The endpoints that answered 410 Gone: they want no more, take them off your list."
    )
    deliveries: list[Delivery] = Field(description="Each endpoint, in the order given.")


@webhook.action(
    # The receivers know what they have by the webhook-id, which is the same for each attempt.
    after_crash="repeat",
    example="""\
action: webhook.send
connection: customer-hooks
with:
  endpoints: "{{ steps.subscribers.urls }}"
  type: order.shipped
  timestamp: "{{ event.received_at }}"
  data: {order: "{{ payload.id }}", carrier: "{{ payload.carrier }}"}
""",
)
async def send(call: Call, connection: WebhookConnection, input: Send) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a webhook, signed by Standard Webhooks, to one endpoint or to all of a list.

    An endpoint has taken it with any 2xx; a redirect is a failure, and 410 stands as `gone` in the
    result. The webhook-id is the same for each attempt, so that a receiver drops what it has already.
    For retries of each endpoint alone, with a waiting time of its own, put `url` into a `for_each`.
    """
    try:
        body = input.body()
    except ValueError:  # half a character, or a number that JSON has not
        raise Rejected("webhook.send: the body cannot be written as JSON") from None
    message_id = f"msg_{call.idempotency_key.replace('.', '_')}"  # a full stop would be ambiguous when signed
    now = int(time.time())  # of this attempt: receivers refuse what is older than some minutes
    named = {name.lower() for name in input.headers or {}}
    headers = {
        # one for all: each endpoint is a service of its own
        **({} if OWN_KEY in named else {OWN_KEY: call.idempotency_key}),
        **(input.headers or {}),
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": connection.signatures(message_id, now, body),
    }
    message = _Message(call, body, headers, min(input.timeout_seconds, call.timeout_seconds * SHARE))
    if input.endpoints is None:
        assert input.url is not None
        deliveries = [await message.deliver(input.url)]
    else:
        deliveries = await _fan_out(message, list(dict.fromkeys(input.endpoints)), input.retry_until)
    gone = [one.endpoint for one in deliveries if one.outcome == "gone"]
    delivered = sum(one.outcome == "delivered" for one in deliveries)
    return Sent(id=message_id, delivered=delivered, gone=gone, deliveries=deliveries)


@dataclass(frozen=True, slots=True)
class _Message:
    call: Call
    body: bytes
    headers: dict[str, Any]
    seconds: float

    async def deliver(self, endpoint: str) -> Delivery:
        """One attempt at one endpoint: taken, or gone. Raises ActionError: neither."""
        reply = await self.call.http.post(
            endpoint,
            body=self.body,
            headers=self.headers,
            timeout_seconds=self.seconds,
            follow_redirects=False,
        )
        if reply.status == 410:
            return Delivery(endpoint=endpoint, outcome="gone", status=410, error="it wants no more webhooks")
        _check(reply)
        return Delivery(endpoint=endpoint, outcome="delivered", status=reply.status, error=None)

    async def outcome(self, endpoint: str) -> Delivery:
        """As `deliver`; a failure is an outcome too."""
        try:
            return await self.deliver(endpoint)
        except _Answered as error:
            return Delivery(endpoint=endpoint, outcome="rejected", status=error.status, error=str(error))
        except (Rejected, ConnectionRejected) as error:
            return Delivery(endpoint=endpoint, outcome="rejected", status=None, error=str(error))
        except (Unavailable, Parked) as error:
            status = _status(error)
            return Delivery(endpoint=endpoint, outcome="unavailable", status=status, error=str(error))
        except OutcomeUnknown as error:
            status = _status(error)
            return Delivery(endpoint=endpoint, outcome="unknown", status=status, error=str(error))


class _Answered(Rejected):
    """A refusal of which the status is known."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _status(error: Exception) -> int | None:
    cause = str(getattr(error, "cause", ""))
    return int(cause) if cause.isdecimal() else None


def _check(reply: Reply) -> None:
    """Raise ActionError unless the endpoint took it."""
    if reply.status < 300:
        return
    if reply.status < 400:
        where = "it redirects, which webhooks do not follow; use the address that it redirects to"
        raise _Answered(f"the endpoint answered {reply.status}: {where}", reply.status)
    if reply.status in REFUSED:
        raise _Answered(
            f"the endpoint answered {reply.status}: it refuses us; does it know the connection's secret?",
            reply.status,
        )
    try:
        reply.accept()
    except Rejected as error:
        raise _Answered(str(error), reply.status) from None


async def _fan_out(message: _Message, endpoints: list[str], retry_until: str) -> list[Delivery]:
    """What became of it at each; raises ActionError: some are to be tried again, or none took it."""
    deliveries = list(await asyncio.gather(*(message.outcome(one) for one in endpoints)))
    outcomes = [one.outcome for one in deliveries]
    open_ones = [one for one in deliveries if one.outcome in {"unavailable", "unknown"}]
    if open_ones and not (retry_until == "any" and "delivered" in outcomes):
        said = "; ".join(f"{one.error}" for one in open_ones[:3])
        more = f"; and {len(open_ones) - 3} more" if len(open_ones) > 3 else ""
        sentence = f"{outcomes.count('delivered')} of {len(endpoints)} endpoints have it; {said}{more}"
        # The engine takes a failure to be that of the host that was called last, which is any of them
        # here: this cause is tried again and blames nobody, and a host's own Retry-After would be blame.
        if "unknown" in outcomes or "delivered" in outcomes:
            raise OutcomeUnknown(sentence, cause="429")
        raise Unavailable(sentence, cause="429")
    if endpoints and set(outcomes) == {"rejected"}:
        raise Rejected(f"no endpoint takes it: {deliveries[0].error}")
    return deliveries
