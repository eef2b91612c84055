"""The tables of a PostgreSQL store: PgQueuer's by its own hand, ours by numbered migrations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgqueuer.adapters.persistence.queries import Queries

from runner.store.expanding import COPYING, NEEDS_TABLE, judge, needs_of, scripts_in, unfinished

if TYPE_CHECKING:
    from runner.store.postgres_database import Connection

MIGRATIONS = Path(__file__).parent / "migrations_postgres"
LOCK = 0x686F6F6B6C696E65  # "hookline": one process migrates, the others wait and find the work done


async def migrate(connection: Connection, folder: Path = MIGRATIONS) -> None:
    """
    Bring the tables up to date with the migrations in *folder*, in the transaction of *connection*. A
    database that a newer Hookline has brought further is taken as it is, if that took nothing away.

    Raises:
        StoreUnavailable: it needs a newer Hookline, or another database is being copied into it.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    done = await connection.fetchval("SELECT max(version) FROM schema_version") or 0
    if await connection.fetchval("SELECT to_regclass($1)", COPYING):
        raise unfinished()
    scripts = scripts_in(folder)
    if done > len(scripts):
        is_told = await connection.fetchval("SELECT to_regclass('schema_needs')")
        needs = await connection.fetchval("SELECT max(version) FROM schema_needs") if is_told else None
        judge(done, len(scripts), needs)
    if not done:
        jobs = Queries.from_asyncpg_connection(connection)
        if not await jobs.schema_is_installed():  # someone may use PgQueuer beside us
            await jobs.install()
    for number, script in enumerate(scripts[done:], start=done + 1):
        await connection.execute(script.read_text(encoding="utf-8"))
        await connection.execute("INSERT INTO schema_version (version) VALUES ($1)", number)
    if done < len(scripts):
        await connection.execute(NEEDS_TABLE)
        await connection.execute("DELETE FROM schema_needs")
        await connection.execute("INSERT INTO schema_needs (version) VALUES ($1)", needs_of(scripts))
