"""Where workflows are reached, in an SQLite store: the Addresses port."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from runner.engine.addresses import Kept, Reach
from runner.errors import MoveRefused, NotFound, StoreUnavailable
from runner.store.queries import read
from runner.store.renaming import has_anything, take_over
from runner.store.sqlite import SQLiteStore
from runner.values import dumps

SQL = read("addresses.sql")


class SQLiteAddresses:
    """See `runner.engine.addresses.Addresses`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def all(self) -> dict[str, Reach]:
        """Where every workflow is reached that this server ever knew. Raises StoreUnavailable."""
        kept, paths = defaultdict(list), defaultdict(list)
        for workflow, *one in await self._read("kept"):
            kept[workflow].append(Kept(*one))
        for workflow, path in await self._read("paths"):
            paths[workflow].append(path)
        return {
            workflow: Reach(origin, rotation, tuple(kept[workflow]), tuple(paths[workflow]), gone_at, became)
            for workflow, origin, rotation, gone_at, became in await self._read("addresses")
        }

    async def open(self, workflow: str) -> None:
        """Give the workflow an address, if it has none. Raises StoreUnavailable."""
        await self._write(lambda connection: connection.execute(SQL["open"], {"workflow": workflow}).rowcount)

    async def rotate(self, workflow: str, *, keep_until: float | None) -> Reach:
        """Change the workflow's address. Raises StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> None:
            row = {"workflow": workflow, "until": keep_until}
            connection.execute(SQL["open"], row)
            origin, rotation, _became = connection.execute(SQL["address"], row).fetchone()
            old = {**row, "origin": origin, "rotation": rotation}
            (new,) = connection.execute(SQL["next_rotation"], old).fetchone()
            connection.execute(SQL["end_kept"], row)
            if keep_until is not None:
                connection.execute(SQL["bound_kept"], row)
                connection.execute(SQL["keep"], old)
            connection.execute(SQL["put_address"], {**old, "rotation": new})

        await self._write(member)
        return (await self.all())[workflow]

    async def add_path(self, workflow: str, path: str) -> None:
        """Let the workflow answer at *path* too. Raises MoveRefused, StoreUnavailable."""
        row = {"workflow": workflow, "path": path}

        def member(connection: sqlite3.Connection) -> None:
            if not connection.execute(SQL["take_path"], row).rowcount:
                (other,) = connection.execute(SQL["path_of"], row).fetchone()
                way_out = f"take it away there first: hookline url {other} --not-at {path}"
                raise MoveRefused(f"{path} is an address of the workflow {other}; {way_out}")

        await self._write(member)

    async def drop_path(self, workflow: str, path: str) -> None:
        """Let the workflow answer there no more. Raises NotFound, StoreUnavailable."""
        row = {"workflow": workflow, "path": path}
        if not await self._write(lambda connection: connection.execute(SQL["drop_path"], row).rowcount):
            raise NotFound(f"{workflow} does not answer at {path}; see: hookline url {workflow} --json")

    async def mark(self, *, gone: Collection[str], back: Collection[str], now: float) -> None:
        """Note that workflows have no file any more, or have one again. Raises StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> None:
            connection.execute(SQL["gone"], {"workflows": dumps(sorted(gone)), "now": now})
            connection.execute(SQL["back"], {"workflows": dumps(sorted(back))})

        await self._write(member)

    async def rename(self, old: str, new: str) -> bool:
        """Let all that *old* had be *new*'s, in one transaction. Raises StoreUnavailable."""
        reach = (await self.all()).get(old)
        if reach and reach.became == new and not await has_anything(self._reading, old):
            return False  # the common case costs no write

        def member(connection: sqlite3.Connection) -> None:
            _take_addresses(connection, old, new)
            take_over(connection, old, new)

        await self._write(member)
        return True

    async def _read(self, statement: str) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement]))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _take_addresses(connection: sqlite3.Connection, old: str, new: str) -> None:
    """
    The token of *old* goes on answering: as *new*'s own, or beside it where *new* has one. A later
    workflow called *old* gets another.
    """
    names = {"old": old, "new": new}
    found = connection.execute(SQL["address"], {"workflow": old}).fetchone()
    origin, rotation, became = found or (old, 0, None)
    if became == new:
        return
    row = {"origin": origin, "rotation": rotation, "workflow": new, "until": None}
    own = connection.execute(SQL["address"], {"workflow": new}).fetchone()
    if own is None or own[2] is not None:  # or it is renamed back: the name was only kept free
        connection.execute(SQL["put_address"], row)
    else:
        connection.execute(SQL["keep"], row)
    connection.execute(SQL["move_kept"], names)
    connection.execute(SQL["move_paths"], names)
    connection.execute(SQL["put_address"], {"workflow": old, "origin": old, "rotation": rotation})
    (free,) = connection.execute(SQL["next_rotation"], {"origin": old}).fetchone()
    connection.execute(SQL["put_address"], {"workflow": old, "origin": old, "rotation": free})
    connection.execute(SQL["became"], names)
