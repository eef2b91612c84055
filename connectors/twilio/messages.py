"""
Messages: `twilio.send_sms` and `twilio.send_whatsapp`.

Sources: twilio.com/docs: "Messages resource", "Message scheduling", "WhatsApp: send template messages".
"""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import Field, model_validator

from connectors.twilio.access import (
    LONGEST_BODY,
    Address,
    Later,
    Number,
    Sender,
    Service,
    TwilioConnection,
    answer,
    text_of,
    twilio,
)
from runner.connector import Call, Input, Output, Rejected


class _Message(Input):
    """What messages of both kinds have."""

    to: Number = Field(description="The receiver.", examples=["+14155550123"])
    messaging_service: Service | None = Field(
        None, description="A messaging service (MG…), which picks a sender, in place of `from`."
    )
    status_callback: Address | None = Field(
        None, description="Where Twilio reports delivery; a workflow's own address does."
    )
    send_at: Later | None = Field(
        None,
        description="Send it then (ISO 8601 with a zone), 5 minutes to 35 days from now; needs a service.",
        examples=["2026-01-31T09:00:00Z"],
    )


class SendSms(_Message):
    """The inputs of `twilio.send_sms`."""

    sender: Sender | None = Field(
        None,
        alias="from",
        description="The sender: a number, short code or name; left out: the connection's.",
    )
    body: str | None = Field(None, description="The text; more than 160 characters are several parts.",
                             max_length=LONGEST_BODY)  # fmt: skip
    media_urls: list[Address] | None = Field(
        None, description="Pictures and the like, at most ten, by public addresses (MMS).", max_length=10
    )
    valid_seconds: int | None = Field(
        None, description="How long it may wait to be sent; past that it is dropped.", ge=1, le=36_000
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.body and self.body.strip()) and not self.media_urls:
            raise ValueError("the message is empty; give body or media_urls")
        return self


class SendWhatsApp(_Message):
    """The inputs of `twilio.send_whatsapp`."""

    sender: Number | None = Field(
        None, alias="from", description="The WhatsApp number that sends; left out: the connection's."
    )
    body: str | None = Field(
        None,
        description="The text: only within 24 hours of the receiver's last message; else a template.",
        max_length=LONGEST_BODY,
    )
    content_sid: str | None = Field(
        None, description="An approved template (HX…), in place of a text.", pattern="^HX[0-9a-fA-F]{32}$"
    )
    content_variables: dict[str, str | int | float] | None = Field(
        None, description="The template's variables.", examples=[{"1": "Ada", "2": "12:00"}]
    )
    media_url: Address | None = Field(None, description="A picture or file, by its public address.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        is_free = bool(self.body and self.body.strip()) or self.media_url is not None
        if is_free == (self.content_sid is not None):
            raise ValueError("give either content_sid, or body or media_url")
        if self.content_variables is not None and self.content_sid is None:
            raise ValueError("content_variables are those of a content_sid")
        return self


class Sent(Output):
    """The message; it is queued, and not yet delivered."""

    sid: str = Field(description="Its id at Twilio (SM…).")
    status: str = Field(description="accepted, scheduled, queued or sending, as a rule.")
    to: str = Field(description="The receiver, as Twilio has it.")
    sender: str | None = Field(alias="from", description="Null while a messaging service picks one.")
    segments: int | None = Field(description="How many parts it is charged as; null while that is open.")


@twilio.action(
    # No idempotency key. A text that comes twice is a lesser evil than one that never comes; who
    # sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: twilio.send_sms
connection: twilio
with:
  to: "{{ payload.phone }}"
  body: "Order {{ payload.name }} is on its way."
""",
)
async def send_sms(call: Call, connection: TwilioConnection, input: SendSms) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a text message (SMS), or with `media_urls` a picture message (MMS).

    Twilio has no idempotency key: if the server dies while a message is on its way, it may come
    twice. `after_crash: stop` on the step asks a person instead.
    """
    form = {
        **_from(connection, input.sender, input.messaging_service),
        "Body": input.body,
        "MediaUrl": input.media_urls,
        "ValidityPeriod": input.valid_seconds,
    }
    return await _send(call, connection, input, form, channel="")


@twilio.action(
    after_crash="repeat",  # as send_sms
    example="""\
action: twilio.send_whatsapp
connection: twilio
with:
  to: "{{ payload.phone }}"
  content_sid: HX0123456789abcdef0123456789abcdef
  content_variables: {"1": "{{ payload.name }}"}
""",
)
async def send_whatsapp(call: Call, connection: TwilioConnection, input: SendWhatsApp) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a WhatsApp message: a template, or within 24 hours of their last message a text.

    Twilio takes a text outside these hours and reports its failure (63016) to `status_callback` only.
    """
    form = {
        **_from(connection, input.sender, input.messaging_service),
        "Body": input.body,
        "MediaUrl": input.media_url,
        "ContentSid": input.content_sid,
        "ContentVariables": json.dumps({key: str(value) for key, value in input.content_variables.items()})
        if input.content_variables
        else None,
    }
    return await _send(call, connection, input, form, channel="whatsapp:")


def _from(connection: TwilioConnection, sender: str | None, service: str | None) -> dict[str, str | None]:
    """Who sends: what the step says, else the connection."""
    if sender is None and service is None:
        sender, service = connection.sender, connection.messaging_service
    if sender is None and service is None:
        raise Rejected("twilio: name a sender (`from`) or a messaging_service, here or in the connection")
    return {"From": sender, "MessagingServiceSid": service}


async def _send(
    call: Call, connection: TwilioConnection, given: _Message, form: dict[str, Any], *, channel: str
) -> Sent:
    if given.send_at is not None and form["MessagingServiceSid"] is None:
        raise Rejected("twilio: send_at: only a messaging_service can send later")
    form |= {
        "To": f"{channel}{given.to}",
        "From": f"{channel}{form['From']}" if form["From"] else None,
        "StatusCallback": given.status_callback,
        "SendAt": given.send_at,
        "ScheduleType": "fixed" if given.send_at else None,
    }
    made = answer(await call.http.post(connection.account("/Messages.json"), form=form))
    segments = str(made.get("num_segments") or "")
    return Sent.model_validate(
        {
            "sid": text_of(made, "sid"),
            "status": text_of(made, "status"),
            "to": text_of(made, "to"),
            "from": made.get("from"),
            "segments": int(segments) if segments.isdecimal() and segments != "0" else None,
        }
    )
