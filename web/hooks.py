"""
Receive: `ANY /hooks/<token>[/<rest>]`, from an HTTP request to an event on disk and its answer.

A small ASGI application in front of Quart, whose request costs more than all else here. One
event's way reads top to bottom in `_receive`: find, read, decode, accept, answer.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import unquote

from runner.engine.accept import Door, accept, new_id, refuse_when_full, reject
from runner.engine.answer import Answer, fixed, of_duplicate, of_event, wait
from runner.engine.library import Library, Live
from runner.engine.names import bounds_of, payload_of
from runner.engine.runs import Disposition, Event, Gate
from runner.errors import BacklogFull, BodyTooLarge, InboundError, StoreUnavailable
from runner.inbound.decode import body_limit
from runner.values import dumps

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/hooks/"
RETRY_AFTER_SECONDS = 5  # what a sender is asked to wait when we are full or cannot write
SAID_SECONDS = 5.0  # between two log lines of one overload: every sender meets it
HEADERS = (
    # an answer that a payload wrote must not act in a browser that is signed in here
    (b"content-security-policy", b"sandbox"),
    (b"x-content-type-options", b"nosniff"),
)
RECEIVED = Gate("received", "passed")
UNVERIFIED = Gate("signature", "passed", "the workflow asks for no verification of its senders")

log = logging.getLogger(__name__)


class SenderLeft(Exception):
    """The connection ended before the request did."""


class Hooks:
    """The way in, and everything else to *pages*."""

    def __init__(self, library: Library, door: Door, pages: Application, *, reading_bytes: int) -> None:
        """*reading_bytes* bounds the bodies being read at one time, over all requests."""
        self._library = library
        self._door = door
        self._pages = pages
        self._room = reading_bytes
        self._said_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._pages(scope, receive, send)
            return
        with suppress(SenderLeft):
            await _send(send, await self._receive(scope, receive), self._door)

    async def _receive(self, scope: Scope, receive: Receive) -> Answer:
        door = self._door
        # the raw path: %2F inside a token or a rest is no separator
        token, _slash, rest = scope["raw_path"].decode("ascii", "replace").removeprefix(PREFIX).partition("/")
        live = self._library.by_token(token)
        if live is None or live.workflow.webhook is None:
            return _problem(404, "there is nothing at this address")
        webhook = live.workflow.webhook
        if scope["method"] not in webhook.methods:
            allowed = ", ".join(webhook.methods)
            answer = _problem(405, f"this address takes {allowed}")
            return replace(answer, headers={**answer.headers, "allow": allowed})

        event = _event(scope, live, rest, received_at=door.clock())
        try:
            refuse_when_full(door, live.workflow)
            event = await self._with_body(event, live, receive)
            decoded = payload_of(event, bounds_of(live.workflow))
            is_awaited = webhook.answer.mode == "result"
            accepted = await accept(door, live, event, decoded.payload, decoded.files, is_awaited=is_awaited)
        except InboundError as error:
            return await self._refuse(event, error)
        except (BacklogFull, StoreUnavailable) as error:
            return self._come_back(error)
        if accepted.caller:
            try:
                return await wait(accepted.caller, door.store, seconds=webhook.answer.wait_seconds)
            finally:
                door.callers.forget(accepted.run_id)
        is_duplicate = accepted.disposition is Disposition.DUPLICATE
        if is_duplicate and is_awaited:
            return await of_duplicate(accepted.event_id, accepted.run_id, door.store)
        if webhook.answer.fixed and (is_duplicate or accepted.disposition is Disposition.ACCEPTED):
            return await fixed(
                webhook.answer.fixed,
                live.workflow,
                replace(event, id=accepted.event_id),
                decoded.payload,
                door.evaluator,
                run_id=accepted.run_id,
            )
        return of_event(accepted.event_id, accepted.disposition.value)

    async def _with_body(self, event: Event, live: Live, receive: Receive) -> Event:
        """
        Read the body, counting: a length that lies does not help.

        Raises:
            BodyTooLarge: past the workflow's bound; what was announced is refused unread.
            BacklogFull: more is being read than all requests together may.
            SenderLeft: the connection ended.
        """
        limit = body_limit(event.content_type, bounds_of(live.workflow))
        announced = event.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise BodyTooLarge(f"the body has {int(announced):,} bytes; this address takes {limit:,}")
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise SenderLeft
                chunk = message.get("body", b"")
                size += len(chunk)
                self._room -= len(chunk)
                if size > limit:
                    raise BodyTooLarge(f"the body has more than the {limit:,} bytes that this address takes")
                if self._room < 0:
                    raise BacklogFull("more bodies are being read at once than the configuration allows")
                chunks.append(chunk)
                if not message.get("more_body", False):
                    break
        finally:
            self._room += size
        return replace(event, body=chunks[0] if len(chunks) == 1 else b"".join(chunks), size=size)

    async def _refuse(self, event: Event, error: InboundError) -> Answer:
        """Keep a request that cannot be read, with the reason; then say it to the sender."""
        with suppress(StoreUnavailable):  # it is refused in any case
            gate = Gate("size" if error.status == 413 else "body", "stopped", str(error))
            await reject(self._door, event, gate)
        return _problem(error.status, str(error))

    def _come_back(self, error: Exception) -> Answer:
        """503: nothing was accepted, and the sender should try again."""
        now = self._door.clock()
        if not 0 <= now - self._said_at < SAID_SECONDS:
            self._said_at = now
            log.warning("senders hear 503: %s", error, extra={"action": "refused"})
        answer = _problem(503, "not now; please send this again")
        return replace(answer, headers={**answer.headers, "retry-after": str(RETRY_AFTER_SECONDS)})


def _event(scope: Scope, live: Live, rest: str, *, received_at: float) -> Event:
    """The request as an event, its body not read yet."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    client = scope.get("client")
    return Event(
        id=new_id(received_at),
        workflow=live.workflow.slug,
        trigger="webhook",
        received_at=received_at,
        disposition=Disposition.ACCEPTED,
        method=scope["method"],
        path=unquote(rest),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        content_type=headers.get("content-type", ""),
        size=0,
        source_ip=client[0] if client else "",
        body=b"",
        gates=(RECEIVED, UNVERIFIED),
    )


def _problem(status: int, detail: str) -> Answer:
    """An error answer. Source: RFC 9457."""
    body = dumps({"type": "about:blank", "status": status, "detail": detail}).encode()
    return Answer(status, body, {"content-type": "application/problem+json"})


async def _send(send: Send, answer: Answer, door: Door) -> None:
    body = await door.store.read_file(answer.file) if answer.file else answer.body
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in answer.headers.items()
    ]
    headers += [(b"content-length", str(len(body)).encode()), *HEADERS]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
