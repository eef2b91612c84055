"""
A case out of a real run: its event, what its actions gave, and what came of it.

What the workflow redacts, and every secret, is replaced before the case is tried, and what comes of
that trial is what it expects: nothing of the real values can stand in it, and it passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engine.paths import INDEX, own_id
from runner.inbound.media import read_media
from runner.language.redact import splits
from runner.values import Json, iso
from runner.workbench.case_keys import ANSWER_KEYS, ERRORS
from runner.workbench.hiding import Stand

if TYPE_CHECKING:
    from runner.engine.runs import Event
    from runner.language.workflow import Workflow

# how a sender proves itself, and what only this one delivery says; `content-type` is told by the body
LEFT_OUT = frozenset(
    {"accept", "accept-encoding", "accept-language", "authorization", "connection", "content-encoding",
     "content-length", "cookie", "forwarded", "host", "proxy-authorization", "te", "traceparent",
     "tracestate", "transfer-encoding", "user-agent", "via"}
)  # fmt: skip
LEFT_OUT_PARTS = ("signature", "hmac", "token", "secret", "api-key", "x-forwarded", "x-real-ip", "digest")
RECORDED = frozenset({"action", "call", "wait_for"})


@dataclass(frozen=True, slots=True)
class PastRun:
    """
    A run as the history has it, nothing hidden: `steps` as `History.run` gives them; `item` is which
    of its event's items it is of.
    """

    id: str
    event: Event
    payload: Json
    steps: Sequence[Mapping[str, Json]]
    item: int | None = None


def case_of(
    past: PastRun, workflow: Workflow, source: str, names: Mapping[str, str], secrets: frozenset[str]
) -> dict[str, Json]:
    """
    The case as it is written, still without `expect`. *source* is the text of *workflow*, *names* has
    what a step calls, by its path without indices; *secrets* are the values of the server's secrets.

    Raises:
        ValueError: the body is no text, so it can stand in no test file; a sentence.
    """
    ended = [one for one in past.steps if one["kind"] in RECORDED]
    outputs = [(identity, one["output"]) for one in ended if (identity := own_id(one["path"]))]
    stand = Stand(workflow.redact, past.event, past.payload, outputs, secrets, is_split=splits(source))
    case: dict[str, Json] = {
        "name": f"as run {past.id}",
        "event": _event(past, workflow, stand),
        "now": iso(past.event.received_at),
    }
    if given := _given(ended, names, stand):
        case["given"] = given
    return case


def _event(past: PastRun, workflow: Workflow, stand: Stand) -> dict[str, Json]:
    event = past.event
    written: dict[str, Json] = {}
    if event.trigger != "webhook":
        return {"trigger": event.trigger, "payload": stand.at(("payload",), past.payload)}
    headers = {
        name: value for name, value in event.headers.items() if name != "content-type" and _is_kept(name)
    }
    if event.body:
        kind = read_media(event.content_type).kind
        if kind == "json" or (kind == "unknown" and isinstance(past.payload, dict | list)):
            written["payload"] = stand.at(("payload",), past.payload)
        elif kind in ("file", "multipart") or b"\0" in event.body:
            raise ValueError(f"the event's body is {event.content_type}, which can stand in no test file")
        else:
            written["body"] = stand.text(event.body.decode(errors="replace"))
            headers["content-type"] = event.content_type
    default = workflow.webhook.methods[0] if workflow.webhook else "POST"
    if event.method != default:
        written["method"] = event.method
    if event.path:
        written["path"] = stand.at(("event", "path"), event.path)
    if event.query:
        written["query"] = stand.text(event.query)
    if headers:
        written["headers"] = stand.at(("event", "headers"), headers)
    if past.item:
        written["item"] = past.item
    return written


def _is_kept(name: str) -> bool:
    return name not in LEFT_OUT and not any(part in name for part in LEFT_OUT_PARTS)


def _given(steps: Sequence[Mapping[str, Json]], names: Mapping[str, str], stand: Stand) -> dict[str, Json]:
    """What was recorded, by the plainest name that means this one step."""
    called = [names.get(INDEX.sub("", one["path"])) for one in steps]
    given = {}
    for step, name in zip(steps, called, strict=True):
        if step["status"] not in ("succeeded", "failed"):
            continue
        path, identity = step["path"], step["id"]
        key = path
        if name and called.count(name) == 1:
            key = name
        elif identity and sum(one["id"] == identity for one in steps) == 1:
            key = identity
        given[key] = _answers(step, stand)
    return given


def _answers(step: Mapping[str, Json], stand: Stand) -> Json:
    failed = [{"error": "unavailable"}] * max(0, (step["attempts"] or 1) - 1)
    if step["status"] == "failed":
        error = step["error"] or {}
        kind = error.get("type") if error.get("type") in ERRORS else "rejected"
        last: Json = {"error": {"type": kind, "message": stand.value(str(error.get("message", "")))}}
    else:
        output = step["output"]
        output = stand.at(("steps", step["id"]), output) if step["id"] else stand.value(output)
        is_form = isinstance(output, dict) and output and output.keys() <= {*ANSWER_KEYS}
        last = {"result": output} if is_form else output
    if failed:
        return [*failed, last]
    return [last] if isinstance(last, list) else last
