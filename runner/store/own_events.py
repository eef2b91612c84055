"""The server's own events in an SQLite store: the OwnEventRows port. Triggers of the schema note them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from runner.engine.own_events import Happening
from runner.errors import StoreUnavailable
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore

SQL = read("own_events.sql")


class SQLiteOwnEvents:
    """See `runner.engine.own_events.OwnEventRows`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def listen(self, kinds: frozenset[str]) -> None:
        """Note what is of *kinds* from now on. Raises StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> None:
            connection.execute(SQL["forget_interests"])
            connection.executemany(SQL["interest"], [{"kind": kind} for kind in sorted(kinds)])

        await self._write(member)

    async def note(self, kind: str, subject: str, at: float) -> None:
        """Note one, if anybody listens for its kind. Raises StoreUnavailable."""
        row = {"kind": kind, "subject": subject, "at": at}

        def member(connection: sqlite3.Connection) -> None:
            connection.execute(SQL["note"], row)

        await self._write(member)

    async def waiting(self, limit: int) -> Sequence[Happening]:
        """The first that are not done yet. Raises StoreUnavailable."""
        return [Happening(*row) for row in await self._read("waiting", limit=limit)]

    async def is_of_own_events(self, happening: Happening) -> bool:
        """Whether all runs that it is about came of events like it. Raises StoreUnavailable."""
        if happening.kind == "connection_expiring":
            return False
        name = "run_is_own" if happening.kind == "run_failed" else "problem_is_own"
        rows = await self._read(name, subject=happening.subject)
        return bool(rows and rows[0][0])

    async def done(self, numbers: Sequence[int]) -> None:
        """Forget these. Raises StoreUnavailable."""
        rows = [{"number": number} for number in numbers]

        def member(connection: sqlite3.Connection) -> None:
            connection.executemany(SQL["done"], rows)

        await self._write(member)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error
