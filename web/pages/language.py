"""The reference of the language: the keys of a file, from the table by which it is read."""

from __future__ import annotations

from collections.abc import Iterable

from quart import render_template

from runner.language.keys import BLOCKS, MODIFIERS, STEP_KINDS
from runner.language.kinds import Key
from runner.language.verification import GENERIC
from web.display import inline

TRIGGERS = ("webhook", "schedule", "poll", "manual", "hookline")
PLACES = ("timestamp", "signed_id")  # blocks of `hmac`
NAMES = (
    ("payload", "What came in: the parsed body, a form’s inputs, a poll’s item.", "payload.customer.email"),
    ("event", "The request around it: `method path rest headers query type delivery_id` and more.",
     'event.headers."x-github-event"'),
    ("steps.<id>", "The output of a step that has ended; null where it did not run.", "steps.order.total"),
    ("outcomes.<id>", "How a step ended: `status attempts error errors`.", "outcomes.order.status"),
    ("vars.<name>", "The file’s constants; a server may set them.", "vars.threshold"),
    ("secrets.<NAME>", "Under an action’s `with` alone, put in at the moment of the call.",
     "{{ secrets.API_KEY }}"),
    ("run", "`id title url workflow version attempt started_at test`", "run.url"),
    ("item, index", "Inside `for_each`; `previous` and `index` inside `repeat`.", "item.sku"),
    ("error", "Inside `on_error` and `on_failure`: `step type message attempts`.", "error.message"),
    ("$", "In expressions, all of the above from inside brackets.", "payload.lines[?price > $.vars.minimum]"),
)  # fmt: skip


async def language() -> str:
    """How do I write a file."""
    groups = [
        ("The file", [_section("workflow", "At the top", BLOCKS["workflow"].keys.values())]),
        ("What starts a run", [
            _section("trigger", "`trigger`", BLOCKS["trigger"].keys.values()),
            *(_block(name, f"`{name}`") for name in TRIGGERS),
            *(_block(name, f"`{name}` of a webhook") for name in ("deduplicate", "client_certificate")),
            _block("reply", "A fixed `answer`, and `respond`"),
            _block("verify", "`verify`"),
            *(_block(name, f"`verify` by `{name}`") for name in GENERIC),
            *(_block(name, f"`{name.removeprefix('signed_')}` of `hmac`") for name in PLACES),
        ]),
        ("Steps", [
            _section("modifiers", "Every step", MODIFIERS),
            *(_section(f"step-{kind}", f"`{kind}`", keys) for kind, keys in STEP_KINDS.items()),
            _block("case", "A case of `switch`"),
            _block("repeat", "`repeat`, its own keys"),
            _block("wait_until", "`wait` for a date"),
            _block("callback", "`wait_for` a `callback`"),
            _block("approval", "`wait_for` an `approval`"),
        ]),
        ("Shared", [
            _block("retry", "`retry`"),
            _block("concurrency", "`concurrency`"),
            _block("retention", "`retention`"),
        ]),
    ]  # fmt: skip
    return await render_template("language.html", groups=groups, names=NAMES)


def _block(name: str, title: str) -> dict[str, object]:
    return _section(name, title, BLOCKS[name].keys.values())


def _section(anchor: str, title: str, keys: Iterable[Key]) -> dict[str, object]:
    return {
        "anchor": anchor,
        "title": title,
        "keys": [
            {
                "name": key.name,
                "about": key.about,
                "takes": ", or ".join(kind.noun for kind in key.kinds),
                "example": inline(key.example),
                "needed": key.required,
            }
            for key in keys
        ],
    }
