"""The Notices port on an SQLite store."""

from __future__ import annotations

import sqlite3
from typing import Any

from runner.engine.notices import (
    MOST_UNSENT,
    WINDOW_SECONDS,
    Notice,
    Sending,
    Untold,
    notices_for,
    ripe,
)
from runner.errors import StoreUnavailable
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore
from runner.values import dumps

SQL = read("notices.sql")

MOST_TOLD = 200  # problems in one transaction; the next ones come with the next


class SQLiteNotices:
    """See `runner.engine.notices.Notices`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def make(self, *, now: float, per_minute: int, public_url: str) -> int:
        """Write the messages that are due; how many. Raises StoreUnavailable."""
        if not await self._read("any_untold"):
            return 0  # the common case costs no write

        def member(connection: sqlite3.Connection) -> int:
            (made,) = connection.execute(SQL["made_since"], {"since": now - WINDOW_SECONDS}).fetchone()
            (unsent,) = connection.execute(SQL["unsent"]).fetchone()
            if made >= per_minute or unsent >= MOST_UNSENT:
                return 0
            told = ripe(_untold(connection), now)
            if not told:
                return 0
            notices = notices_for(told, room=per_minute - made, public_url=public_url)
            for one in notices:
                row = {"kind": one.kind, "subject": one.subject, "text": one.text, "avoid": one.avoid}
                connection.execute(SQL["insert_notice"], {**row, "now": now})
            connection.executemany(SQL["told"], [{"id": one.id, "now": now} for one in told])
            return len(notices)

        return await self._write(member)

    async def take(self, *, now: float, seconds: float, limit: int) -> list[Sending]:
        """Messages to be sent now by this process alone. Raises StoreUnavailable."""
        if not await self._read("any_due", now=now):
            return []

        def member(connection: sqlite3.Connection) -> list[Sending]:
            parameters = {"now": now, "until": now + seconds, "limit": limit}
            rows = connection.execute(SQL["take"], parameters).fetchall()
            return [
                Sending(number, attempts, made_at, Notice(*notice))
                for number, attempts, made_at, *notice in sorted(rows)
            ]

        return await self._write(member)

    async def sent(self, number: int, *, way: str, now: float) -> None:
        """It went out. Raises StoreUnavailable."""
        await self._execute("sent", number=number, way=way, now=now)

    async def failed(self, number: int, *, error: str, due_at: float) -> None:
        """It did not go out. Raises StoreUnavailable."""
        await self._execute("failed", number=number, error=error, due_at=due_at)

    async def forget(self, *, before: float) -> None:
        """Let go messages that were sent before then. Raises StoreUnavailable."""
        await self._execute("forget", before=before)

    async def _execute(self, statement: str, **parameters: Any) -> None:
        await self._write(lambda connection: connection.execute(SQL[statement], parameters).rowcount)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _untold(connection: sqlite3.Connection) -> list[Untold]:
    rows = connection.execute(SQL["untold"], {"limit": MOST_TOLD}).fetchall()
    ids = dumps([row[0] for row in rows])
    counts = {row[0]: row[1:] for row in connection.execute(SQL["counts"], {"ids": ids}).fetchall()}
    return [
        Untold(
            id=row[0], workflow=row[1], step=row[2], sentence=row[3], destination=row[4],
            is_open=row[5] == "open", runs=runs, failed=failed, opened_at=row[6], closed_at=row[7],
            dismissed_by=row[8], note=row[9], told_at=row[10], kind=row[11],
        )
        for row in rows
        for runs, failed in [counts.get(row[0], (0, 0))]
    ]  # fmt: skip
