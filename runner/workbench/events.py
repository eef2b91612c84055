"""The event of a case, as it would have come in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.engine.runs import Disposition, Event, Gate
from runner.inbound.media import type_by_name
from runner.values import Json, dumps, iso, sortable_id
from runner.workbench.cases import DEFAULT_NOW

if TYPE_CHECKING:
    from runner.language.workflow import Workflow
    from runner.workbench.cases import Case, GivenEvent

JSON_TYPE = "application/json"
URL = "https://hookline.test/hooks/test"


@dataclass(frozen=True, slots=True)
class Found:
    """What a case refers to beside its own file: bodies of files by name, and recorded events by id."""

    files: Mapping[str, bytes]
    events: Mapping[str, Event]


def now_of(case: Case, found: Found) -> float:
    """When the case's event comes: as it says, as it was recorded, or on a day that never changes."""
    if case.now is not None:
        return case.now
    recorded = found.events.get(case.event.recorded or "")
    return recorded.received_at if recorded else DEFAULT_NOW


def event_of(case: Case, workflow: Workflow, found: Found) -> Event:
    """The event of *case*, the same each time: its id follows from the case's name and its time."""
    given, now = case.event, now_of(case, found)
    recorded = found.events.get(given.recorded or "")
    trigger = given.trigger or (recorded.trigger if recorded else _first_trigger(workflow))
    identity = sortable_id(now, hashlib.sha256(f"{workflow.slug}\n{case.name}".encode()).digest()[:10])
    event = recorded or Event(
        id=identity,
        workflow=workflow.slug,
        trigger=trigger,
        received_at=now,
        disposition=Disposition.ACCEPTED,
        method="",
        path="",
        query="",
        headers={},
        content_type=JSON_TYPE,
        size=0,
        source_ip="",
        body=b"",
    )
    event = replace(
        event,
        id=identity,
        workflow=workflow.slug,
        trigger=trigger,
        received_at=now,
        disposition=Disposition.ACCEPTED,
        gates=(Gate("received", "passed", "of a test"),),
    )
    if trigger != "webhook":
        return _with_payload(event, given, now)
    return _request(event, given, workflow, found)


def _first_trigger(workflow: Workflow) -> str:
    kinds = ("webhook", "schedule", "poll", "manual", "hookline")
    return next((one for one in kinds if getattr(workflow, one, None) is not None), "call")


def _with_payload(event: Event, given: GivenEvent, now: float) -> Event:
    """An event of another trigger than a webhook: its body is its payload."""
    payload: Json = given.payload
    if not given.has_payload:
        if event.body:
            return event
        payload = {"scheduled_at": iso(now), "previous_at": None} if event.trigger == "schedule" else {}
    body = dumps(payload).encode()
    return replace(event, body=body, size=len(body), type=given.type)


def _request(event: Event, given: GivenEvent, workflow: Workflow, found: Found) -> Event:
    methods = workflow.webhook.methods if workflow.webhook else ("POST",)
    headers = {**event.headers, **given.headers}
    body, content_type = event.body, headers.get("content-type")
    if given.file is not None:
        body = found.files[given.file]
        content_type = content_type or type_by_name(given.file)
    elif given.has_payload:
        body, content_type = dumps(given.payload).encode(), content_type or JSON_TYPE
    elif given.body is not None:
        body = given.body.encode()
    if content_type and body:
        headers.setdefault("content-type", content_type)
    return replace(
        event,
        method=given.method or event.method or methods[0],
        path=event.path if given.path is None else given.path.strip("/"),
        query=event.query if given.query is None else given.query.removeprefix("?"),
        headers=headers,
        content_type=headers.get("content-type", ""),
        size=len(body),
        source_ip=given.source_ip or event.source_ip,
        body=body,
    )


def url_of(event: Event) -> str:
    """The address that the event came to, for providers that look at it."""
    rest = f"/{event.path}" if event.path else ""
    return f"{URL}{rest}{f'?{event.query}' if event.query else ''}"
