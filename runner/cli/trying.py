"""What people try workflows with, put together, and the processes that look on (runner/workbench/)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from runner.cli.house import Rooms, catalogue
from runner.engine.redact import Redactions
from runner.evaluator.processes import Processes, value_of
from runner.evaluator.wire import framed
from runner.store.past import StoredPast
from runner.workbench.backtests import Backtests
from runner.workbench.trials import Trials
from runner.workbench.wire import Held, shown_connection
from web.inside import Sampled, deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from runner.engine.accept import Door
    from runner.engine.examining import Examiner
    from runner.inbound.request import Request
    from runner.values import Json
    from web.exchange import Application

MEBIBYTES = 256  # a workflow's data several times over, and the connectors that are imported on the way
MOST_PROCESSES = 2


class DeskPool:
    """See `runner.workbench.trials.Desk`: processes of `runner.cli.desk`. Close it."""

    def __init__(self, count: int = MOST_PROCESSES) -> None:
        self._processes = Processes("runner.cli.desk", mebibytes=MEBIBYTES, count=count)

    async def ask(self, request: Json, *, seconds: float, key: str) -> Json:
        """The answer. Raises LimitExceeded, ExpressionError."""
        frame = await asyncio.to_thread(framed, request)  # megabytes, where an event is large
        return value_of(await self._processes.ask(frame, seconds=seconds, key=key))

    async def warm(self) -> None:
        """Start one, if there is none."""
        await self._processes.warm()

    async def close(self) -> None:
        """End them."""
        await self._processes.close()


def held_of(rooms: Rooms) -> Held:
    """What a preview may know of a server: no secret."""
    vault, values = rooms.vault, rooms.safe.secret_values()
    opened = {name: vault.open_connection(name) for name in vault.connection_kinds()}
    connections = {name: shown_connection(one, values) for name, one in opened.items() if one is not None}
    slugs = {live.workflow.slug for live in rooms.library.all()} | rooms.library.faults.keys()
    secrets = tuple(sorted(vault.secrets()))
    return Held(connections, secrets, tuple(sorted(slugs)), rooms.settings.commands)


@contextlib.asynccontextmanager
async def open_desk(count: int = MOST_PROCESSES) -> AsyncIterator[DeskPool]:
    """At most *count* processes that look on, started when they are needed."""
    desk = DeskPool(count)
    try:
        yield desk
    finally:
        await desk.close()


def trials_of(
    rooms: Rooms, door: Door, examiner: Examiner, desk: DeskPool, inbound: Callable[[], Application]
) -> Trials:
    """What the API tries workflows with; `inbound()` is the way in of this process."""

    async def let_in(request: Request, by: str, is_sent: bool) -> tuple[int, bytes]:
        heard = await deliver(inbound(), request, Sampled(by, is_sent))
        return heard.status, heard.body

    return Trials(
        library=rooms.library,
        history=rooms.history,
        past=StoredPast(rooms.store),
        desk=desk,
        door=door,
        examiner=examiner,
        redaction_of=Redactions(rooms.library, rooms.store, rooms.store.newest_version),
        held=lambda: held_of(rooms),
        secrets=rooms.safe.secrets,
        secret_values=rooms.safe.secret_values,
        catalogue=lambda: catalogue(
            rooms.vault, rooms.settings.server, rooms.settings.commands, shelf=rooms.shelf
        ),
        overrides=rooms.settings.vars.of,
        url_of=rooms.url_of,
        deliver=let_in,
        backtests=backtests_of(rooms, desk),
    )


def backtests_of(rooms: Rooms, desk: DeskPool) -> Backtests:
    """What changed workflows are held against past events with."""
    return Backtests(
        library=rooms.library,
        past=StoredPast(rooms.store),
        versions=rooms.store,
        desk=desk,
        redaction_of=Redactions(rooms.library, rooms.store, rooms.store.newest_version),
        held=lambda: held_of(rooms),
        secret_values=rooms.safe.secret_values,
        catalogue=lambda: catalogue(
            rooms.vault, rooms.settings.server, rooms.settings.commands, shelf=rooms.shelf
        ),
        overrides=rooms.settings.vars.of,
        token_of=rooms.resume_token,
        address=rooms.settings.address,
    )
