"""
Looking at a store: the History port.

Lists are paged by `number`, the order of accepting. What an index finds is looked up; what no
index knows (a text, a status of one workflow) is judged row by row, in portions, so that no read
holds SQLite's log back for long. SQL is put together from the fragments below, never from a request.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from runner.engine.history import LAST_NUMBER, Page, Span, Wanted, read_cursor, write_cursor
from runner.engine.redact import Redaction, RedactionOf, no_redaction
from runner.engine.resuming import without_tokens
from runner.engine.runs import Disposition, Event, Status
from runner.engine.where import Anywhere, Condition
from runner.errors import InboundError, NotFound
from runner.inbound.credentials import WELL_KNOWN
from runner.store.bodies import SQL, decoded_again, each_event, payload_or_none
from runner.store.queries import Statement
from runner.store.rows import Row, unpacked, until, value_or_none
from runner.store.step_rows import steps_of
from runner.store.tables import Tables
from runner.store.veils import SecretValues, Veils
from runner.values import Json, dumps, iso, loads, sortable_id

PORTION = 2500  # rows judged by one statement: some milliseconds, also with large rows
IDENTITY = re.compile("[0-9a-z]{26}")  # of an event or a run, whole
PAYLOADS = 200  # events whose payloads are looked at between two looks at the clock
LATEST_COMMIT_SECONDS = 3600.0  # far more than the time from a request's first byte to its commit
MOST_TEXT = 64 * 1024  # characters shown of a body that has no payload

EVENTS = {
    "ids": "id IN (SELECT value FROM json_each(:ids))",
    "identity": "id = :text_itself",
    "id": "id = :id",
    "delivery_id": "delivery_id = :delivery_id",
    "type": "type = :type",
    "workflow": "workflow = :workflow",
    "of_workflow": "+workflow = :workflow",  # the plus: another index is the better one
    "rejected": "disposition = 'rejected'",  # a literal, so that the index of the rejected serves
    "held": "disposition = 'held'",  # as above
    "unusual": "disposition IN ('ignored', 'duplicate', 'dropped')",  # as the index of these has it
    "status": "disposition = :status",
    "since": "received_at >= :since",
    "before": "received_at < :before",
    "text": r"(id LIKE :text ESCAPE '\' OR type LIKE :text ESCAPE '\' OR delivery_id LIKE :text ESCAPE '\'"
    r" OR EXISTS (SELECT 1 FROM runs WHERE event_id = events.id AND title LIKE :text ESCAPE '\'))",
}
OF_EVENT = "EXISTS (SELECT 1 FROM events WHERE events.id = event_id AND events."
RUNS = {
    "ids": "id IN (SELECT value FROM json_each(:ids))",
    "id": "id = :id",
    "identity": "(id = :text_itself OR event_id = :text_itself)",
    "delivery_id": "event_id IN (SELECT id FROM events WHERE delivery_id = :delivery_id)",
    "type": f"{OF_EVENT}type = :type)",
    "workflow": "workflow = :workflow",
    "of_workflow": "+workflow = :workflow",
    "failed": "status = 'failed'",  # a literal, so that the index of the failed serves
    "status": "status = :status",
    "in_status": "+status = :status",
    "event": "event_id = :event",
    "problem": "problem_id = :problem",
    "since": "accepted_at >= :since",
    "before": "accepted_at < :before",
    "text": r"(id LIKE :text ESCAPE '\' OR event_id LIKE :text ESCAPE '\' OR title LIKE :text ESCAPE '\'"
    r" OR EXISTS (SELECT 1 FROM events WHERE events.id = event_id"
    r" AND (type LIKE :text ESCAPE '\' OR delivery_id LIKE :text ESCAPE '\')))",
}
UNUSUAL = frozenset({Disposition.IGNORED, Disposition.DUPLICATE, Disposition.DROPPED})
EVENT_OF = {"events": 1, "runs": 7}  # the column of the event's id
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


# how a sender authorises itself is between it and the server, whatever the workflow asks for
CREDENTIALS = Redaction(WELL_KNOWN)


class StoredHistory:
    """See `runner.engine.history.History`."""

    def __init__(
        self,
        store: Tables,
        redaction_of: RedactionOf = no_redaction,
        secret_values: SecretValues = frozenset,
    ) -> None:
        """*redaction_of* says what is hidden of a workflow's version, `secret_values()` what always is."""
        self.read = store.read
        self.veils = Veils(self.read, redaction_of, secret_values)

    async def events(self, wanted: Wanted) -> Page:
        """Events, newest first. Raises ValueError, StoreUnavailable."""
        rows, after = await self._asked("events", EVENTS, _events_asked, wanted)
        runs, versions = await self._runs_of([row[1] for row in rows])
        items = [{**_event_item(row), "runs": runs.get(row[1], [])} for row in rows]
        shown = await self.veils.events(items, [versions.get(row[1], set()) for row in rows])
        return Page(shown, write_cursor(after) if after else None)

    async def event(self, event_id: str) -> Json:
        """One event with its payload. Raises NotFound, StoreUnavailable."""
        rows = await self.read(SQL["event"], id=event_id)
        if not rows:
            raise NotFound(f"there is no event {event_id}")
        row = rows[0]
        runs, versions = await self._runs_of([event_id])
        query, headers, body = row[14], loads(row[15].encode()), unpacked(row[16], row[9])
        event = Event(
            id=row[1], workflow=row[2], trigger=row[3], disposition=Disposition(row[4]), received_at=row[5],
            method=row[6], path=row[7], query=query, headers=headers, content_type=row[8], size=row[9],
            source_ip=row[10], body=body,
        )  # fmt: skip
        item = {
            **_event_item(row),
            "runs": runs.get(event_id, []),
            "query": query,
            "headers": headers,
            "gates": loads(row[13].encode()),
            **await asyncio.to_thread(_payload_or_body, event),  # a large body takes its time
        }
        return (await self.veils.events([item], [versions.get(event_id, set())], always=CREDENTIALS))[0]

    async def runs(self, wanted: Wanted) -> Page:
        """Runs, newest first. Raises ValueError, StoreUnavailable."""
        rows, after = await self._asked("runs", RUNS, _runs_asked, wanted)
        shown = await self.veils.runs([_run_item(row) for row in rows])
        return Page(shown, write_cursor(after) if after else None)

    async def run(self, run_id: str) -> Json:
        """One run with its steps. Raises NotFound, StoreUnavailable."""
        rows = await self.read(SQL["run"], id=run_id)
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        row = rows[0]
        trace = value_or_none(row[16]) or []
        records = await self.read(SQL["records"], id=run_id)
        item = {
            **_run_item(row),
            "steps": steps_of(trace, records),
            "trace": [{name: one for name, one in entry.items() if name != "hidden"} for entry in trace],
            "output": value_or_none(row[17]),
            "answer": value_or_none(row[18]),
            "notes": value_or_none(row[19]) or [],
            "overridden": value_or_none(row[20]) or {},
        }
        return without_tokens((await self.veils.runs([item], always=CREDENTIALS))[0])

    async def counts(self, *, since: float) -> dict[str, Json]:
        """For each workflow `{runs, failed, last_at, last_status}`. Raises StoreUnavailable."""
        rows = await self.read(SQL["counts"], first=await self._first("runs", since))
        return {
            workflow: {"runs": runs, "failed": failed, "last_at": iso(last_at), "last_status": last_status}
            for workflow, runs, failed, last_at, last_status in rows
        }

    async def stopped(self, *, since: float) -> dict[str, Json]:
        """Held and refused events of each workflow that has any. Raises StoreUnavailable."""
        found: dict[str, Json] = {}
        first = await self._first("events", since)
        for name, workflow, count in await self.read(SQL["stopped"], first=first):
            found.setdefault(workflow, {"held": 0, "rejected": 0})[name] = count
        return found

    async def spans(self, workflows: Sequence[str], bounds: Sequence[float]) -> dict[str, list[Span]]:
        """Runs and failed ones between each two of *bounds*. Raises StoreUnavailable."""
        ids = [sortable_id(max(0.0, bound), bytes(10)) for bound in bounds]
        rows = await self.read(SQL["runs_firsts"], ids=dumps(ids))
        firsts = [LAST_NUMBER if number is None else int(number) for (number,) in rows]
        for place in range(len(firsts) - 2, -1, -1):  # a few got their number late: none may count twice
            firsts[place] = min(firsts[place], firsts[place + 1])
        pairs = [list(pair) for pair in pairwise(firsts)]
        counted = {slug: [Span(0, 0)] * len(pairs) for slug in workflows}
        read = await self.read(SQL["spans"], workflows=dumps(list(counted)), spans=dumps(pairs))
        for slug, place, runs, failed in read:
            counted[slug][place] = Span(runs, failed)
        return counted

    async def _asked(
        self,
        kind: str,
        fragments: Mapping[str, str],
        asked: Callable[..., tuple[list[str], list[str]]],
        wanted: Wanted,
    ) -> tuple[list[Any], int | None]:
        """As `_page`. A whole id is looked up first: parts of a text are looked for where it is none."""
        if wanted.text and not wanted.cursor and IDENTITY.fullmatch(wanted.text):
            rows, after = await self._page(
                kind, fragments, *asked(replace(wanted, text=None), "identity"), wanted
            )
            if rows:
                return rows, after
        return await self._page(kind, fragments, *asked(wanted), wanted)

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

        if wanted.payload:
            return await self._page_by_payload(kind, narrowing, wanted)
        rows: list[Any] = []
        until = time.monotonic() + wanted.seconds
        while True:
            floor = await self._floor(kind, narrowing, PORTION) if narrowing.judged else None
            portion = replace(narrowing, first=max(narrowing.first, floor or 0))
            rows += await self._narrowed(kind, portion, judged=True, limit=wanted.limit + 1 - len(rows))
            if len(rows) > wanted.limit:
                return rows[: wanted.limit], int(rows[wanted.limit - 1][0])
            if floor is None:
                return rows, None
            narrowing = replace(narrowing, end=floor)
            if time.monotonic() > until:
                return rows, floor

    async def _page_by_payload(
        self, kind: str, narrowing: Narrowing, wanted: Wanted
    ) -> tuple[list[Any], int | None]:
        """As `_page`: the payloads of what all else leaves are decoded, newest first, for a bounded time."""
        rows: list[Any] = []
        until = time.monotonic() + wanted.seconds
        while True:
            floor = await self._floor(kind, narrowing, PAYLOADS)
            portion = replace(narrowing, first=max(narrowing.first, floor or 0))
            found = await self._narrowed(kind, portion, judged=True, limit=PAYLOADS)
            rows += await self._with_payload(found, EVENT_OF[kind], wanted.payload)
            if len(rows) > wanted.limit:
                return rows[: wanted.limit], int(rows[wanted.limit - 1][0])
            if floor is None:
                return rows, None
            narrowing = replace(narrowing, end=floor)
            if time.monotonic() > until:
                return rows, floor

    async def _with_payload(
        self, rows: Sequence[Any], event: int, conditions: Sequence[Condition | Anywhere]
    ) -> list[Any]:
        """Those of *rows* where the payload of the event in the column *event* fulfils *conditions*."""

        def fulfils(one: Event) -> bool:
            payload = payload_or_none(one)
            return all(condition.holds(payload) for condition in conditions)

        judged = await each_event(self.read, list({row[event] for row in rows}), fulfils)
        return [row for row in rows if judged.get(row[event])]

    async def _floor(self, kind: str, narrowing: Narrowing, portion: int) -> int | None:
        """The lowest number of this portion; None when the portion reaches to the end."""
        rows = await self._narrowed(f"{kind}_floor", narrowing, judged=False, looked_at=portion - 1)
        return int(rows[0][0]) if rows else None

    async def _first(self, kind: str, since: float) -> int:
        """The least number of what was accepted at or after *since*: ids sort by time."""
        identity = sortable_id(max(0.0, since), bytes(10))
        rows = await self.read(SQL[f"{kind}_first"], id=identity)
        return LAST_NUMBER if rows[0][0] is None else int(rows[0][0])

    async def _runs_of(self, event_ids: Sequence[str]) -> tuple[dict[str, list[Json]], dict[str, set[int]]]:
        """The runs of each event, and their versions."""
        found: dict[str, list[Json]] = {}
        versions: dict[str, set[int]] = {}
        for event_id, run_id, status, title, version in await self.read(
            SQL["runs_of_events"], ids=dumps(list(event_ids))
        ):
            found.setdefault(event_id, []).append({"id": run_id, "status": status, "title": title})
            versions.setdefault(event_id, set()).add(version)
        return found, versions

    async def _narrowed(
        self, statement: str, narrowing: Narrowing, *, judged: bool, **parameters: int
    ) -> list[Any]:
        where = narrowing.where(judged=judged)
        sql = Statement.of(
            SQL[statement].replace("{where}", where), SQL[statement].replace("{where}", _postgres(where))
        )
        bounds = {"first": narrowing.first, "end": narrowing.end}
        return list(await self.read(sql, **narrowing.parameters, **bounds, **parameters))


