"""The event of `hookline run` for a workflow that starts by itself: by a schedule, or of a poll's item."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.engine.accept import own_event
from runner.engine.runs import Event, Gate
from runner.engine.schedules import payload_at
from runner.errors import SettingsError

if TYPE_CHECKING:
    from runner.engine.library import Live


def timed_event(live: Live, body: bytes, *, now: float) -> Event | None:
    """
    An event whose payload is the JSON of *body*; without one, of a schedule, a firing that is due *now*.
    None where the workflow has a webhook, or neither a schedule nor a poll.

    Raises:
        SettingsError: the item of a poll is missing.
    """
    workflow = live.workflow
    if workflow.webhook or not (workflow.schedule or workflow.poll):
        return None
    trigger = "poll" if workflow.poll and (body or not workflow.schedule) else "schedule"
    if not body and trigger == "poll":
        raise SettingsError(f"{workflow.slug} runs for an item of its poll: give one as JSON with --payload")
    gate = Gate("received", "passed", "from the command line")
    event = own_event(workflow.slug, trigger, payload_at(now, None), gate, now=now)
    return replace(event, body=body, size=len(body)) if body else event
