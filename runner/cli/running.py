"""
A process of a server, put together and run: the worker, the upkeep and the way in.

Everything is opened in order and closed in the opposite one, whatever ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import connectors
from runner.cli.house import Rooms, new_node_name, replay
from runner.engine.accept import Door
from runner.engine.answer import Callers
from runner.engine.turn import Tools
from runner.engine.upkeep import Chore, keep_up
from runner.engine.worker import Worker
from runner.evaluator.pool import EvaluatorPool
from runner.outbound import Outbound
from runner.queue.embedded import EmbeddedQueue
from runner.store.nodes import NodeLock
from web.app import House, make_app
from web.hooks import Hooks
from web.serve import ServeOptions, serve, stop_at_signals

DAY_SECONDS = 86400
COLLECTED_AFTER_OBJECTS = 20_000  # some ten megabytes at most wait for a collection


@dataclass(frozen=True, slots=True)
class Engine:
    """What executes and what accepts, ready; `worker` is None where this process only receives."""

    door: Door
    worker: Worker | None
    tools: Tools


@contextlib.asynccontextmanager
async def open_tools(rooms: Rooms, *, on_answer: Callable[[str, Any], None]) -> AsyncIterator[Tools]:
    """What every turn works with."""
    limits = rooms.settings.limits
    evaluator = EvaluatorPool(seconds=limits.evaluation_ms / 1000, mebibytes=limits.evaluation_mib)
    outbound = Outbound(
        allow=rooms.settings.network.allow,
        max_reply_bytes=limits.answer_bytes,
        per_destination=limits.per_destination,
    )
    try:
        yield Tools(
            store=rooms.store,
            outbound=outbound,
            evaluator=evaluator,
            safe=rooms.safe,
            action=connectors.action,
            clock=time.time,
            jitter=random.random,
            on_answer=on_answer,
            public_url=rooms.settings.address,
        )
    finally:
        await outbound.close()
        await evaluator.close()


@contextlib.asynccontextmanager
async def open_engine(rooms: Rooms, *, execute: bool, stop: asyncio.Event) -> AsyncIterator[Engine]:
    """The engine of one process. From *stop* on it claims nothing; runs in hand get the grace period."""
    store = rooms.store
    lock = NodeLock(store.nodes, new_node_name(), address=rooms.settings.address)
    callers = Callers()
    try:
        async with open_tools(rooms, on_answer=callers.answered) as tools:
            await store.take_over(
                node=lock.node, now=time.time()
            )  # runs whose process died, before anything new
            worker = None
            if execute:
                queue = EmbeddedQueue(store, clock=time.time)
                worker = Worker(
                    node=lock.node, tools=tools, library=rooms.library, queue=queue, on_end=callers.ended
                )
            door = Door(store, worker, callers, tools.evaluator, time.time, rooms.settings.limits.backlog)
            upkeep = asyncio.create_task(keep_up(_chores(rooms, lock.node, worker)))
            working = asyncio.create_task(_work(worker, stop, rooms.settings.server.grace_seconds))
            try:
                yield Engine(door, worker, tools)
            finally:
                stop.set()
                upkeep.cancel()
                await asyncio.gather(upkeep, working, return_exceptions=True)
    finally:
        lock.release()


async def _work(worker: Worker | None, stop: asyncio.Event, grace_seconds: float) -> None:
    """Claim until *stop*, then drain: at the same time as requests in flight get their answers."""
    if worker is None:
        return
    claiming = asyncio.create_task(worker.run())
    await stop.wait()
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)
    await worker.drain(grace_seconds)


def _chores(rooms: Rooms, node: str, worker: Worker | None) -> list[Chore]:
    store, limits = rooms.store, rooms.settings.limits

    async def cancel_what_was_asked() -> None:
        if worker:
            worker.cancel(await store.cancels(node=node))

    async def trim() -> None:
        before = time.time() - limits.rejected_kept_days * DAY_SECONDS
        await store.trim_rejected(keep=limits.rejected_kept, before=before)

    async def take_over() -> None:
        if await store.take_over(node=node, now=time.time()) and worker:
            worker.queue.wake()

    # changes by other processes and by people show within a second (execution.md, "Versions")
    return [
        Chore("reload workflows", 1.0, rooms.library.reload),
        Chore("reload the vault", 1.0, rooms.vault.load),
        Chore("cancel runs", 0.5, cancel_what_was_asked),
        Chore("take over runs of dead processes", 2.0, take_over),
        Chore("trim refused requests", 60.0, trim),
        Chore("checkpoint the log", 30.0, store.checkpoint),
    ]


async def run_server(
    rooms: Rooms, *, execute: bool, sockets: list[Any], ready: Callable[[str], None], worker: Any = None
) -> None:
    """
    Serve until SIGTERM or SIGINT, or until the supervisor of *worker* is gone.

    Raises:
        SettingsError: an address or a certificate cannot be used.
    """
    stop = asyncio.Event()
    stop_at_signals(stop)
    if worker is not None:
        worker.watch(stop)
    settings = rooms.settings
    await rooms.library.reload()
    async with open_engine(rooms, execute=execute, stop=stop) as engine:
        pages: Any = make_app(_house(rooms))  # Quart's types of ASGI are narrower than ASGI
        app = Hooks(
            rooms.library,
            engine.door,
            pages,
            reading_bytes=settings.limits.reading_bytes,
        )
        options = ServeOptions(
            host=settings.server.host,
            port=settings.server.port,
            certificate=_path(settings.server.tls_certificate),
            key=_path(settings.server.tls_key),
            client_ca=_path(settings.server.tls_client_ca),
            grace_seconds=settings.server.grace_seconds,
            max_connections=settings.limits.connections,
        )
        _spare_the_collector()
        await serve(app, options, stop=stop, sockets=sockets, ready=ready)


def _spare_the_collector() -> None:
    """
    Keep the garbage collector from walking what stays for good: libraries, types, workflows.

    Each event's payload is hundreds of objects, which alone made it run dozens of times a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER_OBJECTS, 20, 50)


def _house(rooms: Rooms) -> House:
    settings = rooms.settings
    return House(
        history=rooms.history,
        people=rooms.people,
        library=rooms.library,
        store=rooms.store,
        url_of=lambda live: rooms.url_of(live.token),
        actions=connectors.described,
        clock=time.time,
        start_replay=lambda run_id, *, origin, version: replay(rooms, run_id, origin=origin, version=version),
        ping=rooms.store.ping,
        backlog_limit=settings.limits.backlog,
        public_url=settings.address,
        timezone=settings.timezone,
    )


def _path(text: str) -> Path | None:
    return Path(text) if text else None
