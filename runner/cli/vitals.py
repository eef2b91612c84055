"""How this server is, put together: its store's gauge, and a try of its evaluator."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from runner.engine.vitals import Meter, Vitals
from runner.errors import HooklineError, as_sentence
from runner.language.expressions import compile_expression
from runner.language.scope import Scope
from runner.store.vitals import StoredGauge

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.measures import Measures
    from runner.engine.turn import Evaluator, Tools

EVALUATES_SECONDS = 5.0  # a process that has to be started first takes half a second
ITSELF = "hookline health"  # in place of a workflow: no slug has a space


def meter_of(rooms: Rooms, measures: Measures) -> Meter:
    """What measures this process, with its own *measures*, and the store of *rooms*."""
    return Meter(
        StoredGauge(rooms.store, rooms.keeping), clock=time.time, steady=time.monotonic, measures=measures
    )


def vitals_of(rooms: Rooms, tools: Tools, meter: Meter, *, worker: int | None = None) -> Vitals:
    """What this process, which is that *worker* of several (None: it is alone), can tell of how it is."""
    retention = rooms.settings.retention
    return Vitals(
        meter=meter,
        destinations=tools.destinations,
        evaluates=lambda: evaluates(tools.evaluator),
        kept={"runs": retention.runs, "events": retention.events, "audit log": retention.audit},
        max_bytes=retention.max_bytes,
        worker=worker,
    )


async def evaluates(evaluator: Evaluator) -> str | None:
    """Why *evaluator* does not work, in a sentence; None: it does."""
    asked = compile_expression("length(`[1, 2]`)")
    try:
        async with asyncio.timeout(EVALUATES_SECONDS):
            given = await evaluator.evaluate(asked, Scope({}, time.time()), workflow=ITSELF)
    except TimeoutError:
        return f"It gave no answer within {EVALUATES_SECONDS:g} s."
    except HooklineError as error:
        return as_sentence(error)
    return None if given == 2 else f"It says that two things are {given}."
