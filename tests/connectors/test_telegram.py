"""Telegram, against its own shapes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.telegram import TelegramBot
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.telegram_service import TOKEN, TelegramService

MakeCall = Callable[..., Call]
GROUP = -1001234567890


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramService]:
    async with TelegramService() as one:
        yield one


def bot(telegram: TelegramService, token: str = TOKEN) -> TelegramBot:
    return TelegramBot.model_validate({"token": token, "api_url": telegram.url})


async def run(make_call: MakeCall, verb: str, connection: TelegramBot, **inputs: Any) -> Any:
    action = connectors.action(f"telegram.{verb}")
    assert action is not None
    answer = await action.function(make_call(connection), connection, action.read_input(inputs))
    return answer.model_dump()


async def test_a_text_is_sent_with_its_buttons(telegram: TelegramService, make_call: MakeCall) -> None:
    answer = await run(
        make_call, "send_message", bot(telegram), chat=GROUP, text="<b>Order 1</b>", parse_mode="HTML",
        buttons=[[{"text": "Open", "url": "https://x.example"}, {"text": "Take", "data": "take:1"}]],
        reply_to=7, topic=3, silent=True, preview=False,
    )  # fmt: skip

    assert answer == {"chat": GROUP, "message": 1}
    assert telegram.messages[GROUP, 1] == {
        "method": "sendMessage",
        "text": "<b>Order 1</b>",
        "parse_mode": "HTML",
        "message_thread_id": 3,
        "disable_notification": True,
        "link_preview_options": {"is_disabled": True},
        "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True},
        "reply_markup": {
            "inline_keyboard": [
                [{"text": "Open", "url": "https://x.example"}, {"text": "Take", "callback_data": "take:1"}]
            ]
        },
    }


@pytest.mark.parametrize("chat", [GROUP, str(GROUP), "@mychannel", 42])
async def test_a_chat_is_an_id_or_the_name_of_a_channel(
    telegram: TelegramService, make_call: MakeCall, chat: object
) -> None:
    await run(make_call, "send_message", bot(telegram), chat=chat, text="hi")

    assert [one["text"] for one in telegram.messages.values()] == ["hi"]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"chat": GROUP, "text": ""}, "text: "),
        ({"chat": GROUP, "text": "a" * 4097}, "longer than 4,096"),
        ({"chat": "my channel", "text": "a"}, "chat: give the chat's id"),
        ({"chat": 1, "text": "a", "parse_mode": "markdown"}, "parse_mode"),
        ({"chat": 1, "text": "a", "buttons": [[{"text": "a"}]]}, "either url or data"),
        ({"chat": 1, "text": "a", "buttons": [[{"text": "a", "data": "é" * 33}]]}, "1 to 64 bytes"),
        ({"text": "a"}, "chat: Field required"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_before_it_is_sent(
    telegram: TelegramService, make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, "send_message", bot(telegram), **inputs)

    assert telegram.requests == []


async def test_a_message_is_edited_and_deleted(telegram: TelegramService, make_call: MakeCall) -> None:
    sent = await run(
        make_call, "send_message", bot(telegram), chat=42, text="1", buttons=[[{"text": "a", "data": "a"}]]
    )

    edits = [
        await run(make_call, "edit_message", bot(telegram), **sent, text="2", buttons=[]) for _ in range(2)
    ]
    held = dict(telegram.messages[42, 1])
    deletes = [await run(make_call, "delete_message", bot(telegram), **sent) for _ in range(2)]

    assert edits == [{"changed": True}, {"changed": False}]
    assert (held["text"], held["reply_markup"]) == ("2", {"inline_keyboard": []})
    assert deletes == [{"deleted": True}, {"deleted": False}]
    with pytest.raises(Rejected, match="no such message"):
        await run(make_call, "edit_message", bot(telegram), **sent, text="3")


async def test_files_are_sent_by_bytes_by_address_and_by_id(
    telegram: TelegramService, make_call: MakeCall, files: Any
) -> None:
    image = await files.save(b"\x89PNG", filename="a.png", content_type="image/png")
    made = {"filename": "b.pdf", "content_type": "application/pdf", "content": "JVBERg=="}

    await run(make_call, "send_photo", bot(telegram), chat=42, photo=image, caption="A", reply_to=1)
    await run(make_call, "send_document", bot(telegram), chat=42, document=made)
    await run(make_call, "send_photo", bot(telegram), chat=42, photo="https://x.example/a.png")
    await run(make_call, "send_document", bot(telegram), chat=42, document="BQACAgIAAx-_1")

    assert telegram.files == {"a.png": b"\x89PNG", "b.pdf": b"%PDF"}
    sent = list(telegram.messages.values())
    assert sent[0] == {
        "method": "sendPhoto", "photo": "a.png", "caption": "A",
        "reply_parameters": {"message_id": 1, "allow_sending_without_reply": True},
    }  # fmt: skip
    assert [one.get("photo") or one.get("document") for one in sent[1:]] == [
        "b.pdf", "https://x.example/a.png", "BQACAgIAAx-_1",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["file:///etc/passwd", "attach://x", "../x", "two words"])
async def test_a_text_for_a_file_is_an_address_or_an_id(
    telegram: TelegramService, make_call: MakeCall, text: str
) -> None:
    with pytest.raises(Rejected, match="starts with https://, or a file_id"):
        await run(make_call, "send_document", bot(telegram), chat=42, document=text)

    assert telegram.requests == []


async def test_a_photo_that_is_too_large_is_refused(telegram: TelegramService, make_call: MakeCall) -> None:
    big = base64.b64encode(bytes(10 * 1024 * 1024 + 1)).decode()

    with pytest.raises(Rejected, match="Telegram takes 10,485,760"):
        await run(
            make_call, "send_photo", bot(telegram), chat=42, photo={"filename": "a.png", "content": big}
        )


async def test_the_press_of_a_button_is_answered(telegram: TelegramService, make_call: MakeCall) -> None:
    await run(make_call, "answer_callback_query", bot(telegram), query="q1", text="Noted.", alert=True)

    assert telegram.answers == [{"callback_query_id": "q1", "text": "Noted.", "show_alert": True}]
    with pytest.raises(Rejected, match="answered soon"):
        await run(make_call, "answer_callback_query", bot(telegram), query="q0")


@pytest.mark.parametrize(
    ("status", "said", "meaning", "says"),
    [
        (401, "Unauthorized", ConnectionRejected, "copy it from @BotFather"),
        (404, "Not Found", ConnectionRejected, "copy it from @BotFather"),
        (400, "Bad Request: chat not found", Rejected, "started it first"),
        (403, "Forbidden: bot was blocked by the user", Rejected, "has blocked the bot"),
        (403, "Forbidden: bot was kicked from the group chat", Rejected, "add the bot to the group"),
        (400, "Bad Request: something new", Rejected, "Telegram: Bad Request: something new"),
        (500, "Internal Server Error", OutcomeUnknown, "500"),
        (502, "Bad Gateway", OutcomeUnknown, "502"),
    ],
)
async def test_each_no_has_its_meaning(
    telegram: TelegramService,
    make_call: MakeCall,
    status: int,
    said: str,
    meaning: type[Exception],
    says: str,
) -> None:
    telegram.refusals = [(status, said, {})]

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, "send_message", bot(telegram), chat=42, text="hi")

    assert type(caught.value) is meaning
    assert "s3cr3t" not in str(caught.value)


async def test_a_flood_says_when_to_come_back(telegram: TelegramService, make_call: MakeCall) -> None:
    telegram.refusals = [(429, "Too Many Requests: retry after 34", {"retry_after": 34})]

    with pytest.raises(Unavailable) as caught:
        await run(make_call, "send_message", bot(telegram), chat=42, text="hi")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (34, "429")


async def test_a_group_that_has_moved_is_told_with_its_new_id(
    telegram: TelegramService, make_call: MakeCall
) -> None:
    said = "Bad Request: group chat was upgraded to a supergroup chat"
    telegram.refusals = [(400, said, {"migrate_to_chat_id": -1007})]

    with pytest.raises(Rejected, match="a new id now, -1007"):
        await run(make_call, "send_message", bot(telegram), chat=42, text="hi")


async def test_markup_that_is_wrong_is_told_with_the_mend(
    telegram: TelegramService, make_call: MakeCall
) -> None:
    with pytest.raises(Rejected, match="escape_html"):
        await run(make_call, "send_message", bot(telegram), chat=42, text="a < b", parse_mode="HTML")


async def test_an_answer_that_is_not_telegrams_is_an_unknown_outcome(
    telegram: TelegramService, make_call: MakeCall
) -> None:
    telegram.reply(200, body="<html>")
    telegram.reply(200, json=[1])
    telegram.reply(200, json={"ok": True, "result": {}})
    telegram.reply(502, body="<html>")

    for _ in range(4):
        with pytest.raises(OutcomeUnknown) as caught:
            await run(make_call, "send_message", bot(telegram), chat=42, text="hi")
        assert "s3cr3t" not in str(caught.value)


async def test_a_connection_says_who_it_is(telegram: TelegramService, make_call: MakeCall) -> None:
    good, wrong = bot(telegram), bot(telegram, "1:wrong-token")

    assert await good.test(make_call(good)) == "connected as @shop_bot"
    with pytest.raises(ConnectionRejected) as caught:
        await wrong.test(make_call(wrong))
    assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "abc", "1:../../x", "1:a/getMe?x=", "1:a#"])
def test_a_token_cannot_change_the_address(token: str) -> None:
    with pytest.raises(ValidationError, match="copy it from @BotFather") as caught:
        TelegramBot.model_validate({"token": token})

    assert not token or token not in str(caught.value)


def test_a_connection_shows_no_secret(telegram: TelegramService) -> None:
    assert "s3cr3t" not in repr(bot(telegram))


async def test_a_token_goes_to_telegram_alone(telegram: TelegramService, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="credentials may go to"):
        await make_call(bot(telegram)).http.get("http://localhost:1/x")


async def test_a_telegram_that_is_silent_is_not_waited_for(
    telegram: TelegramService, make_call: MakeCall
) -> None:
    async def never(_received: Any) -> Any:
        await asyncio.Event().wait()

    telegram.handler = never
    connection = bot(telegram)
    action = connectors.action("telegram.send_message")
    assert action is not None

    with pytest.raises(TimedOut):
        await action.function(
            make_call(connection, timeout_seconds=0.2),
            connection,
            action.read_input({"chat": 42, "text": "a"}),
        )
