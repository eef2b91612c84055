"""
Calls and numbers: `twilio.make_call` and `twilio.lookup`.

Sources: twilio.com/docs: "Call resource", "Lookup v2 API", "Line Type Intelligence", "Caller Name".
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.twilio.access import (
    Address,
    Number,
    TwilioConnection,
    answer,
    object_of,
    text_of,
    twilio,
)
from runner.connector import Call, Html, Input, Output, Rejected, url_path

LONGEST_TWIML = 4000  # characters


class MakeCall(Input):
    """The inputs of `twilio.make_call`."""

    to: Number = Field(description="Whom to call.", examples=["+14155550123"])
    sender: Number | None = Field(
        None, alias="from", description="The number that calls; left out: the connection's."
    )
    url: Address | None = Field(None, description="Where Twilio gets what to say (TwiML) when they answer.")
    twiml: Html | None = Field(
        None,
        description="What to say, in place of `url`: TwiML, in which every expression is escaped.",
        examples=["<Response><Say>Order {{ payload.number }} is late.</Say></Response>"],
        max_length=LONGEST_TWIML,
    )
    ring_seconds: int = Field(60, description="How long it rings.", ge=5, le=600)
    machine_detection: Literal["Enable", "DetectMessageEnd"] | None = Field(
        None, description="Find out whether a machine answers; DetectMessageEnd waits for its beep."
    )
    status_callback: Address | None = Field(None, description="Where Twilio reports the end of the call.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.url is None) == (self.twiml is None):
            raise ValueError("give either url or twiml")
        return self


class Lookup(Input):
    """The inputs of `twilio.lookup`."""

    number: str = Field(
        description="The number, with + and country code or as it is written in `country`.",
        pattern=r"^[+0-9 ().\-/]{3,32}$",
    )
    country: str | None = Field(
        None, description="The country of a number without its code (ISO 3166).", pattern="^[A-Z]{2}$"
    )
    line_type: bool = Field(
        False, description="Find out the kind of line and its carrier; Twilio charges it."
    )
    caller_name: bool = Field(False, description="Find out whose it is (US only); Twilio charges it.")


class Called(Output):
    """The call; it is queued, and nobody has answered yet."""

    sid: str = Field(description="Its id at Twilio (CA…).")
    status: str = Field(description="queued, as a rule.")


class Found(Output):
    """What is known of a number; what was not asked for is null."""

    valid: bool = Field(description="Whether there can be such a number.")
    number: str | None = Field(description="With + and country code.")
    national: str | None = Field(description="As it is written in its country.")
    country: str | None = Field(description="Its country (ISO 3166).")
    errors: list[str] = Field(description="Why it is not valid, such as TOO_SHORT.")
    line_type: str | None = Field(description="mobile, landline, fixedVoip, nonFixedVoip, tollFree, …")
    carrier: str | None = Field(description="Whose line it is.")
    caller_name: str | None = Field(description="Whose number it is, in the US.")


@twilio.action(
    after_crash="stop",  # no idempotency key, and a telephone that rings again wakes someone for nothing
    example="""\
action: twilio.make_call
connection: twilio
with:
  to: "{{ vars.on_duty }}"
  twiml: "<Response><Say>{{ payload.alert }}</Say></Response>"
""",
)
async def make_call(call: Call, connection: TwilioConnection, input: MakeCall) -> Called:  # noqa: A002 - the contract of an action
    """Call someone and say what a TwiML document says."""
    sender = input.sender or connection.sender
    if sender is None:
        raise Rejected("twilio.make_call: from: name a number here or in the connection")
    form = {
        "To": input.to,
        "From": sender,
        "Url": input.url,
        "Twiml": input.twiml,
        "Timeout": input.ring_seconds,
        "MachineDetection": input.machine_detection,
        "StatusCallback": input.status_callback,
    }
    made = answer(await call.http.post(connection.account("/Calls.json"), form=form))
    return Called(sid=text_of(made, "sid"), status=text_of(made, "status"))


@twilio.action(
    after_crash="repeat",  # it only reads, though packages are charged again
    example="""\
action: twilio.lookup
connection: twilio
with:
  number: "{{ payload.phone }}"
  line_type: true
""",
)
async def lookup(call: Call, connection: TwilioConnection, input: Lookup) -> Found:  # noqa: A002 - the contract of an action
    """Find out whether a number is valid, how it is written, and if asked its line and owner."""
    packages = {"line_type_intelligence": input.line_type, "caller_name": input.caller_name}
    fields = ",".join(name for name, wanted in packages.items() if wanted)
    url = f"{connection.lookups_url.rstrip('/')}/v2/PhoneNumbers{url_path(input.number.strip())}"
    query = {"Fields": fields or None, "CountryCode": input.country}
    found = answer(await call.http.get(url, query=query))
    line, caller = object_of(found.get("line_type_intelligence")), object_of(found.get("caller_name"))
    errors = found.get("validation_errors")
    return Found(
        valid=found.get("valid") is True,
        number=found.get("phone_number"),
        national=found.get("national_format"),
        country=found.get("country_code"),
        errors=[str(one) for one in errors] if isinstance(errors, list) else [],
        line_type=line.get("type"),
        carrier=line.get("carrier_name"),
        caller_name=caller.get("caller_name"),
    )
