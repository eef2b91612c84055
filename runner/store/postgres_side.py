"""A PostgreSQL database as a side of a copy."""

# ruff: noqa: S608 - the names are those of our own tables

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from runner.errors import HooklineError, StoreUnavailable
from runner.store.copied import TABLES, Copied
from runner.store.expanding import COPYING
from runner.store.postgres_database import CONNECT_SECONDS, is_away, without_nul
from runner.store.sides import Row
from runner.store.sqlite_side import quoted

AT_ONCE = 20  # rows of an exchange: one may have ten megabytes
JSONB = b"\x01"  # the version of its binary form


class PostgresSide:
    """See `runner.store.sides.Side`."""

    def __init__(self, connection: Any, url: str) -> None:
        """Use `PostgresSide.open`."""
        parts = urlsplit(url)
        self.name = f"postgresql://{parts.hostname or ''}:{parts.port or 5432}{parts.path}"
        self._connection = connection
        self._reading: Any = None

    @classmethod
    async def open(cls, url: str) -> PostgresSide:
        """
        Connect to the database at *url*.

        Raises:
            StoreUnavailable: it cannot be reached.
        """
        with _told():
            connection = await asyncpg.connect(
                url,
                timeout=CONNECT_SECONDS,
                server_settings={"application_name": "hookline copy", "jit": "off"},
            )
            # rows are written by COPY, which is binary
            await connection.set_type_codec(
                "jsonb", schema="pg_catalog", encoder=_jsonb, decoder=_json_text, format="binary"
            )
        return cls(connection, url)

    async def begin(self) -> None:
        """As `Side.begin`."""
        with _told():
            self._reading = self._connection.transaction(isolation="repeatable_read", readonly=True)
            await self._reading.start()

    async def end(self) -> None:
        """As `Side.end`."""
        with _told():
            await self._reading.rollback()

    async def tables(self) -> Mapping[str, Sequence[str]]:
        """As `Side.tables`."""
        with _told():
            found = await self._connection.fetch(
                "SELECT table_name::text, column_name::text FROM information_schema.columns "
                "WHERE table_schema = current_schema()"
            )
        return {name: sorted(column for table, column in found if table == name) for name, _ in found}

    async def count(self, table: Copied) -> int:
        """As `Side.count`."""
        with _told():
            return int(await self._connection.fetchval(f"SELECT count(*) FROM {table.name}"))

    async def rows(self, table: Copied, columns: Sequence[str], after: Row | None) -> AsyncIterator[Row]:
        """As `Side.rows`."""
        key = ", ".join(map(quoted, table.key))
        marks = ", ".join(f"${place}" for place in range(1, len(table.key) + 1))
        behind = f"WHERE ({key}) > ({marks})" if after is not None else ""
        statement = f"SELECT {', '.join(map(quoted, columns))} FROM {table.name} {behind} ORDER BY {key}"
        with _told():
            async for row in self._connection.cursor(statement, *(after or ()), prefetch=AT_ONCE):
                yield tuple(row)

    async def last_number(self, table: Copied) -> int:
        """As `Side.last_number`."""
        with _told():
            sequence = await self._sequence(table)
            last, is_called = await self._connection.fetchrow(f"SELECT last_value, is_called FROM {sequence}")
        return int(last) if is_called else 0

    async def progress(self) -> dict[str, str] | None:
        """As `Side.progress`."""
        with _told():
            if not await self._connection.fetchval("SELECT to_regclass($1)", COPYING):
                return None
            return dict(await self._connection.fetch(f"SELECT name, note FROM {COPYING}"))

    async def start(self, notes: Mapping[str, str]) -> None:
        """As `Side.start`."""
        with _told():
            async with self._connection.transaction():
                await self._connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {COPYING} (name TEXT PRIMARY KEY, note TEXT NOT NULL)"
                )
                await self._connection.executemany(
                    f"INSERT INTO {COPYING} (name, note) VALUES ($1, $2)", list(notes.items())
                )

    async def put(
        self, table: Copied, columns: Sequence[str], rows: Sequence[Row], note: str, old: str | None
    ) -> None:
        """As `Side.put`."""
        with _told():
            async with self._connection.transaction():
                if old is None:
                    statement = f"INSERT INTO {COPYING} (name, note) VALUES ($1, $2)"
                    await self._connection.execute(statement, table.name, note)
                else:
                    statement = f"UPDATE {COPYING} SET note = $1 WHERE name = $2 AND note = $3"
                    said = await self._connection.execute(statement, note, table.name, old)
                    if said != "UPDATE 1":
                        raise HooklineError("another process is copying into this database")
                await self._connection.copy_records_to_table(
                    table.name, records=[_storable(row) for row in rows], columns=columns
                )

    async def number_from(self, table: Copied, last: int) -> None:
        """As `Side.number_from`."""
        with _told():
            sequence = await self._sequence(table)
            await self._connection.execute(
                "SELECT setval($1::text::regclass, $2, $3)", sequence, max(last, 1), last > 0
            )

    async def wipe(self) -> None:
        """As `Side.wipe`."""
        with _told():
            async with self._connection.transaction():
                names = ", ".join(table.name for table in TABLES)
                await self._connection.execute(f"TRUNCATE {names}, {COPYING}")
                await self._connection.execute("DELETE FROM pgqueuer WHERE entrypoint = 'turn'")

    async def finish(self) -> None:
        """As `Side.finish`."""
        with _told():
            await self._connection.execute(f"DROP TABLE {COPYING}")
            for table in TABLES:  # so that the first queries are planned by what is there
                await self._connection.execute(f"ANALYZE {table.name}")

    async def close(self) -> None:
        """As `Side.close`."""
        await self._connection.close(timeout=CONNECT_SECONDS)

    async def _sequence(self, table: Copied) -> str:
        name: str = await self._connection.fetchval("SELECT pg_get_serial_sequence($1, 'number')", table.name)
        return name


def _storable(row: Row) -> Row:
    """*row* without NUL in its texts, which PostgreSQL's hold not."""
    return [one.replace("\0", "\ufffd") if isinstance(one, str) and "\0" in one else one for one in row]


def _jsonb(text: str) -> bytes:
    return JSONB + without_nul(text).encode()


def _json_text(data: bytes) -> str:
    return bytes(data).removeprefix(JSONB).decode()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Errors of the database as ours."""
    try:
        yield
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        raise HooklineError(f"a row cannot be written: {error}") from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if isinstance(error, asyncpg.PostgresError) and not is_away(error) and not _is_refusal(error):
            raise
        raise StoreUnavailable(f"the database cannot be used: {error or type(error).__name__}") from error


def _is_refusal(error: asyncpg.PostgresError) -> bool:
    """Whether we are not let in: a wrong password, no such database, no right."""
    return str(error.sqlstate or "").startswith(("28", "3D", "42501"))
