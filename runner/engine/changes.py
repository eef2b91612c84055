"""
What changes in this process, told to whoever looks on at that moment: pages that stay open.

Nothing is kept for those who come later, and nobody who listens slowly holds up who tells: a
listener that has too much waiting loses the oldest and is told that it did.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runner.values import Json

ChangeKind: TypeAlias = Literal["run", "event", "workflow", "draft", "problem"]

MOST_WAITING = 256  # changes of one listener: a page that reads no more than that a second has lost touch


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed, as the API shows it; or, with `missed` over 0, that so many were lost."""

    kind: ChangeKind | None
    item: Json
    missed: int = 0


@dataclass(eq=False, slots=True)
class Listener:
    """Who listens: `async for change in listener`, until the hub closes."""

    most: int = MOST_WAITING
    is_closed: bool = False
    _waiting: deque[Change] = field(default_factory=deque)
    _missed: int = 0
    _something: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, change: Change) -> None:
        """Take notice, at once and whatever waits already."""
        if len(self._waiting) >= self.most:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(change)
        self._something.set()

    def miss(self, count: int) -> None:
        """Take notice that *count* changes are not told."""
        if count:
            self._missed += count
            self._something.set()

    def close(self) -> None:
        """Let it end once it has heard what waits."""
        self.is_closed = True
        self._something.set()

    def __aiter__(self) -> AsyncIterator[Change]:
        """Itself."""
        return self

    async def __anext__(self) -> Change:
        """The next change; first of all that some were missed."""
        while not self._waiting and not self._missed:
            if self.is_closed:
                raise StopAsyncIteration
            self._something.clear()
            await self._something.wait()
        if self._missed:
            missed, self._missed = self._missed, 0
            return Change(None, None, missed)
        return self._waiting.popleft()


class Changes:
    """The hub of one process."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens: else there is no need to find out what to tell."""
        return bool(self._listeners)

    def tell(self, kind: ChangeKind, item: Json) -> None:
        """Tell all who listen; never waits and never fails."""
        change = Change(kind, item)
        for listener in self._listeners:
            listener.put(change)

    def miss(self, count: int) -> None:
        """Tell all who listen that so many more changed than they are told of."""
        for listener in self._listeners:
            listener.miss(count)

    @contextmanager
    def listening(self, *, most: int = MOST_WAITING) -> Iterator[Listener]:
        """Listen while inside, with at most *most* changes waiting."""
        listener = Listener(most)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Let all listeners end."""
        for listener in self._listeners:
            listener.close()
