"""Versions of workflows in an SQLite store: the Versions port, and how one is written."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from runner.engine.history import LAST_NUMBER
from runner.engine.versions import MOST_COUNTED, Signed, VersionInfo
from runner.errors import NotFound, StoreUnavailable
from runner.store.queries import SQL as SHARED
from runner.store.queries import read

if TYPE_CHECKING:
    from runner.store.sqlite import SQLiteStore

SQL = read("versions.sql")


class SQLiteVersions:
    """See `runner.engine.versions.Versions`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading

    async def page(self, workflow: str, *, before: int | None, limit: int) -> list[VersionInfo]:
        """At most *limit* versions of the workflow with numbers below *before*, newest first."""
        number = LAST_NUMBER if before is None else before
        rows = await self._read("page", workflow=workflow, before=number, limit=limit, most=MOST_COUNTED)
        return [VersionInfo(*row) for row in rows]

    async def one(self, workflow: str, version: int) -> VersionInfo:
        """One version. Raises NotFound."""
        if not 0 < version < LAST_NUMBER:
            raise NotFound(f"workflow {workflow} has no version {version}")
        found = await self.page(workflow, before=version + 1, limit=1)
        if not found or found[0].version != version:
            raise NotFound(f"workflow {workflow} has no version {version}")
        return found[0]

    async def previous(self, workflow: str, version: int) -> int | None:
        """The number of the version before that one, of those that are kept."""
        ((number,),) = await self._read("previous", workflow=workflow, version=version)
        return None if number is None else int(number)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def put_version(connection: sqlite3.Connection, row: dict[str, Any], signed: Signed | None) -> int:
    """
    The number of a version, as a part of a transaction: of the one that has the digest of *row* already,
    or of a new one. What somebody publishes is a new version unless it is the newest; where that was read
    from the file before its author could sign it, it is signed now.
    """
    row = {**row, "author": signed.by if signed else None, "message": signed.message if signed else None}
    if signed is None:
        found = connection.execute(SHARED["find_version"], row).fetchone()
    else:
        found = connection.execute(SHARED["newest_if"], row).fetchone()
        if found:
            connection.execute(SHARED["sign_version"], {**row, "version": found[0]})
    found = found or connection.execute(SHARED["insert_version"], row).fetchone()
    return int(found[0])
