"""
The live channel: what changes, told as server-sent events for as long as somebody listens.

Source of the format: the HTML standard, section 9.2, "Server-sent events". Each event's name is the kind of
what changed, its data the item as the lists of the API have it. `ready` comes first: what changes from then
on is told. `resync` says that something was missed and has to be asked for anew: after a reconnection, and
where there was too much to tell. A comment is sent every some seconds, so that nobody takes the silence of a
quiet server for a broken line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, get_args

from quart import request

from runner.engine.changes import Change, ChangeKind, Listener
from runner.values import Json, dumps
from web.api.parameters import OF_ID, OF_WORKFLOW, TEXT, identity
from web.api.routes import Asked, Header, Parameter, Route, Streamed
from web.auth import known
from web.problems import Problem

if TYPE_CHECKING:
    from web.house import House

KINDS: tuple[str, ...] = get_args(ChangeKind)
HEARTBEAT_SECONDS = 15.0
MOST_LISTENERS = 200  # of one process; of its thousand connections the senders' events have the others
AGAIN_MILLISECONDS = 3000  # after which a browser whose line was cut connects anew
HEADERS = {"X-Accel-Buffering": "no"}  # or nginx keeps what it is told until it has some kilobytes


@dataclass(frozen=True, slots=True)
class Interest:
    """What a listener wants to hear of."""

    kinds: frozenset[str]
    workflow: str | None
    run: str | None

    def takes(self, change: Change) -> bool:
        """Whether *change* is told."""
        if change.kind not in self.kinds:
            return False
        item = change.item
        if self.run and change.kind == "run" and item["id"] != self.run:
            return False
        return self.workflow is None or item.get("workflow", item.get("slug")) == self.workflow


async def live(house: House, asked: Asked) -> Streamed:
    """
    What changes, until the caller, its session or the server ends.

    Raises:
        Problem: 503, too many listen here already.
    """
    if house.changes.listeners >= MOST_LISTENERS:
        sentence = "Too many pages are kept up to date here already. Load this one again by hand."
        raise Problem(503, sentence, headers={"Retry-After": "60"})
    kinds = frozenset(asked.given.get("kinds", KINDS))
    interest = Interest(kinds, asked.given.get("workflow"), asked.given.get("run"))
    state: dict[str, Any] = dict(request.scope.get("state") or {})
    stopping = state.get("stopping") or asyncio.Event()
    asking = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - what outlives its context

    async def is_known() -> bool:
        return await known(asking, house) is not None

    is_again = "last-event-id" in asked.headers
    return Streamed(
        _told(house, interest, stopping, is_known, is_again=is_again), "text/event-stream", HEADERS
    )


async def _told(
    house: House,
    interest: Interest,
    stopping: asyncio.Event,
    is_known: Callable[[], Awaitable[bool]],
    *,
    is_again: bool,
) -> AsyncIterator[bytes]:
    numbers = count(1)
    with house.changes.listening() as listener, house.watcher.watching(interest.run):
        await house.watcher.begin()
        yield f"retry: {AGAIN_MILLISECONDS}\n".encode() + message("ready", {}, next(numbers))
        if is_again:
            yield message("resync", {"missed": None}, next(numbers))
        async for change in _heard(listener, stopping):
            if change is None:
                if not await is_known():
                    return
                yield b":\n\n"
            elif change.kind is None:
                yield message("resync", {"missed": change.missed}, next(numbers))
            elif interest.takes(change):
                yield message(change.kind, change.item, next(numbers))


async def _heard(listener: Listener, stopping: asyncio.Event) -> AsyncIterator[Change | None]:
    """What *listener* hears until it or the server ends; None whenever it is time for a sign of life."""
    loop = asyncio.get_running_loop()
    ending = asyncio.create_task(stopping.wait())
    hearing: asyncio.Task[Change | None] | None = None
    beat_at = loop.time() + HEARTBEAT_SECONDS
    try:
        while True:
            hearing = hearing or asyncio.create_task(_next(listener))
            seconds = max(0.0, beat_at - loop.time())
            await asyncio.wait({ending, hearing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return
            if loop.time() >= beat_at:
                beat_at = loop.time() + HEARTBEAT_SECONDS
                yield None
            if hearing.done():
                change, hearing = hearing.result(), None
                if change is None:
                    return
                yield change
    finally:
        for task in (ending, hearing):
            if task:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _next(listener: Listener) -> Change | None:
    return await anext(listener, None)


def message(name: str, data: Json, number: int) -> bytes:
    """One event; JSON has no line break that the format could mistake for its own."""
    return f"event: {name}\nid: {number}\ndata: {dumps(data)}\n\n".encode(errors="replace")


def _kinds(text: str, _now: float) -> tuple[str, ...]:
    wanted = tuple(text.split(","))
    if unknown := [one for one in wanted if one not in KINDS]:
        raise ValueError(f"{unknown[0][:20]} is none of {', '.join(KINDS)}")
    return wanted


_KIND = f"({'|'.join(KINDS)})"
OF_KINDS = {"type": "string", "pattern": f"^{_KIND}(,{_KIND})*$"}
ROUTES = (
    Route(
        "GET", "/live", "live",
        "What changes from now on, as server-sent events. `event: run` (or event, workflow, draft, problem) "
        "comes with the item as JSON; `ready` first; `resync` when something was missed.",
        live, TEXT, media="text/event-stream",
        query=(
            OF_WORKFLOW,
            Parameter("kinds", "Only of these kinds, with commas between them.", OF_KINDS, _kinds),
            Parameter("run", "Of runs only the one with this id, with each of its steps.", OF_ID, identity),
        ),
        headers={
            "Last-Event-ID": Header("What a browser sends when it connects anew: `resync` follows `ready`.")
        },
    ),
)  # fmt: skip
