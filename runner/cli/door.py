"""What accepting needs, in a command that executes nothing itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from runner.engine.accept import Door
from runner.engine.answer import Callers
from runner.engine.pauses import PauseBoard
from runner.evaluator.pool import EvaluatorPool

if TYPE_CHECKING:
    from runner.cli.house import Rooms


@contextlib.asynccontextmanager
async def open_door(rooms: Rooms) -> AsyncIterator[Door]:
    """Runs that begin by it are queued for whoever serves. Raises StoreUnavailable."""
    limits = rooms.settings.limits
    evaluator = EvaluatorPool(seconds=limits.evaluation_ms / 1000, mebibytes=limits.evaluation_mib)
    holding = PauseBoard(rooms.pauses)
    await holding.refresh()
    await rooms.store.ping()  # reads how many runs wait
    try:
        yield Door(rooms.store, None, Callers(), evaluator, time.time, limits.backlog, holding)
    finally:
        await evaluator.close()