def _postgres(where: str) -> str:
    """As PostgreSQL has it: it chooses its indexes by itself, and LIKE tells upper case from lower there."""
    return where.replace("+", "").replace(" LIKE ", " ILIKE ")


def _events_asked(wanted: Wanted, exact: str | None = None) -> tuple[list[str], list[str]]:
    """The names of fragments that an index answers, *exact* among them, and of those judged row by row."""
    exact = exact or next((name for name in ("ids", "id", "delivery_id") if getattr(wanted, name)), None)
    if exact:
        rest = [("of_workflow", wanted.workflow), ("status", wanted.status)]
        return [exact], [name for name, value in rest if value] + _judged_always(wanted, exact)
    looked_up = ["workflow"] if wanted.workflow else []
    if wanted.status in (Disposition.REJECTED, Disposition.HELD):
        looked_up.append(str(wanted.status))
    elif wanted.status in UNUSUAL:
        looked_up += ["unusual", "status"]
    judged = ["status"] if wanted.status and not {"rejected", "held", "status"} & {*looked_up} else []
    return looked_up, judged + _judged_always(wanted)


def _runs_asked(wanted: Wanted, exact: str | None = None) -> tuple[list[str], list[str]]:
    """As `_events_asked`, for runs: the index that leaves the fewest rows is the one that is used."""
    names = ("ids", "id", "event", "problem", "delivery_id")
    exact = exact or next((name for name in names if getattr(wanted, name)), None)
    judged = _judged_always(wanted, exact)
    if exact:
        rest = [("of_workflow", wanted.workflow), ("in_status", wanted.status)]
        return [exact], [name for name, value in rest if value] + judged
    if wanted.status == Status.FAILED and wanted.workflow:
        return ["workflow", "failed"], judged
    if wanted.status and (wanted.status in FEW or not wanted.workflow):
        return ["status"], (["of_workflow"] if wanted.workflow else []) + judged
    return ["workflow"] if wanted.workflow else [], (["in_status"] if wanted.status else []) + judged


