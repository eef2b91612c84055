"""The whole store in one SQLite file, as it is at one moment, while servers and workers go on writing."""

# ruff: noqa: S608 - the names are those of our own tables

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StoreUnavailable
from runner.store.copied import TABLES
from runner.store.copying import Progress, copy, source_side, target_side
from runner.store.expanding import COPYING, unfinished
from runner.store.opening import is_postgres, sqlite_path

LOCK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a snapshot: rows by table, runs that have not ended, and the migrations that it has seen."""

    schema: int
    rows: dict[str, int]
    unended: int


async def take(url: str, *, sqlite: Path, into: Path, progress: Progress) -> Contents:
    """
    Write the store at *url*, or the file *sqlite* where that is empty, into the new file *into*.

    Raises:
        StoreUnavailable: it cannot be read or written.
        HooklineError: what was written is not what was read.
    """
    if is_postgres(url):
        async with (
            source_side(url, sqlite=sqlite) as source,
            target_side(f"sqlite:///{into}", source) as target,
        ):
            await copy(source, target, progress, is_written_to=True)
    else:
        # without what is free in it, and so without what was deleted; in WAL mode nobody waits for it
        with _opened(sqlite_path(url, sqlite)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (COPYING,)).fetchone():
                raise unfinished()
            connection.execute("VACUUM INTO ?", (str(into),))
    return look(into)


def look(path: Path) -> Contents:
    """
    What is in the snapshot at *path*, all of which is read.

    Raises:
        StoreUnavailable: it is damaged.
    """
    with _opened(path) as connection:
        found = "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(3)"))
        if found != "ok":
            raise StoreUnavailable(f"{path} is damaged: {found}")
        names = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        rows = {
            table.name: connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]
            for table in TABLES
            if table.name in names
        }
        (unended,) = connection.execute("SELECT count(*) FROM runs WHERE ended_at IS NULL").fetchone()
    return Contents(schema, rows, unended)


def sealed_in(path: Path) -> list[tuple[str, str, bytes]]:
    """The sealed values of the snapshot at *path*: kind, name, blob. Raises StoreUnavailable."""
    with _opened(path) as connection:
        return connection.execute("SELECT kind, name, blob FROM sealed ORDER BY kind, name").fetchall()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        address = f"{path.resolve().as_uri()}?mode=rw"
        with contextlib.closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=LOCK_SECONDS)
        ) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be read: {error}") from error
