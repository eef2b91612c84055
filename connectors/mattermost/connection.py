"""Mattermost's connection, how its API is called, and what its refusals mean."""

from __future__ import annotations

import re
from typing import Any, ClassVar, NoReturn, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    Json,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
    url_path,
)

mattermost = Connector(
    "mattermost", title="Mattermost", summary="Posts, reactions and files in Mattermost channels."
)

ID = re.compile(r"[a-z0-9]{26}")
ADDRESS = re.compile(r"https?://[^/?#\s@\\]+(/[\w./-]*)?")

MENDS = {
    "web.incoming_webhook.channel.app_error": "no such channel",
    "web.incoming_webhook.channel_locked.app_error": "the webhook is locked to its own channel; leave it out",
    "web.incoming_webhook.text.app_error": "the message is empty",
    "web.incoming_webhook.user.app_error": "no such user",
    "api.context.permissions.app_error": "the account may not do this; add it to the team and the channel",
    "api.post.create_post.can_not_post_to_deleted.error": "the channel is archived; choose another",
    "api.post.create_post.root_id.app_error": "root is the id of a thread's first post; there is no such one",
    "api.post.update_post.permissions_time_limit.app_error": "it is too late to change the post",
}
"""What is known of the ids of Mattermost's errors; its own sentence is shown with all of them."""

CREDENTIALS = {
    "web.incoming_webhook.invalid.app_error": "the webhook was removed, or its address is wrong",
    "web.incoming_webhook.disabled.app_error": "an administrator must switch on incoming webhooks",
}
"""Errors until a person mends the connection, each with the mend."""

mattermost.explains(CREDENTIALS, MENDS)


@mattermost.connection("mattermost")
class MattermostConnection(Connection):
    """A server with the token of a bot or a person, or the address of an incoming webhook."""

    title: ClassVar[str] = "Mattermost"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "In Mattermost open Integrations, Bot Accounts, Add Bot Account, and copy its token: it is shown "
            "once."
        ),
        "Add the bot to the team, and to each channel that it is to post in.",
        (
            "To post in one channel only, do this in place of both: Integrations, Incoming Webhooks, Add "
            "Incoming Webhook, and copy its address."
        ),
    )

    url: str | None = Field(
        None,
        description="The address of the server, for a token.",
        examples=["https://chat.example.com"],
    )
    token: SecretStr | None = Field(
        None, description="The token of a bot account, or a personal access token."
    )
    webhook_url: SecretStr | None = Field(
        None, description="An incoming webhook, in place of url and token; it posts to its own channel."
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        text = (value or "").strip().rstrip("/").removesuffix("/api/v4")
        if text and not ADDRESS.fullmatch(text):
            raise ValueError("must be the server's address, such as https://chat.example.com")
        return text or None

    @field_validator("token", "webhook_url")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token is None) == (self.webhook_url is None):
            raise ValueError("give either url and token, or webhook_url")
        if self.token is not None and self.url is None:
            raise ValueError("a token needs the url of its server")
        if self.webhook_url is not None and not ADDRESS.fullmatch(self.webhook):
            raise ValueError("webhook_url must look like https://chat.example.com/hooks/…")
        return self

    def apply(self, request: OutgoingRequest) -> None:
        """Add the token; a webhook's address is its own credential."""
        if self.token is not None:
            request.set_header("Authorization", f"Bearer {self.token.get_secret_value().strip()}")

    def bound_hosts(self) -> list[str]:
        """The server's own host."""
        return [urlsplit(self.webhook or self.url or "").hostname or ""]

    @property
    def webhook(self) -> str:
        """The webhook's address; empty where there is a token."""
        return "" if self.webhook_url is None else self.webhook_url.get_secret_value().strip()

    async def test(self, call: Call) -> str:
        """Ask Mattermost who the token is; a webhook cannot be asked."""
        if self.webhook:
            raise Rejected("an incoming webhook cannot be tested without posting; post a message with it")
        me = await ask(call, self, "GET", "/users/me")
        return f"connected to {urlsplit(self.url or '').hostname} as @{me.get('username')}"


def segment(value: str) -> str:
    """A value as one segment of a path. Raises Rejected where it would lead elsewhere."""
    return url_path(value).removeprefix("/")


async def ask(
    call: Call, connection: MattermostConnection, method: str, path: str, **options: Any
) -> dict[str, Json]:
    """Call the API and give its answer, an object."""
    answer = await ask_any(call, connection, method, path, **options)
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Mattermost answered with what is not an object")
    return answer


async def ask_any(
    call: Call, connection: MattermostConnection, method: str, path: str, **options: Any
) -> Json:
    """Call the API and give its answer."""
    return accept(await send(call, connection, method, path, **options)).json()


async def send(call: Call, connection: MattermostConnection, method: str, path: str, **options: Any) -> Reply:
    """Call the API and give its answer, whatever its status."""
    if connection.token is None:
        raise Rejected("Mattermost: this needs a connection with a token; a webhook can only post")
    return await call.http.request(method, f"{connection.url}/api/v4{path}", **options)


def accept(reply: Reply) -> Reply:
    """This reply if it is a yes; else raises what the refusal means: by its id, and else by its status."""
    return reply if reply.status < 400 else _fail(reply)


def _fail(reply: Reply) -> NoReturn:
    if reply.status == 429:
        raise Unavailable("Mattermost: 429: too many requests", retry_after_seconds=_wait(reply), cause="429")
    try:
        answer = reply.json()
    except OutcomeUnknown:
        answer = None
    about: dict[str, Json] = answer if isinstance(answer, dict) else {}
    name = str(about.get("id", ""))
    said = in_brief(about.get("message", ""), 200).rstrip(".")
    sentence = f"Mattermost: {reply.status}{': ' if said else ''}{said}"
    if name in CREDENTIALS:
        raise ConnectionRejected(f"{sentence}: {CREDENTIALS[name]}")
    if reply.status == 401:
        raise ConnectionRejected(f"{sentence}: the token is not valid or has expired; make a new one")
    if reply.status == 501:  # what the server's settings switch off
        raise Rejected(sentence)
    if reply.status >= 500 or reply.status == 408:
        reply.accept()
    mend = MENDS.get(name) or {
        403: MENDS["api.context.permissions.app_error"],
        404: "no such thing, or the account cannot see it",
        413: "it is larger than the server allows",
    }.get(reply.status, "")
    raise Rejected(f"{sentence}{': ' if mend else ''}{mend}")


def _wait(reply: Reply) -> float | None:
    """How long to wait: by Retry-After, or by Mattermost's own header, seconds until its window ends."""
    reset = reply.headers.get("x-ratelimit-reset", "")
    known = reply.retry_after()
    if known is None and reset.isdecimal() and int(reset) <= 3600:  # a larger one is a point in time
        return float(reset)
    return known


async def channel_id(call: Call, connection: MattermostConnection, channel: str) -> str:
    """The id of a channel that is given by its id, or as `team/channel`."""
    if ID.fullmatch(channel):
        return channel
    team, slash, name = channel.partition("/")
    if not slash or not team or not name:
        raise Rejected(
            "Mattermost: channel: give its id (26 letters and digits), or team/channel by their names"
        )
    path = f"/teams/name/{segment(team)}/channels/name/{segment(name.removeprefix('~'))}"
    return str((await ask(call, connection, "GET", path)).get("id", ""))


async def my_id(call: Call, connection: MattermostConnection) -> str:
    """The id of the token's account."""
    return str((await ask(call, connection, "GET", "/users/me")).get("id", ""))
