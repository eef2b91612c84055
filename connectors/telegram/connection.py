"""Telegram's connection, how the Bot API is called, and what its refusals mean."""

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
    Json,
    OutcomeUnknown,
    Part,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

telegram = Connector(
    "telegram", title="Telegram", summary="Messages, photos and documents of a Telegram bot, with buttons."
)

TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")

MENDS = {
    "chat not found": "no such chat, or the bot is not in it; whoever it writes to must have started "
    "it first",
    "can't parse entities": "the text is not right in its parse_mode; `| escape_html` what comes from a "
    "payload, or leave parse_mode out",
    "bot was blocked by the user": "the user has blocked the bot",
    "bot was kicked": "add the bot to the group again",
    "bot is not a member": "add the bot to the channel, as an administrator",
    "bot can't initiate conversation": "the user must start the bot first",
    "not enough rights": "make the bot an administrator of the chat",
    "have no rights to send": "make the bot an administrator of the chat",
    "message to edit not found": "no such message; chat and message are those of its post",
    "message can't be edited": "the bot may change its own messages only",
    "message can't be deleted": "the bot may delete its own messages, for 48 hours",
    "query is too old": "a button must be answered soon after it is pressed",
    "message is too long": "a text has at most 4,096 characters; use `| truncate(…)`",
    "file is too big": "a photo has at most 10 MB, a document 50 MB",
}
"""Telegram's descriptions, of which it says that they may change: what is known of them is added."""

telegram.explains(MENDS)


@telegram.connection("telegram")
class TelegramBot(Connection):
    """A bot's token, as @BotFather gave it."""

    title: ClassVar[str] = "Telegram"
    steps: ClassVar[tuple[str, ...]] = (
        "In Telegram open a chat with @BotFather, send /newbot and answer its questions.",
        "Copy the token that it gives you.",
        (
            "Add the bot to the group, or to the channel as an administrator. A person has to write to it "
            "first."
        ),
    )

    token: SecretStr = Field(description="The bot's token, such as 123456:ABC-…")
    api_url: str = Field(
        "https://api.telegram.org",
        description="The address of the API, for tests and a Bot API server of your own.",
    )

    @field_validator("token")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not TOKEN.fullmatch(text):  # it stands in the path of each address
            raise ValueError("a token looks like 123456:ABC-…; copy it from @BotFather again")
        return SecretStr(text)

    def bound_hosts(self) -> list[str]:
        """The API's host."""
        return [urlsplit(self.api_url.strip()).hostname or ""]

    async def test(self, call: Call) -> str:
        """Ask Telegram who the bot is."""
        bot = await ask(call, self, "getMe", {})
        return f"connected as @{bot.get('username')}"


async def ask(
    call: Call, connection: TelegramBot, method: str, fields: dict[str, Any], *, fine: str = ""
) -> dict[str, Json]:
    """Call a method and give its result; {} where Telegram refuses it with the words *fine*."""
    url = f"{connection.api_url.strip().rstrip('/')}/bot{connection.token.get_secret_value()}/{method}"
    given = {name: value for name, value in fields.items() if value is not None}
    if any(isinstance(value, Part) for value in given.values()):
        reply = await call.http.post(url, multipart=given)
    else:
        reply = await call.http.post(url, json=given)
    return _result(reply, fine)


def _result(reply: Reply, fine: str) -> dict[str, Json]:
    try:
        answer = reply.json()
    except OutcomeUnknown:
        reply.accept()
        raise
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Telegram answered with what is not an object")
    if answer.get("ok") is True:
        result = answer.get("result")
        return result if isinstance(result, dict) else {"done": result}
    said = str(answer.get("description", ""))
    if fine and fine in said.lower():
        return {}
    return _fail(reply, answer, said)


def _fail(reply: Reply, answer: dict[str, Json], said: str) -> NoReturn:
    """Raise what a refusal means: by its code, which is the HTTP status, and its parameters."""
    more: dict[str, Json] = answer.get("parameters") or {}
    sentence = f"Telegram: {in_brief(said, 200)}"
    if reply.status == 429:
        wait = more.get("retry_after")
        seconds = float(wait) if isinstance(wait, int | float) else reply.retry_after()
        raise Unavailable(sentence, retry_after_seconds=seconds, cause="429")
    if reply.status in {401, 404}:  # 404: the token has the form of one and is none
        raise ConnectionRejected(f"{sentence}: the token is not valid; copy it from @BotFather again")
    if reply.status >= 500:
        reply.accept()
    if "migrate_to_chat_id" in more:
        raise Rejected(f"{sentence}: the group has a new id now, {more['migrate_to_chat_id']}")
    mends = [mend for words, mend in MENDS.items() if words in said.lower()]
    raise Rejected(": ".join([sentence, *mends[:1]]))
