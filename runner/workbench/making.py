"""Events that nobody sent: made up of a sample, of a payload, or of nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.engine.accept import own_event
from runner.engine.runs import Disposition, Event, Gate
from runner.engine.sampling import sample_event, steady_sample
from runner.language.source import compose
from runner.values import Json, dumps, iso, sortable_id

if TYPE_CHECKING:
    from runner.inbound.request import Request

TRIGGERS = ("webhook", "manual", "schedule", "poll", "hookline")
STEADY_SECONDS = 600.0  # an event that is made up is the same for so long


@dataclass(frozen=True, slots=True)
class Source:
    """
    Which event is meant: a stored one by its id, a sample by (provider, type), or one that is made up of a
    `payload`; else an empty one.
    """

    event: str | None = None
    sample: tuple[str, str] | None = None
    payload: Json = None
    has_payload: bool = False


def made_up(slug: str, source: Source, text: str, now: float) -> Event:
    """The event that *source* means where that is no stored one, for the workflow *text*. Raises NotFound."""
    moment = now - now % STEADY_SECONDS
    if source.sample is not None:
        event = _event(slug, "webhook", {}, moment, " ".join(source.sample))
        return sample_event(event, steady_sample(*source.sample, now))
    trigger = _trigger(text)
    payload = source.payload if source.has_payload else {}
    if trigger == "schedule" and not source.has_payload:
        payload = {"scheduled_at": iso(moment), "previous_at": None}
    return _event(slug, trigger, payload, moment, dumps(payload))


def of_request(slug: str, request: Request, now: float) -> Event:
    """A request as the event that it would be, still without an id."""
    return Event(
        id="", workflow=slug, trigger="webhook", received_at=now, disposition=Disposition.ACCEPTED,
        method=request.method, path="", query="", headers=dict(request.headers),
        content_type=request.header("content-type"), size=len(request.body), source_ip="",
        body=request.body,
    )  # fmt: skip


def _event(slug: str, trigger: str, payload: Json, now: float, text: str) -> Event:
    """An event that nobody sent, the same for the same."""
    event = own_event(slug, trigger, payload, Gate("received", "passed", "made up to look"), now=now)
    identity = sortable_id(
        now, hashlib.sha256(f"{slug}\n{text}".encode(errors="surrogatepass")).digest()[:10]
    )
    if trigger == "webhook":
        event = replace(event, method="POST", headers={"content-type": "application/json"})
    return replace(event, id=identity)


def _trigger(text: str) -> str:
    """The first trigger of a text, whatever else is wrong with it."""
    root = compose(text, path="").root
    node = root.value.get("trigger") if root is not None and isinstance(root.value, dict) else None
    named = node.value if node is not None and isinstance(node.value, dict) else {}
    return next((one for one in TRIGGERS if one in named), "webhook")
