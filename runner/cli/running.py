"""
A process of a server, put together and run: the worker, the upkeep and the way in.

Everything is opened in order and closed in the opposite one, whatever ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.cli.chores import standing_chores
from runner.cli.house import Rooms, new_node_name
from runner.cli.late import LateOutbound, LatePages, open_keys, warm
from runner.cli.log import name_process
from runner.cli.recovering import recovering_chores
from runner.cli.timing import Clockwork
from runner.cli.trying import open_desk
from runner.cli.vitals import meter_of, vitals_of
from runner.engine.accept import Door
from runner.engine.answer import Callers
from runner.engine.calling import ServerCalling
from runner.engine.examining import Examiner
from runner.engine.fairness import Fairness
from runner.engine.measures import Measures
from runner.engine.parking import Parking
from runner.engine.pauses import PauseBoard
from runner.engine.places import Destinations
from runner.engine.resuming import Resuming
from runner.engine.runs import Queue
from runner.engine.tokens import Keeper
from runner.engine.turn import Tools
from runner.engine.upkeep import Chore, keep_up
from runner.engine.vitals import SAMPLE_SECONDS, Meter
from runner.engine.worker import Worker
from runner.evaluator.pool import EvaluatorPool
from runner.queue.embedded import EmbeddedQueue
from runner.store.answers import StoredAnswers
from runner.store.calls import StoredChildren
from runner.store.parking import StoredParking
from runner.store.sqlite import SQLiteStore
from runner.store.state import StoredStates
from runner.telemetry import close_tracer, open_tracer
from web.bodies import Room
from web.forms import Forms
from web.hooks import Hooks
from web.resume import Resume
from web.senders import Senders
from web.serve import ServeOptions, serve, stop_at_signals

SWITCH_SECONDS = 0.0002  # how long a thread that wants the interpreter waits for one that has it
COLLECTED_AFTER_OBJECTS = 20_000  # some ten megabytes at most wait for a collection


@dataclass(frozen=True, slots=True)
class Engine:
    """
    What executes and what accepts, ready; `worker` is None where this process only receives. `number` is that
    of this process among several behind one address.
    """

    door: Door
    worker: Worker | None
    tools: Tools
    examiner: Examiner
    meter: Meter
    number: int | None = None  # None: it is alone


@contextlib.asynccontextmanager
async def open_tools(
    rooms: Rooms, *, on_answer: Callable[[str, Any], None], is_traced: bool = False
) -> AsyncIterator[Tools]:
    """What every turn works with; *is_traced*: a server's, whose traces go where the settings say."""
    limits = rooms.settings.limits
    tracer = open_tracer(rooms.settings.telemetry, os.environ) if is_traced else None
    evaluator = EvaluatorPool(seconds=limits.evaluation_ms / 1000, mebibytes=limits.evaluation_mib)
    outbound = LateOutbound(
        rooms.settings.network,
        max_reply_bytes=limits.answer_bytes,
        secret_values=rooms.safe.secret_values,
        tracer=tracer,
    )
    destinations = Destinations(limit=limits.per_destination, clock=time.time)
    keeper = Keeper(rooms.vault, outbound, destinations, time.time)
    try:
        yield Tools(
            store=rooms.store,
            outbound=outbound,
            evaluator=evaluator,
            fairness=Fairness(),
            safe=rooms.safe,
            action=rooms.shelf.action,
            clock=time.time,
            jitter=random.random,
            on_answer=on_answer,
            destinations=destinations,
            keeper=keeper,
            commands=rooms.settings.commands,
            public_url=rooms.settings.address,
            states=StoredStates(rooms.store),
            answers=StoredAnswers(rooms.store),
            resume_token=rooms.resume_token,
            tracer=tracer,
            measures=Measures(evaluator_restarts=lambda: evaluator.restarts),
        )
    finally:
        await keeper.close()
        await outbound.close()
        await evaluator.close()
        await close_tracer(tracer)


