"""
Telegram's Bot API on loopback, in the shapes of its documentation: the token in the path, answers with
`ok`, refusals with `error_code`, `description` and `parameters`.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "123456789:AAE-s3cr3t_t0k3n"
CHATS = {"-1001234567890": -1001234567890, "42": 42, "@mychannel": -1009}


class TelegramService(HttpSink):
    """
    Knows the bot TOKEN and the chats CHATS. `messages` ((chat, id) → what was sent, with the method),
    `files` and `answers` are what it holds; `refusals` come, in order, before anything is looked at.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[tuple[int, int], dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.answers: list[dict[str, Any]] = []
        self.refusals: list[tuple[int, str, dict[str, Any]]] = []
        self.handler = self._answer

    async def _answer(self, received: Received) -> web.Response:
        assert "authorization" not in received.headers
        _, bot, method = received.path.split("/")
        if bot != f"bot{TOKEN}":
            return _no(401, "Unauthorized")
        if self.refusals:
            status, said, parameters = self.refusals.pop(0)
            return _no(status, said, parameters)
        assert received.method == "POST"
        given = self._fields(received)
        if method == "getMe":
            return _yes({"id": 1, "is_bot": True, "username": "shop_bot"})
        if method == "answerCallbackQuery":
            if given["callback_query_id"] != "q1":
                return _no(
                    400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
                )
            self.answers.append(given)
            return _yes(result=True)
        chat = CHATS.get(str(given.pop("chat_id")))
        if chat is None:
            return _no(400, "Bad Request: chat not found")
        return self._message(method, chat, given)

    def _message(self, method: str, chat: int, given: dict[str, Any]) -> web.Response:
        match method:
            case "sendMessage" | "sendPhoto" | "sendDocument":
                if (
                    given.get("parse_mode") == "HTML"
                    and "<" in (text := given.get("text", ""))
                    and "</" not in text
                ):
                    return _no(400, "Bad Request: can't parse entities: Unsupported start tag")
                needed = {"sendMessage": "text", "sendPhoto": "photo", "sendDocument": "document"}[method]
                assert given[needed]
                number = len(self.messages) + 1
                self.messages[chat, number] = {"method": method, **given}
                return _yes({"message_id": number, "chat": {"id": chat, "type": "group"}})
            case "editMessageText":
                held = self.messages.get((chat, given.pop("message_id")))
                if held is None:
                    return _no(400, "Bad Request: message to edit not found")
                if held["text"] == given["text"] and held.get("reply_markup") == given.get("reply_markup"):
                    said = "Bad Request: message is not modified: specified new message content is the same"
                    return _no(400, said)
                held |= given
                return _yes({"message_id": 1, "chat": {"id": chat}})
            case "deleteMessage":
                if self.messages.pop((chat, given["message_id"]), None) is None:
                    return _no(400, "Bad Request: message to delete not found")
                return _yes(result=True)
        return _no(404, "Not Found: method not found")

    def _fields(self, received: Received) -> dict[str, Any]:
        kind = received.headers["content-type"]
        if kind == "application/json":
            return dict(received.json())
        assert kind.startswith("multipart/form-data")
        fields: dict[str, Any] = {}
        for part in received.parts():
            if part.filename is not None:
                self.files[part.filename] = part.content
                fields[part.name] = part.filename
            else:
                text = part.content.decode()
                is_object = part.name in {"reply_markup", "reply_parameters", "link_preview_options"}
                fields[part.name] = json.loads(text) if is_object else text
        return fields


def _yes(given: dict[str, Any] | None = None, *, result: Any = None) -> web.Response:
    return web.json_response({"ok": True, "result": result if given is None else given})


def _no(status: int, said: str, parameters: dict[str, Any] | None = None) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": said}
    return web.json_response(body | ({"parameters": parameters} if parameters else {}), status=status)
