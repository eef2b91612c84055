"""Backtests: a text held against past events, a few at a time, so that who asks shows how far it is."""

from __future__ import annotations

import re

from runner.language.faults import WorkflowInvalid
from runner.values import Json
from runner.workbench.backtest import VERDICTS
from runner.workbench.backtests import MOST_AT_ONCE, summary_of
from web.api.parameters import OF_ID, OF_MOMENT, moment
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import NUMBER, TEXT, TEXT_OR_NULL, TIME, either_null, many, named, thing
from web.api.texts import OF_TEXT, find, shown
from web.api.trying import trials_of
from web.house import House
from web.problems import Problem

DEFAULT_LAST = 100
MOST_LAST = 10_000


async def past_events(house: House, asked: Asked) -> Json:
    """Which events a text can be held against."""
    await find(house, asked.id)
    last, since = asked.given.get("last", DEFAULT_LAST), asked.given.get("since")
    return {"items": list(await trials_of(house).backtests.events(asked.id, last=last, since=since))}


async def backtest(house: House, asked: Asked) -> Json:
    """What a text would have done with a few of them."""
    await find(house, asked.id)
    backtests = trials_of(house).backtests
    try:
        entries = await backtests.judged(asked.id, asked.given["text"], asked.given["events"])
    except WorkflowInvalid as error:
        count = len(error.faults)
        sentence = f"{'One thing' if count == 1 else f'{count:,} things'} to mend before this can be tried."
        raise Problem(422, sentence, faults=shown(error.faults)) from None
    return {"summary": summary_of(entries), "events": entries}


def _last(text: str, _now: float) -> int:
    number = int(text) if re.fullmatch("[0-9]{1,5}", text) else 0
    if not 1 <= number <= MOST_LAST:
        raise ValueError(f"must be a whole number from 1 to {MOST_LAST}")
    return number


def _ids(given: Json, _now: float) -> list[str]:
    if not 1 <= len(given) <= MOST_AT_ONCE or not all(
        isinstance(one, str) and re.fullmatch(OF_ID["pattern"], one) for one in given
    ):
        raise ValueError(f"must be a list of 1 to {MOST_AT_ONCE} ids of events")
    return list(given)


END = either_null(thing({"status": TEXT, "sentence": TEXT}))

SCHEMAS: dict[str, Json] = {
    "BacktestDifference": thing(
        {
            "what": {
                "type": "string",
                "enum": [
                    "mode", "runs", "end", "branch", "call", "wait", "title", "key", "answer", "output",
                ],
            },
            "path": {**TEXT, "description": "Of its step, with the indices of loops; empty: of the whole."},
            "is_known": {
                "type": "boolean", "description": "False: it hangs on an answer that nobody has given.",
            },
            "before": {
                "description": "What the pinned version did; of a call {name, connection, input, request}.",
            },
            "after": {"description": "What the text would do; null: nothing."},
            "sentence": TEXT,
        }
    ),
    "BacktestEvent": thing(
        {
            "event": TEXT,
            "run": TEXT_OR_NULL,
            "title": TEXT,
            "received_at": TIME,
            "version": {"type": ["integer", "null"], "description": "That its run was pinned to."},
            "verdict": {"type": "string", "enum": list(VERDICTS)},
            "sentence": TEXT,
            "before": END,
            "after": END,
            "differences": many(named("BacktestDifference")),
            "unknown": many(thing({"path": TEXT, "why": TEXT})),
            "stale": many(thing({"path": TEXT, "was": TEXT})),
            "notes": many(TEXT),
        }
    ),
    "Backtest": thing(
        {"summary": thing(dict.fromkeys(VERDICTS, NUMBER)), "events": many(named("BacktestEvent"))}
    ),
}  # fmt: skip

ROUTES = (
    Route(
        "GET", "/workflows/{id}/backtest", "backtest_events",
        "The ids of the newest events that a changed text can be held against, newest first: let in, or kept "
        "out by their type, with all runs ended. What was refused, held, dropped or came twice is left out.",
        past_events, thing({"items": many(TEXT)}), role="editor", errors=(404, 410),
        query=(
            Parameter(
                "last", f"So many; {DEFAULT_LAST} unless given.",
                {"type": "integer", "minimum": 1, "maximum": MOST_LAST, "default": DEFAULT_LAST}, _last,
            ),
            Parameter("since", "Received then or later.", OF_MOMENT, moment),
        ),
    ),
    Route(
        "POST", "/workflows/{id}/backtest", "backtest",
        "What a text would have done with past events, beside what the version did that their runs were "
        "pinned to. Recorded answers stand in for calls that are the same; nothing is called or stored. Ids "
        "that are no events of the workflow are left out.",
        backtest, named("Backtest"), role="editor", errors=(404, 410, 413, 422),
        body=(
            OF_TEXT,
            Parameter(
                "events", f"Their ids, at most {MOST_AT_ONCE}.",
                {"type": "array", "items": OF_ID, "minItems": 1, "maxItems": MOST_AT_ONCE}, _ids, (list,),
                is_required=True,
            ),
        ),
    ),
)  # fmt: skip
