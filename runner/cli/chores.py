"""What a process of a server does now and then, beside requests and runs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from runner.cli.keeping import let_go, let_go_audit, let_go_versions
from runner.engine.connecting import shown_connection
from runner.engine.own_events import OwnEvents
from runner.engine.release import release_ended
from runner.engine.upkeep import Chore
from runner.engine.watching import LOOK_SECONDS
from runner.store.own_events import StoredOwnEvents
from runner.store.sqlite import SQLiteStore
from runner.store.state import StoredStates

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.accept import Door
    from runner.engine.worker import Worker

DAY_SECONDS = 86400
MOST_FORGOTTEN = 500  # delivery keys in one transaction: some milliseconds


def standing_chores(rooms: Rooms, node: str, worker: Worker | None, door: Door) -> list[Chore]:
    """All that *node* sees to again and again, but for what recovers runs and what starts them by time."""
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

    async def forget_deliveries() -> None:
        # portions, so that senders wait for none of them
        while await store.forget_deliveries(now=time.time(), most=MOST_FORGOTTEN) == MOST_FORGOTTEN:
            pass

    async def tidy_state() -> None:
        states = StoredStates(store)
        while await states.tidy(now=time.time(), most=MOST_FORGOTTEN) >= MOST_FORGOTTEN:
            pass

    async def release_held() -> None:
        if door.holding:
            await release_ended(door, rooms.pauses, door.holding, rooms.library)

    own_events = OwnEvents(
        StoredOwnEvents(store), door, rooms.library,
        show_run=rooms.history.run, show_problem=rooms.problems.show,
        show_connection=lambda name: shown_connection(rooms.vault, name, time.time()),
        secrets=rooms.safe.secret_values, public_url=rooms.settings.address,
    )  # fmt: skip

    async def reload_workflows() -> None:
        await asyncio.to_thread(rooms.shelf.keep_up)  # before those who use its connectors
        for slug in await rooms.library.reload():
            live = rooms.library.get(slug)
            version = live.version if live else None
            item = {"slug": slug, "change": "read", "version": version, "by": None}
            rooms.changes.tell("workflow", item)
        await rooms.library.note_state()

    # changes by other processes and by people show within a second (execution.md, "Versions")
    chores = [
        Chore("reload workflows", 1.0, reload_workflows),
        Chore("reload the vault", 1.0, rooms.vault.load),
        Chore("tell pages what changes", LOOK_SECONDS, rooms.watcher.look),
        Chore("cancel runs", 0.5, cancel_what_was_asked),
        Chore("release what ended pauses held", 0.5, release_held),
        Chore("start runs of own events", 0.5, own_events.advance),
        Chore("forget old delivery keys", 60.0, forget_deliveries),
        Chore("forget state whose time is over", 60.0, tidy_state),
        Chore("take over runs of dead processes", 2.0, take_over),
        Chore("trim refused requests", 60.0, trim),
        Chore("let go of what is old", 60.0, lambda: let_go(rooms)),
        Chore("let go of unused versions", 3600.0, lambda: let_go_versions(rooms)),
        Chore("let go of the old audit log", 600.0, lambda: let_go_audit(rooms)),
    ]
    if isinstance(store, SQLiteStore):
        chores.append(Chore("checkpoint the log", 30.0, store.checkpoint))
    return chores
