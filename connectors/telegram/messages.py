"""A Telegram bot's texts: send, edit, delete, and the answer to a button."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.telegram.connection import TelegramBot, ask, telegram
from runner.connector import Call, Input, Json, OutcomeUnknown, Output

NOT_CHANGED = "message is not modified"
GONE = "message to delete not found"


def _chat(value: int | str) -> int | str:
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+|@[A-Za-z0-9_]+", value):
        raise ValueError("give the chat's id, or @name of a public channel")
    return value


Chat: TypeAlias = Annotated[
    int | str,
    AfterValidator(_chat),
    Field(
        description="The chat's id (a payload's `message.chat.id`; negative for groups), or @name of a "
        "public channel. Telegram lets no bot list its chats.",
        examples=[-1001234567890, "@mychannel"],
    ),
]
ParseMode: TypeAlias = Annotated[
    Literal["HTML", "MarkdownV2"] | None,
    Field(
        description="How the text is marked up; left out, it is shown as it is. With HTML, put "
        "`| escape_html` behind what comes from a payload."
    ),
]


class Button(BaseModel):
    """A button below a message: it opens an address, or sends `data` to the bot's webhook."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str = Field(min_length=1, description="What stands on it.")
    url: str | None = Field(None, description="The address that it opens.")
    data: str | None = Field(None, description="What the bot's webhook gets, 1 to 64 bytes.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.url is None) == (self.data is None):
            raise ValueError("a button has either url or data")
        if self.data is not None and not 1 <= len(self.data.encode()) <= 64:
            raise ValueError("data has 1 to 64 bytes")
        return self


Buttons: TypeAlias = Annotated[
    list[list[Button]] | None,
    Field(description="Rows of buttons: [[{text, url}], [{text, data}]]; an empty list takes them away."),
]


class Sendable(Input):
    """What messages of all kinds take."""

    chat: Chat
    buttons: Buttons = None
    parse_mode: ParseMode = None
    reply_to: int | None = Field(None, description="The id of the message to reply to.")
    topic: int | None = Field(None, description="The id of a forum's topic (`message_thread_id`).")
    silent: bool = Field(False, description="Send it without a sound.")

    def common(self) -> dict[str, Any]:
        """The fields as Telegram takes them; null ones are left out."""
        reply = {"message_id": self.reply_to, "allow_sending_without_reply": True}
        return {
            "chat_id": self.chat,
            "message_thread_id": self.topic,
            "parse_mode": self.parse_mode,
            "disable_notification": self.silent or None,
            "reply_parameters": None if self.reply_to is None else reply,
            "reply_markup": keyboard(self.buttons),
        }


class SendMessage(Sendable):
    """The inputs of `telegram.send_message`."""

    text: str = Field(min_length=1, description="The text, at most 4,096 characters.")
    preview: bool = Field(True, description="Show a preview of the first link.")

    @model_validator(mode="after")
    def _short(self) -> Self:
        if self.parse_mode is None and len(self.text) > 4096:
            raise ValueError("the text is longer than 4,096 characters; use `| truncate(…)`")
        return self


class Sent(Output):
    """Where the message stands."""

    chat: int = Field(description="The id of its chat.")
    message: int = Field(description="The id of the message, for edits and replies.")


@telegram.action(
    # Telegram knows no idempotency key. A message that stands twice after a crash is a lesser evil
    # than one that waits for a person; a step that sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: telegram.send_message
connection: shop-bot
with:
  chat: -1001234567890
  text: "Order {{ payload.name }}: {{ payload.total_price }}"
  buttons: [[{text: Open, url: "{{ payload.order_status_url }}"}]]
""",
)
async def send_message(call: Call, connection: TelegramBot, input: SendMessage) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a text to a chat, a group or a channel.

    Telegram has no idempotency key: if the server dies while a message is on its way, the message
    may stand twice. `after_crash: stop` on the step asks a person instead.
    """
    preview = None if input.preview else {"is_disabled": True}
    message = {**input.common(), "text": input.text, "link_preview_options": preview}
    return sent(await ask(call, connection, "sendMessage", message))


class EditMessage(Input):
    """The inputs of `telegram.edit_message`."""

    chat: Chat
    message: int = Field(description="The id of the message, as its post gave it.")
    text: str = Field(min_length=1, description="The new text, at most 4,096 characters.")
    parse_mode: ParseMode = None
    buttons: Buttons = None


class Edited(Output):
    """Whether something changed."""

    changed: bool = Field(description="False where the message said the same already.")


@telegram.action(
    after_crash="repeat",  # the second edit says what the first said
    example="""\
action: telegram.edit_message
connection: shop-bot
with:
  chat: "{{ payload.callback_query.message.chat.id }}"
  message: "{{ payload.callback_query.message.message_id }}"
  text: "Accepted by {{ payload.callback_query.from.first_name }}"
""",
)
async def edit_message(call: Call, connection: TelegramBot, input: EditMessage) -> Edited:  # noqa: A002 - the contract of an action
    """Replace the text of a message that the bot has sent. Its buttons go unless they are given again."""
    message = {
        "chat_id": input.chat,
        "message_id": input.message,
        "text": input.text,
        "parse_mode": input.parse_mode,
        "reply_markup": keyboard(input.buttons),
    }
    answer = await ask(call, connection, "editMessageText", message, fine=NOT_CHANGED)
    return Edited(changed=bool(answer))


class DeleteMessage(Input):
    """The inputs of `telegram.delete_message`."""

    chat: Chat
    message: int = Field(description="The id of the message.")


class Deleted(Output):
    """Whether something was deleted."""

    deleted: bool = Field(description="False where there is no such message (any more).")


@telegram.action(
    after_crash="repeat",  # what is gone stays gone
    example="""\
action: telegram.delete_message
connection: shop-bot
with:
  chat: -1001234567890
  message: "{{ payload.message_id }}"
""",
)
async def delete_message(call: Call, connection: TelegramBot, input: DeleteMessage) -> Deleted:  # noqa: A002 - the contract of an action
    """Delete a message. One that is gone already is no error; one older than 48 hours cannot be deleted."""
    wanted = {"chat_id": input.chat, "message_id": input.message}
    return Deleted(deleted=bool(await ask(call, connection, "deleteMessage", wanted, fine=GONE)))


class AnswerCallbackQuery(Input):
    """The inputs of `telegram.answer_callback_query`."""

    query: str = Field(description="The `callback_query.id` of the payload.")
    text: str | None = Field(None, max_length=200, description="What to show, at most 200 characters.")
    alert: bool = Field(False, description="Show it in a box that must be closed.")


class Answered(Output):
    """That Telegram took the answer."""

    ok: bool = Field(description="Always true: a refusal is an error.")


@telegram.action(
    after_crash="repeat",  # a second answer shows the same again
    example="""\
action: telegram.answer_callback_query
connection: shop-bot
with:
  query: "{{ payload.callback_query.id }}"
  text: "Noted."
""",
)
async def answer_callback_query(
    call: Call,
    connection: TelegramBot,
    input: AnswerCallbackQuery,  # noqa: A002 - the contract of an action
) -> Answered:
    """Answer the press of a button with `data`, so that it stops waiting; the text may be left out."""
    wanted = {"callback_query_id": input.query, "text": input.text, "show_alert": input.alert or None}
    await ask(call, connection, "answerCallbackQuery", wanted)
    return Answered(ok=True)


def keyboard(buttons: list[list[Button]] | None) -> Json:
    """An inline keyboard."""
    if buttons is None:
        return None
    rows = [
        [
            {"text": one.text, **({"url": one.url} if one.url is not None else {"callback_data": one.data})}
            for one in row
        ]
        for row in buttons
    ]
    return {"inline_keyboard": rows}


def sent(message: dict[str, Json]) -> Sent:
    """Where a message stands, of Telegram's answer."""
    chat: dict[str, Json] = message.get("chat") or {}
    try:
        return Sent(chat=chat["id"], message=message["message_id"])
    except (KeyError, ValueError):
        raise OutcomeUnknown("Telegram's answer is not a message") from None
