"""Trying a workflow while it is written: what came in, values, previews, samples, and runs for real."""

from __future__ import annotations

import re
from typing import Any

from runner.language.faults import WorkflowInvalid
from runner.values import Json
from runner.workbench.making import Source
from runner.workbench.trials import Trials
from web.api.parameters import DEFAULT_ITEMS, LIMIT, OF_ID, OF_SLUG, OF_WORKFLOW, identity, word_of
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import (
    ANYTHING,
    NUMBER,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    either_null,
    many,
    named,
    thing,
)
from web.api.texts import OF_TEXT, find, shown
from web.house import House
from web.problems import Problem

KINDS = ("expression", "template", "condition")
LONGEST = 16 * 1024  # characters of an expression
LONGEST_SAMPLE = 200  # characters of its name
DEFAULT_LAST = 40
MOST_LAST = 100
NULLABLE: tuple[type, ...] = (str, type(None))
ANY: tuple[type, ...] = (dict, list, str, int, float, bool, type(None))


async def recent(house: House, asked: Asked) -> Json:
    """The latest events that can be tried."""
    await find(house, asked.id)
    return await trials_of(house).recent(asked.id, limit=asked.given.get("limit", DEFAULT_ITEMS))


async def data(house: House, asked: Asked) -> Json:
    """One event as expressions see it."""
    await find(house, asked.id)
    text = await _text(house, asked)
    return await trials_of(house).data(asked.id, _source(asked), text)


async def fields(house: House, asked: Asked) -> Json:
    """Which paths the last events had."""
    await find(house, asked.id)
    text = await _text(house, asked)
    return await trials_of(house).fields(asked.id, last=asked.given.get("last", DEFAULT_LAST), text=text)


async def evaluate(house: House, asked: Asked) -> Json:
    """The value of one expression or template."""
    slug = asked.given["slug"]
    await find(house, slug)
    return await trials_of(house).evaluate(
        slug, asked.given["text_of_workflow"], _source(asked), at=asked.given.get("at"),
        kind=asked.given.get("kind", "expression"), what=asked.given["text"],
    )  # fmt: skip


async def preview(house: House, asked: Asked) -> Json:
    """What a text would do with an event; nothing is sent."""
    slug = asked.given["slug"]
    await find(house, slug)
    return await trials_of(house).preview(
        slug, asked.given["text"], _source(asked), upto=asked.given.get("upto")
    )


async def try_now(house: House, asked: Asked) -> Json:
    """Run a text once, for real."""
    await find(house, asked.id)
    try:
        run = await trials_of(house).try_now(
            asked.id, asked.given["text"], _source(asked), by=asked.person.name
        )
    except WorkflowInvalid as error:
        count = len(error.faults)
        sentence = f"{'One thing' if count == 1 else f'{count:,} things'} to mend before this can run."
        raise Problem(422, sentence, faults=shown(error.faults)) from None
    await house.audit(asked.person, "tried for real", "workflow", asked.id, run=run)
    return {"run": run}


async def send_sample(house: House, asked: Asked) -> Json:
    """Let a sample come in by the real door."""
    await find(house, asked.id)
    is_sent = asked.given.get("send_for_real", False)
    answer = await trials_of(house).send_sample(
        asked.id, asked.given["text"], event_type=asked.given["type"],
        provider=asked.given.get("provider"), is_sent=is_sent, by=asked.person.name,
    )  # fmt: skip
    if is_sent:
        await house.audit(
            asked.person, "sent a sample for real to", "workflow", asked.id, event=answer["event"]
        )
    return answer


def trials_of(house: House) -> Trials:
    """What workflows are tried with. Raises Problem 503: nothing, in this process."""
    if house.trials is None:
        raise Problem(503, "This process tries no workflows.")
    return house.trials


async def _text(house: House, asked: Asked) -> str:
    """The text that the asker works on: the own draft, else what is live."""
    draft = await house.drafts.get(asked.id, asked.person.key)
    live = house.library.get(asked.id)
    return draft.text if draft else live.source if live else ""


def _source(asked: Asked) -> Source:
    """Which event is meant: one of the three, or none."""
    given = asked.given
    named_ones = [one for one in ("event", "sample", "payload") if given.get(one) is not None]
    if len(named_ones) > 1:
        raise Problem(422, f"Give one event: {' or '.join(named_ones)}.", parameter=named_ones[1])
    return Source(given.get("event"), given.get("sample"), given.get("payload"), "payload" in given)


def _sample(given: Json, _now: float) -> tuple[str, str] | None:
    if given is None:
        return None
    known = {"provider", "type"}
    if given.keys() != known or not all(isinstance(one, str) for one in given.values()):
        raise ValueError("write {provider, type}, such as shopify and orders/create")
    return given["provider"], given["type"]


