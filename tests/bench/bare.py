"""
The endpoints that we measure ourselves against, on our own serving loop: `python -m
tests.bench.bare asgi|quart|durable|sent [ADDRESS]`. Each reads the whole body and answers the same
small JSON.

`durable` and `sent` are the floor under our own figures: what the libraries and the disk take when
nothing of ours is between them. `durable` parses the body and commits the two rows of an accepted
event before it answers; `sent` then posts to ADDRESS and commits the two rows of a run's end.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import aiohttp

from runner.cli.running import _tune_the_interpreter
from runner.engine.runs import Disposition, Event, NewRun, Reason, Record, RecordStatus, Run, Status, TurnEnd
from runner.store.queries import SQL
from runner.store.rows import end_parameters, event_parameters, new_run_parameters, record_parameters
from runner.store.sqlite import SQLiteStore
from runner.values import loads
from web.serve import ServeOptions, install_loop, serve, stop_at_signals

PLACES = 8  # calls to one destination at a time, as ours
STARTED = time.time_ns()
BODY = b'{"event":"01j9zzzzzzzzzzzzzzzzzzzzzz","status":"accepted"}'


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Raw ASGI."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await _read(receive)
    await _answer(send)


async def _read(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return cast("bytes", body)


async def _answer(send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


def quart() -> Any:
    """The same with Quart."""
    from quart import Quart, Response, request  # noqa: PLC0415 - the other one does without

    app = Quart(__name__)

    @app.post("/hooks/<token>")
    async def hook(token: str) -> Response:
        await request.get_data()
        return Response(BODY, content_type="application/json")

    return app


class Floor:
    """Rows that are made once and written for each request: what is left is the libraries' own."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._numbers = itertools.count()
        self._accepted: asyncio.Queue[str] = asyncio.Queue()
        now = time.time()
        event = Event(
            id="", workflow="bench", trigger="webhook", received_at=now, disposition=Disposition.ACCEPTED,
            method="POST", path="", query="", headers={"content-type": "application/json"},
            content_type="application/json", size=7000, source_ip="127.0.0.1", body=b"",
        )  # fmt: skip
        run = NewRun("", "bench", 1, "Bench", "0" * 32, owner="floor")
        under_way = Run("", "", "bench", 1, "Bench", "0" * 32, 1, 1, 1, 1, now, now)
        record = Record(
            "http.request#4", "action", RecordStatus.SUCCEEDED, 1, now, input={}, output={}, ended_at=now
        )
        end = TurnEnd(Status.SUCCEEDED, ended_at=now, reason=Reason("succeeded", "Ran."))
        self._event = event_parameters(event)
        self._run = new_run_parameters(run, "", now)
        self._end = end_parameters(under_way, end)
        self._record = record_parameters("", record)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            await asgi(scope, receive, send)
            return
        body = await _read(receive)
        loads(body)
        name = f"{STARTED:016x}{next(self._numbers):010}"
        event = {**self._event, "id": name, "body": body}
        run = {**self._run, "id": name, "event_id": name}

        def accept(connection: Any) -> None:
            connection.execute(SQL["insert_event"], event)
            connection.execute(SQL["insert_run"], run)

        await self._store._writer.write(accept, is_quick=True)
        self._accepted.put_nowait(name)
        await _answer(send)

    async def send_on(self, address: str) -> None:
        """Post to *address* for each accepted event, until cancelled."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as senders:
            for _ in range(PLACES):
                senders.create_task(self._send(session, address))

    async def _send(self, session: aiohttp.ClientSession, address: str) -> None:
        while True:
            name = await self._accepted.get()
            key = {"idempotency-key": name}
            async with session.post(address, json={"text": "", "messages": []}, headers=key) as reply:
                await reply.read()
            await self._finish(name)

    async def _finish(self, name: str) -> None:
        end, record = {**self._end, "run_id": name}, {**self._record, "run_id": name}

        def finish(connection: Any) -> None:
            connection.execute(SQL["finish"], end)
            connection.execute(SQL["upsert_record"], record)

        await self._store._writer.write(finish, is_quick=True)


async def main() -> None:
    _tune_the_interpreter()
    kind, *rest = sys.argv[1:]
    stop = asyncio.Event()
    stop_at_signals(stop)

    async def run(app: Any) -> None:
        await serve(app, ServeOptions(port=0), stop=stop, ready=lambda url: print(f"ready {url}", flush=True))

    if kind not in ("durable", "sent"):
        await run(asgi if kind == "asgi" else quart())
        return
    with tempfile.TemporaryDirectory() as folder:
        store = await SQLiteStore.open(Path(folder) / "floor.db")
        floor = Floor(store)
        sending = asyncio.create_task(floor.send_on(rest[0]) if rest else asyncio.sleep(0))
        try:
            await run(floor)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await store.close()


if __name__ == "__main__":
    install_loop()
    asyncio.run(main())
