"""
Destinations as they are out there: one that answers at once, a slow one, one that is away half of
the time, and one that answers garbage. Each notes what it was sent, under which key.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
AWAY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
LONGEST_SECONDS = 2.0  # that the slow one takes
MOST_HEAD_BYTES = 64 * 1024
GARBAGE = (
    b"\x00\x01\x02 this is no HTTP\r\n\r\n",
    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"half": ',
    b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\nfar less than was said",
    b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
    b"HTTP/1.1 999 What\r\ncontent-length: -3\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nlocation: http://[broken\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 12000000\r\n\r\n" + b"x" * 12_000_000,
    b"",
)

Behaviour: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[bool]]


@dataclass(slots=True)
class Arrivals:
    """What came: how often each (effect, key) was seen, and how often it was answered with 200."""

    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)


class Destination:
    """A server on a port of its own; `behaviour(writer)` answers one request: whether with 200."""

    def __init__(self, behaviour: Behaviour, arrivals: Arrivals) -> None:
        self._behaviour = behaviour
        self._arrivals = arrivals
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self) -> None:
        """Listen, at the port that it had before if it had one."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._talk, "127.0.0.1", self.port, limit=MOST_HEAD_BYTES, reuse_address=True
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and end those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._talks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                headers = dict(_header(line) for line in head.split("\r\n")[1:] if line)
                await reader.readexactly(int(headers.get("content-length", "0")))
                arrival = headers.get("x-event-id", ""), headers.get("idempotency-key", "")
                self._arrivals.seen[arrival] += 1
                if await self._behaviour(writer):
                    self._arrivals.answered[arrival] += 1
                elif writer.is_closing():
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # a cancelled task of a stream's callback would be told as an error
        finally:
            self._talks.discard(task)
            writer.close()


@dataclass(slots=True)
class Flapping:
    """Away half of the time: connections refused, requests that hang, or 503."""

    chance: random.Random
    mood: str = "up"
    up_again: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, writer: asyncio.StreamWriter) -> bool:
        """As its mood is."""
        if self.mood == "hangs":
            await self.up_again.wait()  # and then it has forgotten
            writer.close()
            return False
        return await _say(writer, AWAY if self.mood == "503" else OK, is_ok=self.mood != "503")

    async def flap(self, destination: Destination, seconds: float) -> None:
        """Change the mood about every *seconds*, until cancelled."""
        while True:
            await asyncio.sleep(seconds * self.chance.uniform(0.5, 1.5))
            self.up_again.clear()
            self.mood = self.chance.choice(["refuses", "hangs", "503"])
            if self.mood == "refuses":
                await destination.close()
            await asyncio.sleep(seconds * self.chance.uniform(0.5, 1.5))
            await self.come_back(destination)

    async def come_back(self, destination: Destination) -> None:
        """Be up, for good unless it flaps on."""
        self.mood = "up"
        self.up_again.set()
        await destination.open()


@dataclass(slots=True)
class Garbage:
    """Mostly what no client expects, then the end of the connection; until it comes to its senses."""

    chance: random.Random
    is_sane: bool = False

    async def answer(self, writer: asyncio.StreamWriter) -> bool:
        """As its senses are."""
        if self.is_sane or self.chance.random() < 0.3:
            return await _say(writer, OK)
        # the big one seldom: it takes as long as all the others together
        said = GARBAGE if self.chance.random() < 0.2 else GARBAGE[:-2]
        await _say(writer, self.chance.choice(said), is_ok=False)
        writer.close()
        return False


def at_once(writer: asyncio.StreamWriter) -> Awaitable[bool]:
    """200, at once."""
    return _say(writer, OK)


def slow(chance: random.Random) -> Behaviour:
    """200, after up to two seconds."""

    async def answer(writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(chance.uniform(0.05, LONGEST_SECONDS))
        return await _say(writer, OK)

    return answer


async def _say(writer: asyncio.StreamWriter, said: bytes, *, is_ok: bool = True) -> bool:
    writer.write(said)
    with contextlib.suppress(OSError):
        await writer.drain()
    return is_ok


def _header(line: str) -> tuple[str, str]:
    name, _colon, value = line.partition(":")
    return name.lower(), value.strip()
