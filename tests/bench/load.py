"""
The load generator: keep-alive connections that each send one prepared request after the other.

Run as a process of its own: `python -m tests.bench.load HOST PORT PATH --body FILE --seconds 3`.
Prints JSON: sent, ok, seconds, per_second, p50_ms, p99_ms, statuses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import cast

from web.serve import install_loop


class Sender(asyncio.Protocol):
    """One connection; `rate` requests a second over all connections, or as fast as it goes."""

    def __init__(self, request: bytes, results: Results) -> None:
        self._request = request
        self._results = results
        self._buffer = b""
        self._sent_at = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._results.answered(head[9:12].decode(), time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _send(self) -> None:
        delay = self._results.next_delay()
        if delay is None:
            self._transport.close()
        elif delay <= 0:
            self._sent_at = time.perf_counter()
            self._transport.write(self._request)
        else:
            asyncio.get_running_loop().call_later(delay, self._send_now)

    def _send_now(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)


class Results:
    """What came back, and when the next request is due."""

    def __init__(self, *, seconds: float, count: int, rate: float) -> None:
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.began = time.perf_counter()
        self._ends = self.began + seconds
        self._left = count
        self._interval = 1 / rate if rate else 0.0
        self._next = self.began

    def next_delay(self) -> float | None:
        """Seconds until the next request may be sent; None when it is over."""
        now = time.perf_counter()
        if now >= self._ends or self._left <= 0:
            return None
        self._left -= 1
        if not self._interval:
            return 0.0
        self._next += self._interval
        return self._next - now

    def answered(self, status: str, seconds: float) -> None:
        self.statuses[status] += 1
        self.times.append(seconds)

    def as_json(self) -> dict[str, object]:
        seconds = time.perf_counter() - self.began
        times = sorted(self.times) or [0.0]
        ok = sum(count for status, count in self.statuses.items() if status.startswith("2"))
        return {
            "sent": len(self.times),
            "ok": ok,
            "seconds": seconds,
            "per_second": ok / seconds,
            "p50_ms": times[len(times) // 2] * 1000,
            "p99_ms": times[int(len(times) * 0.99)] * 1000,
            "statuses": dict(self.statuses),
        }


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    body = options.body.read_bytes()
    request = (
        f"POST {options.path} HTTP/1.1\r\nhost: {options.host}\r\ncontent-type: application/json\r\n"
        f"x-github-event: push\r\nuser-agent: bench\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    results = Results(seconds=options.seconds, count=options.count, rate=options.rate)
    loop = asyncio.get_running_loop()
    senders = [
        (await loop.create_connection(lambda: Sender(request, results), options.host, options.port))[1]
        for _ in range(options.connections)
    ]
    await asyncio.wait([sender.ended for sender in senders], timeout=options.seconds + 30)
    print(json.dumps(results.as_json()))


if __name__ == "__main__":
    install_loop()
    asyncio.run(main())
