"""
How Twilio is reached: the connection, one answer, and what its refusals mean.

Sources: twilio.com/docs: "REST API: error responses", "Error and Warning Dictionary", "API keys",
"Account resource". Twilio says that a request answered 429 was not processed.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, NoReturn, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

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
    basic,
    in_brief,
)

twilio = Connector("twilio", title="Twilio", summary="Text messages, WhatsApp messages and phone calls.")

LONGEST_BODY = 1600  # characters
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}")

CREDENTIALS = {
    20003: "account SID and token (or API key) do not belong together, or may not do this",
    20005: "the account is not active; see the Twilio Console",
}
LATER = {
    20429: "too many requests at once",
    14107: "messages are sent too fast",
    21611: "too many messages wait at this sender",
}
MENDS = {
    21205: "the TwiML url is no address that Twilio can call",
    21210: "the calling number is neither a Twilio number of this account nor a verified one",
    21211: "`to` is no number; write +, country code and number",
    21212: "`from` is no number of this account; see Phone Numbers in the Console",
    21215: "calls to that country are off; allow it under Voice, Settings, Geo permissions",
    21217: "`to` is no number; write +, country code and number",
    21219: "a trial account calls verified numbers only",
    21408: "messages to that country are off; allow it under Messaging, Settings, Geo permissions",
    21606: "`from` cannot send this, or is not of this account",
    21608: "a trial account sends to verified numbers only",
    21610: "the receiver has unsubscribed (STOP); only they can undo it, with START",
    21612: "this sender cannot reach that number; try another sender",
    21614: "`to` is no mobile number",
    21617: f"the text has more than {LONGEST_BODY} characters; use `| truncate(…)`",
    21620: "a media url is no address that Twilio can fetch",
    21701: "there is no such messaging service",
    21704: "the messaging service has no sender; add a number to it",
    63007: "no WhatsApp sender has this number; see Messaging, Senders in the Console",
}


def _number(text: str) -> str:
    plain = re.sub(r"[\s().-]", "", text).removeprefix("whatsapp:")
    if not E164.fullmatch(plain):
        raise ValueError("is no number as Twilio takes it: +, country code and number, such as +14155550123")
    return plain


def _sender(text: str) -> str:
    plain = text.strip().removeprefix("whatsapp:")
    plain = re.sub(r"[\s().-]", "", plain) if plain.startswith("+") else plain
    if not SENDER.fullmatch(plain):
        raise ValueError(
            "is no sender: a number (+14155550123), a short code, or a name of up to 11 characters"
        )
    return plain


def _web(text: str) -> str:
    if not re.match(r"https?://[^/\s]+", text.strip()):
        raise ValueError("must start with https:// or http:// and a host")
    return text.strip()


def _later(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("is no time in ISO 8601 with a zone, such as 2026-01-31T09:00:00Z")
    return text


Number = Annotated[str, AfterValidator(_number)]
Sender = Annotated[str, AfterValidator(_sender)]
Address = Annotated[str, AfterValidator(_web)]
Later = Annotated[str, AfterValidator(_later)]
Service = Annotated[str, Field(pattern=r"^MG[0-9a-f]{32}$")]

twilio.explains(CREDENTIALS, MENDS)


@twilio.connection("twilio")
class TwilioConnection(Connection):
    """A Twilio account, by its auth token or an API key."""

    title: ClassVar[str] = "Twilio"
    steps: ClassVar[tuple[str, ...]] = (
        "At https://console.twilio.com the first page has the Account SID and the Auth Token.",
        (
            "In place of the auth token, an API key can be taken back by itself: make one under API keys & "
            "tokens, and copy its SID and its secret, which is shown once."
        ),
    )

    account_sid: str = Field(description="The account SID (AC…).", pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: SecretStr | None = Field(None, description="The auth token.", min_length=1)
    api_key: str | None = Field(
        None,
        description="An API key's SID (SK…), in place of the token: it can be taken back by itself.",
        pattern=r"^SK[0-9a-fA-F]{32}$",
    )
    api_key_secret: SecretStr | None = Field(None, description="The API key's secret.", min_length=1)
    sender: Sender | None = Field(None, alias="from", description="The sender where a step names none.")
    messaging_service: Service | None = Field(
        None, description="The messaging service (MG…) where a step names neither service nor sender."
    )
    api_url: Address = Field("https://api.twilio.com", description="The address of the API.")
    lookups_url: Address = Field("https://lookups.twilio.com", description="The address of Lookup.")
    messaging_url: Address = Field("https://messaging.twilio.com", description="The address of Messaging.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.api_key is None) != (self.api_key_secret is None):
            raise ValueError("api_key and api_key_secret belong together")
        if (self.auth_token is None) == (self.api_key is None):
            raise ValueError("give either auth_token, or api_key and api_key_secret")
        return self

    def _credentials(self) -> str:
        secret = self.auth_token or self.api_key_secret
        return basic(self.api_key or self.account_sid, secret.get_secret_value() if secret else "")

    def apply(self, request: OutgoingRequest) -> None:
        """Set `Authorization`."""
        request.set_header("Authorization", self._credentials())

    def bound_hosts(self) -> list[str]:
        """The hosts of the three addresses."""
        urls = (self.api_url, self.lookups_url, self.messaging_url)
        return list(dict.fromkeys(urlsplit(one).hostname or "" for one in urls))

    def secret_texts(self) -> frozenset[str]:
        """The secrets, and what is sent of them."""
        return super().secret_texts() | {self._credentials().removeprefix("Basic ")}

    def account(self, path: str) -> str:
        """An address below the account's."""
        return f"{self.api_url.rstrip('/')}/2010-04-01/Accounts/{self.account_sid}{path}"

    async def test(self, call: Call) -> str:
        """Ask for the account; an API key, which may not see it, for a number of it."""
        if self.auth_token is not None:
            account = answer(await call.http.get(self.account(".json")))
            return f"connected to {account.get('friendly_name')}, which is {account.get('status')}"
        answer(await call.http.get(self.account("/IncomingPhoneNumbers.json"), query={"PageSize": 1}))
        return f"the API key works for {self.account_sid}"


def answer(reply: Reply) -> dict[str, Any]:
    """
    Twilio's answer if it is a yes.

    Raises:
        ActionError: it is a no, by its code where we know it, else by its status.
    """
    if reply.status >= 400:
        fail(reply)
    found = reply.json()
    if not isinstance(found, dict):
        raise OutcomeUnknown("Twilio answered with what is not an object")
    return found


def fail(reply: Reply) -> NoReturn:
    """Raise what a refusal means."""
    try:
        error = object_of(reply.json())
    except OutcomeUnknown:
        error = {}
    code = error.get("code") if isinstance(error.get("code"), int) else None
    said = f"Twilio: {code}: {in_brief(error.get('message') or '')}".rstrip(": ")
    if code in CREDENTIALS:
        raise ConnectionRejected(f"{said}: {CREDENTIALS[code]}")
    if code in LATER:
        raise Unavailable(f"{said}: {LATER[code]}", retry_after_seconds=reply.retry_after(), cause="429")
    if code in MENDS:
        raise Rejected(f"{said}: {MENDS[code]}")
    if code is None or reply.status in {401, 403, 408, 429} or reply.status >= 500:
        reply.accept()
    raise Rejected(said)


def text_of(answer: dict[str, Any], name: str) -> str:
    """A text that an answer must have. Raises OutcomeUnknown."""
    value = answer.get(name)
    if not isinstance(value, str):
        raise OutcomeUnknown(f"Twilio answered without {name}")
    return value


def object_of(value: object) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
