"""JSON Schemas of what the API answers (draft 2020-12, as OpenAPI 3.1 has it)."""

from __future__ import annotations

from collections.abc import Iterable

from runner.engine.runs import Disposition, Status
from runner.values import Json

TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
NUMBER = {"type": "integer"}
TIME = {"type": "string", "format": "date-time"}
TIME_OR_NULL = {"type": ["string", "null"], "format": "date-time"}
OBJECT = {"type": "object"}
ANYTHING: Json = {}  # any JSON value


RANGE: Json = {
    "type": "object",
    "description": "Lines and columns count from 1; the end stands behind the last character.",
    "properties": dict.fromkeys(("line", "column", "end_line", "end_column"), NUMBER),
    "required": ["line", "column", "end_line", "end_column"],
    "additionalProperties": False,
}


def thing(properties: dict[str, Json], *, optional: Iterable[str] = ()) -> Json:
    """An object with exactly *properties*, all of them present but the *optional* ones."""
    left_out = set(optional)
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": False,
    }


def either_null(schema: Json) -> Json:
    """*schema* or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Json) -> Json:
    """A list of *schema*."""
    return {"type": "array", "items": schema}


def named(name: str) -> Json:
    """The schema of that name in COMPONENTS."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(name: str) -> Json:
    """A page of a list: `next` is the cursor of the page after, null at the end."""
    return thing({"items": many(named(name)), "next": TEXT_OR_NULL})


_EVENT = {
    "id": TEXT,
    "workflow": TEXT,
    "trigger": TEXT,
    "disposition": {"type": "string", "enum": [str(one) for one in Disposition]},
    "received_at": TIME,
    "method": TEXT,
    "path": TEXT,
    "content_type": TEXT,
    "size": {**NUMBER, "description": "Of the body, in bytes."},
    "source_ip": TEXT,
    "type": {**TEXT_OR_NULL, "description": "The provider's event type."},
    "delivery_id": TEXT_OR_NULL,
    "reason": {**TEXT_OR_NULL, "description": "Why it was stopped, in a sentence."},
    "runs": many(thing({"id": TEXT, "status": TEXT, "title": TEXT})),
}
_STATUS = {"type": "string", "enum": [str(one) for one in Status]}
_RUN = {
    "id": TEXT,
    "title": TEXT,
    "workflow": TEXT,
    "version": NUMBER,
    "status": _STATUS,
    "reason": either_null(named("Reason")),
    "event": {**TEXT, "description": "The id of its event."},
    "attempt": NUMBER,
    "replay_of": TEXT_OR_NULL,
    "mode": {
        "enum": ["live", "shadow", "test", "sample"],
        "description": "test: a person tried it for real. Of a shadow and of a sample no action was sent.",
    },
    "waiting": either_null(thing({"for": TEXT, "until": TIME_OR_NULL})),
    "accepted_at": TIME,
    "started_at": TIME_OR_NULL,
    "ended_at": TIME_OR_NULL,
}
_WORKFLOW = {
    "slug": TEXT,
    "name": TEXT,
    "description": TEXT,
    "tags": many(TEXT),
    "version": {
        "type": ["integer", "null"],
        "description": "Of what is live; null: the file has faults, or it was never published.",
    },
    "state": {
        "enum": ["live", "paused", "draft", "faults"],
        "description": "draft: never published; paused: its events are held, by a person or by "
        "`enabled: false`; faults: its file has errors, and the last good version runs, if there is one.",
    },
    "url": {**TEXT_OR_NULL, "description": "Where its events arrive; of a draft, where they are held."},
    "methods": many(TEXT),
    "manual": {"type": "boolean", "description": "Whether it can be started by hand and by calls."},
    "form": {**TEXT_OR_NULL, "description": "Where its public form is."},
    "enabled": {"type": "boolean", "description": "Whether its file lets its events start runs."},
    "paused": either_null(named("Pause")),
    "mode": {"enum": ["live", "shadow"], "description": "shadow: actions are shown and not sent."},
    "overridden": {
        **OBJECT,
        "description": "Vars that this server's configuration sets: `{name: {file, server}}`.",
    },
    "faults": many(named("Fault")),
}

_VERSION = {
    "version": NUMBER,
    "created_at": TIME,
    "by": {**TEXT_OR_NULL, "description": "Who published it; null: the file was changed otherwise."},
    "message": TEXT_OR_NULL,
    "is_live": {"type": "boolean"},
    "runs": {**NUMBER, "description": "Runs on it; 10001 stands for more than 10,000."},
}

