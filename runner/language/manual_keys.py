"""The keys of the triggers `manual` and `hookline`: a part of the table in keys.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.language.kinds import BOOLEAN, JSON_SCHEMA, Block, Key, Kind, block, named_block

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_KINDS: Mapping[str, str] = {
    "problem_opened": "a problem opened: runs failed of one cause, wait for what does not answer, or too "
    "many wait",
    "problem_closed": "a problem closed, by itself or by a person",
    "run_failed": "a run failed for good, after its retries",
    "workflow_silent": "a workflow with `expect_every` has not heard from its sender for that long",
    "connection_expiring": "a connection ends within a week, and again within a day, unless a person acts",
}
"""The server's own events that may start runs, each with what it tells."""

OWN_KIND_LIST = Kind(
    "own_kinds",
    f"a list of {', '.join(OWN_KINDS)}",
    {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"oneOf": [{"const": name, "description": about} for name, about in OWN_KINDS.items()]},
    },
)

OWN_TRIGGERS = (
    Key(
        "manual",
        "Started from the page, the command line, the API, a public form or another workflow's `call`.",
        (block("manual"),),
        {"inputs": {"type": "object", "properties": {"order": {"type": "integer"}}}},
    ),
    Key(
        "hookline",
        "Started by the server's own events, such as a problem that opens.",
        (block("hookline"),),
        {"on": ["problem_opened"]},
    ),
)

MANUAL_BLOCKS: Mapping[str, Block] = {
    "manual": named_block(
        "manual",
        Key(
            "inputs",
            "What a run is started with: the JSON Schema of an object. The form is drawn from it, and "
            "`payload` is what satisfies it.",
            (JSON_SCHEMA,),
            {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}},
        ),
        Key(
            "public",
            "Whether anyone who has its address may fill in the form: `hookline url SLUG --form` shows it.",
            (BOOLEAN,),
            True,
        ),
        elsewhere={
            "schema": "`inputs`",
            "fields": "`inputs`, the JSON Schema of an object",
            "form": "`inputs`, the JSON Schema of an object, which the form is drawn from",
            "parameters": "`inputs`, the JSON Schema of an object",
            "properties": "`inputs: {type: object, properties: {…}}`",
        },
    ),
    "hookline": named_block(
        "hookline",
        Key(
            "on",
            "Which of the server's own events start a run. What its own runs come to never does.",
            (OWN_KIND_LIST,),
            ["problem_opened", "problem_closed"],
            required=True,
        ),
        elsewhere={"events": "`on: [problem_opened, …]`", "kinds": "`on: [problem_opened, …]`"},
    ),
}
