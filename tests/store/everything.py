"""An SQLite store with rows in every table, of every kind that a table takes and with values that are odd."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.store.copied import TABLES
from runner.store.sqlite import SQLiteStore

ROWS = 7  # in each table
ODD = "é 🜚 'quoted' \"twice\" \\u0000 line\nline \ufffd \0"
GATES = (
    '[{"name":"size","verdict":"passed","facts":'
    '{"b":1e22,"a":1.0,"c":-0.0,"text":"\\u0000 é","big":12345678901234567890}}]'
)
STATUSES = ["queued", "queued", "running", "waiting", "failed", "succeeded", "waiting"]


def _where(*statuses: str, value: Any) -> list[Any]:
    return [value if status in statuses else None for status in STATUSES]


def _all(value: Any) -> list[Any]:
    return [value] * ROWS


# What a column must hold, by its place among the rows; all others are filled by their types.
HELD: Mapping[str, Mapping[str, list[Any]]] = {
    "events": {
        "disposition": ["accepted", "ignored", "duplicate", "held", "dropped", "rejected", "accepted"],
        "headers": _all('{"content-type":"application/json"}'),
        "gates": [GATES, *["[]"] * (ROWS - 1)],
        "body": [b"", b"\x00\xff" * 50, *[b"{}"] * (ROWS - 2)],
    },
    "runs": {
        "event_id": [f"id {place} é" for place in range(ROWS)],
        "status": STATUSES,
        "owner": _where("running", value="a node that died"),
        "due_at": _where("queued", "waiting", value=1_750_000_000.123456),
        "waiting_for": _where("waiting", value="a timer"),
        "ended_at": _where("failed", "succeeded", value=1_750_000_001.5),
        "reason": [
            None,
            *['{"code":"x","sentence":"It \\"was\\" so.","facts":{"z":1,"a":0.1}}'] * (ROWS - 1),
        ],
        "slot": ["holds", "waits", *[None] * (ROWS - 2)],
        "generations": [None, *['{"a":1}'] * (ROWS - 1)],
        "is_behind": [0, 1, *[0] * (ROWS - 2)],
        "output": _all('{"big":123456789012345678901234567890,"a":"\\u0000"}'),
    },
    "records": {
        "run_id": [f"id {place} é" for place in range(ROWS)],
        "status": ["started", "waiting", "succeeded", "failed", *["succeeded"] * (ROWS - 4)],
        "due_at": [None, 5.5, *[None] * (ROWS - 2)],
        "ended_at": [None, None, *[6.5] * (ROWS - 2)],
        "input": _all('{"é":"\\u0000"}'),
        "output": _all('{"é":[1,2.0]}'),
        "error": [None, '{"message":"no","type":"http"}', *[None] * (ROWS - 2)],
    },
    "file_uses": {
        "event_id": [f"id {place} é" for place in range(ROWS)],
        "digest": [f"digest {place} é" for place in range(ROWS)],
    },
    "answers": {"run_id": [f"id {place} é" for place in range(ROWS)]},
    "calls": {"run_id": [f"id {place} é" for place in range(ROWS)]},
    "tokens": {
        "kind": ["api", "session", "link", *["api"] * (ROWS - 3)],
        "role": _all("viewer"),
        "user_id": [None, *[f"id {place} é" for place in range(1, ROWS)]],
    },
    "users": {"role": ["viewer", "editor", "admin", *["viewer"] * (ROWS - 3)]},
    "pauses": {"kind": ["workflow", "connection", "host", *["host"] * (ROWS - 3)]},
    "problems": {
        "status": ["open", "closed", *["open"] * (ROWS - 2)],
        "closed_at": [None, 9.0, *[None] * (ROWS - 2)],
        "told": ["nothing", "open", "closed", *["open"] * (ROWS - 3)],
        "kind": ["runs", "silent", "poll", *["runs"] * (ROWS - 3)],
    },
    "notices": {"kind": _all("open")},
    "replays": {"status": _all("done")},
    "replay_items": {"class": _all("safe")},
    # who listens would hear of every open problem anew, were it written before them
    "interests": {
        "kind": ["problem_opened", "run_failed", "workflow_silent", "problem_closed", "x", "y", "z"]
    },
}


async def fill(path: Path, *, events: int = ROWS) -> None:
    """Make the store at *path*, with at least *events* events."""
    await (await SQLiteStore.open(path)).close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table in TABLES:
            columns = connection.execute(f"PRAGMA table_info({table.name})").fetchall()
            names = ", ".join(f'"{name}"' for _, name, *_rest in columns)
            marks = ", ".join("?" for _ in columns)
            for place in range(ROWS):
                row = [_value(table.name, name, kind, place) for _, name, kind, *_rest in columns]
                connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", row)
        # a number that was given to a row that is gone
        connection.execute("DELETE FROM own_events WHERE number = (SELECT max(number) FROM own_events)")
        connection.executemany(
            "INSERT INTO events SELECT number + ?1, id || ?1, workflow, trigger, disposition, received_at, "
            "method, path, query, headers, content_type, size, source_ip, type, delivery_id, gates, body, "
            "keyed_as FROM events WHERE number = 1",
            [(count,) for count in range(ROWS, events)],
        )


def _value(table: str, column: str, kind: str, place: int) -> Any:
    held = HELD.get(table, {}).get(column)
    if held is not None:
        return held[place]
    if kind == "TEXT":
        return f"{column} {place} {'é' if column in ('id', 'digest') else ODD}"
    if kind == "BLOB":
        return b"\x00\x01" * place
    return place + 0.1 if kind == "REAL" else place + 1
