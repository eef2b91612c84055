"""
Looking at an SQLite store: the History port, on the connection that only reads.

Lists are paged by `number`, the order of accepting. What an index finds is looked up; what no
index knows (a text, a status of one workflow) is judged row by row, in portions, so that no read
holds the log back for long. SQL is put together from the fragments below, never from a request.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.engine.history import LAST_NUMBER, Page, Wanted, read_cursor, write_cursor
from runner.engine.names import payload_of
from runner.engine.runs import Disposition, Event, Status
from runner.errors import InboundError, NotFound, StoreUnavailable
from runner.inbound.decode import Bounds
from runner.language.secrets import MASK
from runner.store.queries import read
from runner.store.rows import Row, value_or_none
from runner.store.sqlite import SQLiteStore
from runner.values import Json, dumps, iso, loads, sortable_id

SQL = read("history.sql")

PORTION = 5000  # rows judged by one statement: some milliseconds, also with large rows
MOST_PORTIONS = 20  # for one page; then the page is given as it is, with its `next`
LATEST_COMMIT_SECONDS = 3600.0  # far more than the time from a request's first byte to its commit
MOST_TEXT = 64 * 1024  # characters shown of a body that has no payload
# Wider than any bound a workflow had: what was accepted must be readable again.
WIDE = Bounds(max_body_bytes=64 << 20, max_file_bytes=64 << 20)
SECTION = re.compile(r"[.\[{!]?[^.\[{!]+")  # of a path: order!error.mail → order, !error, .mail
OWN_ID = re.compile(r"\.?([a-z_][a-z0-9_]*)")

EVENTS = {
    "workflow": "workflow = :workflow",
    "rejected": "disposition = 'rejected'",  # a literal, so that the index of the rejected serves
    "status": "disposition = :status",
    "since": "received_at >= :since",
    "before": "received_at < :before",
    "text": r"(id LIKE :text ESCAPE '\' OR type LIKE :text ESCAPE '\' OR delivery_id LIKE :text ESCAPE '\'"
    r" OR EXISTS (SELECT 1 FROM runs WHERE event_id = events.id AND title LIKE :text ESCAPE '\'))",
}
RUNS = {
    "workflow": "workflow = :workflow",
    "of_workflow": "+workflow = :workflow",  # the plus: another index is the better one
    "failed": "status = 'failed'",  # a literal, so that the index of the failed serves
    "status": "status = :status",
    "in_status": "+status = :status",
    "event": "event_id = :event",
    "since": "accepted_at >= :since",
    "before": "accepted_at < :before",
    "text": r"(id LIKE :text ESCAPE '\' OR event_id LIKE :text ESCAPE '\' OR title LIKE :text ESCAPE '\'"
    r" OR EXISTS (SELECT 1 FROM events WHERE events.id = event_id"
    r" AND (type LIKE :text ESCAPE '\' OR delivery_id LIKE :text ESCAPE '\')))",
}
FEW = frozenset({Status.QUEUED, Status.RUNNING, Status.WAITING})  # statuses that few runs have at a time


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Fragments that an index answers, fragments judged row by row, and the numbers in between."""

    looked_up: tuple[str, ...]
    judged: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    first: int = 0
    end: int = LAST_NUMBER

    def where(self, *, judged: bool) -> str:
        """The WHERE clause, with or without what is judged row by row."""
        bounds = ("number >= :first", "number < :end")
        return "WHERE " + " AND ".join([*self.looked_up, *bounds, *(self.judged if judged else ())])


# shown to whoever may look: how a sender authorises itself is between it and the server
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-gitlab-token", "x-api-key"})


