"""
The keys of a test file, `workflows/<slug>.test.yaml`: what its reader and its JSON Schema read.

    cases:
      - name: a big order reaches sales
        event: {file: fixtures/shopify-order.json, headers: {X-Shopify-Topic: orders/create}}
        given:
          slack.post_message: {channel: C1, ts: "1"}
        expect:
          status: succeeded
          actions:
            - slack.post_message: {channel: "#sales"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.runs import Disposition, Status
from runner.language.kinds import BOOLEAN, METHODS, TEXT, VARS, Block, Key, Kind, word
from runner.language.schema import DIALECT, block_schema
from runner.values import Json

if TYPE_CHECKING:
    from runner.language.catalogue import ActionInfo, Catalogue

TRIGGERS = ("webhook", "schedule", "poll", "manual", "call", "hookline")
STATUSES = (
    Status.SUCCEEDED.value,
    Status.FAILED.value,
    Status.FILTERED.value,
    Status.CANCELLED.value,
    Status.WAITING.value,
    Disposition.ACCEPTED.value,
    Disposition.IGNORED.value,
    Disposition.REJECTED.value,
)
"""Where a case may end: as a run, or before there is one (accepted: `split` gave no items)."""
ERRORS = ("rejected", "connection_rejected", "unavailable", "outcome_unknown", "timeout")
OUTCOMES = ("succeeded", "failed", "recovered", "skipped")
EXACTLY = "exactly"

ANY: dict[str, Json] = {"description": "Any value."}
VALUE = Kind("value", "a value", ANY)
MATCH = Kind(
    "value",
    "an expectation",
    {"description": "What is given must be so; more may be there. `{exactly: …}` for the whole."},
)
CASE_LIST = Kind("steps", "a list of cases", {"type": "array", "items": {"$ref": "#/$defs/case"}})
EVENT = Kind(
    "value",
    "a mapping such as {file: fixtures/order.json}, or the id of a recorded event",
    {"anyOf": [{"$ref": "#/$defs/event"}, {"type": "string", "pattern": "^[0-9a-z]{26}$"}]},
)
EXPECT = Kind("value", "a mapping of what to expect", {"$ref": "#/$defs/expect"})
HEADERS = Kind(
    "value",
    "a mapping of header names to texts",
    {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
)
QUERY = Kind(
    "value",
    "a text such as a=1&b=2, or a mapping",
    {"type": ["string", "object"], "description": "The query."},
)
TEXT_VALUES = Kind(
    "value", "a mapping of names to texts", {"type": "object", "additionalProperties": {"type": "string"}}
)
BODY = Kind("value", "a text", {"type": "string"})
INDEX = Kind("value", "a whole number from 0", {"type": "integer", "minimum": 0})
MOMENT = Kind(
    "value",
    "a date and time such as 2026-05-03T09:00:00Z",
    {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\d"},
)
GIVEN = Kind(
    "value",
    "a mapping of action names or step ids to what they give back",
    {"$ref": "#/$defs/given"},
)
ACTIONS = Kind(
    "value",
    'a list of calls such as - slack.post_message: {channel: "#sales"}',
    {
        "anyOf": [
            {"$ref": "#/$defs/calls"},
            {"type": "object", "properties": {EXACTLY: {"$ref": "#/$defs/calls"}}, "required": [EXACTLY]},
        ]
    },
)
BY_STEP = Kind(
    "value", "a mapping of step ids", {"type": "object", "additionalProperties": dict(MATCH.schema)}
)
REASON = Kind(
    "value",
    "a part of the sentence, or a mapping of code, sentence and facts",
    {"type": ["string", "object"], "description": "A part of the sentence, or {code, sentence, facts}."},
)
NOTES = Kind("value", "a list of texts", {"type": "array", "items": {"type": "string"}})

FILE = Block(
    "a test file",
    {
        one.name: one
        for one in (
            Key(
                "cases",
                "What is tried: each case is one event and what shall come of it.",
                (CASE_LIST,),
                [{"name": "a name is greeted", "event": {"payload": {"name": "Ada"}}}],
                required=True,
            ),
        )
    },
    elsewhere={
        "tests": "`cases`",
        "name": "the file's name says which workflow it is of; each case has its own `name`",
        "workflow": "the file's name says it: order.test.yaml is of order.yaml",
    },
)
CASE = Block(
    "a case",
    {
        one.name: one
        for one in (
            Key(
                "name",
                "What the case shows, as a sentence.",
                (TEXT,),
                "a big order reaches sales",
                required=True,
            ),
            Key(
                "event",
                "What starts the run: a file, an inline payload, or the id of a recorded event.",
                (EVENT,),
                {"file": "fixtures/order.json", "headers": {"X-Shopify-Topic": "orders/create"}},
            ),
            Key(
                "given",
                "What actions give back, by their name or by a step's id; a list answers call after call, "
                "and its last answer stays. `error` fails the call, `after` lets it take so long.",
                (GIVEN,),
                {"slack.post_message": {"channel": "C1", "ts": "1"}},
            ),
            Key(
                "expect",
                "What must come of it; without `status` any end but `failed` will do.",
                (EXPECT,),
                {"status": "succeeded", "actions": [{"slack.post_message": {"channel": "#sales"}}]},
            ),
            Key("strict", "Whether a call that `given` does not name fails the case.", (BOOLEAN,), True),
            Key("now", "The time at which the event comes; the clock goes on from there.", (MOMENT,),
                "2026-05-03T09:00:00Z"),
            Key("vars", "Constants of the workflow that have another value here.", (VARS,), {"threshold": 5}),
            Key(
                "secrets",
                "Values of secrets for this case; the others are placeholders.",
                (TEXT_VALUES,),
                {"SIGNING_KEY": "test"},
            ),
            Key("state", "What `state.*` actions find, by key.", (VARS,), {"seen": 3}),
        )
    },
    elsewhere={
        "payload": "`event: {payload: …}`",
        "input": "`event: {payload: …}`",
        "inputs": "`event: {trigger: manual, payload: …}`",
        "fixture": "`event: {file: …}`",
        "file": "`event: {file: …}`",
        "mocks": "`given` says what actions give back",
        "mock": "`given` says what actions give back",
        "stubs": "`given` says what actions give back",
        "returns": "`given` says what actions give back",
        "when": "`event` is what comes in, `given` what actions give back",
        "then": "`expect`",
        "assert": "`expect`",
        "expected": "`expect`",
        "status": "`expect: {status: …}`",
        "actions": "`expect: {actions: […]}`",
        "id": "`name` is what a case is called",
        "description": "`name` is what a case is called",
        "time": "`now`",
        "clock": "`now`",
        "env": "`vars` and `secrets`",
    },
)  # fmt: skip
EVENT_KEYS = Block(
    "an event",
    {
        one.name: one
        for one in (
            Key("file", "A file beside the test file that is the body.", (TEXT,), "fixtures/order.json"),
            Key("payload", "The payload itself; it goes in as JSON.", (VALUE,), {"name": "Ada"}),
            Key("body", "The body as a text.", (BODY,), "a=1&b=2"),
            Key("id", "A recorded event, by its id (needs --data).", (TEXT,)),
            Key(
                "trigger",
                "By which of its triggers the workflow is started.",
                (word(*TRIGGERS),),
                "schedule",
            ),
            Key("method", "The HTTP method.", (word(*METHODS),), "POST"),
            Key("path", "What follows the token in the address.", (BODY,), "orders/7"),
            Key("query", "The query.", (QUERY,), {"rating": "5"}),
            Key("headers", "The headers.", (HEADERS,), {"X-GitHub-Event": "push"}),
            Key(
                "type",
                "The event's type, where headers and payload do not tell it.",
                (TEXT,),
                "orders/create",
            ),
            Key("delivery_id", "The sender's id of this delivery.", (TEXT,), "d-1"),
            Key("source_ip", "The sender's address.", (TEXT,), "203.0.113.7"),
            Key("item", "Which item's run is followed, from 0, where the workflow has `split`.", (INDEX,), 0),
        )
    },
    elsewhere={
        "json": "`payload`",
        "data": "`payload`",
        "fixture": "`file`",
        "url": "`path` and `query`",
        "content_type": "`headers: {Content-Type: …}`",
        "topic": "`type`",
    },
)
EXPECT_KEYS = Block(
    "what to expect",
    {
        one.name: one
        for one in (
            Key("status", "Where the run ended.", (word(*STATUSES),), "succeeded"),
            Key(
                "actions",
                "Calls in their order, by action or by step id; others may stand between. `[]`: none. "
                "Inputs are a part of what was given, `exactly:` is the whole.",
                (ACTIONS,),
                [{"slack.post_message": {"channel": "#sales"}}],
            ),
            Key("steps", "Outputs of steps, by id.", (BY_STEP,), {"order": {"id": 1042}}),
            Key("outcomes", "Outcomes of steps, by id.", (BY_STEP,), {"tell": {"status": "failed"}}),
            Key("output", "The run's output: `output`, or else the last step's.", (MATCH,), {"ok": True}),
            Key(
                "answer",
                "What the sender hears: status, headers and body.",
                (MATCH,),
                {"status": 200, "body": {"greeting": "Hello Ada!"}},
            ),
            Key("reason", "Why the run ended so.", (REASON,), "payload.total was 80"),
            Key("title", "What the run is called.", (MATCH,), "Order #1042"),
            Key("notes", "Texts that stand in the run's notes.", (NOTES,), ["on_failure failed too"]),
            Key("state", "What is kept for the next run, by key.", (MATCH,), {"seen": 4}),
            Key("runs", "How many runs the event starts, where the workflow has `split`.", (INDEX,), 3),
        )
    },
    elsewhere={
        "result": "`output`",
        "response": "`answer`",
        "calls": "`actions`",
        "error": "`reason: {facts: {type: …}}`, or `outcomes: {<id>: {error: …}}`",
    },
)
ANSWER_KEYS = ("error", "after", "result")
ERROR_KEYS = ("type", "message", "status", "retry_after")


def cases_schema(catalogue: Catalogue) -> Json:
    """The JSON Schema of a test file, for editors; it completes the actions of *catalogue*."""
    duration = {"type": "string", "description": "A duration such as 3s."}
    error: Json = {
        "anyOf": [
            {"enum": list(ERRORS)},
            {"type": "string", "description": "Rejected, with this message."},
            {
                "type": "object",
                "properties": {
                    "type": {"enum": list(ERRORS), "description": "How the call fails."},
                    "message": {"type": "string", "description": "What the other side says."},
                    "status": {"type": "integer", "minimum": 400, "maximum": 599},
                    "retry_after": duration,
                },
                "additionalProperties": False,
                "examples": [{"status": 503, "retry_after": "30s"}],
            },
        ]
    }
    answer: Json = {
        "description": "A result, or {error, after, result}.",
        "anyOf": [
            {
                "type": "object",
                "properties": {"error": error, "after": duration, "result": ANY},
                "additionalProperties": False,
                "minProperties": 1,
                "examples": [{"error": "timeout"}, {"after": "2s", "result": {"status": 200}}],
            },
            {},
        ],
    }
    answers: Json = {"anyOf": [{"type": "array", "minItems": 1, "items": answer}, answer]}
    actions = sorted(catalogue.actions.values(), key=lambda one: one.name)
    call = {
        "anyOf": [
            {"type": "string", "examples": [one.name for one in actions]},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {one.name: _inputs(one) for one in actions},
                "additionalProperties": dict(MATCH.schema),
            },
        ]
    }
    given = {
        "type": "object",
        "properties": {one.name: {"$ref": "#/$defs/answers", "description": one.summary} for one in actions},
        "additionalProperties": {"$ref": "#/$defs/answers"},
    }
    return {
        "$schema": DIALECT,
        "title": "Tests of a Hookline workflow",
        **block_schema(FILE),
        "$defs": {
            "case": block_schema(CASE),
            "event": block_schema(EVENT_KEYS),
            "given": given,
            "expect": block_schema(EXPECT_KEYS),
            "answers": answers,
            "calls": {"type": "array", "items": call},
        },
    }


def _inputs(info: ActionInfo) -> Json:
    """A part of the inputs of an action, of any values: a case says what it got, not what is allowed."""
    properties = {
        name: {"description": one["description"]} if "description" in one else {}
        for name, one in info.inputs.items()
    }
    own = {"type": "object", "properties": {EXACTLY: ANY, **properties}, "additionalProperties": False}
    return {"anyOf": [own, {"type": "null"}, {"type": "string"}], "description": info.summary}
