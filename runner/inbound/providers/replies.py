"""The small fixed answers that providers demand."""

from __future__ import annotations

import hmac

from runner.inbound.providers.provider import Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Reply
from runner.values import Json, dumps


def say(about: str, body: str = "", *, status: int = 200, content_type: str = "text/plain") -> Reply:
    """An answer in UTF-8, which no browser takes for something else than *content_type*."""
    headers = {"content-type": f"{content_type}; charset=utf-8", "x-content-type-options": "nosniff"}
    return Reply(about, status, body.encode("utf-8", "replace"), headers)


def say_json(about: str, value: Json) -> Reply:
    """An answer in JSON."""
    return Reply(about, 200, dumps(value).encode(), {"content-type": "application/json"})


def is_option(trust: Trust, name: str, given: str) -> bool:
    """Whether *given* is the secret option *name*, compared in constant time; never where it is not set."""
    wanted = trust.options.get(name)
    if not isinstance(wanted, str) or not wanted:
        return False
    return hmac.compare_digest(wanted.encode("utf-8", "replace"), given.encode("utf-8", "replace"))


def is_form(request: Request) -> bool:
    """Whether the body is an urlencoded form."""
    return request.header("content-type").split(";")[0].strip().lower() == "application/x-www-form-urlencoded"
