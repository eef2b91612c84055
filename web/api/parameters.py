"""The parameters that lists and replays take, each read from its text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from runner.engine.history import Wanted, read_cursor
from runner.engine.runs import Disposition, Status
from runner.engine.where import read_where
from runner.language.keys import SLUG_PATTERN
from runner.values import duration_seconds
from web.api.routes import Parameter

MOST_ITEMS = 200  # of one page: a hundred kilobytes at most
DEFAULT_ITEMS = 50
LONGEST_PATH = 1000  # characters of a step's path
LONGEST_SEARCH = 200  # characters: a title has no more
FIELDS = {"q": "text"}  # where the field of `Wanted` has another name


def wanted(given: Mapping[str, Any]) -> Wanted:
    """What a list shall show, from its parameters as they were read."""
    asked = {FIELDS.get(name, name): value for name, value in given.items() if name != "where"}
    return Wanted(**{**given.get("where", {}), **asked})


def word_of(words: Iterable[str]) -> Callable[[str, float], str]:
    """One of *words*."""
    allowed = tuple(words)

    def read(text: str, _now: float) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


def moment(text: str, now: float) -> float:
    """
    ISO 8601 (without an offset: UTC) or a length of time before *now*, such as `24h`; UTC seconds.

    Raises:
        ValueError: neither.
    """
    try:
        return max(0.0, now - min(now, duration_seconds(text.removesuffix(" ago"))))
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            "write a time such as 2026-05-03T10:40:00Z, or a length of time before now such as 24h"
        ) from None
    return max(0.0, seconds)


def _slug(text: str, _now: float) -> str:
    if not re.fullmatch(SLUG_PATTERN, text):
        raise ValueError("a workflow's slug has a-z, 0-9 and -")
    return text


def _search(text: str, _now: float) -> str:
    if len(text) > LONGEST_SEARCH:
        raise ValueError(f"at most {LONGEST_SEARCH} characters")
    return text


def _where(text: str, _now: float) -> Mapping[str, Any]:
    if len(text) > LONGEST_SEARCH:
        raise ValueError(f"at most {LONGEST_SEARCH} characters")
    return read_where([text], fields=("type", "delivery_id"))


def identity(text: str, _now: float) -> str:
    """
    An id of an event, a run or a problem.

    Raises:
        ValueError: it can be none.
    """
    if not re.fullmatch("[0-9A-Za-z]{1,64}", text):
        raise ValueError("an id has letters and digits")
    return text.lower()


def step_path(text: str, _now: float) -> str:
    """
    A step's path, such as `lines[3].send`.

    Raises:
        ValueError: it is too long for one.
    """
    if len(text) > LONGEST_PATH:
        raise ValueError(f"at most {LONGEST_PATH} characters")
    return text


def _cursor(text: str, _now: float) -> str:
    read_cursor(text)
    return text


def _limit(text: str, _now: float) -> int:
    number = int(text) if re.fullmatch("[0-9]{1,4}", text) else math.inf
    if not 1 <= number <= MOST_ITEMS:
        raise ValueError(f"must be a whole number from 1 to {MOST_ITEMS}")
    return int(number)


def _status(words: Iterable[str], what: str) -> Parameter:
    allowed = [str(word) for word in words]
    return Parameter("status", what, {"type": "string", "enum": allowed}, word_of(allowed))


TEXT = {"type": "string"}
WHEN = "ISO 8601, or a length of time before now such as `24h`."
_LENGTH = r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+"
_HOUR = "([01][0-9]|2[0-3])"
_CLOCK = rf"[T ]{_HOUR}(:[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,6}})?)?)?(Z|[+-]{_HOUR}:?[0-5][0-9])?"
_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
OF_LENGTH = {"type": "string", "pattern": f"^{_LENGTH}$"}
OF_MOMENT = {"type": "string", "pattern": f"^({_LENGTH}( ago)?|{_DAY}({_CLOCK})?)$"}
OF_SLUG = {"type": "string", "pattern": f"^{SLUG_PATTERN}$"}
OF_ID = {"type": "string", "pattern": "^[0-9A-Za-z]{1,64}$"}
OF_WORKFLOW = Parameter("workflow", "Only of the workflow with this slug.", OF_SLUG, _slug)
CURSOR = Parameter(
    "cursor", "`next` of the page before.", {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,50}$"}, _cursor
)
LIMIT = Parameter(
    "limit",
    f"At most this many items; {DEFAULT_ITEMS} unless given.",
    {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": DEFAULT_ITEMS},
    _limit,
)
_SHARED = (
    Parameter("since", f"Only at or after this time: {WHEN}", OF_MOMENT, moment),
    Parameter("before", f"Only before this time: {WHEN}", OF_MOMENT, moment),
    Parameter(
        "q",
        "Only where this is part of an id, a title, a delivery id or an event type.",
        {"type": "string", "maxLength": LONGEST_SEARCH},
        _search,
    ),
    Parameter(
        "where",
        "Only where a field of the payload is this: `payload.order=1042`; also `type=…` or `delivery_id=…` "
        "of the event, exactly.",
        {
            "type": "string",
            "maxLength": LONGEST_SEARCH,
            "pattern": r"^\s*(type|delivery_id|payload([.\[][^=]*)?)\s*=",
        },
        _where,
    ),
    Parameter("type", "Only of events of exactly this type.", TEXT, _search),
    CURSOR,
    LIMIT,
)
OF_EVENTS = (OF_WORKFLOW, _status(Disposition, "Only with this disposition."), *_SHARED)
OF_RUNS = (
    OF_WORKFLOW,
    _status(Status, "Only with this status."),
    Parameter("event", "Only runs of the event with this id.", OF_ID, identity),
    Parameter("problem", "Only runs of the problem with this id.", OF_ID, identity),
    *_SHARED,
)
