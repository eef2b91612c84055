"""The names that a workflow sees before its first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.sampling import TESTS
from runner.inbound.decode import Bounds, Decoded, decode, query_object
from runner.language.scope import Scope
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.engine.runs import Event, Run
    from runner.language.workflow import Workflow


OWN_BOUNDS = Bounds(max_body_bytes=256 * 1024 * 1024)


def first_names(
    run: Run, event: Event, workflow: Workflow, payload: Json, public_url: str
) -> dict[str, Json]:
    """All names at the root, no step having run."""
    return {
        "payload": payload,
        "event": event_names(event),
        "vars": dict(workflow.vars),
        "run": {
            "id": run.id,
            "title": run.title,
            "url": f"{public_url}/runs/{run.id}",
            "workflow": run.workflow,
            "version": run.version,
            "attempt": run.attempt,
            "started_at": iso(run.base_at),
            "test": run.mode in TESTS,
        },
        "steps": {},
        "outcomes": {},
    }


def names_at_the_door(event: Event, workflow: Workflow, payload: Json, run_id: str) -> dict[str, Json]:
    """What a title and a fixed answer see: there is no run yet but its id."""
    return {
        "payload": payload,
        "event": event_names(event),
        "vars": dict(workflow.vars),
        "run": {"id": run_id, "workflow": workflow.slug},
    }


def scope_at_the_door(event: Event, workflow: Workflow, payload: Json, run_id: str) -> Scope:
    """What an expression evaluated while accepting sees."""
    names = names_at_the_door(event, workflow, payload, run_id)
    return Scope(names, event.received_at, event.id, workflow.timezone)


def bounds_of(workflow: Workflow) -> Bounds:
    """What a body may cost at the workflow's address."""
    webhook = workflow.webhook
    if webhook is None:
        return Bounds()
    return Bounds(max_body_bytes=webhook.max_body_bytes, max_file_bytes=webhook.max_file_bytes)


def payload_of(event: Event, bounds: Bounds, *, is_thorough: bool = False) -> Decoded:
    """
    The event's `payload`, decoded from its raw bytes: the same each time. *is_thorough* for those who
    look at it: then its notes tell more.

    Raises:
        InboundError: the body cannot be read.
    """
    if event.trigger != "webhook":  # written by us: what was accepted once is never too large later
        bounds = OWN_BOUNDS
    return decode(
        event.body,
        content_type=event.content_type,
        content_encoding=event.headers.get("content-encoding", ""),
        query=event.query,
        method=event.method,
        bounds=bounds,
        is_thorough=is_thorough,
    )


def event_names(event: Event) -> dict[str, Json]:
    """What `event` is."""
    return {
        "id": event.id,
        "received_at": iso(event.received_at),
        "method": event.method,
        "path": event.path,
        "rest": [part for part in event.path.split("/") if part],
        "headers": dict(event.headers),
        "query": query_object(event.query),
        "content_type": event.content_type,
        "size": event.size,
        "source_ip": event.source_ip,
        "type": event.type,
        "delivery_id": event.delivery_id,
        "trigger": event.trigger,
    }
