"""
How the WhatsApp Cloud API is reached: the connection, one answer, and what its refusals mean.

Sources: developers.facebook.com/docs/whatsapp/cloud-api: "Get started", "Error codes", "Throughput";
developers.facebook.com/docs/graph-api: "Handling errors", "Rate limits".
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

whatsapp = Connector("whatsapp", title="WhatsApp", summary="WhatsApp messages by Meta's Cloud API.")

CREDENTIALS = {
    0: "the token is not valid any more; make a new one of a system user",
    3: "the app lacks a capability or a permission; see its permissions",
    10: "a permission was not given or was taken back; see the app's permissions",
    190: "the token has ended; make one of a system user, which does not end",
    368: "the business account is restricted for a breach of policy; see WhatsApp Manager",
    131005: "the token may not do this; it needs whatsapp_business_messaging",
    131031: "the business account is locked; see WhatsApp Manager",
    131042: "something is wrong with paying; see the billing of the business account",
    131045: "the phone number is not registered rightly; register it again",
    133010: "the phone number is not registered for the Cloud API; register it",
}
PERMISSIONS = range(200, 300)
LATER = {
    2: "Meta is busy or down",
    4: "the app calls too often",
    80007: "the business account calls too often",
    130429: "too many messages a second",
    131016: "the service is not available",
    131048: "too many messages were blocked or marked as spam; see the number's quality",
    131056: "too many messages to this receiver in a short time",
    131057: "the business account is being moved or raised",
}
UNKNOWN = {1, 131000}
MENDS = {
    33: "this phone number is gone; see the phone_number_id of the connection",
    100: "a field is missing, misspelt or wrong",
    130472: "WhatsApp keeps this receiver out of marketing messages for an experiment",
    131008: "something that is needed is missing",
    131009: "a value is not allowed",
    131021: "sender and receiver are one",
    131026: "this receiver cannot get it: no WhatsApp there, an old one, or its terms are not accepted",
    131047: "more than 24 hours since their last message; send a template",
    131049: "WhatsApp does not deliver it, to keep the receiver from too many such messages",
    131051: "this kind of message is not supported",
    131052: "the receiver's file cannot be downloaded",
    131053: "the file cannot be taken; see its type and size",
    132000: "the template has another number of variables",
    132001: "there is no such approved template in this language",
    132005: "the text is too long with its variables put in",
    132007: "the template breaks WhatsApp's rules",
    132012: "a variable is not of the kind that the template has",
    132015: "the template is paused for its quality",
    132016: "the template is switched off for good",
}

whatsapp.explains(CREDENTIALS, MENDS)


@whatsapp.connection("whatsapp")
class WhatsAppConnection(Connection):
    """A phone number of the WhatsApp Business Platform, by a system user's token."""

    title: ClassVar[str] = "WhatsApp"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://developers.facebook.com/apps open your app, WhatsApp, API Setup: there are the Phone "
            "number ID and the WhatsApp Business Account ID."
        ),
        (
            "At https://business.facebook.com/settings open Users, System users, the user, and choose "
            "Generate token: with whatsapp_business_messaging, and whatsapp_business_management for the list "
            "of templates."
        ),
        "Copy the token: it is shown once.",
    )

    token: SecretStr = Field(
        description="The token of a system user, with whatsapp_business_messaging.", min_length=1
    )
    phone_number_id: str = Field(
        description="The id of the phone number that sends; not the number itself.", pattern="^[0-9]{5,25}$"
    )
    business_account_id: str | None = Field(
        None,
        description="The id of the WhatsApp Business Account, for the list of templates; the token needs "
        "whatsapp_business_management for it.",
        pattern="^[0-9]{5,25}$",
    )
    api_url: str = Field("https://graph.facebook.com/v23.0", description="The address of the API.")

    @field_validator("api_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.match(r"https?://[^/?#@]+(/|$)", value):
            raise ValueError("must start with https:// or http:// and a host")
        return value.rstrip("/")

    def apply(self, request: OutgoingRequest) -> None:
        """Set `Authorization`."""
        request.set_header("Authorization", f"Bearer {self.token.get_secret_value()}")

    def bound_hosts(self) -> list[str]:
        """The host of `api_url`."""
        return [urlsplit(self.api_url).hostname or ""]

    def number(self, path: str = "") -> str:
        """An address below the phone number's."""
        return f"{self.api_url}/{self.phone_number_id}{path}"

    async def test(self, call: Call) -> str:
        """Ask whose number it is."""
        query = {"fields": "display_phone_number,verified_name"}
        found = answer(await call.http.get(self.number(), query=query))
        return f"connected as {found.get('verified_name')}, {found.get('display_phone_number')}"


def answer(reply: Reply) -> dict[str, Any]:
    """
    The answer if it is a yes.

    Raises:
        ActionError: it is a no, by its code.
    """
    if reply.status >= 400:
        _fail(reply)
    found = reply.json()
    if not isinstance(found, dict):
        raise OutcomeUnknown("WhatsApp answered with what is not an object")
    if isinstance(found.get("error"), dict):
        _fail(reply)
    return found


def _fail(reply: Reply) -> NoReturn:
    try:
        body = reply.json()
    except OutcomeUnknown:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        reply.accept()
        raise OutcomeUnknown("WhatsApp answered with an error that says nothing")
    code, data = error["code"], error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    said = in_brief(details or error.get("message") or "")
    sentence = f"WhatsApp: {code}: {said}"
    if code in CREDENTIALS or code in PERMISSIONS:
        mend = CREDENTIALS.get(code, "the token lacks a permission")
        raise ConnectionRejected(f"{sentence}: {mend}")
    if code in LATER:
        raise Unavailable(f"{sentence}: {LATER[code]}", retry_after_seconds=reply.retry_after(), cause="429")
    if code in UNKNOWN:
        raise OutcomeUnknown(sentence, cause="500")
    if code in MENDS:
        raise Rejected(f"{sentence}: {MENDS[code]}")
    if reply.status in {401, 403, 408, 429} or reply.status >= 500:
        reply.accept()
    raise Rejected(sentence)
