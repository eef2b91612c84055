"""Making room in a PostgreSQL database: what autovacuum does in its time, and what it never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.store.queries import read

if TYPE_CHECKING:
    from runner.store.postgres_database import Database

SQL = read("keeping_postgres.sql")


async def vacuum(database: Database, *, is_full: bool) -> tuple[int, int]:
    """
    Free what was deleted for new rows; *is_full* writes each table anew, locked meanwhile, so that the disk
    gets it back. The bytes of the database before and after. Raises StoreUnavailable.
    """
    before = await _size(database)
    await database.alone("VACUUM (FULL, ANALYZE)" if is_full else "VACUUM (ANALYZE)")
    return before, await _size(database)


async def _size(database: Database) -> int:
    ((_used, _measured_at, size),) = await database.read(SQL["size"])
    return int(size)