class SQLiteHistory:
    """See `runner.engine.history.History`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading

    async def events(self, wanted: Wanted) -> Page:
        """Events, newest first. Raises ValueError, StoreUnavailable."""
        looked_up, judged = _events_asked(wanted)
        rows, after = await self._page("events", EVENTS, looked_up, judged, wanted)
        runs = await self._runs_of([row[1] for row in rows])
        items = [{**_event_item(row), "runs": runs.get(row[1], [])} for row in rows]
        return Page(items, write_cursor(after) if after else None)

    async def event(self, event_id: str) -> Json:
        """One event with its payload. Raises NotFound, StoreUnavailable."""
        rows = await self._read(SQL["event"], id=event_id)
        if not rows:
            raise NotFound(f"there is no event {event_id}")
        row = rows[0]
        runs = await self._runs_of([event_id])
        query, headers, body = row[14], loads(row[15].encode()), bytes(row[16])
        event = Event(
            id=row[1], workflow=row[2], trigger=row[3], disposition=Disposition(row[4]), received_at=row[5],
            method=row[6], path=row[7], query=query, headers=headers, content_type=row[8], size=row[9],
            source_ip=row[10], body=body,
        )  # fmt: skip
        return {
            **_event_item(row),
            "runs": runs.get(event_id, []),
            "query": query,
            "headers": {name: MASK if name in CREDENTIALS else value for name, value in headers.items()},
            "gates": loads(row[13].encode()),
            **await asyncio.to_thread(_payload_or_body, event),  # a large body takes its time
        }

    async def runs(self, wanted: Wanted) -> Page:
        """Runs, newest first. Raises ValueError, StoreUnavailable."""
        looked_up, judged = _runs_asked(wanted)
        rows, after = await self._page("runs", RUNS, looked_up, judged, wanted)
        return Page([_run_item(row) for row in rows], write_cursor(after) if after else None)

    async def run(self, run_id: str) -> Json:
        """One run with its steps. Raises NotFound, StoreUnavailable."""
        rows = await self._read(SQL["run"], id=run_id)
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        row = rows[0]
        trace = value_or_none(row[16]) or []
        records = await self._read(SQL["records"], id=run_id)
        return {
            **_run_item(row),
            "steps": _steps(trace, records),
            "trace": trace,
            "output": value_or_none(row[17]),
            "answer": value_or_none(row[18]),
            "notes": value_or_none(row[19]) or [],
        }

    async def counts(self, *, since: float) -> dict[str, Json]:
        """For each workflow `{runs, failed, last_at, last_status}`. Raises StoreUnavailable."""
        rows = await self._read(SQL["counts"], first=await self._first("runs", since))
        return {
            workflow: {"runs": runs, "failed": failed, "last_at": iso(last_at), "last_status": last_status}
            for workflow, runs, failed, last_at, last_status in rows
        }

    async def _page(
        self,
        kind: str,
        fragments: Mapping[str, str],
        looked_up: Sequence[str],
        judged: Sequence[str],
        wanted: Wanted,
    ) -> tuple[list[Any], int | None]:
        """At most `wanted.limit` rows and the number before which the next page begins."""
        narrowing = Narrowing(
            tuple(fragments[name] for name in looked_up),
            tuple(fragments[name] for name in judged),
            _parameters(wanted),
            first=await self._first(kind, wanted.since) if wanted.since is not None else 0,
            end=read_cursor(wanted.cursor) if wanted.cursor else LAST_NUMBER,
        )
        if wanted.before is not None:
            end = await self._first(kind, wanted.before + LATEST_COMMIT_SECONDS)
            narrowing = replace(narrowing, end=min(narrowing.end, end))

        rows: list[Any] = []
        for _ in range(MOST_PORTIONS):
            floor = await self._floor(kind, narrowing)
            portion = replace(narrowing, first=max(narrowing.first, floor or 0))
            rows += await self._narrowed(kind, portion, judged=True, limit=wanted.limit + 1 - len(rows))
            if len(rows) > wanted.limit:
                return rows[: wanted.limit], int(rows[wanted.limit - 1][0])
            if floor is None:
                return rows, None
            narrowing = replace(narrowing, end=floor)
        return rows, narrowing.end

    async def _floor(self, kind: str, narrowing: Narrowing) -> int | None:
        """The lowest number of this portion; None when the portion reaches to the end."""
        if not narrowing.judged:
            return None
        rows = await self._narrowed(f"{kind}_floor", narrowing, judged=False, looked_at=PORTION - 1)
        return int(rows[0][0]) if rows else None

    async def _first(self, kind: str, since: float) -> int:
        """The least number of what was accepted at or after *since*: ids sort by time."""
        identity = sortable_id(max(0.0, since), bytes(10))
        rows = await self._read(SQL[f"{kind}_first"], id=identity)
        return LAST_NUMBER if rows[0][0] is None else int(rows[0][0])

    async def _runs_of(self, event_ids: Sequence[str]) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        for event_id, run_id, status, title in await self._read(
            SQL["runs_of_events"], ids=dumps(list(event_ids))
        ):
            found.setdefault(event_id, []).append({"id": run_id, "status": status, "title": title})
        return found

    async def _narrowed(
        self, statement: str, narrowing: Narrowing, *, judged: bool, **parameters: int
    ) -> list[Any]:
        sql = SQL[statement].replace("{where}", narrowing.where(judged=judged))
        bounds = {"first": narrowing.first, "end": narrowing.end}
        return await self._read(sql, **narrowing.parameters, **bounds, **parameters)

    async def _read(self, sql: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(sql, parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _events_asked(wanted: Wanted) -> tuple[list[str], list[str]]:
    """The names of fragments that an index answers, and of those judged row by row."""
    looked_up = ["workflow"] if wanted.workflow else []
    if wanted.status == Disposition.REJECTED:
        looked_up.append("rejected")
    judged = ["status"] if wanted.status and wanted.status != Disposition.REJECTED else []
    return looked_up, judged + _judged_always(wanted)


def _runs_asked(wanted: Wanted) -> tuple[list[str], list[str]]:
    """As `_events_asked`, for runs: the index that leaves the fewest rows is the one that is used."""
    judged = _judged_always(wanted)
    if wanted.event:
        rest = [("of_workflow", wanted.workflow), ("in_status", wanted.status)]
        return ["event"], [name for name, value in rest if value] + judged
    if wanted.status == Status.FAILED and wanted.workflow:
        return ["workflow", "failed"], judged
    if wanted.status and (wanted.status in FEW or not wanted.workflow):
        return ["status"], (["of_workflow"] if wanted.workflow else []) + judged
    return ["workflow"] if wanted.workflow else [], (["in_status"] if wanted.status else []) + judged


def _judged_always(wanted: Wanted) -> list[str]:
    given = {"since": wanted.since, "before": wanted.before, "text": wanted.text}
    return [name for name, value in given.items() if value is not None and value != ""]


def _parameters(wanted: Wanted) -> dict[str, Any]:
    text = re.sub(r"([\\%_])", r"\\\1", wanted.text or "")
    return {
        "workflow": wanted.workflow,
        "status": wanted.status,
        "event": wanted.event,
        "since": wanted.since,
        "before": wanted.before,
        "text": f"%{text}%",
    }


def _event_item(row: Row) -> dict[str, Json]:
    gates = loads(row[13].encode())
    return {
        "id": row[1],
        "workflow": row[2],
        "trigger": row[3],
        "disposition": row[4],
        "received_at": iso(row[5]),
        "method": row[6],
        "path": row[7],
        "content_type": row[8],
        "size": row[9],
        "source_ip": row[10],
        "type": row[11],
        "delivery_id": row[12],
        "reason": next((gate["reason"] for gate in gates if gate["verdict"] == "stopped"), None),
    }


def _payload_or_body(event: Event) -> dict[str, Json]:
    # what was refused may be a bomb: it is unpacked no further than at its arrival
    bounds = Bounds() if event.disposition is Disposition.REJECTED else WIDE
    try:
        return {"payload": payload_of(event, bounds).payload}
    except InboundError as error:
        text = event.body[: MOST_TEXT * 4].decode(errors="replace")[:MOST_TEXT]
        return {"body": text, "unreadable": str(error)}


def _run_item(row: Row) -> dict[str, Json]:
    waiting = {"for": row[11], "until": iso(row[12])} if row[11] is not None else None
    return {
        "id": row[1],
        "title": row[2],
        "workflow": row[3],
        "version": row[4],
        "status": row[5],
        "reason": value_or_none(row[6]),
        "event": row[7],
        "attempt": row[8],
        "replay_of": row[9],
        "mode": row[10],
        "waiting": waiting,
        "accepted_at": iso(row[13]),
        "started_at": iso(row[14]),
        "ended_at": iso(row[15]),
    }


def _steps(trace: Sequence[Json], records: Sequence[Row]) -> list[Json]:
    """What the trace saw in the last turn, with what is recorded; a step before those inside it."""
    steps: dict[str, dict[str, Json]] = {}
    for entry in trace:
        if "status" in entry:
            steps[entry["path"]] = _step(entry["path"], entry)
    for path, kind, status, attempts, given, output, error, started_at, ended_at, due_at in records:
        step = steps.get(path) or _step(path, {"kind": kind})
        steps[path] = step | {
            "status": status,
            "attempts": attempts,
            "input": value_or_none(given),
            "output": value_or_none(output),
            "error": value_or_none(error),
            "started_at": iso(started_at),
            "ended_at": iso(ended_at),
            "due_at": iso(due_at),
        }
    return [steps[path] for path in _in_reading_order(steps)]


def _step(path: str, entry: Mapping[str, Json]) -> dict[str, Json]:
    own = OWN_ID.fullmatch(SECTION.findall(path)[-1])
    status = entry.get("status")
    return {
        "id": own[1] if own else None,
        "path": path,
        "name": entry.get("name"),
        "kind": entry.get("kind"),
        "status": status,
        "attempts": 0 if status == "skipped" else 1,
        "input": None,
        "output": None,
        "error": entry.get("error"),
        "started_at": None,
        "ended_at": None,
        "due_at": None,
        "ms": entry.get("ms"),
    }


def _in_reading_order(paths: Mapping[str, object]) -> list[str]:
    """Paths as their steps stand in the file: the trace has a step after those inside it."""
    tree: dict[str, Any] = {}
    for path in paths:
        branch = tree
        for section in SECTION.findall(path):
            branch = branch.setdefault(section, {})

    def walk(branch: dict[str, Any], prefix: str) -> list[str]:
        found = []
        for section, inner in branch.items():
            path = prefix + section
            found += [path, *walk(inner, path)] if path in paths else walk(inner, path)
        return found

    return walk(tree, "")
