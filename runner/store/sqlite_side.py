"""An SQLite file as a side of a copy."""

# ruff: noqa: S608 - the names are those of our own tables

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

from runner.errors import HooklineError, StoreUnavailable
from runner.store.copied import TABLES, Copied
from runner.store.expanding import COPYING
from runner.store.sides import Row

LOCK_SECONDS = 10.0
SET_NOTE = f"UPDATE {COPYING} SET note = ? WHERE name = ? AND note = ?"
NEW_NOTE = f"INSERT INTO {COPYING} (name, note) VALUES (?, ?)"


class SQLiteSide:
    """See `runner.store.sides.Side`. Statements run in the caller's thread, where nothing else goes on."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Use `SQLiteSide.open`."""
        self.name = f"sqlite:///{path.resolve()}"
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> SQLiteSide:
        """
        Open the database at *path*, which is there.

        Raises:
            StoreUnavailable: it cannot be opened.
        """
        with _told():
            address = f"{path.resolve().as_uri()}?mode=rw"
            connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=LOCK_SECONDS)
            connection.execute("PRAGMA synchronous=FULL")
        return cls(connection, path)

    async def begin(self) -> None:
        """As `Side.begin`."""
        with _told():
            self._connection.execute("BEGIN")

    async def end(self) -> None:
        """As `Side.end`."""
        with _told():
            self._connection.execute("COMMIT")

    async def tables(self) -> Mapping[str, Sequence[str]]:
        """As `Side.tables`."""
        with _told():
            found = self._connection.execute(
                "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c "
                "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.name"
            ).fetchall()
        return {name: [column for table, column in found if table == name] for name, _ in found}

    async def count(self, table: Copied) -> int:
        """As `Side.count`."""
        with _told():
            (count,) = self._connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
        return int(count)

    async def rows(self, table: Copied, columns: Sequence[str], after: Row | None) -> AsyncIterator[Row]:
        """As `Side.rows`."""
        key = ", ".join(table.key)
        behind = f"WHERE ({key}) > ({_marks(table.key)})" if after is not None else ""
        statement = f"SELECT {', '.join(map(quoted, columns))} FROM {table.name} {behind} ORDER BY {key}"
        with _told():
            for row in self._connection.execute(statement, after or ()):
                yield row

    async def last_number(self, table: Copied) -> int:
        """As `Side.last_number`."""
        with _told():
            (last,) = self._connection.execute(f"SELECT max(number) FROM {table.name}").fetchone()
            given = self._connection.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)
            ).fetchone()
        return max(last or 0, given[0] if given else 0)

    async def progress(self) -> dict[str, str] | None:
        """As `Side.progress`."""
        if COPYING not in await self.tables():
            return None
        with _told():
            return dict(self._connection.execute(f"SELECT name, note FROM {COPYING}"))

    async def start(self, notes: Mapping[str, str]) -> None:
        """As `Side.start`."""
        with self._transaction():
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS {COPYING} (name TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT"
            )
            self._connection.executemany(NEW_NOTE, notes.items())

    async def put(
        self, table: Copied, columns: Sequence[str], rows: Sequence[Row], note: str, old: str | None
    ) -> None:
        """As `Side.put`."""
        names = ", ".join(map(quoted, columns))
        with self._transaction():
            if old is None:
                self._connection.execute(NEW_NOTE, (table.name, note))
            elif self._connection.execute(SET_NOTE, (note, table.name, old)).rowcount == 0:
                raise HooklineError("another process is copying into this database")
            insert = f"INSERT INTO {table.name} ({names}) VALUES ({_marks(columns)})"
            self._connection.executemany(insert, rows)

    async def number_from(self, table: Copied, last: int) -> None:
        """As `Side.number_from`: where no number may be given twice; elsewhere the largest row decides."""
        with self._transaction():
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
            if self._is_never_given_twice(table):
                row = (table.name, last)
                self._connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", row)

    async def wipe(self) -> None:
        """As `Side.wipe`."""
        with self._transaction():
            for table in reversed(TABLES):
                self._connection.execute(f"DELETE FROM {table.name}")
            self._connection.execute(f"DELETE FROM {COPYING}")

    async def finish(self) -> None:
        """As `Side.finish`."""
        with _told():
            if broken := self._connection.execute("PRAGMA foreign_key_check").fetchmany(3):
                raise HooklineError(f"rows refer to rows that are not there: {broken}")
        with self._transaction():
            self._connection.execute(f"DROP TABLE {COPYING}")
        with _told():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    async def close(self) -> None:
        """As `Side.close`."""
        self._connection.close()

    def _is_never_given_twice(self, table: Copied) -> bool:
        (sql,) = self._connection.execute(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table.name,)
        ).fetchone()
        return "AUTOINCREMENT" in sql.upper()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def quoted(name: str) -> str:
    """The name of a column as SQL takes it, words of its own such as "by" included."""
    return f'"{name}"'


def _marks(columns: Sequence[str]) -> str:
    return ", ".join("?" for _ in columns)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise HooklineError(f"a row cannot be written: {error}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database cannot be read or written: {error}") from error
