"""Discord's connection, how its API is called, and what its refusals mean."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, ClassVar, NoReturn, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    Json,
    OutcomeUnknown,
    OutgoingRequest,
    Part,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

discord = Connector(
    "discord",
    title="Discord",
    summary="Messages, reactions, threads and answers to interactions in Discord.",
)

API = "https://discord.com/api/v10"
AGENT = "DiscordBot (Hookline, 1)"  # Discord blocks agents that do not begin like this
WEBHOOK = re.compile(r"https?://[^/?#\s@\\]+(?:/[\w.-]+)*/webhooks/[0-9]+/[\w-]+/?")


def _digits(value: object) -> object:
    """YAML reads an id without quotes as a number; it is whole in Python, so nothing is lost."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Snowflake = Annotated[
    str, BeforeValidator(_digits, json_schema_input_type=str | int), Field(pattern=r"^[0-9]{1,20}$")
]
"""An id of Discord's: digits only."""

CREDENTIALS = {
    10015: "the webhook was removed; make a new one",
    40001: "the token is not valid; copy it again from the application's page, Bot",
    40012: "the authorisation was revoked; add the app to the server again",
    50014: "the token is not valid; copy it again from the application's page, Bot",
    50027: "the webhook's address is not valid; copy it again",
}
"""Errors until a person mends the connection, each with the mend."""

LATER = {
    20016: "the channel is in slow mode",
    20022: "announcements are limited",
    20028: "too many writes to the channel",
    20029: "too many writes to the server",
    30046: "too many edits of old messages",
    40003: "too many direct messages are being opened",
    40004: "sending is switched off for a while",
    40006: "this is switched off for a while",
    40062: "Discord limits the rate",
}
"""Errors after which nothing happened and that pass."""

MENDS = {
    10003: "no such channel, or the bot is not in its server; copy its id with the developer mode on",
    10008: "no such message in this channel",
    10014: "no such emoji; a custom one is written name:id",
    10062: "the interaction is not known; a first answer has 3 seconds, its token 15 minutes",
    30010: "the message has 20 different reactions, and no more are allowed",
    40005: "the message is too large; send smaller files",
    40058: "a forum takes no messages; post into one of its threads",
    40060: "the interaction has been answered already",
    40094: "the interaction has had as many answers as Discord allows",
    50001: "the bot cannot see the channel; give it View Channel there",
    50005: "the bot may change its own messages only",
    50006: "the message is empty",
    50007: "this user takes no messages from the bot",
    50008: "the channel is not one for text",
    50013: "the bot lacks a permission there (Send Messages, Add Reactions, Create Public Threads, …)",
    50024: "this cannot be done in a channel of this type",
    50045: "a file is larger than the server allows (10 MiB unless it is boosted)",
    50083: "the thread is archived",
    160004: "the message has a thread already",
    160005: "the thread is locked",
    160006: "the server has as many active threads as Discord allows",
    200000: "the server's AutoMod has blocked the text",
    220001: "a webhook of a forum needs thread_name or thread",
    220003: "thread_name is for webhooks of forums",
    240000: "Discord's filter has blocked a link in it",
}
"""Other errors that we can say more of; the rest is shown in Discord's words."""

discord.explains(CREDENTIALS, MENDS)


@discord.connection("discord")
class DiscordConnection(Connection):
    """The token of a bot, or the address of a channel's webhook."""

    title: ClassVar[str] = "Discord"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://discord.com/developers/applications choose New Application; under Bot choose Reset "
            "Token and copy it."
        ),
        (
            "Under OAuth2, URL Generator, tick bot and the permissions that the steps need, such as Send "
            "Messages; open the address that it makes and add the bot to your server."
        ),
        (
            "To post in one channel only, do this in place of both: Edit Channel, "
            "Integrations, Webhooks, New "
            "Webhook, Copy Webhook URL."
        ),
    )

    token: SecretStr | None = Field(None, description="The token of the application's bot.")
    webhook_url: SecretStr | None = Field(
        None, description="A channel's webhook, in place of a token; it posts to its own channel."
    )
    api_url: str = Field(API, description="The address of the API, for tests and gateways.")

    @field_validator("token", "webhook_url")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token is None) == (self.webhook_url is None):
            raise ValueError("give either token or webhook_url")
        if self.webhook_url is not None and not WEBHOOK.fullmatch(
            self.webhook_url.get_secret_value().strip()
        ):
            raise ValueError("webhook_url must look like https://discord.com/api/webhooks/ID/TOKEN")
        return self

    def apply(self, request: OutgoingRequest) -> None:
        """Add the token; interactions carry their own credential, and a webhook's address is its own."""
        request.set_header("User-Agent", AGENT)
        base = urlsplit(self.api_url).path.rstrip("/")
        path = urlsplit(request.url).path
        if self.token is not None and not path.startswith((f"{base}/interactions/", f"{base}/webhooks/")):
            request.set_header("Authorization", f"Bot {self.token.get_secret_value().strip()}")

    def bound_hosts(self) -> list[str]:
        """The hosts of the API and of the webhook."""
        given = [self.api_url] if self.webhook_url is None else [self.api_url, self.webhook]
        return [urlsplit(one).hostname or "" for one in given]

    @property
    def webhook(self) -> str:
        """The webhook's address; empty where there is a token."""
        return "" if self.webhook_url is None else self.webhook_url.get_secret_value().strip().rstrip("/")

    async def test(self, call: Call) -> str:
        """Ask Discord who the bot is, or what the webhook is called."""
        if self.webhook:
            hook = answer(await call.http.get(self.webhook))
            return f"the webhook {hook.get('name')} posts to the channel {hook.get('channel_id')}"
        bot = answer(await call.http.get(f"{base_url(self)}/users/@me"))
        return f"connected as {bot.get('username')}"


