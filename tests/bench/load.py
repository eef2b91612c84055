"""
The load generator, a process of its own: `python -m tests.bench.load HOST PORT PATH --bodies FILE`.

FILE holds one body a line; they are sent in turn over keep-alive connections. Without `--rate` each
connection sends as soon as it has its answer (a closed loop: how much can be done). With `--rate`
requests are due at fixed instants whatever the answers do (an open loop: how long a sender waits),
and each is timed from the instant at which it was due, so that a stall counts for all it delayed.

Prints JSON: sent, ok, seconds, per_second, p50_ms, p99_ms, p99_9_ms, late_p99_ms (how late the
generator itself was), statuses, lost (the connection ended before the answer), unsent (due, but no
connection was free before the end).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import itertools
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from web.serve import install_loop

SECRET = b"the secret that the benchmark's sender shares"
MOST_DUE = 50_000  # requests that are due and unsent; past it the oldest count as unsent
LAST_ANSWERS_SECONDS = 30.0


class Connection(asyncio.Protocol):
    """One connection to the server; one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._due: float | None = None  # of the request in flight

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._load.free(self)

    def send(self, request: bytes, due: float) -> None:
        """Send *request*, which was due at *due*."""
        self._due = due
        self._transport.write(request)

    def close(self) -> None:
        """End it, answered or not."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or self._due is None:
            return
        lowered = head.lower()
        length = int(lowered.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        due, self._due = self._due, None
        self._load.answered(head[9:12].decode(), time.perf_counter() - due)
        if b"connection: close" in lowered:
            self._transport.close()
        else:
            self._load.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        was_in_flight, self._due = self._due is not None, None
        self._load.gone(self, was_in_flight=was_in_flight)


class Load:
    """All connections, what is due, and what came back."""

    def __init__(self, options: argparse.Namespace, requests: Iterator[bytes]) -> None:
        self._options = options
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._due: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight = 0
        self._left = options.count
        self._over = False
        self._settled = asyncio.Event()
        self._statuses: Counter[str] = Counter()
        self._times: list[float] = []
        self._late: list[float] = []
        self._lost = 0
        self._unsent = 0

    async def run(self) -> dict[str, object]:
        """Send for the wanted time or count, wait for the last answers, and give the results."""
        options = self._options
        self._began = time.perf_counter()
        for _ in range(options.connections):
            await self._connect()
        if options.rate:
            self._began = time.perf_counter()
            threading.Thread(target=self._tick, daemon=True).start()
        ends = self._began + options.seconds
        while time.perf_counter() < ends and (self._left > 0 or self._in_flight):
            await asyncio.sleep(0.005)
        self._over = True
        self._unsent += len(self._due)
        self._due.clear()
        if self._in_flight:
            self._settled.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), LAST_ANSWERS_SECONDS)
            self._lost += self._in_flight
        seconds = time.perf_counter() - self._began
        for connection in list(self._open):
            connection.close()
        while self._open:
            await asyncio.sleep(0.001)
        return self._results(seconds)

    def free(self, connection: Connection) -> None:
        """*connection* is made or has its answer: the next request, if there is one."""
        self._open.add(connection)
        if self._due:
            self._send(connection, self._due.popleft())
        elif self._options.rate or self._over or self._left <= 0:
            self._idle.append(connection)
        else:
            self._send(connection, time.perf_counter())

    def answered(self, status: str, seconds: float) -> None:
        """An answer came *seconds* after its request was due."""
        self._statuses[status] += 1
        self._times.append(seconds)
        self._landed()

    def gone(self, connection: Connection, *, was_in_flight: bool) -> None:
        """*connection* ended; another takes its place while there is something to send."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if was_in_flight:
            self._lost += 1
            self._landed()
        if not self._over:
            task = asyncio.ensure_future(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        while True:
            try:
                await self._loop.create_connection(
                    lambda: Connection(self), self._options.host, self._options.port
                )
            except OSError:
                if self._over:
                    return
                await asyncio.sleep(0.05)
            else:
                return

    def _tick(self) -> None:
        """In a thread, since event loops wake by the millisecond: say each request when it is due."""
        interval = 1 / self._options.rate
        for number in range(int(self._options.seconds * self._options.rate)):
            due = self._began + number * interval
            pause = due - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            if self._over:
                return
            try:
                self._loop.call_soon_threadsafe(self._is_due, due)
            except RuntimeError:  # the loop has ended meanwhile
                return

    def _is_due(self, due: float) -> None:
        if self._over:
            return
        if self._idle:
            self._late.append(time.perf_counter() - due)
            self._send(self._idle.pop(), due)
            return
        self._due.append(due)
        if len(self._due) > MOST_DUE:
            self._due.popleft()
            self._unsent += 1

    def _send(self, connection: Connection, due: float) -> None:
        self._left -= 1
        self._in_flight += 1
        connection.send(next(self._requests), due)

    def _landed(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._settled.set()

    def _results(self, seconds: float) -> dict[str, object]:
        times, late = sorted(self._times) or [0.0], sorted(self._late) or [0.0]
        ok = sum(count for status, count in self._statuses.items() if status.startswith("2"))
        return {
            "sent": len(self._times) + self._lost,
            "ok": ok,
            "seconds": seconds,
            "per_second": ok / seconds,
            "p50_ms": times[len(times) // 2] * 1000,
            "p99_ms": times[int(len(times) * 0.99)] * 1000,
            "p99_9_ms": times[int(len(times) * 0.999)] * 1000,
            "late_p99_ms": late[int(len(late) * 0.99)] * 1000,
            "statuses": dict(self._statuses),
            "lost": self._lost,
            "unsent": self._unsent,
        }


def requests_of(host: str, path: str, bodies: list[bytes], *, mark: str) -> Iterator[bytes]:
    """Requests without end: *bodies* in turn, signed as GitHub does, each with a delivery id of its own."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        f"x-github-event: push\r\nuser-agent: bench\r\nx-github-delivery: {mark}-"
    ).encode()
    ready = [
        b"\r\nx-hub-signature-256: sha256=%b\r\ncontent-length: %d\r\n\r\n%b"
        % (hmac.digest(SECRET, body, "sha256").hex().encode(), len(body), body)
        for body in bodies
    ]
    for number in itertools.count():
        yield b"%b%d%b" % (head, number, ready[number % len(ready)])


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--bodies", type=Path, required=True, help="one body a line")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--count", type=int, default=10**9, help="at most so many requests")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: a closed loop")
    options = parser.parse_args()
    bodies = options.bodies.read_bytes().splitlines()
    mark = f"{time.time_ns():x}"
    print(json.dumps(await Load(options, requests_of(options.host, options.path, bodies, mark=mark)).run()))


if __name__ == "__main__":
    install_loop()
    asyncio.run(main())
