"""
The keys of a workflow file: the one table that the loader, the JSON Schema and the reference read.

A `Block` is a mapping of the file: the keys that stand in it, those that the language has and
this version does not, and what other products call them. A `Key` says which kinds of value it
takes; the first that fits is read (`reading.py`), all of them stand in the schema (`schema.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.language.kinds import (
    BOOLEAN,
    BRANCHES,
    CASES,
    CAUSES,
    COUNT,
    DURATION,
    EXPRESSION,
    EXPRESSIONS,
    FACTOR,
    ID,
    INPUTS,
    OFF,
    PATHS,
    STEPS,
    TEMPLATE,
    TEMPLATES,
    TEXT,
    TEXTS,
    VARS,
    ZONE,
    Block,
    Key,
    block,
    named_block,
    word,
)  # fmt: skip
from runner.language.manual_keys import MANUAL_BLOCKS, OWN_TRIGGERS
from runner.language.timed_keys import TIMED_BLOCKS, TIMED_TRIGGERS
from runner.language.waiting_keys import REPEAT_KEYS, WAITING_BLOCKS, WAITING_ELSEWHERE, WAITING_STEPS
from runner.language.webhook_keys import WEBHOOK_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_NESTING = 8  # of steps in steps (language.md, Limits)
SLUG_PATTERN = "[a-z0-9][a-z0-9-]{0,62}"


MODIFIERS = (
    Key(
        "id",
        "The step's name in expressions: its output is `steps.<id>`. Unique in the file.",
        (ID,),
        "order",
    ),
    Key("name", "A label for people.", (TEXT,), "Tell the sales team"),
    Key("if", "Runs the step only when this holds.", (EXPRESSION,), "payload.total > 100"),
    Key("timeout", "How long the step may take.", (DURATION,), "30s"),
    Key(
        "on_error",
        "What happens when the step failed for good: `fail` the run, `continue` with null as its "
        "output, or a list of steps to run instead.",
        (word("fail", "continue"), STEPS),
        "continue",
    ),
)
"""Keys of every step."""

WITH_STEPS = Key("steps", "The steps to run.", (STEPS,), required=True)
STEP_KINDS: Mapping[str, tuple[Key, ...]] = {
    "filter": (
        Key(
            "filter",
            "Goes on only when this holds; otherwise the run, the item or the branch ends here.",
            (EXPRESSION,),
            "payload.total >= vars.threshold",
        ),
    ),
    "transform": (
        Key(
            "transform",
            "Moves values: a JMESPath, or a mapping or list of them.",
            (EXPRESSIONS,),
            {"id": "payload.id"},
        ),
    ),
    "template": (Key("template", "Makes text from values.", (TEMPLATES,), "Hello {{ payload.name }}"),),
    "action": (
        Key("action", "Calls an action: `connector.action`.", (TEXT,), "slack.post_message"),
        Key("connection", "The connection to use, by its name on the server.", (TEXT,), "team-slack"),
        Key("with", "The action's inputs.", (INPUTS,), {"channel": "#sales"}),
        Key(
            "retry",
            "When a failed attempt is made again; `false` for never.",
            (OFF, block("retry")),
            {"attempts": 3},
        ),
        Key(
            "after_crash",
            "What happens to a call that was in flight when the server died: made again, or the run "
            "stops for a person.",
            (word("repeat", "stop"),),
            "stop",
        ),
    ),
    "switch": (
        Key(
            "switch",
            "Takes the first case whose `when` holds.",
            (CASES,),
            [{"when": "payload.paid", "steps": []}],
        ),
    ),
    "for_each": (
        Key("for_each", "Runs `steps` for each item of a list.", (EXPRESSION,), "payload.line_items"),
        WITH_STEPS,
        Key("as", "The item's name in `steps`.", (ID,), "line"),
        Key("concurrency", "How many items run at once.", (COUNT,), 4),
        Key(
            "on_item_error", "Whether a failed item fails the step.", (word("fail", "continue"),), "continue"
        ),
    ),
    "repeat": (*REPEAT_KEYS, WITH_STEPS),
    "parallel": (Key("parallel", "Runs all branches at once.", (BRANCHES,), {"sales": [], "stock": []}),),
    **WAITING_STEPS,
    "call": (
        Key(
            "call",
            "Starts a run of another workflow, which has a `manual` trigger.",
            (TEXT,),
            "enrich-lead",
        ),
        Key("with", "Its inputs: the other's `payload`.", (INPUTS,), {"email": "{{ payload.email }}"}),
        Key(
            "wait",
            "Whether to wait for its end, which is the default: its output is the step's, and its failure "
            "too. With `false` the output is the id of its run.",
            (BOOLEAN,),
            False,
        ),
    ),
    "respond": (
        Key(
            "respond",
            "Answers the waiting caller; the run goes on.",
            (block("reply"),),
            {"status": 201, "body": {"id": "{{ steps.order.id }}"}},
        ),
    ),
    "stop": (
        Key(
            "stop",
            "Ends the run as succeeded, with a message.",
            (TEMPLATE,),
            "Nothing to do for {{ payload.id }}",
        ),
    ),
    "fail": (Key("fail", "Fails, with a message.", (TEMPLATE,), "No price for {{ payload.sku }}"),),
    "steps": (Key("steps", "Runs a list of steps as one.", (STEPS,)),),
}
"""Each kind of step: its own key first, then those beside it."""

LATER_STEPS = frozenset({"tools"})
STEPS_ELSEWHERE = {
    "uses": "`action: connector.action` calls an action",
    "run": "there is no shell here; `action: http.request` calls a service that does the work",
    "service": "`action: connector.action` calls an action",
    "with_items": "`for_each: <JMESPath>` beside `steps` runs steps for each item",
    "loop": "`for_each: <JMESPath>` beside `steps` runs steps for each item",
    "foreach": "`for_each: <JMESPath>` beside `steps` runs steps for each item",
    "choose": "`switch: [{when, steps}, …]` takes the first case that holds",
    "when": "`if: <JMESPath>` makes a step conditional",
    "condition": "`if: <JMESPath>` makes a step conditional, `filter: <JMESPath>` ends the run",
    "conditions": "`if: <JMESPath>` makes a step conditional, `filter: <JMESPath>` ends the run",
    "sequence": "`steps` runs a list as one",
    "data": "`with` holds an action's inputs",
    "target": "`with` holds an action's inputs",
    "env": "`vars` at the top of the file holds constants",
    "register": "`id` names a step; its output is `steps.<id>`",
    "alias": "`name` labels a step for people",
    "type": "the kind of a step is its key, such as `action: connector.action`",
    "continue-on-error": "`on_error: continue`",
    "continue_on_error": "`on_error: continue`",
    "ignore_errors": "`on_error: continue`",
    "rescue": "`on_error: [steps]`",
    "retries": "`retry: {attempts: 3}`",
    "timeout-minutes": "`timeout: 10m`",
    **WAITING_ELSEWHERE,
    "set": "`transform` makes values, `vars` holds constants",
}

BLOCKS: Mapping[str, Block] = {
    "workflow": named_block(
        "workflow",
        Key("name", "What people call the workflow.", (TEXT,), "Order alerts", required=True),
        Key("description", "What it is for.", (TEXT,), "Tell sales about big orders."),
        Key("title", "How a run is called in lists and messages.", (TEMPLATE,), "Order {{ payload.name }}"),
        Key("tags", "Words to find it by.", (TEXTS,), ["sales"]),
        Key(
            "enabled",
            "Whether its events start runs; with `false` they are held until a person releases them.",
            (BOOLEAN,),
            False,
        ),
        Key("timezone", "The zone of its dates.", (ZONE,), "Europe/Athens"),
        Key("trigger", "What starts a run.", (block("trigger"),), {"webhook": {}}, required=True),
        Key("vars", "Constants: `vars.<name>` in expressions.", (VARS,), {"threshold": 100}),
        Key("steps", "What a run does, in this order.", (STEPS,)),
        Key("on_failure", "Steps to run when a run failed; they see `error`.", (STEPS,)),
        Key(
            "retry", "The retry of all its actions; `false` for never.", (OFF, block("retry")), {"for": "2h"}
        ),
        Key("timeout", "How long a run may be running; waits do not count.", (DURATION,), "10m"),
        Key(
            "concurrency",
            "How many runs go at a time, each from its first turn to its end, in the order of accepting.",
            (block("concurrency"),),
            {"limit": 1, "key": "payload.customer.id"},
        ),
        Key("output", "The run's result, which a waiting caller gets.", (EXPRESSION,), "steps.order"),
        Key(
            "retention",
            "How long events and ended runs are kept, where it is not as long as the server keeps them.",
            (block("retention"),),
            {"events": "30d", "runs": "30d"},
        ),
        Key(
            "redact",
            "Paths to values that history and exports show as •••; the run itself sees them.",
            (PATHS,),
            ["payload.customer.email", "payload.lines[].card"],
        ),
        Key(
            "formerly",
            "What the workflow was called before: address, history and state come along.",
            (TEXTS,),
            ["order-alerts"],
        ),
        Key(
            "mode",
            "With `shadow` everything is evaluated; actions are shown in the history and not sent.",
            (word("live", "shadow"),),
            "shadow",
        ),
        elsewhere={
            "on": "`trigger: {webhook: {…}}` says what starts a run",
            "triggers": "`trigger: {webhook: {…}}` says what starts a run",
            "jobs": "`steps` is one list; `parallel` runs branches at once",
            "tasks": "`steps` is the list of what a run does",
            "actions": "`steps` is the list of what a run does",
            "action": "`steps` is the list of what a run does",
            "nodes": "`steps` is the list of what a run does",
            "sequence": "`steps` is the list of what a run does",
            "env": "`vars` holds constants; secrets are set on the server",
            "variables": "`vars` holds constants",
            "inputs": "what comes in is `payload`; `vars` holds constants",
            "secrets": "secrets are set on the server, never in a file",
            "alias": "`name` is what people call the workflow",
            "id": "the file's name is the workflow's id",
            "hosts": "`trigger`, then `steps`: there are no hosts here",
            "version": "there is one version of the language; leave it out",
            "condition": "`filter: <JMESPath>` as the first step ends a run that is not wanted",
            "conditions": "`filter: <JMESPath>` as the first step ends a run that is not wanted",
        },
    ),
    "trigger": named_block(
        "trigger",
        Key(
            "webhook",
            "A unique address that starts a run for each request.",
            (block("webhook"),),
            {"methods": ["POST"]},
        ),
        *TIMED_TRIGGERS,
        *OWN_TRIGGERS,
        elsewhere={
            "cron": '`schedule: {cron: "0 9 * * *"}`',
            "every": "`schedule: {every: 15m}`",
            "interval": "`schedule: {every: 15m}`",
            "time": "`schedule: {cron: …}`",
            "polling": "`poll: {action: …, every: 5m, id: …}`",
            "push": "a provider's events come by `webhook`",
            "pull_request": "a provider's events come by `webhook`",
            "workflow_dispatch": "`manual: {inputs: <JSON Schema>}`",
            "workflow_call": "`manual: {inputs: <JSON Schema>}`; `call: <slug>` starts it",
            "form": "`manual: {inputs: <JSON Schema>, public: true}`",
            "error": "`hookline: {on: [run_failed]}`, or `on_failure` for a workflow's own",
            "platform": "the kind of a trigger is its key: `webhook: {}`",
            "http": "`webhook: {}` is the trigger by HTTP",
            "type": "the kind of a trigger is its key: `webhook: {}`",
        },
    ),
    **WEBHOOK_BLOCKS,
    **WAITING_BLOCKS,
    **MANUAL_BLOCKS,
    **TIMED_BLOCKS,
    "retry": named_block(
        "retry",
        Key("for", "How long attempts are made; 24h by default.", (DURATION,), "2h"),
        Key(
            "attempts",
            "How many attempts at most; `none` for as many as fit into `for`.",
            (COUNT, word("none")),
            5,
        ),
        Key("delay", "The wait before the second attempt; 2s by default.", (DURATION,), "10s"),
        Key("backoff", "By how much each wait is longer than the one before; 2 by default.", (FACTOR,), 2),
        Key("max_delay", "The longest wait; 15m by default.", (DURATION,), "5m"),
        Key(
            "jitter", "Spread the waits, so that not all runs try at once; true by default.", (BOOLEAN,), True
        ),
        Key(
            "on",
            "Only these faults: `network`, `timeout`, `429`, `5xx` or a status.",
            (CAUSES,),
            ["network", "5xx"],
        ),
        elsewhere={
            "max_attempts": "`attempts`",
            "count": "`attempts`",
            "times": "`attempts`",
            "limit": "`attempts`",
            "interval": "`delay`",
            "wait": "`delay`",
            "factor": "`backoff`",
        },
    ),
    "retention": named_block(
        "retention",
        Key("events", "How long events are kept; at least as long as a run of theirs.", (DURATION,), "30d"),
        Key("runs", "How long runs are kept after they ended.", (DURATION,), "30d"),
        elsewhere={"days": "`events: 30d` and `runs: 30d`", "max_age": "`events: 30d` and `runs: 30d`"},
    ),
    "concurrency": named_block(
        "concurrency",
        Key("limit", "How many runs of one key go at a time.", (COUNT,), 1, required=True),
        Key(
            "key",
            "What runs in one line have in common; without it all runs of the workflow do.",
            (EXPRESSION,),
            "payload.customer.id",
        ),
        Key(
            "when_full",
            "What a new event does then: waits for its turn, is dropped, or replaces what waits and "
            "what goes; `queue` by default.",
            (word("queue", "drop", "replace"),),
            "drop",
        ),
        elsewhere={
            "group": "`key: <JMESPath>`",
            "max": "`limit`",
            "cancel-in-progress": "`when_full: replace`",
            "mode": "`when_full: queue`, `drop` or `replace`",
        },
    ),
    "case": named_block(
        "case",
        Key(
            "when",
            "Takes this case when it holds; left out in the last case, which is taken otherwise.",
            (EXPRESSION,),
            "payload.kind == 'order'",
        ),
        WITH_STEPS,
        elsewhere={
            "if": "`when`",
            "case": "`when`",
            "condition": "`when`",
            "conditions": "`when`",
            "sequence": "`steps`",
            "then": "`steps`",
            "do": "`steps`",
            "default": "a last case without `when` is taken otherwise",
            "else": "a last case without `when` is taken otherwise",
        },
    ),
}


DEFAULTS = ("on_failure", "retry", "retention", "tags", "timezone", "redact", "title", "concurrency")
"""The keys of a workflow that may stand in `_defaults.yaml`."""

DEFAULTS_BLOCK = Block(
    "a mapping of what the folder's workflows have in common",
    {name: BLOCKS["workflow"].keys[name] for name in DEFAULTS},
    elsewhere={
        name: "it stands in each workflow's own file"
        for name in BLOCKS["workflow"].keys
        if name not in DEFAULTS
    },
)


def kinds_in(names: Collection[str]) -> list[str]:
    """The kinds of step that a mapping with keys *names* could be: one, where it is right."""
    kinds = [one for one in STEP_KINDS if one in names]
    if "steps" in kinds and {"for_each", "repeat"} & set(kinds):
        kinds.remove("steps")
    if "call" in kinds and "wait" in kinds:
        kinds.remove("wait")  # how the other is called
    return kinds


BESIDE = {
    key.name: kind
    for kind, keys in reversed([*STEP_KINDS.items()])  # of two that have it, the first is meant
    for key in keys[1:]
    if key.name not in STEP_KINDS
}
"""Each key that stands beside one kind of step → that kind."""

ANY_STEP = Block("a step", {kind: keys[0] for kind, keys in STEP_KINDS.items()}, LATER_STEPS, STEPS_ELSEWHERE)
STEP_BLOCKS: Mapping[str, Block] = {
    kind: Block(
        f"a step with `{kind}`",
        {one.name: one for one in (*keys, *MODIFIERS)},
        elsewhere=STEPS_ELSEWHERE,
        beside=BESIDE,
    )
    for kind, keys in STEP_KINDS.items()
}
"""The keys of a step by its kind, its own first."""
