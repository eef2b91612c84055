"""Versions of workflows in a store: the Versions port, and how one is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.engine.history import LAST_NUMBER
from runner.engine.versions import MOST_COUNTED, Signed, VersionInfo
from runner.errors import NotFound
from runner.store.queries import SQL as SHARED
from runner.store.queries import read

if TYPE_CHECKING:
    from runner.store.tables import Tables, Transaction

SQL = read("versions.sql")


class StoredVersions:
    """See `runner.engine.versions.Versions`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def page(self, workflow: str, *, before: int | None, limit: int) -> list[VersionInfo]:
        """At most *limit* versions of the workflow with numbers below *before*, newest first."""
        number = LAST_NUMBER if before is None else before
        rows = await self._tables.read(
            SQL["page"], workflow=workflow, before=number, limit=limit, most=MOST_COUNTED
        )
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
        ((number,),) = await self._tables.read(SQL["previous"], workflow=workflow, version=version)
        return None if number is None else int(number)


async def put_version(transaction: Transaction, row: dict[str, Any], signed: Signed | None) -> int:
    """
    The number of a version, as a part of a transaction: of the one that has the digest of *row* already,
    or of a new one. What somebody publishes is a new version unless it is the newest; where that was read
    from the file before its author could sign it, it is signed now.
    """
    await transaction.lock(f"versions {row['workflow']}")
    row = {**row, "author": signed.by if signed else None, "message": signed.message if signed else None}
    if signed is None:
        found = await transaction.row(SHARED["find_version"], row)
    else:
        found = await transaction.row(SHARED["newest_if"], row)
        if found:
            await transaction.execute(SHARED["sign_version"], {**row, "version": found[0]})
    found = found or await transaction.one(SHARED["insert_version"], row)
    return int(found[0])
