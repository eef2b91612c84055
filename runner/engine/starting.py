"""
Starting a run by the `manual` trigger: by hand (page, API, command line) or by a public form.

By hand it begins whatever is paused or disabled: a person says so. A form is anyone's, so it is held
as any other event is then, and what was sent twice is let in once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from runner.engine.accept import accept, own_event
from runner.engine.names import bounds_of, payload_of
from runner.engine.runs import Event, Gate
from runner.errors import InboundError, InputsRefused, MoveRefused
from runner.inbound.inputs import in_words, judged, place_of
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.accept import Accepted, Door
    from runner.engine.library import Live

NO_FILES: Mapping[str, bytes] = {}


def manual_event(
    live: Live,
    inputs: Json,
    *,
    by: str,
    now: float,
    source_ip: str = "",
    delivery_id: str | None = None,
) -> tuple[Event, Json]:
    """
    The event of a run that *by* starts with *inputs*, and its payload.

    Raises:
        MoveRefused: the workflow has no `manual` trigger.
        InputsRefused: these are not the inputs that it takes.
    """
    slug, manual = live.workflow.slug, live.workflow.manual
    if manual is None:
        raise MoveRefused(
            f"{slug} is not started by hand: it has no `manual` trigger (add `manual: {{}}` under `trigger`)"
        )
    payload, mismatches = judged(manual, inputs)
    if mismatches:
        faults = tuple((place_of(path), said) for path, said in mismatches)
        raise InputsRefused(f"{slug} does not take these inputs: {in_words(mismatches)}", faults)
    gate = Gate("received", "passed", f"started by {by}", {"by": by})
    event = own_event(slug, "manual", payload, gate, now=now, source_ip=source_ip, delivery_id=delivery_id)
    try:
        return event, payload_of(event, bounds_of(live.workflow)).payload  # as each turn reads it again
    except InboundError as error:
        raise InputsRefused(f"{slug} cannot take these inputs: {error}", (("", str(error)),)) from None


async def start_by_hand(door: Door, live: Live, inputs: Json, *, by: str, mode: str = "live") -> Accepted:
    """
    Start a run of *live* for the person *by*.

    Raises:
        MoveRefused, InputsRefused: as `manual_event`.
        StoreUnavailable: nothing was written.
    """
    event, payload = manual_event(live, inputs, by=by, now=door.clock())
    return await accept(door, live, event, payload, NO_FILES, mode=mode, is_by_hand=True)
