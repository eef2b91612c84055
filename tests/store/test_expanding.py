"""Schemas expand, then contract: an older Hookline goes on serving while a newer one brings them further."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import aiosqlite
import pytest

from runner.errors import StoreUnavailable
from runner.store.expanding import CONTRACTS, needs_of, scripts_in
from runner.store.migrate import MIGRATIONS, migrate
from runner.store.sqlite import SQLiteStore
from tests.store.rows_made import Made

POSTGRES = MIGRATIONS.with_name("migrations_postgres")
# What would break, or mislead, whoever writes and reads as of before: named indexes are named by statements.
TAKES_AWAY = re.compile(
    r"\bDROP\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b|\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b"
    r"|\bADD\s+CONSTRAINT\b|^\s*(DELETE\s+FROM|TRUNCATE)\b",
    re.IGNORECASE | re.MULTILINE,
)
# what happens when a row comes or changes is said by triggers and functions, which may well delete
BODIES = re.compile(r"\$\$.*?\$\$|\bBEGIN\b.*?\bEND;", re.DOTALL)


def taken_away(script: str) -> list[str]:
    """What of *script* an older Hookline could stumble over."""
    bare = BODIES.sub("", re.sub(r"--.*$", "", script, flags=re.MULTILINE))
    found = [match[0].strip() for match in TAKES_AWAY.finditer(bare)]
    for statement in bare.split(";"):
        added = re.search(r"\bADD\s+(?:COLUMN\s+)?(\w+)\s[^,]*", statement, re.IGNORECASE)
        if added and re.search(r"\bALTER\s+TABLE\b", statement, re.IGNORECASE):
            is_needed = re.search(r"\bNOT\s+NULL\b", added[0], re.IGNORECASE)
            if is_needed and not re.search(r"\bDEFAULT\b", added[0], re.IGNORECASE):
                found.append(f"{added[1]} NOT NULL without a default")
        unique = re.search(r"\bCREATE\s+UNIQUE\s+INDEX\s+\w+\s+ON\s+(\w+)", statement, re.IGNORECASE)
        if unique and not re.search(rf"\bCREATE\s+TABLE\s+{unique[1]}\b", bare, re.IGNORECASE):
            found.append(f"a unique index on {unique[1]}")
    return found


@pytest.mark.parametrize(
    "script", [pytest.param(one, id=f"{one.parent.name}/{one.stem}") for one in
               (*scripts_in(MIGRATIONS), *scripts_in(POSTGRES))],
)  # fmt: skip
def test_a_migration_only_adds_or_says_since_when_nobody_needs_what_goes(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    marks = CONTRACTS.findall(text)
    if taken_away(text):
        assert marks, f"{script.name} takes away: {taken_away(text)} (CONTRIBUTING.md, The schema)"
    assert all(int(mark) <= int(script.name[:4]) for mark in marks)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE runs;",
        "ALTER TABLE runs DROP COLUMN title;",
        "ALTER TABLE runs RENAME COLUMN title TO name;",
        "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL;",
        "ALTER TABLE runs ADD colour TEXT NOT NULL CHECK (colour <> '');",
        "ALTER TABLE runs ALTER COLUMN title SET NOT NULL;",
        "ALTER TABLE runs ALTER COLUMN number TYPE BIGINT;",
        "DROP INDEX runs_due;",
        "CREATE UNIQUE INDEX runs_once ON runs (title);",
        "DELETE FROM tokens;",
    ],
)
def test_what_takes_away_is_found(statement: str) -> None:
    assert taken_away(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE colours (name TEXT NOT NULL); CREATE UNIQUE INDEX colours_once ON colours (name);",
        "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'; -- a column that we do not DROP",
        "CREATE INDEX runs_by_title ON runs (title);",
        "CREATE TRIGGER a AFTER DELETE ON events\nBEGIN\n    DELETE FROM state;\nEND;",
    ],
)
def test_what_adds_is_let_pass(statement: str) -> None:
    assert taken_away(statement) == []


async def test_an_older_hookline_serves_on_while_a_newer_one_expands_and_opens_what_it_left(
    tmp_path: Path,
) -> None:
    newer = _folder_with(
        tmp_path, "9001_more.sql", "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
    )
    path = tmp_path / "hookline.db"
    old = await SQLiteStore.open(path)
    made = Made(old)
    await made.run()
    connection = await aiosqlite.connect(path, isolation_level=None)
    await migrate(connection, newer)
    await made.run()  # as before
    await old.close()
    again = await SQLiteStore.open(path)
    await again.save_version("orders", "digest", "name: Orders", now=1.0)
    await again.close()
    async with connection.execute("SELECT colour, count(*) FROM runs GROUP BY colour") as cursor:
        assert list(await cursor.fetchall()) == [("red", 2)]
    await connection.close()


async def test_a_schema_that_took_away_what_we_need_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hookline.db"
    await (await SQLiteStore.open(path)).close()
    newer = _folder_with(
        tmp_path, "9001_less.sql", "-- contracts since 9001\nALTER TABLE runs DROP COLUMN notes;"
    )
    connection = await aiosqlite.connect(path, isolation_level=None)
    await migrate(connection, newer)
    await connection.close()
    with pytest.raises(StoreUnavailable, match="newer one that wrote it"):
        await SQLiteStore.open(path)


def test_what_a_schema_needs_is_the_largest_that_any_of_its_migrations_says(tmp_path: Path) -> None:
    scripts = []
    for number, mark in (
        (1, ""),
        (2, "-- contracts since 0002\n"),
        (4, ""),
        (7, "-- contracts since 0004\n"),
    ):
        scripts.append(tmp_path / f"{number:04d}_x.sql")
        scripts[-1].write_text(f"-- A change.\n{mark}CREATE TABLE x{number} (y TEXT);", encoding="utf-8")
    assert [needs_of(scripts[:count]) for count in range(1, 5)] == [0, 2, 2, 3]


def _folder_with(tmp_path: Path, name: str, script: str) -> Path:
    """The migrations of a newer Hookline: ours and one more."""
    folder = tmp_path / "newer"
    shutil.copytree(MIGRATIONS, folder)
    (folder / name).write_text(script, encoding="utf-8")
    return folder