@contextlib.asynccontextmanager
async def open_engine(
    rooms: Rooms, *, execute: bool, stop: asyncio.Event, serves: bool = True
) -> AsyncIterator[Engine]:
    """The engine of one process. From *stop* on it claims nothing; runs in hand get the grace period."""
    store = rooms.store
    node = new_node_name()
    callers = Callers()
    name_process(node=node)
    async with (
        store.present(node, address=rooms.settings.address if serves else ""),
        open_tools(rooms, on_answer=callers.answered, is_traced=True) as tools,
        open_keys(rooms.settings) as keys,
    ):
        await store.take_over(node=node, now=time.time())  # runs whose process died, before anything new
        queue, holding = _queue(rooms), PauseBoard(rooms.pauses)
        await holding.refresh()
        worker, meter = None, meter_of(rooms, tools.measures)
        if execute:
            calling = calling_of(rooms, tools, holding, woke=queue.wake)
            worker = Worker(
                    node=node, tools=replace(tools, calling=calling), library=rooms.library,
                    queue=queue, on_end=callers.ended,
                )  # fmt: skip
        parking = _parking(rooms, tools, worker) if worker else None
        if parking:
            await parking.find()  # what is paused, before the first call
        limit = rooms.settings.limits.backlog
        door = Door(
                store, worker, callers, tools.evaluator, time.time, limit, holding,
                tools.measures, tools.tracer,
            )  # fmt: skip
        chores = standing_chores(rooms, node, worker, door)
        chores += recovering_chores(rooms, node, tools, worker)
        chores.append(Chore("look how the server is", SAMPLE_SECONDS, meter.sample))
        clockwork = Clockwork(rooms, node, door, tools) if worker else None
        chores += clockwork.chores() if clockwork else []
        upkeep = asyncio.create_task(keep_up(chores))
        working = asyncio.create_task(_work(worker, stop, rooms.settings.server.grace_seconds))
        lag = asyncio.create_task(meter.watch_the_loop())
        waking = asyncio.create_task(_nothing() if parking is None else parking.run())
        try:
            yield Engine(door, worker, tools, Examiner(rooms.safe.secrets, keys), meter)
        finally:
            stop.set()
            upkeep.cancel()
            waking.cancel()
            lag.cancel()
            await asyncio.gather(upkeep, waking, working, lag, return_exceptions=True)
            await queue.close()
            if clockwork:
                await clockwork.close()


def _queue(rooms: Rooms) -> Queue:
    """Where this process's worker gets its turns from."""
    if isinstance(rooms.store, SQLiteStore):
        return EmbeddedQueue(rooms.store, clock=time.time)
    from runner.queue.pgqueuer import PgQueuerQueue

    return PgQueuerQueue(rooms.settings.store.url)


def calling_of(
    rooms: Rooms, tools: Tools, holding: PauseBoard, *, woke: Callable[[], None] = lambda: None
) -> ServerCalling:
    """What starts the runs that others call; *woke()* hears that one may begin."""
    limit = rooms.settings.limits.backlog
    door = Door(rooms.store, None, Callers(), tools.evaluator, time.time, limit, holding)
    return ServerCalling(door, rooms.library, StoredChildren(rooms.store), woke)


async def _work(worker: Worker | None, stop: asyncio.Event, grace_seconds: float) -> None:
    """Claim until *stop*, then drain: at the same time as requests in flight get their answers."""
    if worker is None:
        return
    claiming = asyncio.create_task(worker.run())
    await stop.wait()
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)
    await worker.drain(grace_seconds)


def _parking(rooms: Rooms, tools: Tools, worker: Worker) -> Parking:
    """What wakes the runs that wait for a destination of this process."""
    return Parking(
        StoredParking(rooms.store),
        tools.destinations,
        pauses=rooms.pauses,
        clock=tools.clock,
        woke=worker.queue.wake,
    )


