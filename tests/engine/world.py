"""
A whole engine for tests: a real store on disk, the real library, worker and evaluator, and one
connector of the tests' own, written like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

import connectors
from connectors.http import http
from connectors.state import state
from runner.cli.safe import HeldSafe
from runner.connector import (
    Action,
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    Input,
    OutcomeUnknown,
    Output,
    Rejected,
    TimedOut,
    Unavailable,
)
from runner.engine.accept import Accepted, Door, accept, new_id
from runner.engine.answer import Callers
from runner.engine.calling import ServerCalling
from runner.engine.fairness import Fairness
from runner.engine.library import Library
from runner.engine.parking import Parking
from runner.engine.pauses import PauseBoard
from runner.engine.places import Destinations
from runner.engine.redact import Redactions
from runner.engine.resuming import Resuming, resume_token_deriver
from runner.engine.runs import Disposition, Event, Store, TurnEnd
from runner.engine.state import States
from runner.engine.tokens import Keeper
from runner.engine.turn import Safe, Tools
from runner.engine.worker import Worker
from runner.evaluator.pool import EvaluatorPool
from runner.inbound.providers import provider_infos
from runner.inbound.verdict import Fetch
from runner.language.catalogue import Catalogue
from runner.outbound import Outbound
from runner.queue.embedded import EmbeddedQueue
from runner.store.addresses import StoredAddresses
from runner.store.answers import StoredAnswers
from runner.store.calls import StoredChildren
from runner.store.history import StoredHistory
from runner.store.keeping import StoredKeeping
from runner.store.opening import keeping_of, open_store
from runner.store.parking import StoredParking
from runner.store.pauses import StoredPauses
from runner.store.postgres import PostgresStore
from runner.store.queries import Statement
from runner.store.sqlite import SQLiteStore
from runner.store.state import StoredStates
from runner.vault import Vault
from tests.engine.databases import database_of

PROGRESS = Statement.of(
    "SELECT count(*) FILTER (WHERE status = 'running'), coalesce(sum(turns), 0), count(*) FROM runs"
)


class Note(Input):
    """What to note."""

    text: Any = None
    fail: str | None = None  # rejected, unavailable, unknown, bug, timeout, a status …
    times: int = 1_000_000  # how often it fails
    after: str | None = None  # waits until the test opens this gate


class Noted(Output):
    """What was noted, and the how manieth call of this effect it was."""

    text: Any
    call: int


@dataclass
class Outside:
    """The world that actions reach: what they did, by Idempotency-Key, and gates to hold them."""

    notes: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    calls: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    gates: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def connector(self) -> Connector:
        """`probe.note`, repeatable, and `probe.once`, which must not be called again after a crash."""
        probe = Connector("probe", title="Probe", summary="Notes what it is told.")

        async def note(call: Call, connection: None, input: Note) -> Noted:  # noqa: A002
            """Note a text."""
            key = call.idempotency_key
            self.calls[key] += 1
            self.begun.set()
            if input.after:
                await self.gates[input.after].wait()
            if input.fail and self.calls[key] <= input.times:
                error = _FAILURES[input.fail]()
                raise error
            self.notes.append(input.text)
            self.keys.append(key)
            return Noted(text=input.text, call=self.calls[key])

        async def once(call: Call, connection: None, input: Note) -> Noted:  # noqa: A002
            """Note a text, never twice."""
            return await note(call, connection, input)

        probe.action()(note)
        probe.action(after_crash="stop")(once)
        return probe


_FAILURES: Mapping[str, Callable[[], Exception]] = {
    "rejected": lambda: Rejected("it was refused"),
    "unavailable": lambda: Unavailable("nobody answered"),
    "unknown": lambda: OutcomeUnknown("the connection broke"),
    "bug": lambda: KeyError("a bug"),
    "connection": lambda: ConnectionRejected("who are you"),
    "timeout": lambda: TimedOut("no answer in time"),
    "429": lambda: Unavailable("too many", cause="429"),
    "503": lambda: Unavailable("not now", cause="503"),
    "500": lambda: OutcomeUnknown("it broke", cause="500"),
}


class NoSecrets:
    """A server that holds the given secrets and no connections."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def secrets(self) -> Mapping[str, str]:
        return self._values

    def secret_values(self) -> frozenset[str]:
        return frozenset(self._values.values())

    def bounds(self) -> Mapping[str, Sequence[str]]:
        return {}

    def connection_for(self, action: Action, name: str | None) -> Connection | None:
        return None


