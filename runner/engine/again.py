"""One event that is let go, or whose work is done once more, because a person asks for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.engine.accept import accept, new_id
from runner.engine.names import bounds_of, payload_of
from runner.engine.release import release
from runner.engine.runs import Disposition, Gate
from runner.errors import InboundError, MoveRefused, NotFound

if TYPE_CHECKING:
    from runner.engine.accept import Accepted, Door
    from runner.engine.library import Library, Live
    from runner.engine.past import Past
    from runner.engine.pauses import Pauses

UNPROVEN = (
    "it was refused, so nobody knows who sent it; put right what its gates say, then let it be checked again"
)


@dataclass(frozen=True, slots=True)
class EventDesk:
    """What a person can do with one event."""

    door: Door
    pauses: Pauses
    library: Library
    past: Past

    async def release(self, event_id: str) -> int:
        """
        Let go of a held event, whether its workflow is paused or not; how many runs began (0: another
        process was quicker).

        Raises:
            NotFound: there is no such event, or no version of its workflow is live.
            MoveRefused: it is not held. StoreUnavailable.
        """
        event = await self.pauses.held_event(event_id)
        return await release(self.door, self.pauses, self._live(event.workflow), [event])

    async def repeat(self, event_id: str, *, by: str) -> Accepted:
        """
        Accept a copy of an event, as if it came now: another event, whose effects happen anew. For what came
        to nothing; of an event with runs these are replayed, which knows what they did.

        Raises:
            NotFound: there is no such event, or no version of its workflow is live.
            MoveRefused: it was refused or is held, or its body cannot be read.
            NotSplit, BacklogFull, StoreUnavailable: as `runner.engine.accept.accept`.
        """
        event = await self.past.event(event_id)
        if event.disposition is Disposition.REJECTED:
            raise MoveRefused(UNPROVEN)
        if event.disposition is Disposition.HELD:
            raise MoveRefused("it is held: let it go instead")
        live = self._live(event.workflow)
        now = self.door.clock()
        gate = Gate(
            "received",
            "passed",
            f"sent again by {by}, as a copy of {event.id}",
            {"by": by, "copy_of": event.id},
        )
        copy = replace(
            event, id=new_id(now), received_at=now, disposition=Disposition.ACCEPTED, gates=(gate,),
            delivery_id=None,
        )  # fmt: skip
        try:
            decoded = payload_of(copy, bounds_of(live.workflow))
        except InboundError as error:
            raise MoveRefused(f"its body cannot be read: {error}") from None
        return await accept(self.door, live, copy, decoded.payload, decoded.files, is_by_hand=True)

    def _live(self, slug: str) -> Live:
        live = self.library.get(slug)
        if live is None:
            raise NotFound(f"there is no workflow {slug} that is live")
        return live