def base_url(connection: DiscordConnection | None) -> str:
    """The start of the API's addresses."""
    return (API if connection is None else connection.api_url).strip().rstrip("/")


def channel_url(connection: DiscordConnection, channel: str) -> str:
    """The address of a channel, for what only a bot can do."""
    if connection.token is None:
        raise Rejected("Discord: this needs a connection with a bot's token; a webhook can only post")
    return f"{base_url(connection)}/channels/{channel}"


def accept(reply: Reply, *fine: int) -> Reply:
    """This reply if it is a yes, or a no with one of the JSON codes *fine*."""
    if reply.status >= 400 and _code(reply) not in fine:
        _fail(reply)
    return reply


def answer(reply: Reply) -> dict[str, Json]:
    """Discord's answer, an object, if it is a yes."""
    given = accept(reply).json()
    if not isinstance(given, dict):
        raise OutcomeUnknown("Discord answered with what is not an object")
    return given


def body(message: dict[str, Any], files: list[Part]) -> dict[str, Any]:
    """A message as options of `call.http`: JSON, or multipart where it has files."""
    if not files:
        return {"json": message}
    parts: dict[str, Any] = {"payload_json": json.dumps(message)}
    return {"multipart": parts | {f"files[{number}]": file for number, file in enumerate(files)}}


def _fail(reply: Reply) -> NoReturn:
    """Raise what a refusal means: by its JSON code, and else by its status."""
    about = _about(reply)
    code = _code(reply)
    if reply.status == 429 or code in LATER:
        wait = reply.retry_after()
        said = about.get("retry_after")  # finer than the header; there where a proxy has dropped it
        if wait is None and isinstance(said, int | float):
            wait = float(said)
        reason = LATER.get(code, "too many requests")
        raise Unavailable(f"Discord: {code or 429}: {reason}", retry_after_seconds=wait, cause="429")
    if code in CREDENTIALS or reply.status == 401:
        mend = CREDENTIALS.get(code, CREDENTIALS[50014])
        raise ConnectionRejected(f"Discord: {code or 401}: {mend}")
    if reply.status >= 500 or not about:
        reply.accept()
    said = in_brief(about.get("message", ""), 200)
    faults = in_brief("; ".join(_faults(about.get("errors"), ())), 500)
    mend = MENDS.get(code, "")
    raise Rejected(": ".join(one for one in (f"Discord: {code or reply.status}", said, faults, mend) if one))


def _about(reply: Reply) -> dict[str, Json]:
    try:
        given = reply.json()
    except OutcomeUnknown:
        return {}  # a page of a proxy's; its status says what there is to say
    return given if isinstance(given, dict) else {}


def _code(reply: Reply) -> int:
    code = _about(reply).get("code") if reply.status >= 400 else None
    return code if isinstance(code, int) else 0


def _faults(errors: Json, path: tuple[str, ...]) -> list[str]:
    """The sentences of Discord's tree of faults, as `embeds.0.title: Must be 256 or fewer in length.`."""
    if not isinstance(errors, dict):
        return []
    found = []
    for name, inner in errors.items():
        if name == "_errors" and isinstance(inner, list):
            said = [str(one.get("message", "")) for one in inner if isinstance(one, dict)]
            found += [f"{'.'.join(path)}: {' '.join(said)}" if path else " ".join(said)]
        else:
            found += _faults(inner, (*path, str(name)))
    return found
