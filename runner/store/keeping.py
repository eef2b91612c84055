"""
Letting go in an SQLite store: the Keeping port.

What is to go is found on the connection that only reads; the writer deletes by number for at most
PORTION_SECONDS and judges each row again, since a run may have been replayed meanwhile.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.engine.keeping import Forgotten, Portion, Size
from runner.engine.runs import Disposition
from runner.errors import StoreUnavailable
from runner.language.secrets import MASK
from runner.store.queries import SQL as STORE_SQL
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore
from runner.values import dumps

SQL = read("keeping.sql")

WINDOW = 500  # rows judged by one read: some milliseconds
PORTION_SECONDS = 0.02  # of one transaction: an event that arrives meanwhile waits so long at most
SPARE_SHARE = 0.05  # of what is used stays free in the file: new rows take it without making the file grow
SPARE_BYTES = 1 << 20
SHRUNK_PAGES = 500  # moved by one transaction: two megabytes, some milliseconds
MOST_VERSIONS = 500
CHECKPOINTS = 3  # passes over the log: one empties it, the next starts it anew


class SQLiteKeeping:
    """See `runner.engine.keeping.Keeping`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._writer = store._writer  # noqa: SLF001 - this is a part of the store

    async def workflows(self) -> list[str]:
        """The slugs of all that ever had a version."""
        return [workflow for (workflow,) in await self._read(SQL["workflows"])]

    async def let_go_runs(self, workflow: str, *, before: float, after: int) -> Portion:
        """Let go the next runs of *workflow*, the oldest first, that ended before *before*."""

        def let_go(connection: sqlite3.Connection, number: int) -> int:
            parameters = {"number": number, "before": before}
            return connection.execute(SQL["delete_ended_run"], parameters).rowcount

        return await self._portion("runs_window", let_go, workflow=workflow, before=before, after=after)

    async def let_go_events(self, workflow: str, *, before: float, after: int) -> Portion:
        """Let go the next events of *workflow* that were received before *before* and have no run."""
        return await self._portion(
            "events_window", _delete_event, workflow=workflow, before=before, after=after
        )

    async def let_go_oldest(self, used_bytes: int, *, after: int, failed_too: bool) -> Portion:
        """Let go the next events whose runs have all ended, until no more than *used_bytes* are used."""

        def let_go(connection: sqlite3.Connection, number: int) -> int | None:
            if _used_bytes(connection) <= used_bytes:
                return None
            row = connection.execute(SQL["event_id"], {"number": number}).fetchone()
            return row is not None and _delete_with_runs(connection, number, row[0], failed_too=failed_too)

        return await self._portion("oldest_window", let_go, after=after, failed_too=failed_too)

    async def let_go_versions(self, kept: Mapping[str, int | None], *, before: float) -> int:
        """Let go versions that no run has; *kept* are live, and the newest of those workflows stays too."""
        rows = await self._read(SQL["unused_versions"], before=before, limit=MOST_VERSIONS)
        unused = [
            {"workflow": workflow, "version": version, "is_newest": is_newest}
            for workflow, version, is_newest in rows
            if version != kept.get(workflow) and not (is_newest and workflow in kept)
        ]
        if not unused:
            return 0

        def member(connection: sqlite3.Connection) -> int:
            return sum(connection.execute(SQL["delete_version"], one).rowcount for one in unused)

        return await self._writer.write(member)

    async def size(self) -> Size:
        """How large the database is, its log not counted."""
        page, count, free = [
            int((await self._read(f"PRAGMA {name}"))[0][0])
            for name in ("page_size", "page_count", "freelist_count")
        ]
        return Size(page * (count - free), page * count)

    async def shrink(self) -> bool:
        """Give some of what is free back to the disk, all but a share; whether there is more to give."""
        size = await self.size()
        spare = max(SPARE_BYTES, int(size.used_bytes * SPARE_SHARE))
        return await self._vacuum(size.file_bytes - size.used_bytes - spare)

    async def forget(self, event_ids: Sequence[str]) -> Forgotten:
        """Erase these events with their runs and delivery keys; those with a run under way are refused."""
        keys: dict[str, list[dict[str, str]]] = {}
        for event_id, workflow, key in await self._read(
            SQL["deliveries_of_events"], ids=dumps(list(event_ids))
        ):
            keys.setdefault(event_id, []).append({"workflow": workflow, "key": key})
        events = runs = 0
        refused: list[str] = []
        left = list(event_ids)
        await self._writer.alone(lambda connection: connection.execute("PRAGMA secure_delete=ON").fetchall())
        try:
            while left:
                portion = await self._writer.write(_Forgetting(left, keys))
                events += portion.events
                runs += portion.runs
                refused += portion.refused
                left = left[portion.looked_at :]
        finally:
            await self._writer.alone(
                lambda connection: connection.execute("PRAGMA secure_delete=FAST").fetchall()
            )
        return Forgotten(events, runs, refused)

    async def erase_traces(self, texts: Sequence[str]) -> bool:
        """Overwrite or give back what is free, empty the log; whether nobody kept us from it."""

        def member(connection: sqlite3.Connection) -> None:
            for text in texts:
                for statement in ("mask_notices", "mask_problems"):
                    connection.execute(SQL[statement], {"text": text, "mask": MASK})

        await self._writer.write(member)
        while await self._vacuum((size := await self.size()).file_bytes - size.used_bytes):
            pass
        for _ in range(CHECKPOINTS):
            ((busy, *_rest),) = await self._writer.alone(
                lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            )
            if not busy:
                return True
        return False

    async def _portion(
        self, window: str, let_go: Callable[[sqlite3.Connection, int], int | None], **parameters: Any
    ) -> Portion:
        """
        Judge a window of rows (number, whether it is old, whether it may go) and let go as many as
        the time allows. The walk ends with the table, at the first row that is not old, or where
        `let_go(connection, number)`, which gives how many went, gives None.
        """
        rows = await self._read(SQL[window], limit=WINDOW, **parameters)
        old = [row for row in rows if row[1]]
        going = [number for number, _is_old, may_go in old if may_go]
        is_end = len(old) < WINDOW
        if not going:
            return Portion(0, None if is_end else old[-1][0])

        def member(connection: sqlite3.Connection) -> Portion:
            until = time.monotonic() + PORTION_SECONDS
            gone = 0
            for number in going:
                went = let_go(connection, number)
                if went is None:
                    return Portion(gone, None)
                gone += went
                if time.monotonic() > until:
                    return Portion(gone, number)
            return Portion(gone, None if is_end else old[-1][0])

        return await self._writer.write(member)

    async def _vacuum(self, surplus_bytes: int) -> bool:
        """Give at most a portion of *surplus_bytes* back; whether the file became smaller."""
        ((page,),) = await self._read("PRAGMA page_size")
        pages = min(SHRUNK_PAGES, surplus_bytes // int(page))
        if pages <= 0:
            return False

        def member(connection: sqlite3.Connection) -> bool:
            (before,) = connection.execute("PRAGMA page_count").fetchone()
            # as a script: as a statement the module takes one step of it, which frees one page
            connection.executescript(f"PRAGMA incremental_vacuum({pages})")
            (after,) = connection.execute("PRAGMA page_count").fetchone()
            # the file itself is cut when the log is brought into it
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            return int(after) < int(before)

        return await self._writer.alone(member)

    async def _read(self, sql: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(sql, parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


class _Forgetting:
    """One portion of forgetting, and, after it was written, what it did."""

    def __init__(self, event_ids: Sequence[str], keys: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
        self.events = self.runs = self.looked_at = 0
        self.refused: list[str] = []
        self._event_ids = event_ids
        self._keys = keys

    def __call__(self, connection: sqlite3.Connection) -> _Forgetting:
        """Forget until the time of a portion is over."""
        done = _Forgetting(self._event_ids, self._keys)
        until = time.monotonic() + PORTION_SECONDS
        for event_id in self._event_ids:
            done.looked_at += 1
            row = connection.execute(SQL["event_number"], {"event_id": event_id}).fetchone()
            if row is not None:
                done._forget(connection, row[0], event_id)
            if time.monotonic() > until:
                break
        return done

    def _forget(self, connection: sqlite3.Connection, number: int, event_id: str) -> None:
        parameters = {"event_id": event_id, "failed_too": True}
        if connection.execute(SQL["open_run"], parameters).fetchone():
            self.refused.append(event_id)
            return
        problems = connection.execute(SQL["problems_of_event"], parameters).fetchall()
        self.runs += connection.execute(SQL["delete_runs_of_event"], parameters).rowcount
        self.events += _delete_event(connection, number)
        connection.executemany(SQL["delete_delivery"], self._keys.get(event_id, ()))
        for (problem_id,) in problems:
            connection.execute(SQL["delete_problem_without_runs"], {"problem_id": problem_id})
            connection.execute(SQL["problem_said_anew"], {"problem_id": problem_id})


def _used_bytes(connection: sqlite3.Connection) -> int:
    page, count, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return int(page * (count - free))


def _delete_with_runs(
    connection: sqlite3.Connection, number: int, event_id: str, *, failed_too: bool
) -> bool:
    """Delete an event and its runs, unless one of them has not ended; whether it is gone."""
    parameters = {"event_id": event_id, "failed_too": failed_too}
    if connection.execute(SQL["open_run"], parameters).fetchone():
        return False
    connection.execute(SQL["delete_runs_of_event"], parameters)
    return bool(_delete_event(connection, number))


def _delete_event(connection: sqlite3.Connection, number: int) -> int:
    """Delete an event without runs and the files that nothing else uses; 1 if it is gone."""
    event = connection.execute(SQL["event_id"], {"number": number}).fetchone()
    if event is None:
        return 0
    files = connection.execute(SQL["files_of_event"], {"event_id": event[0]}).fetchall()
    gone = connection.execute(SQL["delete_event"], {"number": number}).fetchall()
    if not gone:
        return 0
    ((workflow, disposition),) = gone
    if disposition == Disposition.REJECTED:
        connection.execute(STORE_SQL["count_let_go"], {"workflow": workflow})
    for (digest,) in files:
        connection.execute(SQL["delete_file_unused"], {"digest": digest})
    return 1
