"""A server of OpenAI's API on loopback, in the shapes of its reference: it says what it is told to."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import NUMBER, TEXT, TEXTS, Routed, object_of

KEY = "sk-proj-s3cr3t0123456789"
PART = {
    "oneOf": [
        object_of("type", "text", type={"const": "text"}, text=TEXT),
        object_of("type", "image_url", type={"const": "image_url"},
                  image_url=object_of("url", url={"type": "string", "pattern": "^(https?:|data:image/)"})),
    ]
}  # fmt: skip
SAID = {
    "type": "array",
    "minItems": 1,
    "items": object_of(
        "role", "content", role={"enum": ["system", "developer", "user", "assistant"]},
        content={"anyOf": [TEXT, {"type": "array", "items": PART, "minItems": 1}]},
    ),
}  # fmt: skip
NAME = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
FORMAT = {
    "oneOf": [
        object_of("type", type={"const": "json_object"}),
        object_of(
            "type", "json_schema", type={"const": "json_schema"},
            json_schema=object_of("name", "schema", name=NAME, schema={"type": "object"},
                                  strict={"type": "boolean"}),
        ),
    ]
}  # fmt: skip
CHAT = object_of(
    "model", "messages", model=TEXT, messages=SAID, response_format=FORMAT, max_completion_tokens=NUMBER,
    max_tokens=NUMBER, temperature={"type": "number", "maximum": 2}, seed=NUMBER, top_p={"type": "number"},
    stop={**TEXTS, "maxItems": 4}, reasoning_effort=TEXT,
)  # fmt: skip
EMBED = object_of(
    "model", "input", model=TEXT, input={"anyOf": [TEXT, {**TEXTS, "maxItems": 2048}]},
    encoding_format={"enum": ["float", "base64"]}, dimensions=NUMBER,
)  # fmt: skip


class OpenAiApi(Routed):
    """`says` is what the model answers; `asked` are the requests' bodies; `key` None lets all in."""

    def __init__(self, key: str | None = KEY) -> None:
        super().__init__()
        self.key = key
        self.says: dict[str, Any] = {"content": "Hello", "refusal": None}
        self.finish = "stop"
        self.asked: list[dict[str, Any]] = []
        self.route("POST", "/v1/chat/completions", self._chat, body=CHAT)
        self.route("POST", "/v1/embeddings", self._embed, body=EMBED)
        models = [
            {"id": "gpt-5-mini", "object": "model", "owned_by": "system"},
            {"id": "ada", "object": "model"},
        ]
        listed = {"object": "list", "data": models}
        self.route("GET", "/v1/models", lambda _: web.json_response(listed))

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/v1"

    def refuse(self, status: int, code: str | None = None, message: str = "no", **headers: str) -> None:
        """Answer the next request so."""
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        self.reply(status, json=_error(message, code), headers=told)

    def refusal(self, received: Received) -> web.Response | None:
        if self.key is None or received.headers.get("authorization") == f"Bearer {self.key}":
            return None
        given = received.headers.get("authorization", "")
        error = _error(f"Incorrect API key provided: {given}", "invalid_api_key")
        return web.json_response(error, status=401)

    def misshapen(self, received: Received, why: str) -> web.Response:
        return web.json_response(_error(why, "invalid_request"), status=400)

    def _chat(self, received: Received) -> web.Response:
        self.asked.append(received.json())
        choice = {"index": 0, "finish_reason": self.finish, "message": {"role": "assistant", **self.says}}
        answer = {
            "id": "chatcmpl-1", "object": "chat.completion", "model": f"{self.asked[-1]['model']}-2026",
            "choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }  # fmt: skip
        return web.json_response(answer)

    def _embed(self, received: Received) -> web.Response:
        body = received.json()
        self.asked.append(body)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [
            {"object": "embedding", "index": number, "embedding": [float(len(text)), 0.5]}
            for number, text in enumerate(texts)
        ]
        answer = {"object": "list", "data": vectors[::-1], "model": body["model"],
                  "usage": {"prompt_tokens": 4, "total_tokens": 4}}  # fmt: skip
        return web.json_response(answer)


def _error(message: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
