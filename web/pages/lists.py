"""What the lists of runs and of events have in common: their tabs, their filters as chips, their way on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from quart import redirect, request
from quart.typing import ResponseReturnValue

from runner.engine.details import MOST_COUNTED
from web.api.parameters import LONGEST_SEARCH

if TYPE_CHECKING:
    from runner.engine.history import Page

SINCE = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
FIELDS = ("type", "delivery_id")  # what `where` takes beside fields of the payload
COUNTED_WITH = frozenset({"workflow", "status", "limit", "cursor"})  # parameters that the counts know


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in words, and the address without it."""

    words: str
    without: str


@dataclass(frozen=True, slots=True)
class List:
    """All that a list's template needs beside its items."""

    older: str | None
    newest: str | None  # the way back to the first page
    tabs: Sequence[tuple[str, str, bool, str | None]]
    chips: Sequence[Chip]
    given: Mapping[str, str]
    slugs: Sequence[str]
    since: Mapping[str, str]

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter or a tab leaves something out."""
        return bool(self.chips) or bool(self.given.get("status"))


def asked_field() -> ResponseReturnValue | None:
    """The way to the same list with a field of the form as `where`; None: no field was given."""
    field, value = request.args.get("field", "").strip(), request.args.get("value", "").strip()
    if "field" not in request.args and "value" not in request.args:
        return None
    kept = {
        name: text for name, text in request.args.items() if name not in ("field", "value", "cursor") and text
    }
    if field:
        path = field if field in FIELDS or field.startswith("payload") else f"payload.{field}"
        kept["where"] = f"{path}={value}"[:LONGEST_SEARCH]
    return redirect(f"{request.path}?{urlencode(kept)}" if kept else request.path, 303)


def listed(
    page: Page,
    tabs: Mapping[str, str],
    counts: Mapping[str, int],
    names: Mapping[str, str],
    *,
    words: Mapping[str, str],
) -> List:
    """
    The list of *page*. *tabs* are the words of its states, "" being all of them; *names* what workflows are
    called by slug; *words* other parameters that become chips, with what they say of their value.
    """
    given = {name: text for name, text in request.args.items() if text}

    def address(**changes: str | None) -> str:
        kept: dict[str, Any] = {**{k: v for k, v in given.items() if k != "cursor"}, **changes}
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"?{query}" if query else request.path

    is_counted = given.keys() <= COUNTED_WITH
    here = given.get("status", "")
    return List(
        older=address(cursor=page.next) if page.next else None,
        newest=address(cursor=None) if "cursor" in given else None,
        tabs=[
            (
                word,
                address(status=state),
                state == here,
                _count(counts.get(state or "all")) if is_counted else None,
            )
            for state, word in tabs.items()
        ],
        chips=[
            Chip(_said(name, value, names, words), address(**{name: None}))
            for name, value in given.items()
            if name in words or name in ("workflow", "q", "since", "before", "where")
        ],
        given=given,
        slugs=sorted(names),
        since=SINCE,
    )


def _said(name: str, value: str, names: Mapping[str, str], words: Mapping[str, str]) -> str:
    match name:
        case "workflow":
            return f"Workflow is {names.get(value, value)}"
        case "q":
            return f"Has “{value}”"
        case "since":
            return SINCE.get(value, f"Since {value}")
        case "before":
            return f"Before {value}"
        case "where":
            field, equals, text = value.partition("=")
            return f"{field} is {text}" if equals else value
    return f"{words[name]} {value}"


def _count(number: int | None) -> str | None:
    if number is None:
        return None
    return f"{MOST_COUNTED - 1:,}+" if number >= MOST_COUNTED else f"{number:,}"