class NothingToFetch:
    """A way to fetch keys for those that need none."""

    def roots(self) -> bytes:
        return b""

    async def fetch(self, what: Fetch) -> bytes:
        raise Unavailable(f"{what.url} cannot be reached from here")

    async def visit(self, url: str) -> None:
        raise Unavailable(f"{url} cannot be reached from here")


class World:
    """One process's engine over the data of *folder*; opening another on it is a restart."""

    def __init__(
        self, folder: Path, outside: Outside, secrets: Mapping[str, str], now: float | None = None
    ) -> None:
        self.folder = folder
        self.outside = outside
        self.ends: dict[str, list[TurnEnd]] = defaultdict(list)
        self._turned = asyncio.Event()
        self._secrets = secrets
        self.now = now
        self.store: SQLiteStore | PostgresStore
        self.history: StoredHistory
        self.keeping: StoredKeeping
        self.library: Library
        self.tools: Tools
        self.worker: Worker
        self.door: Door
        self.destinations: Destinations
        self.parked: StoredParking
        self.parking: Parking
        self.pauses: StoredPauses
        self.states: StoredStates
        self.vault: Vault  # where it has one
        self.holding: PauseBoard
        self.resuming: Resuming

    def clock(self) -> float:
        """The real time, or the one that a test sets."""
        return time.time() if self.now is None else self.now

    async def workflow(self, slug: str, text: str) -> None:
        """Write a workflow's file and take notice of it."""
        folder = self.folder / "workflows"
        folder.mkdir(exist_ok=True)
        trigger = "" if "trigger:" in text else "trigger: {webhook: {}}\n"
        (folder / f"{slug}.yaml").write_text(f"name: {slug}\n{trigger}{text}")
        await self.library.reload()
        assert not [str(f) for f in self.library.faults[slug] if f.severity == "error"]

    async def send(
        self, slug: str, payload: Any = None, *, is_awaited: bool = False, delivery_id: str | None = None
    ) -> Accepted:
        """Accept an event with *payload* for the workflow."""
        live = self.library.get(slug)
        assert live
        body = orjson.dumps(payload)
        now = self.clock()
        event = Event(
            id=new_id(now),
            workflow=slug,
            trigger="webhook",
            received_at=now,
            disposition=Disposition.ACCEPTED,
            method="POST",
            path="",
            query="",
            headers={"content-type": "application/json"},
            content_type="application/json",
            size=len(body),
            source_ip="127.0.0.1",
            body=body,
            delivery_id=delivery_id,
        )
        return await accept(self.door, live, event, payload, {}, is_awaited=is_awaited)

    async def turned(self, run_id: str, *, turns: int = 1) -> TurnEnd:
        """How the run's turn number *turns* (of this process) ended; waits for it."""
        async with asyncio.timeout(20):
            while len(self.ends[run_id]) < turns:
                self._turned.clear()
                await self._turned.wait()
        return self.ends[run_id][turns - 1]

    async def quiet(self) -> None:
        """Until nothing is under way or due at the time that it is now."""
        async with asyncio.timeout(60):
            while True:
                self._turned.clear()
                await self.parking.find()
                await self.parking.wake()
                self.worker.queue.wake()
                before = await self._progress()
                if not before[0] and not await self._has_due() and before == await self._progress():
                    return  # nothing began or ended while we asked
                await self._turned.wait()

    @property
    def sqlite(self) -> SQLiteStore:
        """The store, for tests of what only a file has."""
        assert isinstance(self.store, SQLiteStore)
        return self.store

    async def _has_due(self) -> bool:
        return bool(await self.store.due(now=self.clock(), limit=1))

    async def _progress(self) -> tuple[bool, int, int]:
        """Whether a run is under way, be it that its claim is only just on disk; turns and runs so far."""
        ((running, turns, runs),) = await self.store.read(PROGRESS)
        return bool(running) or bool(self.worker._turns), int(turns), int(runs)

    async def ran(self, slug: str, payload: Any = None) -> TurnEnd:
        """Send and wait for the end of the first turn."""
        return await self.turned((await self.send(slug, payload)).run_id)

    def heard(self, run_id: str, end: TurnEnd) -> None:
        self.ends[run_id].append(end)
        self._turned.set()


def _holding(world: World, outbound: Outbound) -> tuple[Safe, Keeper]:
    """The vault of *world*, and who keeps the tokens of its connections."""
    world.vault = Vault(world.store, b"k" * 32, {}, models=connectors.connection_model)
    return HeldSafe(world.vault), Keeper(world.vault, outbound, world.destinations, world.clock)


