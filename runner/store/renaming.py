"""A workflow with a new name: all rows of the old one become the new one's, as a part of one transaction."""

from __future__ import annotations

import sqlite3

import aiosqlite

from runner.errors import StoreUnavailable
from runner.store.queries import read

SQL = read("renaming.sql")

MOVES = (
    "move_versions",
    "move_tried",
    "move_events",
    "move_runs",
    "move_deliveries",
    "drop_deliveries",  # of keys that the new one has seen too
    "move_pauses",
    "drop_pauses",
    "move_drafts",
    "drop_drafts",
    "move_problems",
    "move_state",
    "drop_state",  # of keys that the new one has itself
    "move_expectation",
    "drop_expectation",
    "move_schedule",
    "drop_schedule",
    "move_poll",
    "drop_poll",
    "move_polled",
    "drop_polled",
    "move_let_go",
    "drop_let_go",
)


async def has_anything(reading: aiosqlite.Connection, old: str) -> bool:
    """Whether anything stands under the name *old*. Raises StoreUnavailable."""
    try:
        (row,) = await reading.execute_fetchall(SQL["has_anything"], {"old": old})
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(f"the store cannot be read: {error}") from error
    return bool(row[0])


def take_over(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Give all rows of *old* to *new*, whose own, if there are any, stay beside them."""
    names = {"old": old, "new": new}
    _renumber(connection, old, new)
    for ours, theirs in connection.execute(SQL["same_problems"], names).fetchall():
        both = {"from": theirs, "to": ours}
        connection.execute(SQL["runs_to_problem"], both)
        connection.execute(SQL["drop_problem"], both)
    for statement in MOVES:
        connection.execute(SQL[statement], names)


def _renumber(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Versions of *new* come after those of *old*, whose runs keep their numbers; the same text is one."""
    ours = connection.execute(SQL["versions"], {"workflow": old}).fetchall()
    theirs = connection.execute(SQL["versions"], {"workflow": new}).fetchall()
    by_digest = {digest: version for version, digest in ours}
    last = max((version for version, _digest in ours), default=0)
    for version, digest in theirs:
        row = {"new": new, "from": version, "to": by_digest.get(digest, last + version)}
        connection.execute(SQL["runs_to_version"], row)
        connection.execute(SQL["drop_version" if digest in by_digest else "renumber_version"], row)
    connection.execute(SQL["runs_moved"], {"new": new})
    connection.execute(SQL["versions_moved"], {"new": new})
