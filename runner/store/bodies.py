"""What stands in bodies: read in bounded portions and decoded off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from runner.engine.names import payload_of
from runner.engine.runs import Disposition, Event
from runner.errors import InboundError
from runner.inbound.decode import Bounds, Decoded
from runner.store.queries import read
from runner.store.rows import event_of
from runner.values import Json, dumps

T = TypeVar("T")
Read: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]

SQL = read("history.sql")
MOST_BYTES = 16 << 20  # of bodies in memory at a time; a larger one is read alone
MOST_AT_A_TIME = 200
# Wider than any bound a workflow had: what was accepted must be readable again.
WIDE = Bounds(max_body_bytes=64 << 20, max_file_bytes=64 << 20)


def decoded_again(event: Event, *, is_thorough: bool = False) -> Decoded:
    """
    The body of a stored event, read whatever bounds its workflow has now; *is_thorough* as `payload_of`.

    Raises:
        InboundError: the body cannot be read.
    """
    # what was refused may be a bomb: it is unpacked no further than at its arrival
    bounds = Bounds() if event.disposition is Disposition.REJECTED else WIDE
    return payload_of(event, bounds, is_thorough=is_thorough)


def payload_again(event: Event) -> Json:
    """Its payload alone. Raises InboundError."""
    return decoded_again(event).payload


def payload_or_none(event: Event) -> Json:
    """The same; None where there is none."""
    try:
        return payload_again(event)
    except InboundError:
        return None


async def each_event(read_rows: Read, event_ids: Sequence[str], use: Callable[[Event], T]) -> dict[str, T]:
    """`use(event)` of each of these events by id; *use* runs in a thread."""
    found: dict[str, T] = {}
    for start in range(0, len(event_ids), MOST_AT_A_TIME):
        ids = dumps(list(event_ids[start : start + MOST_AT_A_TIME]))
        for portion in _portions(await read_rows(SQL["sizes_of_events"], ids=ids)):
            rows = await read_rows(SQL["whole_events"], ids=dumps(portion))
            found |= await asyncio.to_thread(_used, rows, use)
    return found


def _used(rows: Sequence[Any], use: Callable[[Event], T]) -> dict[str, T]:
    return {event.id: use(event) for event in map(event_of, rows)}


def _portions(sizes: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    """Ids whose bodies are together not too large."""
    portion: list[str] = []
    total = 0
    for event_id, size in sizes:
        if portion and total + size > MOST_BYTES:
            yield portion
            portion, total = [], 0
        portion.append(event_id)
        total += size
    if portion:
        yield portion