def _sample_text(given: str, _now: float) -> tuple[str, str]:
    provider, slash, event_type = given.partition("/")
    if not slash or len(given) > LONGEST_SAMPLE:
        raise ValueError("write provider/type, such as shopify/orders/create")
    return provider, event_type


def _last(text: str, _now: float) -> int:
    number = int(text) if re.fullmatch("[0-9]{1,3}", text) else 0
    if not 1 <= number <= MOST_LAST:
        raise ValueError(f"must be a whole number from 1 to {MOST_LAST}")
    return number


def _as_given(given: Any, _now: float) -> Any:
    return given


def _short(given: str | None, _now: float) -> str | None:
    if given is not None and len(given) > LONGEST:
        raise ValueError(f"at most {LONGEST:,} characters")
    return given


OF_SAMPLE = {"type": "string", "maxLength": LONGEST_SAMPLE, "pattern": "/"}
SHORT = {"type": "string", "maxLength": LONGEST}
SHORT_OR_NULL = {**SHORT, "type": ["string", "null"]}
EVENT = Parameter("event", "The id of a stored event.", SHORT_OR_NULL, _short, NULLABLE)
SAMPLE = Parameter(
    "sample", "Or a bundled sample.",
    either_null(thing({"provider": TEXT, "type": TEXT})), _sample, (dict, type(None)),
)  # fmt: skip
PAYLOAD = Parameter("payload", "Or any payload; without all three, an empty one.", ANYTHING, _as_given, ANY)
OF_EVENT = (EVENT, SAMPLE, PAYLOAD)
SLUG = Parameter("slug", "The workflow's.", OF_SLUG, OF_WORKFLOW.read, is_required=True)
AT = "without loop indices: its id, or its kind and position such as `filter#1`, behind those around it."
STATUSES = ("passed", "stopped", "skipped", "would_send", "failed", "unknown", "not_reached")

SCHEMAS: dict[str, Json] = {
    "Recent": thing(
        {
            "id": TEXT,
            "title": {**TEXT, "description": "Of its first run; empty where it has none."},
            "type": TEXT_OR_NULL,
            "disposition": TEXT,
            "received_at": TIME,
            "is_sample": {"type": "boolean", "description": "Whether a person made it to try the workflow."},
        }
    ),
    "EvaluationFault": thing(
        {
            "code": TEXT,
            "severity": {"enum": ["error", "warning"]},
            "message": TEXT,
            "hint": TEXT,
            "line": NUMBER,
            "column": {**NUMBER, "description": "From 1."},
            "fix": either_null(
                thing({"from": NUMBER, "to": NUMBER, "text": {**TEXT, "description": "In place of them."}})
            ),
        }
    ),
    "Used": thing({"path": TEXT, "value": ANYTHING}),
    "Evaluation": thing(
        {
            "value": {"description": "There, as all but `fault` is, where it has one."},
            "type": {**TEXT, "description": "In words: text, number, list, …"},
            "shown": {**TEXT, "description": "The value on one line."},
            "used": {**many(named("Used")), "description": "What a condition saw."},
            "is_cut": {"type": "boolean", "description": "Whether something of the value is left out."},
            "fault": named("EvaluationFault"),
        },
        optional=("value", "type", "shown", "used", "is_cut", "fault"),
    ),
    "UnsentRequest": thing(
        {
            "method": {**TEXT_OR_NULL, "description": "Null, as all up to `curl`, where it is no HTTP."},
            "url": TEXT_OR_NULL,
            "headers": either_null(OBJECT),
            "body": {"description": "JSON, where it is that; else a text."},
            "curl": TEXT_OR_NULL,
            "destination": TEXT,
            "effect": TEXT,
            "is_read": {"type": "boolean", "description": "It only asks; what follows hangs on the answer."},
            "why": {**TEXT_OR_NULL, "description": "Why no request is shown."},
        }
    ),
    "PreviewStep": thing(
        {
            "path": TEXT,
            "id": TEXT_OR_NULL,
            "name": TEXT_OR_NULL,
            "kind": TEXT_OR_NULL,
            "status": {"type": "string", "enum": list(STATUSES)},
            "times": {**NUMBER, "description": "How often it runs; what stands here is of the most telling."},
            "input": ANYTHING,
            "output": ANYTHING,
            "is_invented": {"type": "boolean", "description": "Its output is made up, by its schema."},
            "is_cut": {"type": "boolean"},
            "error": ANYTHING,
            "sentence": TEXT,
            "used": many(named("Used")),
            "request": either_null(named("UnsentRequest")),
            "place": thing({"line": NUMBER}),
        }
    ),
    "Preview": thing(
        {
            "status": {**TEXT, "description": "Of the run, or of the event where none begins; `unreadable`."},
            "reason": named("Reason"),
            "title": TEXT,
            "runs": {**NUMBER, "description": "How many runs the event starts; the first is shown."},
            "steps": many(named("PreviewStep")),
            "faults": many(named("Fault")),
            "answer": {"description": "What the sender hears: `{status, headers, body}`, or null."},
            "sends": many(thing({"destination": TEXT, "count": NUMBER, "sentence": TEXT})),
        }
    ),
}  # fmt: skip

