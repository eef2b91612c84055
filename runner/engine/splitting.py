"""
Split: an event that holds many things starts a run for each of them, whose payload is its own.

The items are not stored: a run knows the place of its own, and they are computed again from the
event's bytes, which gives the same each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.names import scope_at_the_door
from runner.engine.runs import Gate
from runner.errors import ExpressionError, NotSplit
from runner.language.schema_sentences import kind_of
from runner.values import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.engine.runs import Event
    from runner.language.workflow import Workflow

MOST_ITEMS = 10_000  # of one event, as of a loop; all their runs are one transaction


def items_of(workflow: Workflow, event: Event, payload: Json) -> Sequence[Json] | None:
    """
    What the runs of *event* get as their payloads, in order; None where the workflow does not split.
    Null, which a missing field is, counts as an empty list.

    Raises:
        NotSplit: it cannot be evaluated, gives no list, or one of more than MOST_ITEMS.
    """
    split = workflow.webhook.split if workflow.webhook and event.trigger == "webhook" else None
    if split is None:
        return None
    try:  # it sees no run: there is none yet, and then there are many
        found = split.evaluate(scope_at_the_door(event, workflow, payload, ""))
    except ExpressionError as error:
        raise NotSplit(f"`split` cannot be evaluated: {error}") from error
    if found is None:
        return []
    if not isinstance(found, (list, tuple)):
        raise NotSplit(f"`split` gives {kind_of(found)}, and not a list: {split.source}")
    if len(found) > MOST_ITEMS:
        raise NotSplit(f"`split` gives {len(found):,} items; an event starts at most {MOST_ITEMS:,} runs")
    return found


def item_at(items: Sequence[Json] | None, index: int) -> Json:
    """
    The payload of the run of item *index*, counted from 0.

    Raises:
        NotSplit: the version on which it runs has no such item.
    """
    if items is None:
        raise NotSplit(f"the run is of item {index}, and this version does not `split`")
    if index >= len(items):
        raise NotSplit(f"the run is of item {index}, and `split` of this version gives {len(items)} items")
    return items[index]


def told(items: Sequence[Json]) -> Gate:
    """What an event's record says of its items."""
    count = len(items)
    few = {0: "split gave no items, so nothing runs", 1: "split gave 1 item, which has a run"}
    reason = few.get(count, f"split gave {count:,} items, each of which has a run")
    return Gate("split", "passed", reason, {"items": count})