async def _closed(world: World, outbound: Outbound, keeper: Keeper | None) -> None:
    if keeper:
        await keeper.close()
    await outbound.close()
    await world.store.close()


@contextlib.asynccontextmanager
async def opened(
    folder: Path,
    outside: Outside | None = None,
    *,
    secrets: Mapping[str, str] | None = None,
    places: int = 16,
    grace_seconds: float = 5,
    per_destination: int = 8,
    overrides: Mapping[str, Any] | None = None,
    has_vault: bool = False,
    around_states: Callable[[States], States] = lambda states: states,
    around_store: Callable[[Store], Store] = lambda store: store,
    now: float | None = None,
) -> AsyncIterator[World]:
    """
    A running engine; at the end its runs get *grace_seconds*, 0 for a process that just stops. *now*
    sets its clock before anything is claimed. With *has_vault* its secrets and connections are those of
    `world.vault`.
    """
    outside = outside or Outside()
    world = World(folder, outside, secrets or {}, now)
    connector = outside.connector()
    world.store = store = await open_store(
        await database_of(folder), sqlite=folder / "data" / "hookline.db", patience_seconds=1.0
    )
    world.keeping, world.states = keeping_of(store), StoredStates(store)
    node = f"node-{new_id(time.time())}"
    presence = store.present(node)
    await presence.__aenter__()
    evaluator = EvaluatorPool()
    outbound = Outbound(allow=["127.0.0.0/8"])
    world.destinations = Destinations(limit=per_destination, clock=world.clock)
    callers = Callers()
    actions = {action.name: action for one in (connector, http, state) for action in one.actions.values()}
    infos = {name: action.info() for name, action in actions.items()}
    world.library = Library(
        folder / "workflows",
        store,
        catalogue=lambda: Catalogue(infos, providers=provider_infos()),
        token_of=lambda slug, rotation: f"{slug}-{rotation}",
        clock=world.clock,
        addresses=StoredAddresses(store),
        overrides=lambda _slug: overrides or {},
    )
    safe, keeper = _holding(world, outbound) if has_vault else (NoSecrets(world._secrets), None)
    world.history = StoredHistory(
        store, Redactions(world.library, store, store.newest_version), safe.secret_values
    )
    world.tools = tools = Tools(
        store=around_store(store),
        outbound=outbound,
        evaluator=evaluator,
        safe=safe,
        keeper=keeper,
        action=actions.get,
        clock=world.clock,
        jitter=lambda: 0.0,
        on_answer=callers.answered,
        destinations=world.destinations,
        public_url="http://hookline.test",
        answers=StoredAnswers(store, world.history.veils),
        resume_token=resume_token_deriver(b"the key of a test's server, 32 b"),
        states=around_states(world.states),
        fairness=Fairness(),
    )
    queue = EmbeddedQueue(store, clock=world.clock)

    def on_end(run_id: str, end: TurnEnd) -> None:
        callers.ended(run_id, end)
        world.heard(run_id, end)

    world.resuming = Resuming(
        StoredAnswers(store, world.history.veils), world.library, tools.resume_token, world.clock, queue.wake
    )
    world.pauses = StoredPauses(store, world.clock)
    world.holding = PauseBoard(world.pauses)
    called = Door(store, None, callers, evaluator, world.clock, backlog_limit=1000, holding=world.holding)
    calling = ServerCalling(called, world.library, StoredChildren(store), queue.wake)
    world.tools = tools = replace(tools, calling=calling)
    world.worker = Worker(
        node=node, tools=tools, library=world.library, queue=queue, on_end=on_end, places=places
    )
    await world.holding.refresh()
    world.door = Door(
        store, world.worker, callers, evaluator, world.clock, backlog_limit=1000, holding=world.holding
    )
    (folder / "workflows").mkdir(exist_ok=True)
    await world.library.reload()
    await store.take_over(node=node, now=world.clock())
    world.parked = StoredParking(store)
    world.parking = Parking(
        world.parked, world.destinations, pauses=world.pauses, clock=world.clock, woke=queue.wake
    )
    await world.parking.find()
    claiming = asyncio.create_task(world.worker.run())
    waking = asyncio.create_task(world.parking.run())
    try:
        yield world
    finally:
        claiming.cancel()
        waking.cancel()
        await asyncio.gather(claiming, waking, return_exceptions=True)
        await world.worker.drain(grace_seconds)
        await evaluator.close()
        await presence.__aexit__(None, None, None)
        await _closed(world, outbound, keeper)