ROUTES = (
    Route(
        "GET", "/workflows/{id}/recent", "recent_events",
        "The latest events of a workflow that can be tried, newest first.",
        recent, thing({"items": many(named("Recent"))}), errors=(404, 410),
        query=(LIMIT,),
    ),
    Route(
        "GET", "/workflows/{id}/data", "event_data",
        "One event as expressions see it, what is hidden as •••.",
        data,
        thing(
            {
                "event": ANYTHING, "payload": ANYTHING, "unreadable": TEXT_OR_NULL, "headers": OBJECT,
                "query": OBJECT, "type": TEXT_OR_NULL, "title": TEXT, "is_sample": {"type": "boolean"},
            }
        ),
        errors=(404, 410),
        query=(
            Parameter("event", "The id of a stored event.", OF_ID, identity),
            Parameter("sample", "Or a sample: `shopify/orders/create`.", OF_SAMPLE, _sample_text),
        ),
    ),
    Route(
        "GET", "/workflows/{id}/fields", "event_fields",
        "Which paths the last events had: in how many, and of which kinds.",
        fields,
        thing(
            {
                "events": {**NUMBER, "description": "How many were looked at."},
                "fields": many(
                    thing({"path": TEXT, "types": many(TEXT), "in": NUMBER, "example": ANYTHING})
                ),
            }
        ),
        errors=(404, 410),
        query=(
            Parameter(
                "last", f"Of so many events; {DEFAULT_LAST} unless given.",
                {"type": "integer", "minimum": 1, "maximum": MOST_LAST, "default": DEFAULT_LAST},
                _last,
            ),
        ),
    ),
    Route(
        "POST", "/evaluate", "evaluate",
        "The value of an expression, a template or a condition where a step of a text stands, with an event. "
        "Nothing is saved or sent. With a value, `fault` is a warning.",
        evaluate, named("Evaluation"), role="editor", errors=(404, 410, 413),
        body=(
            SLUG,
            Parameter(
                "text_of_workflow", "The workflow as it is being written.", OF_TEXT.schema, OF_TEXT.read,
                is_required=True,
            ),
            *OF_EVENT,
            Parameter(
                "at", f"The path of the step before which it stands, {AT}", SHORT_OR_NULL, _short, NULLABLE,
            ),
            Parameter(
                "kind", "What it is.", {"type": "string", "enum": list(KINDS), "default": KINDS[0]},
                word_of(KINDS),
            ),
            Parameter(
                "text", "The expression or template.", {"type": "string", "maxLength": LONGEST}, _short,
                is_required=True,
            ),
        ),
    ),
    Route(
        "POST", "/preview", "preview",
        "What a text would do with an event, step by step, with each exact request. Nothing is sent.",
        preview, named("Preview"), role="editor", errors=(404, 409, 410, 413),
        body=(
            SLUG, OF_TEXT, *OF_EVENT,
            Parameter("upto", f"Only as far as this step: its path {AT}", SHORT_OR_NULL, _short, NULLABLE),
        ),
    ),
    Route(
        "POST", "/workflows/{id}/try", "try_workflow",
        "Send for real: run a text once on a copy of an event, as a run of mode `test`. It need not be "
        "published.",
        try_now, thing({"run": {**TEXT, "description": "Its id."}}), role="run",
        errors=(404, 409, 410, 413, 422), body=(OF_TEXT, *OF_EVENT),
    ),
    Route(
        "POST", "/workflows/{id}/sample", "send_sample",
        "Let a sample event come in by the real door, signed with the workflow's secret. Its run shows its "
        "actions and sends none, unless it is to send for real. Before the first publish it is judged by the "
        "text, and kept.",
        send_sample, thing({"event": TEXT_OR_NULL, "disposition": TEXT_OR_NULL, "sentence": TEXT}),
        role="run", errors=(404, 409, 410, 413),
        body=(
            OF_TEXT,
            Parameter("type", "The sample's, such as orders/create.", SHORT, _short, is_required=True),
            Parameter(
                "provider", "Whose, where the workflow verifies none.", SHORT_OR_NULL, _short, NULLABLE
            ),
            Parameter(
                "send_for_real", "Whether its run sends its actions.", {"type": "boolean", "default": False},
                _as_given, (bool,),
            ),
        ),
    ),
)  # fmt: skip
