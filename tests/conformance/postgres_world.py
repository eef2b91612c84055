"""A whole engine on PostgreSQL with PgQueuer, after tests/engine/world.py: one process of several."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from runner.engine.accept import Door, new_id
from runner.engine.answer import Callers
from runner.engine.library import Library
from runner.engine.places import Destinations
from runner.engine.runs import TurnEnd
from runner.engine.turn import Tools
from runner.engine.upkeep import Chore, keep_up
from runner.engine.worker import Worker
from runner.evaluator.pool import EvaluatorPool
from runner.language.catalogue import Catalogue
from runner.outbound import Outbound
from runner.queue.pgqueuer import PgQueuerQueue
from runner.store.postgres import PostgresStore
from tests.engine.world import NoSecrets, Outside, World

PATIENCE_SECONDS = 1.0


@contextlib.asynccontextmanager
async def opened(
    url: str, folder: Path, outside: Outside, *, only_receives: bool = False, places: int = 16
) -> AsyncIterator[World]:
    """A running engine. With *only_receives* others must execute what it accepts."""
    world = World(folder, outside, {})
    store = await PostgresStore.open(url, patience_seconds=PATIENCE_SECONDS)
    node = f"node-{new_id(time.time())}"
    evaluator, outbound, callers = EvaluatorPool(), Outbound(), Callers()
    actions = {action.name: action for action in outside.connector().actions.values()}
    infos = {name: action.info() for name, action in actions.items()}
    world.library = Library(
        folder / "workflows",
        store,
        catalogue=lambda: Catalogue(infos),
        token_of=lambda slug, rotation: f"{slug}-{rotation}",
        clock=world.clock,
    )
    tools = Tools(
        store=store,
        outbound=outbound,
        evaluator=evaluator,
        safe=NoSecrets({}),
        action=actions.get,
        clock=world.clock,
        jitter=lambda: 0.0,
        on_answer=callers.answered,
        destinations=Destinations(limit=64, clock=world.clock),
    )
    queue = PgQueuerQueue(url)

    def on_end(run_id: str, end: TurnEnd) -> None:
        callers.ended(run_id, end)
        world.heard(run_id, end)

    world.worker = Worker(
        node=node, tools=tools, library=world.library, queue=queue, on_end=on_end, places=places
    )
    worker = None if only_receives else world.worker
    world.door = Door(store, worker, callers, evaluator, world.clock, backlog_limit=10_000)
    (folder / "workflows").mkdir(exist_ok=True, parents=True)
    await world.library.reload()
    await store.beat(node)
    chores = [
        Chore("beat", PATIENCE_SECONDS / 4, lambda: store.beat(node)),
        Chore(
            "take over runs of dead processes",
            PATIENCE_SECONDS / 2,
            lambda: store.take_over(node=node, now=world.clock()),
        ),
    ]
    tasks = [asyncio.create_task(keep_up(chores))]
    if not only_receives:
        tasks.append(asyncio.create_task(world.worker.run()))
    try:
        yield world
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await world.worker.drain(5)
        await queue.close()
        await evaluator.close()
        await outbound.close()
        await store.forget_node(node)
        await store.close()
