"""The audit log in an SQLite store: the AuditLog port."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from runner.engine.audit import FAILURES_KEPT, SIGN_IN_FAILED, Deed, DeedsWanted
from runner.engine.history import LAST_NUMBER, Page, read_cursor, write_cursor
from runner.errors import StoreUnavailable
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore
from runner.values import Json, dumps, iso, loads

SQL = read("people.sql")
MOST_LET_GO = 1000  # by one transaction: some milliseconds


class SQLiteAudit:
    """See `runner.engine.audit.AuditLog`. *clock* gives UTC seconds."""

    def __init__(self, store: SQLiteStore, clock: Callable[[], float]) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store
        self._clock = clock

    async def note(self, deed: Deed) -> None:
        """Write *deed* down, as done now."""
        row = {
            "at": self._clock(),
            "who_key": deed.who_key,
            "who_name": deed.who_name,
            "verb": deed.verb,
            "kind": deed.kind,
            "name": deed.name,
            "facts": dumps(deed.facts),
        }
        await self._write(lambda connection: connection.execute(SQL["insert_audit"], row), is_quick=True)

    async def page(self, wanted: DeedsWanted) -> Page:
        """Newest first. Raises ValueError, StoreUnavailable."""
        parameters = {
            "before": read_cursor(wanted.cursor) if wanted.cursor else LAST_NUMBER,
            "kind": wanted.kind,
            "who": wanted.who,
            "text": wanted.text.lower() if wanted.text else None,
            "limit": wanted.limit + 1,
        }
        try:
            rows = list(await self._reading.execute_fetchall(SQL["audit"], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error
        more = len(rows) > wanted.limit
        return Page(
            [_item(row) for row in rows[: wanted.limit]],
            write_cursor(rows[wanted.limit - 1][0]) if more else None,
        )

    async def let_go(self, *, before: float) -> int:
        """Let go of some of what is old, and of failed sign-ins past the newest FAILURES_KEPT; how many."""
        old = {"before": before, "most": MOST_LET_GO}
        failed = {"verb": SIGN_IN_FAILED, "keep": FAILURES_KEPT, "most": MOST_LET_GO}

        def member(connection: sqlite3.Connection) -> int:
            gone = connection.execute(SQL["delete_audit"], old).rowcount
            return gone + connection.execute(SQL["delete_failures"], failed).rowcount

        return await self._write(member)


def _item(row: Any) -> Json:
    _number, at, who_key, who_name, verb, kind, name, facts = row
    return {
        "at": iso(at),
        "who": {"key": who_key, "name": who_name},
        "verb": verb,
        "kind": kind,
        "name": name,
        "facts": loads(facts.encode()),
    }
