"""What the small ASGI applications in front of Quart share: a request's headers, an answer, its sending."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from runner.engine.accept import Door
    from runner.engine.answer import Answer

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

BODILESS = frozenset({204, 205, 304})  # whatever an author gives them; a 204 has no length (RFC 9110, 8.6)


def headers_of(scope: Scope) -> dict[str, str]:
    """Values by lower-case name, repeated ones joined."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def with_header(answer: Answer, name: str, value: str) -> Answer:
    """*answer* with one more header; *name* is lower-case."""
    return replace(answer, headers={**answer.headers, name: value})


async def send_answer(
    send: Send,
    answer: Answer,
    door: Door,
    *,
    is_head: bool,
    beside: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send *answer*, without its body to a HEAD. Headers *beside* its own hold whatever those say."""
    has_body = answer.status not in BODILESS
    body = await door.store.read_file(answer.file) if answer.file and has_body else answer.body
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in answer.headers.items()
    ]
    if has_body:
        headers.append((b"content-length", str(len(body)).encode()))
    headers += beside
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body if has_body and not is_head else b""})
