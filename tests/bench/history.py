"""A database with as many rows of history as wanted, written by SQL: runs that ended well."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from pathlib import Path

from tests.bench.servers import HOOKLINE, ROOT

BATCH = 50_000  # rows of one transaction
# ids that sort before every real one; a run each second up to now, so that lists look as ever
ROWS = """
WITH RECURSIVE numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)
INSERT INTO {into}
SELECT {values} FROM numbers
"""
EVENTS = ROWS.format(
    into="events (id, workflow, trigger, disposition, received_at, method, path, query, headers, "
    "content_type, size, source_ip, gates, body)",
    values="printf('0a%024d', n), 'bench', 'webhook', 'accepted', unixepoch() - :total + n, 'POST', '', '', "
    "json_object('content-type', 'application/json', 'x-github-event', 'push', 'x-github-delivery', "
    "printf('%032x', n)), 'application/json', 300, '127.0.0.1', "
    '\'[{"name":"received","verdict":"passed"}]\', '
    'CAST(printf(\'{"ref": "refs/heads/main", "number": %d, "filler": "%0250d"}\', n, n) AS BLOB)',
)
RUNS = ROWS.format(
    into="runs (id, event_id, workflow, version, title, status, seed, accepted_at, base_at, fence, turns, "
    "reason, output, trace, started_at, ended_at)",
    values="printf('0b%024d', n), printf('0a%024d', n), 'bench', 1, printf('Push %d', n), 'succeeded', "
    "printf('%032x', n), unixepoch() - :total + n, unixepoch() - :total + n, 1, 1, NULL, "
    "'{\"status\":200}', printf('[\"%0200d\"]', n), unixepoch() - :total + n, unixepoch() - :total + n",
)
RECORDS = ROWS.format(
    into="records (run_id, path, kind, status, attempts, input, input_digest, output, started_at, ended_at)",
    values="printf('0b%024d', n), 'action#4', 'action', 'succeeded', 1, printf('{\"json\": \"%0150d\"}', n), "
    'printf(\'%064x\', n), \'{"status":200,"headers":{},"body":{}}\', unixepoch() - :total + n, '
    "unixepoch() - :total + n",
)


def empty(data: Path) -> Path:
    """The database of *data*, made by the server's own migrations; its path."""
    command = [
        *HOOKLINE,
        "url",
        "bench",
        "--workflows",
        str(data / "workflows"),
        "--data",
        str(data / "data"),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return data / "data" / "hookline.db"


def grow(database: Path, rows: int) -> None:
    """Add events, runs and records to *database* until there are *rows* of each; no server runs on it."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # lost with this machine, it is made again
        connection.execute("PRAGMA cache_size=-200000")
        (there,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        for first in range(there + 1, rows + 1, BATCH):
            parameters = {"first": first, "last": min(first + BATCH - 1, rows), "total": rows}
            connection.execute("BEGIN")
            for statement in (EVENTS, RUNS, RECORDS):
                connection.execute(statement, parameters)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def copied(database: Path, data: Path) -> None:
    """Put a copy of *database*, which nobody writes, under *data*."""
    (data / "data").mkdir()
    shutil.copy(database, data / "data" / database.name)
