"""
A look into an SQLite file from outside: what it is, whether it is whole, and what it wastes. Nothing is
migrated, and no table of ours is needed; whoever writes the file meanwhile is not held up.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StoreUnavailable
from runner.store.expanding import scripts_in
from runner.store.migrate import MIGRATIONS

LOCK_SECONDS = 5.0
VACUUM_LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Inspected:
    """
    `schema` is how many migrations it has seen, `known` how many there are, `needs` how many of them must be
    known to use it; bytes are of the file, of what is
    free in it, and of the log beside it. `damage` says what is not whole; `is_checked_whole` tells whether
    the check came to its end in the time it had.
    """

    schema: int
    known: int
    needs: int
    journal: str
    shrinks: bool
    file_bytes: int
    unused_bytes: int
    log_bytes: int
    damage: str
    is_checked_whole: bool


def inspect(path: Path, *, seconds: float) -> Inspected:
    """
    What the file at *path* is; its integrity is checked for at most *seconds*.

    Raises:
        StoreUnavailable: it cannot be opened, or is no database.
    """
    try:
        with _opened(path, LOCK_SECONDS) as connection:
            connection.execute("PRAGMA query_only=ON")

            def pragma(name: str) -> int:
                return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

            size, free = pragma("page_size"), pragma("freelist_count")
            (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
            schema, pages, vacuums = (pragma(one) for one in ("user_version", "page_count", "auto_vacuum"))
            damage, is_checked_whole = _checked(connection, seconds)
            needs = _needs(connection, schema)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error}") from error
    log = path.with_name(f"{path.name}-wal")
    return Inspected(
        schema=schema, known=len(scripts_in(MIGRATIONS)), needs=needs, journal=str(journal),
        shrinks=bool(vacuums), file_bytes=size * pages, unused_bytes=size * free,
        log_bytes=log.stat().st_size if log.exists() else 0, damage=damage, is_checked_whole=is_checked_whole,
    )  # fmt: skip


def vacuum(path: Path) -> tuple[int, int]:
    """
    Write the file anew without what is free in it, so that it shrinks by itself from then on; its bytes
    before and after. Nobody else may have it open: writers would wait as long as it takes.

    Raises:
        StoreUnavailable: it cannot be opened, is in use, or the disk has no room for a second one.
    """
    before = path.stat().st_size
    try:
        with _opened(path, VACUUM_LOCK_SECONDS) as connection:
            # what the log holds comes into the file first, and nobody writes from then on
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be written anew: {error}") from error
    return before, path.stat().st_size


@contextlib.contextmanager
def _opened(path: Path, seconds: float) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(
        sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=seconds)
    ) as connection:
        yield connection


def _needs(connection: sqlite3.Connection, schema: int) -> int:
    try:
        (needs,) = connection.execute("SELECT max(version) FROM schema_needs").fetchone()
    except sqlite3.DatabaseError:  # no such table, or damaged
        return schema
    return schema if needs is None else int(needs)


def _checked(connection: sqlite3.Connection, seconds: float) -> tuple[str, bool]:
    """What is not whole, and whether all of it was looked at."""
    alarm = threading.Timer(seconds, connection.interrupt)
    alarm.start()
    try:
        rows = connection.execute("PRAGMA quick_check(3)").fetchall()
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return "", False
    except sqlite3.DatabaseError as error:
        return str(error), True
    finally:
        alarm.cancel()
        alarm.join()  # it must not interrupt what comes after
    said = "; ".join(str(row[0]) for row in rows)
    return ("" if said == "ok" else said), True
