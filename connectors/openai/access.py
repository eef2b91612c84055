"""
How OpenAI and servers like it are reached: the connection, one answer, what its refusals mean, the models.

Sources: platform.openai.com/docs: API reference "Models"; guides "Error codes", "Rate limits" (headers).
Of compatible servers: their own errors come as `{"error": "…"}`, `{"detail": …}` or `{"message": …}`.
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator

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
)

openai = Connector("openai", title="OpenAI", summary="Chat and embeddings of OpenAI and compatible servers.")

PAID = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
RESET = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+)ms)?")


@openai.connection("openai")
class OpenAiConnection(Connection):
    """An API key of OpenAI, or the address of a server that speaks the same API."""

    title: ClassVar[str] = "OpenAI"
    steps: ClassVar[tuple[str, ...]] = (
        "At https://platform.openai.com/api-keys choose Create new secret key.",
        "Copy it: it is shown once. It begins with sk-.",
        (
            "A server of your own that speaks the same API: give its address, up to and with "
            "/v1; it may need "
            "no key."
        ),
    )

    api_key: SecretStr | None = Field(
        None, description="The API key (sk-…); a server of your own may need none."
    )
    organization: str | None = Field(None, description="The organization's id, if the key has several.")
    project: str | None = Field(None, description="The project's id, if the key has several.")
    api_url: str = Field(
        "https://api.openai.com/v1",
        description="The address of the API, up to and with /v1.",
        examples=["http://localhost:11434/v1", "https://openrouter.ai/api/v1"],
    )
    key_header: Literal["Authorization", "api-key"] = Field(
        "Authorization", description="Where the key goes; Azure takes `api-key`."
    )
    bound_by: Literal["max_completion_tokens", "max_tokens"] = Field(
        "max_completion_tokens",
        description="What the bound on tokens is called; many compatible servers know `max_tokens` only.",
    )

    @field_validator("api_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.match(r"https?://[^/?#@]+(/|$)", value) or "?" in value:
            raise ValueError("must start with https:// or http:// and a host, and have no query")
        return value.rstrip("/")

    def apply(self, request: OutgoingRequest) -> None:
        """Add the key, if there is one, and whose it is."""
        if self.api_key is not None and (key := self.api_key.get_secret_value().strip()):
            request.set_header(
                self.key_header, f"Bearer {key}" if self.key_header == "Authorization" else key
            )
        for name, value in (("OpenAI-Organization", self.organization), ("OpenAI-Project", self.project)):
            if value:
                request.set_header(name, value)

    def bound_hosts(self) -> list[str]:
        """The host of `api_url`."""
        return [urlsplit(self.api_url).hostname or ""]

    async def test(self, call: Call) -> str:
        """Ask for the models."""
        found = await listed_models(call, self)
        return f"connected to {self.bound_hosts()[0]}, which has {len(found)} models"


class Usage(BaseModel):
    """What it is charged for; null where the server does not say."""

    input_tokens: int | None = Field(description="What it was given.")
    output_tokens: int | None = Field(description="What it wrote; embeddings write nothing.")


async def listed_models(call: Call, connection: OpenAiConnection) -> list[dict[str, Any]]:
    """The models; the server gives all of them at once. Raises ActionError."""
    found = _answer(await call.http.get(f"{connection.api_url}/models"))
    return [one for one in list_of(found.get("data")) if isinstance(one, dict) and one.get("id")]


async def ask(
    call: Call,
    connection: OpenAiConnection,
    path: str,
    body: dict[str, Json],
    *,
    seconds: float | None = None,
) -> dict[str, Any]:
    """The answer to *body*. Raises ActionError: it is a no."""
    url = f"{connection.api_url}{path}"
    return _answer(await call.http.post(url, json=body, timeout_seconds=seconds))


def _answer(reply: Reply) -> dict[str, Any]:
    """The answer if it is a yes."""
    if reply.status >= 400:
        _fail(reply)
    found = reply.json()
    if not isinstance(found, dict):
        raise OutcomeUnknown("the server answered with what is not an object")
    if found.get("error"):  # some gateways say no with 200
        _fail(reply)
    return found


def _fail(reply: Reply) -> NoReturn:
    try:
        body = object_of(reply.json())
    except OutcomeUnknown:
        body = {}
    error = body.get("error")
    told = error if isinstance(error, dict) else body
    said = error if isinstance(error, str) else told.get("message") or told.get("detail") or ""
    host = urlsplit(reply.url).hostname
    sentence = f"{host} answered {reply.status}: {line(said)}" if said else f"{host} answered {reply.status}"
    codes = {str(told.get(name)) for name in ("code", "type")}
    if codes & PAID or reply.status == 402:
        raise ConnectionRejected(f"{sentence}: the account has nothing left; see its billing and limits")
    if reply.status in {401, 403}:
        raise ConnectionRejected(f"{sentence}: the API key is not valid, or may not do this")
    if reply.status in {429, 503}:
        raise Unavailable(sentence, retry_after_seconds=_wait(reply), cause=str(reply.status))
    if reply.status == 408 or reply.status >= 500:
        raise OutcomeUnknown(sentence, cause=str(reply.status))
    raise Rejected(sentence)


def _wait(reply: Reply) -> float | None:
    """How long to wait: Retry-After, OpenAI's own in milliseconds, or until what is used up comes back."""
    if (milliseconds := reply.headers.get("retry-after-ms", "")).isdecimal():
        return int(milliseconds) / 1000
    if (seconds := reply.retry_after()) is not None:
        return seconds
    for what in ("requests", "tokens"):
        if reply.headers.get(f"x-ratelimit-remaining-{what}") == "0":
            found = RESET.fullmatch(reply.headers.get(f"x-ratelimit-reset-{what}", "").strip())
            if found and found[0]:
                hours, minutes, rest, milli = (float(one or 0) for one in found.groups())
                return hours * 3600 + minutes * 60 + rest + milli / 1000
    return None


def usage_of(found: dict[str, Any]) -> Usage:
    """What an answer is charged for."""
    usage = object_of(found.get("usage"))
    counts = [
        value if isinstance(value, int) else None
        for value in (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    ]
    return Usage(input_tokens=counts[0], output_tokens=counts[1])


def line(said: object) -> str:
    """What a server says, on one line."""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return in_brief(text)


def first_of(value: object) -> object:
    """The first of a list; None where there is none."""
    return value[0] if isinstance(value, list) and value else None


def list_of(value: object) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def object_of(value: object) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}
