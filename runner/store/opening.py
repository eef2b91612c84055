"""Which store an address means, and how it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import StoreUnavailable
from runner.store.common import PATIENCE_SECONDS
from runner.store.keeping_sqlite import SQLiteKeeping
from runner.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from runner.store.keeping import StoredKeeping
    from runner.store.postgres import PostgresStore

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


def is_postgres(url: str) -> bool:
    """Whether *url* means a PostgreSQL."""
    return url.startswith(POSTGRES)


def is_store(url: str) -> bool:
    """Whether *url* names a store of ours."""
    return is_postgres(url) or url.startswith(SQLITE)


def sqlite_path(url: str, otherwise: Path) -> Path:
    """The file that *url* (sqlite:///PATH) means; *otherwise* where it is empty."""
    return Path(url.removeprefix(SQLITE)) if url else otherwise


async def open_store(
    url: str, *, sqlite: Path, patience_seconds: float = PATIENCE_SECONDS
) -> SQLiteStore | PostgresStore:
    """
    Open the store at *url*, made and brought up to date if need be: PostgreSQL (postgresql://…), a file
    (sqlite:///PATH), or the file *sqlite* where it is empty. On PostgreSQL a node counts as dead after
    *patience_seconds* without a sign of life.

    Raises:
        StoreUnavailable: it cannot be opened; the message says why.
    """
    if not is_postgres(url):
        return await SQLiteStore.open(sqlite_path(url, sqlite))
    try:
        from runner.store.postgres import PostgresStore  # noqa: PLC0415 - most servers have SQLite
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"PostgreSQL needs {error.name}, which is not installed; run: pip install 'hookline[postgres]'"
        ) from error
    return await PostgresStore.open(url, patience_seconds=patience_seconds)


def keeping_of(store: SQLiteStore | PostgresStore) -> StoredKeeping:
    """What lets go in *store*."""
    if isinstance(store, SQLiteStore):
        return SQLiteKeeping(store)
    from runner.store.keeping_postgres import PostgresKeeping  # noqa: PLC0415 - as above

    return PostgresKeeping(store)
