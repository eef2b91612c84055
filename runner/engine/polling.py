"""What a poll found: the items of a list and what tells them apart; how failures space polls out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import ActionError, ExpressionError, LimitExceeded, Unavailable
from runner.language.schema_sentences import kind_of
from runner.values import Json, digest, dumps, is_file

if TYPE_CHECKING:
    from runner.language.poll import Current
    from runner.language.workflow import Poll, Workflow

MOST_ITEMS = 10_000  # of one list
LONGEST_ID = 200  # characters; a longer one stands as its digest
LONGEST_PAUSE_SECONDS = 900.0  # between polls that fail, where `every` is no longer


class NotPolled(ExpressionError):
    """`items` gives no list."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list, by its id."""

    id: str
    value: Json


def spec_of(poll: Poll) -> str:
    """What makes it another poll when it changes: what is asked, and how items are told apart."""
    call = poll.call
    inputs = call.inputs.source if call.inputs else None
    return digest([call.action, call.connection, inputs, poll.items and poll.items.source, poll.id.source])


def items_of(workflow: Workflow, poll: Poll, result: Json, now: float) -> Sequence[Json]:
    """
    The list that the action gave.

    Raises:
        ExpressionError: `items` cannot be evaluated, or gives no list, or one of more than MOST_ITEMS.
    """
    found = _over(workflow, poll.items, result, now) if poll.items else result
    shown = f"`items` gives {kind_of(found)}" if poll.items else f"{poll.call.action} gives {kind_of(found)}"
    if found is None and poll.items:
        raise NotPolled(
            f"{shown}, and not a list: {poll.items.source} (where it may be missing: "
            f"`{poll.items.source} || `[]``)"
        )
    if not isinstance(found, list | tuple):
        raise NotPolled(f"{shown}, and not a list; `items: <JMESPath>` picks one out of the result")
    if len(found) > MOST_ITEMS:
        raise NotPolled(f"`items` gives {len(found):,} items; a poll takes at most {MOST_ITEMS:,}")
    return found


def identified(
    workflow: Workflow, poll: Poll, values: Sequence[Json], now: float
) -> tuple[list[Item], str | None]:
    """*values* by their ids, the first of each; what is wrong with those that have none, if there are any."""
    found: dict[str, Item] = {}
    bad: list[int] = []
    why = ""
    for index, value in enumerate(values):
        try:
            given = _over(workflow, poll.id, value, now)
        except LimitExceeded:
            raise
        except ExpressionError as error:
            bad, why = [*bad, index], why or str(error)
            continue
        if given is None or given == "":
            bad, why = [*bad, index], why or f"`{poll.id.source}` gives nothing"
            continue
        identity = _bounded(given if isinstance(given, str) else dumps(given))
        found.setdefault(identity, Item(identity, value))
    if not bad:
        return list(found.values()), None
    count = f"{len(bad)} of {len(values)} items have no id" if len(values) > 1 else "the item has no id"
    return list(found.values()), f"{count}, and start nothing: {why} for item {bad[0]}"


def pause_after(every: float, failures: int, error: Exception) -> float:
    """Seconds until the next poll after *failures* in a row, of which *error* is the last."""
    wait = min(every * 2.0 ** min(failures - 1, 16), max(every, LONGEST_PAUSE_SECONDS))
    asked = error.retry_after_seconds if isinstance(error, Unavailable) else None
    return max(wait, min(asked or 0.0, max(every, LONGEST_PAUSE_SECONDS)))


def longest_pause(every: float, failures: int) -> float:
    """What no poll is put off for longer; whoever finds it so finds a clock or a file that was changed."""
    return max(every, LONGEST_PAUSE_SECONDS) if failures else every


def sentence_of(poll: Poll, error: str, failures: int) -> str:
    """Of a problem."""
    return f"{poll.call.action} was asked {failures} times in a row in vain: {error}"


def error_text(error: Exception) -> str:
    """What went wrong, for a person."""
    return str(error) if isinstance(error, ActionError) else f"the poll cannot be evaluated: {error}"


def files_of(value: Json, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of *files* that an item refers to."""
    return {one: files[one] for one in _digests(value) if one in files} if files else {}


def _digests(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if is_file(value):
            yield value["file"]
        for one in value.values():
            yield from _digests(one)
    elif isinstance(value, list):
        for one in value:
            yield from _digests(one)


def _over(workflow: Workflow, current: Current, value: Json, now: float) -> Json:
    return current.evaluate(value, {"vars": dict(workflow.vars)}, now, workflow.timezone)


def _bounded(text: str) -> str:
    if len(text) <= LONGEST_ID:
        return text
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
