"""What workflows keep between their runs, in an SQLite store: the States port."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from runner.engine.state import (
    MOST_KEYS,
    REMEMBERED_SECONDS,
    SHARED,
    Change,
    Effect,
    Entry,
    Held,
    changed,
    is_over,
)
from runner.errors import Rejected, StoreUnavailable
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore
from runner.values import Json, dumps, loads

SQL = read("state.sql")


class SQLiteStates:
    """See `runner.engine.state.States`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def entry(self, space: str, key: str, *, now: float) -> Entry | None:
        """What is kept under *key*; None where nothing is, or its time is over."""
        for value, changed_at, expires_at, _holder in await self._read("entry", workflow=space, key=key):
            if not is_over(Held(None, expires_at), now):
                return Entry(key, loads(value.encode()), changed_at, expires_at)
        return None

    async def entries(self, space: str, *, now: float, after: str = "", limit: int = 50) -> Sequence[Entry]:
        """The next keys of *space* behind *after*, in their order."""
        rows = await self._read("entries", workflow=space, now=now, after=after, limit=limit)
        return [Entry(key, loads(value.encode()), at, until) for key, value, at, until in rows]

    async def change(
        self, space: str, key: str, change: Change, *, now: float, effect: Effect | None = None
    ) -> Json:
        """Make *change*, or, where *effect* made it before, nothing; what it gives. Raises Rejected."""
        where = {"workflow": space, "key": key}
        row = {
            **where,
            "event_id": effect.event_id if effect else "",
            "effect": effect.key if effect else "",
            "later": now + REMEMBERED_SECONDS,
        }

        def member(connection: sqlite3.Connection) -> Json:
            if effect and (known := connection.execute(SQL["result"], row).fetchone()):
                return loads(known[0].encode())
            before = _held(connection, where, now)
            holder = effect.holder if effect else ""
            after, result = changed(before, change, key=key, holder=holder, now=now)
            if after is None:
                connection.execute(SQL["delete"], where)
            elif after != before:
                if before is None:
                    _find_room(connection, space, now)
                text = dumps(after.value)
                written = {"value": text, "holder": after.holder, "now": now, "expires_at": after.expires_at}
                connection.execute(SQL["put"], {**where, **written})
            if effect:
                connection.execute(SQL["remember"], {**row, "result": dumps(result)})
            return result

        return await self._write(member, is_quick=True)

    async def tidy(self, *, now: float, most: int) -> int:
        """Take away at most *most* keys, and as many remembered results, whose time is over; how many."""
        row = {"now": now, "most": most}

        def member(connection: sqlite3.Connection) -> int:
            return sum(connection.execute(SQL[name], row).rowcount for name in ("tidy", "tidy_effects"))

        return await self._write(member)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _held(connection: sqlite3.Connection, where: dict[str, str], now: float) -> Held | None:
    row = connection.execute(SQL["entry"], where).fetchone()
    held = Held(loads(row[0].encode()), row[2], row[3]) if row else None
    return None if held is None or is_over(held, now) else held


def _find_room(connection: sqlite3.Connection, space: str, now: float) -> None:
    """Let there be room for one more key; those whose time is over go first. Raises Rejected."""
    row = {"workflow": space, "most": MOST_KEYS, "now": now}
    if connection.execute(SQL["count"], row).fetchone()[0] < MOST_KEYS:
        return
    if connection.execute(SQL["delete_over"], row).rowcount == 0:
        whose = "all workflows share" if space == SHARED else f"{space} keeps"
        raise Rejected(f"{whose} {MOST_KEYS:,} keys already; give them a `ttl`, or delete some")
