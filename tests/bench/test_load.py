"""The load generator is honest: a stall counts for all that it delayed, a lost answer is said."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.bench.bodies import push_of
from tests.bench.load import Load, requests_of

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@contextlib.asynccontextmanager
async def answering(answer: Callable[[int], Awaitable[bytes]]) -> AsyncIterator[int]:
    """A server that gives `answer(number of the request)`, b"" to hang up; its port."""
    count = 0
    talks: set[asyncio.Task[None] | None] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        talks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
                count += 1
                said = await answer(count)
                writer.write(said)
                if not said:
                    break
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*filter(None, talks))


async def loaded(port: int, **options: float) -> dict[str, Any]:
    chosen = argparse.Namespace(
        host="127.0.0.1",
        port=port,
        **{"connections": 1, "seconds": 0.5, "count": 10**9, "rate": 0.0} | options,
    )
    return await Load(chosen, requests_of("127.0.0.1", "/x", [b"{}"], mark="m")).run()


async def test_a_stall_counts_for_every_request_that_was_due_meanwhile() -> None:
    async def answer(number: int) -> bytes:
        await asyncio.sleep(0.3 if number == 1 else 0)
        return OK

    async with answering(answer) as port:
        open_loop = await loaded(port, rate=100.0)
        assert open_loop["sent"] + open_loop["unsent"] >= 45  # 0.5 s at 100 a second
        assert open_loop["p50_ms"] > 40  # 30 of 50 were due while it stalled, the first waited longest


async def test_answers_are_counted_by_status_and_lost_ones_are_said() -> None:
    async def answer(number: int) -> bytes:
        return (b"", OK, b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")[number % 3]

    async with answering(answer) as port:
        results = await loaded(port, count=9, seconds=5.0)
    assert (results["sent"], results["ok"], results["lost"]) == (9, 3, 3)
    assert results["statuses"] == {"200": 3, "503": 3}


def test_no_two_bodies_are_alike_and_each_has_about_the_wanted_size() -> None:
    for size in (1000, 7000, 60_000):
        bodies = [push_of(size, number) for number in range(20)]
        assert len(set(bodies)) == len({json.loads(body)["after"] for body in bodies}) == 20
        assert all(0.9 * size < len(body) < 1.1 * size + 900 for body in bodies)
        assert all(json.loads(body)["ref"] == "refs/heads/main" for body in bodies)
        commits = [commit["id"] for body in bodies for commit in json.loads(body)["commits"]]
        assert len(set(commits)) == len(commits)