async def _nothing() -> None:
    """What a process that executes nothing has to wake."""


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
    await rooms.library.note_state()
    async with open_engine(rooms, execute=execute, stop=stop) as engine, open_desk() as desk:

        def open_pages() -> Any:
            from runner.cli.pages import pages_of

            numbered = engine if worker is None else replace(engine, number=worker.index)
            return pages_of(rooms, numbered, desk, lambda: app)

        pages = LatePages(open_pages)
        room = Room(settings.limits.reading_bytes)
        senders = Senders(settings.server.trusted_networks, settings.server.client_certificate_header)
        forms = Forms(
            rooms.library,
            engine.door,
            senders,
            pages,
            form_token_of=rooms.form_token_of,
            room=room,
        )
        resume = Resume(
            forms,
            resuming_of(rooms, engine.door),
            who=lambda session: rooms.people.known("session", session),
            room=room,
            public_url=settings.address,
            timezone=settings.timezone,
        )
        app = Hooks(
            rooms.library,
            engine.door,
            engine.examiner,
            senders,
            resume,
            public_url=settings.address,
            room=room,
        )
        options = ServeOptions(
            host=settings.server.host,
            port=settings.server.port,
            certificate=_path(settings.server.tls_certificate),
            key=_path(settings.server.tls_key),
            client_ca=_path(settings.server.tls_client_ca),
            grace_seconds=settings.server.grace_seconds,
            max_connections=settings.limits.connections,
            header_seconds=settings.limits.header_seconds,
            body_seconds=settings.limits.body_seconds,
        )
        warming: list[asyncio.Task[None]] = []

        def is_ready(address: str) -> None:
            ready(address)
            warming.append(asyncio.create_task(warm(pages, _tune_the_interpreter)))

        _tune_the_interpreter()
        await serve(app, options, stop=stop, sockets=sockets, ready=is_ready)


async def run_worker(
    rooms: Rooms, *, ready: Callable[[str], None], metrics: tuple[str, int] | None = None
) -> None:
    """
    Execute until SIGTERM or SIGINT. *metrics*: host and port at which this process tells of itself.

    Raises:
        SettingsError: that address cannot be used.
    """
    stop = asyncio.Event()
    stop_at_signals(stop)
    await rooms.library.reload()
    await rooms.library.note_state()
    async with open_engine(rooms, execute=True, stop=stop, serves=False) as engine:
        _tune_the_interpreter()
        assert engine.worker is not None
        ready(engine.worker.node)
        if metrics is None:
            await stop.wait()
            return
        from web.node_metrics import NodeMetrics

        vitals = vitals_of(rooms, engine.tools, engine.meter)
        options = ServeOptions(host=metrics[0], port=metrics[1], grace_seconds=1)
        await serve(NodeMetrics(vitals, rooms.people), options, stop=stop, ready=_nobody_asks)


def resuming_of(rooms: Rooms, door: Door) -> Resuming:
    """What takes the answers to `wait_for` steps."""
    answers = StoredAnswers(rooms.store, rooms.history.veils)
    woke = door.worker.queue.wake if door.worker else _nobody_waits
    return Resuming(answers, rooms.library, rooms.resume_token, time.time, woke)


def _nobody_asks(_address: str) -> None:
    """It was said where before."""


def _nobody_waits() -> None:
    """Another process executes, and looks by itself."""


def _tune_the_interpreter() -> None:
    """
    Set the interpreter to many small objects and one thread that waits for the disk.

    The garbage collector shall not walk what stays for good (libraries, types, workflows): each
    payload is hundreds of objects, which alone made it run dozens of times a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER_OBJECTS, 20, 50)
    # the store's thread asks for the interpreter at each commit: with Python's 5 ms the slowest of a
    # hundred events at 800 a second had its answer in 4.8 ms, with this in 3.8
    sys.setswitchinterval(SWITCH_SECONDS)


def _path(text: str) -> Path | None:
    return Path(text) if text else None
