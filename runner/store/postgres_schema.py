"""The tables of a PostgreSQL store: PgQueuer's by its own hand, ours by numbered migrations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgqueuer.adapters.persistence.queries import Queries

from runner.errors import StoreUnavailable

if TYPE_CHECKING:
    from runner.store.postgres_database import Connection

MIGRATIONS = Path(__file__).parent / "migrations_postgres"
LOCK = 0x686F6F6B6C696E65  # "hookline": one process migrates, the others wait and find the work done


async def migrate(connection: Connection) -> None:
    """
    Bring the tables up to date in the transaction of *connection*.

    Raises:
        StoreUnavailable: the database was written by a newer Hookline.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    done = await connection.fetchval("SELECT max(version) FROM schema_version") or 0
    scripts = sorted(MIGRATIONS.glob("[0-9]*.sql"))
    if done > len(scripts):
        raise StoreUnavailable(
            f"it is at schema {done}, this Hookline knows {len(scripts)}; use the newer one that wrote it"
        )
    if not done:
        jobs = Queries.from_asyncpg_connection(connection)
        if not await jobs.schema_is_installed():  # someone may use PgQueuer beside us
            await jobs.install()
    for number, script in enumerate(scripts[done:], start=done + 1):
        await connection.execute(script.read_text(encoding="utf-8"))
        await connection.execute("INSERT INTO schema_version (version) VALUES ($1)", number)