def _judged_always(wanted: Wanted, looked_up: str | None = None) -> list[str]:
    names = ("id", "event", "problem", "delivery_id", "type", "since", "before", "text")
    return [name for name in names if name != looked_up and getattr(wanted, name) not in (None, "")]


def _parameters(wanted: Wanted) -> dict[str, Any]:
    text = re.sub(r"([\\%_])", r"\\\1", wanted.text or "")
    return {
        "workflow": wanted.workflow,
        "status": wanted.status,
        "event": wanted.event,
        "problem": wanted.problem,
        "id": wanted.id,
        "ids": dumps(list(wanted.ids)),
        "type": wanted.type,
        "delivery_id": wanted.delivery_id,
        "since": wanted.since,
        "before": wanted.before,
        "text": f"%{text}%",
        "text_itself": wanted.text,
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
    if event.disposition is Disposition.DUPLICATE and not event.body:
        return {"body": "", "unreadable": "its body is that of the first event, which has it"}
    try:
        decoded = decoded_again(event, is_thorough=True)
        return {"payload": decoded.payload, "notes": list(decoded.notes)}
    except InboundError as error:
        text = event.body[: MOST_TEXT * 4].decode(errors="replace")[:MOST_TEXT]
        return {"body": text, "unreadable": str(error)}


def _run_item(row: Row) -> dict[str, Json]:
    waiting = {"for": row[11], "until": until(row[12])} if row[11] is not None else None
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
