"""What the server lets go of, by its settings and its workflows' own `retention`."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from runner.engine.keeping import VERSION_SECONDS, Terms, keep
from runner.engine.library import workflow_files
from runner.errors import LanguageError, NotFound
from runner.language.workflow import Retention

if TYPE_CHECKING:
    from runner.cli.house import Rooms

PAUSE_SECONDS = 0.025  # between two portions of some 10 ms: what arrives meanwhile comes first

log = logging.getLogger(__name__)


async def let_go(rooms: Rooms) -> None:
    """Let go of events and runs past their age, of the oldest past the bound, and shrink the file."""
    done = await keep(
        rooms.keeping,
        lambda workflow: terms_of(rooms, workflow),
        max_bytes=rooms.settings.retention.max_bytes,
        now=time.time(),
        pause=lambda: asyncio.sleep(PAUSE_SECONDS),
    )
    if done.runs or done.events:
        log.info(
            "let go of %d runs and %d events", done.runs, done.events,
            extra={"action": "let_go", "runs": done.runs, "events": done.events},
        )  # fmt: skip


async def let_go_versions(rooms: Rooms) -> None:
    """Let go of versions that neither a run nor a live file has."""
    await rooms.library.reload()
    kept: dict[str, int | None] = {path.stem: None for path in workflow_files(rooms.library.folder)}
    kept |= {live.workflow.slug: live.version for live in rooms.library.all()}
    await rooms.keeping.let_go_versions(kept, before=time.time() - VERSION_SECONDS)


async def let_go_audit(rooms: Rooms) -> None:
    """Let go of what the audit log has of too long ago."""
    before = time.time() - rooms.settings.retention.audit_seconds
    while await rooms.audit.let_go(before=before):  # noqa: ASYNC110 - others write in between
        await asyncio.sleep(PAUSE_SECONDS)


async def terms_of(rooms: Rooms, workflow: str) -> Terms:
    """How long what belongs to *workflow* is kept: by its newest version, else by the settings."""
    live = rooms.library.get(workflow)
    own = live.workflow.retention if live else await _last_retention(rooms, workflow)
    server = rooms.settings.retention
    return Terms(
        server.events_seconds if own.events_seconds is None else own.events_seconds,
        server.runs_seconds if own.runs_seconds is None else own.runs_seconds,
    )


async def _last_retention(rooms: Rooms, workflow: str) -> Retention:
    """Of a workflow whose file is gone or has faults."""
    newest = await rooms.store.newest_version(workflow)
    try:
        return (await rooms.library.version(workflow, newest or 0)).retention
    except (NotFound, LanguageError):
        return Retention()
