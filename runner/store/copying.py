"""
One store copied into another: table by table, in portions, so that a copy that was killed goes on behind the
last one; then compared, by counts and checksums of every table.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from runner.errors import HooklineError, SettingsError
from runner.store.copied import NOT_COPIED, TABLES, Copied
from runner.store.digests import TableDigest
from runner.store.opening import is_postgres, open_store, sqlite_path
from runner.store.sides import Row, Side
from runner.store.sqlite_side import SQLiteSide

SOURCE = "from"  # whose copy it is, among the notes of an unfinished one
PORTION_ROWS = 500
PORTION_BYTES = 4 << 20  # a portion is in memory; a single row may be larger

# What is done to which table, the rows so far, and the rows that there are.
Progress: TypeAlias = Callable[[str, str, int, int], None]


@dataclass(frozen=True, slots=True)
class TableCopied:
    """A table as the source has it, and whether the target has it so."""

    name: str
    rows: int
    checksum: str
    is_different: bool = False


@contextlib.asynccontextmanager
async def source_side(url: str, *, sqlite: Path, name: str | None = None) -> AsyncIterator[Side]:
    """
    The database at *url*, or the file *sqlite* where that is empty, to read from. *name* is what a copy
    remembers it by, where its place does not tell it apart.

    Raises:
        StoreUnavailable: it cannot be opened, or another database was not copied into it to the end.
    """
    await (await open_store(url, sqlite=sqlite)).close()  # brought up to date, or refused
    async with _side(url, sqlite) as side:
        side.name = name or side.name
        yield side


@contextlib.asynccontextmanager
async def target_side(url: str, source: Side, *, anew: bool = False) -> AsyncIterator[Side]:
    """
    The database at *url* to copy *source* into: one that is made or empty, or has an unfinished copy of
    it. *anew* begins an unfinished copy again, whosever it is.

    Raises:
        StoreUnavailable: it cannot be opened.
        HooklineError: it has rows that no copy wrote, or those of another source.
    """
    path = sqlite_path(url, Path())
    if not is_postgres(url) and not path.exists():
        await (await open_store(url, sqlite=path)).close()
    async with _side(url, path) as side:
        if side.name == source.name:
            raise SettingsError(f"{side.name} is what is copied; name another database")
        notes = await side.progress()
        if notes is not None and anew:
            await side.wipe()
            notes = {}
        if not notes:
            if notes is None:
                await (await open_store(url, sqlite=path)).close()
            await _refuse_rows(side)
            await side.start({SOURCE: source.name})
        elif notes[SOURCE] != source.name:
            raise HooklineError(
                f"{side.name} has an unfinished copy of {notes[SOURCE]}; "
                "go on with that one, or replace it with --start-over"
            )
        yield side


async def copy(
    source: Side, target: Side, progress: Progress, *, is_written_to: bool = False
) -> Sequence[TableCopied]:
    """
    Copy all tables from *source* into *target*, compare the two, and give the target free. A source that
    *is written to* meanwhile is copied as it was when copying began, and then a copy cannot go on later;
    any other is compared as it is at the end.

    Raises:
        HooklineError: the two have not the same columns, or not the same rows afterwards.
        StoreUnavailable: one of them is away; the copy can go on later.
    """
    columns = await _columns(source, target)
    notes = await target.progress() or {}
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(moment(source))
        for table in TABLES:
            await _copy_table(source, target, table, columns[table.name], notes.get(table.name), progress)
        for table in TABLES:
            if table.is_numbered:
                await target.number_from(table, await source.last_number(table))
        if not is_written_to:
            await stack.aclose()
            await stack.enter_async_context(moment(source))
        await stack.enter_async_context(moment(target))
        done = [await _compared(source, target, table, columns[table.name], progress) for table in TABLES]
    if different := [one.name for one in done if one.is_different]:
        raise HooklineError(
            f"the copy differs from its source in {', '.join(different)}: it was written to meanwhile; "
            "stop every server and worker, then copy again with --start-over"
        )
    await target.finish()
    return done


async def _compared(
    source: Side, target: Side, table: Copied, columns: Sequence[str], progress: Progress
) -> TableCopied:
    total = await source.count(table)
    said = functools.partial(progress, "check", table.name)
    there = await digest(source, table, columns, lambda rows: said(rows, total))
    here = await digest(target, table, columns, lambda _rows: None)
    is_different = (there.rows, there.text) != (here.rows, here.text)
    return TableCopied(table.name, there.rows, there.text, is_different)


async def digest(
    side: Side, table: Copied, columns: Sequence[str], said: Callable[[int], None]
) -> TableDigest:
    """Count and checksum of a table; *said* hears how far it is. Between `begin` and `end`."""
    found = TableDigest(columns, table.json)
    async for row in side.rows(table, columns, None):
        found.add(row)
        if found.rows % PORTION_ROWS == 0:
            said(found.rows)
    said(found.rows)
    return found


async def _copy_table(
    source: Side, target: Side, table: Copied, columns: Sequence[str], note: str | None, progress: Progress
) -> None:
    state: dict[str, Any] = (
        json.loads(note) if note is not None else {"after": None, "rows": 0, "is_done": False}
    )
    if state["is_done"]:
        return
    total = await source.count(table)
    places = [columns.index(name) for name in table.key]
    rows: list[Row] = []
    size = 0

    async def put(*, is_done: bool) -> None:
        nonlocal note, rows, size
        state["rows"] += len(rows)
        state["is_done"] = is_done
        if rows:
            state["after"] = [rows[-1][place] for place in places]
        old, note = note, json.dumps(state)
        await target.put(table, columns, rows, note, old)
        progress("copy", table.name, state["rows"], total)
        rows, size = [], 0

    async for row in source.rows(table, columns, state["after"]):
        rows.append(row)
        size += sum(len(one) for one in row if isinstance(one, str | bytes))
        if len(rows) >= PORTION_ROWS or size >= PORTION_BYTES:
            await put(is_done=False)
    await put(is_done=True)


async def _columns(source: Side, target: Side) -> Mapping[str, Sequence[str]]:
    """The columns of each table, sorted. Raises HooklineError where the sides do not agree."""
    here, there = await target.tables(), await source.tables()
    known = {table.name for table in TABLES}
    for name in sorted(known):
        if here.get(name) != there.get(name):
            raise HooklineError(
                f"the table {name} has other columns in {source.name} than in {target.name}: "
                "copy with the Hookline that wrote it"
            )
    more = [name for name in there if name not in known | NOT_COPIED and not name.startswith("pgqueuer")]
    if more and not is_postgres(source.name):  # in a PostgreSQL others may keep tables of their own
        raise HooklineError(f"{source.name} has the table {more[0]}: copy with the Hookline that wrote it")
    return {name: here[name] for name in known}


async def _refuse_rows(side: Side) -> None:
    for table in TABLES:
        if await side.count(table):
            raise HooklineError(
                f"{side.name} has rows already (in {table.name}), and nothing is mixed; "
                "name an empty database"
            )


@contextlib.asynccontextmanager
async def moment(side: Side) -> AsyncIterator[None]:
    """All reads give the state of one moment."""
    await side.begin()
    try:
        yield
    finally:
        await side.end()


@contextlib.asynccontextmanager
async def _side(url: str, sqlite: Path) -> AsyncIterator[Side]:
    side: Side
    if is_postgres(url):
        from runner.store.postgres_side import PostgresSide  # noqa: PLC0415 - asyncpg is an extra

        side = await PostgresSide.open(url)
    else:
        side = SQLiteSide.open(sqlite_path(url, sqlite))
    try:
        yield side
    finally:
        await side.close()