COMPONENTS: dict[str, Json] = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457. `parameter` names what a 400 is about; a route that gives more members "
        "says so: `faults` of a text, what is `live`, the `draft` that is stored.",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": NUMBER,
            "detail": TEXT,
            "parameter": TEXT,
        },
        "required": ["type", "title", "status", "detail"],
    },
    "Pause": thing(
        {
            "kind": {"enum": ["workflow", "connection", "host"]},
            "name": TEXT,
            "until": {**TIME_OR_NULL, "description": "Null: until it is resumed."},
            "why": TEXT,
            "by": TEXT,
            "at": TIME,
        }
    ),
    "Approval": thing(
        {
            "id": TEXT,
            "run": TEXT,
            "workflow": TEXT,
            "title": {**TEXT, "description": "Of the run."},
            "step": TEXT,
            "message": {**TEXT_OR_NULL, "description": "What is asked."},
            "choices": many(TEXT),
            "assignees": {**many(TEXT), "description": "Who may answer; empty: who may replay a run."},
            "since": TIME_OR_NULL,
            "until": {**TIME_OR_NULL, "description": "Null: there is no end to it."},
            "url": {**TEXT, "description": "Where a person who is signed in answers."},
        }
    ),
    "Answer": thing({"choice": TEXT, "by": TEXT, "comment": TEXT_OR_NULL}),
    "Reason": thing({"code": TEXT, "sentence": TEXT, "facts": OBJECT}),
    "Gate": thing(
        {"name": TEXT, "verdict": {"enum": ["passed", "stopped"]}, "reason": TEXT, "facts": OBJECT}
    ),
    "Fault": thing(
        {
            "path": TEXT,
            "line": NUMBER,
            "column": NUMBER,
            "where": TEXT,
            "code": TEXT,
            "severity": {"enum": ["error", "warning"]},
            "message": TEXT,
            "hint": TEXT,
            "fix": thing({"range": RANGE, "text": TEXT}),
        },
        optional=("fix",),
    ),
    "Step": thing(
        {
            "id": TEXT_OR_NULL,
            "path": TEXT,
            "name": TEXT_OR_NULL,
            "kind": TEXT_OR_NULL,
            "status": TEXT_OR_NULL,
            "attempts": NUMBER,
            "input": ANYTHING,
            "output": ANYTHING,
            "error": ANYTHING,
            "started_at": TIME_OR_NULL,
            "ended_at": TIME_OR_NULL,
            "due_at": TIME_OR_NULL,
            "ms": {"type": ["number", "null"], "description": "How long it took in the last turn."},
        }
    ),
    "ScheduleItem": thing(
        {
            "workflow": TEXT,
            "kind": {"enum": ["schedule", "poll"]},
            "what": {**TEXT, "description": "The cron expression, or what is done how often."},
            "words": TEXT,
            "timezone": {**TEXT_OR_NULL, "description": "Of the cron expression."},
            "next": {**many(TIME), "description": "The next times; none while it is stopped."},
            "last": {
                "type": ["object", "null"],
                "description": "`{at, event}` of the last firing with a run, `{at, found}` of a poll.",
            },
            "stopped": {**TEXT_OR_NULL, "description": "Why it does not come now."},
            "skipped": {
                "type": ["object", "null"],
                "description": "`{count, why}` of firings since the last that started nothing.",
            },
            "error": {
                "type": ["object", "null"],
                "description": "`{message, failures, since}` of a poll that fails.",
            },
        }
    ),
    "ProblemOfRuns": thing(
        {
            "id": TEXT,
            "kind": {
                "enum": ["runs", "silent", "poll", "backlog"],
                "description": "Runs that failed or wait, a silent sender, a poll that fails, or a backlog.",
            },
            "workflow": TEXT,
            "step": {**TEXT, "description": "A path without loop indices; empty: the run as a whole."},
            "cause": TEXT,
            "sentence": TEXT,
            "destination": {**TEXT_OR_NULL, "description": "The connection or host that does not answer."},
            "status": {"enum": ["open", "closed"]},
            "opened_at": TIME,
            "seen": either_null(thing({"at": TIME, "by": TEXT})),
            "closed_at": TIME_OR_NULL,
            "dismissed_by": {**TEXT_OR_NULL, "description": "Null where it closed by itself."},
            "note": TEXT_OR_NULL,
            "runs": thing(
                dict.fromkeys(("total", "failed", "waiting", "under_way", "recovered", "cancelled"), NUMBER)
            ),
            "last_at": {**TIME_OR_NULL, "description": "When its latest run was accepted."},
            "replay": {**TEXT_OR_NULL, "description": "The id of a replay of it that is not over."},
        }
    ),
    "Replay": thing(
        {
            "id": TEXT,
            "status": {"enum": ["planned", "running", "paused", "stopped", "done"]},
            "runs": either_null(many(TEXT)),
            "where": either_null(OBJECT),
            "from": TEXT,
            "version": {"enum": ["live", "original"]},
            "rate": {"type": "number"},
            "first": NUMBER,
            "include_uncertain": {"type": "boolean"},
            "include_stale": {"type": "boolean"},
            "run_missing": {"type": "boolean"},
            "as_new": {"type": "boolean"},
            "problem": TEXT_OR_NULL,
            "by": TEXT,
            "created_at": TIME,
            "started_at": TIME_OR_NULL,
            "ended_at": TIME_OR_NULL,
            "why": {**TEXT_OR_NULL, "description": "Why it is paused or stopped."},
            "plan": thing(dict.fromkeys(("safe", "uncertain", "stale", "refused", "included"), NUMBER)),
            "effects": many(
                thing(
                    {
                        "class": TEXT,
                        "step": TEXT,
                        "action": TEXT,
                        "key": {"enum": ["kept", "new"]},
                        "runs": {**NUMBER, "description": "How often the effect would happen again."},
                    }
                )
            ),
            "left_out": many(thing({"run": TEXT, "class": TEXT, "why": TEXT_OR_NULL})),
            "progress": thing(
                dict.fromkeys(
                    (
                        "included",
                        "started",
                        "left",
                        "under_way",
                        "waiting",
                        "succeeded",
                        "failed",
                        "cancelled",
                        "refused",
                    ),
                    NUMBER,
                )
            ),
        }
    ),
    "Rechecked": thing(
        {
            "workflow": TEXT,
            **dict.fromkeys(("accepted", "duplicate", "ignored", "held", "dropped"), NUMBER),
            "rejected": {**NUMBER, "description": "Refused still."},
            "unjudged": {**NUMBER, "description": "Cannot be judged again: the body was refused unread, …"},
            "reasons": many(thing({"reason": TEXT, "count": NUMBER})),
            "backlog_full": {"type": "boolean", "description": "Some are left: do it again later."},
        }
    ),
    "EventItem": thing(_EVENT),
    "Event": thing(
        {
            **_EVENT,
            "query": TEXT,
            "headers": OBJECT,
            "gates": many(named("Gate")),
            "payload": ANYTHING,
            "body": TEXT,
            "notes": {**many(TEXT), "description": "What had to be guessed to read the payload."},
            "unreadable": {**TEXT, "description": "Why it has no payload."},
        },
        optional=("payload", "notes", "body", "unreadable"),
    ),
    "RunItem": thing(_RUN),
    "Run": thing(
        {
            **_RUN,
            "steps": many(named("Step")),
            "trace": many(OBJECT),
            "output": ANYTHING,
            "answer": ANYTHING,
            "notes": many(TEXT),
            "overridden": {**OBJECT, "description": "The vars that this server's configuration set in it."},
        }
    ),
    "WorkflowItem": thing(_WORKFLOW),
    "Workflow": thing({**_WORKFLOW, "source": {**TEXT_OR_NULL, "description": "The text of what is live."}}),
    "EditedWorkflow": thing(
        {
            **_WORKFLOW,
            "source": {**TEXT_OR_NULL, "description": "The text of what is live."},
            "file": {**TEXT_OR_NULL, "description": "The text of the file, which may have faults."},
            "is_read_only": {"type": "boolean", "description": "Whether it cannot be changed here."},
            "read_only_reason": TEXT_OR_NULL,
            "draft": {**either_null(named("Draft")), "description": "That of whoever asks."},
            "others": {**many(named("Editing")), "description": "Who else changed a draft in the last hour."},
        }
    ),
    "Draft": thing(
        {
            "text": TEXT,
            "revision": {**NUMBER, "description": "Goes up with each save."},
            "base": {"type": ["integer", "null"], "description": "The live version that it began from."},
            "saved_at": TIME,
        }
    ),
    "Editing": thing({"by": TEXT, "saved_at": TIME}),
    "VersionItem": thing(_VERSION),
    "Version": thing(
        {
            **_VERSION,
            "text": TEXT,
            "diff": {**TEXT, "description": "Unified, from it to the live one; empty: no difference."},
            "sentences": {**many(TEXT), "description": "The same in words."},
            "changed": {
                **thing({"since": {"type": ["integer", "null"]}, "diff": TEXT, "sentences": many(TEXT)}),
                "description": "What it changed since the version before it.",
            },
        }
    ),
    "Published": thing(
        {
            "version": NUMBER,
            "held": {**NUMBER, "description": "Events that wait for a person to release them."},
        }
    ),
    "Starter": thing(
        {
            "slug": TEXT,
            "name": TEXT,
            "title": {**TEXT, "description": "What comes in and where it goes."},
            "description": TEXT,
            "services": many(TEXT),
            "text": TEXT,
        }
    ),
    "Action": {
        "type": "object",
        "properties": {"name": TEXT, "summary": TEXT},
        "required": ["name", "summary"],
    },
}
