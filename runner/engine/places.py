"""
Who may call a destination now: all destinations of this process, and the places that one call
holds at them until it ends.

A call that finds no place raises Parked before anything is sent. Only where a destination is quick
and merely full is a place waited for, half a second at most: parking costs two commits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from runner.engine.destinations import Circuit, Pass, host_of, outcome_of, shown
from runner.errors import Parked
from runner.values import iso

if TYPE_CHECKING:
    from types import TracebackType

    from runner.engine.pauses import Pause

PATIENCE_SECONDS = 0.5  # a place is waited for no longer: other destinations need the worker
MOST_DESTINATIONS = 1000  # a templated address may name any number of them
GRANT_SECONDS = 3.0  # a run that was woken and did not come by then went another way
CONNECTION = "connection/"  # a slash: no host:port has one
WOKEN_AT_ONCE = 64  # runs of a connection that is resumed; each meets its destination's limit next


log = logging.getLogger(__name__)


@dataclass(slots=True)
class Destination:
    """A circuit, those who wait for a place in this process, and what is known of the parked."""

    circuit: Circuit
    waiting: deque[asyncio.Future[Pass]] = field(default_factory=deque)
    has_parked: bool = False  # runs are parked in the store: none that comes new overtakes them
    parks: int = 0  # how often one was parked by this process
    granted: int = 0  # woken from the store, not here yet
    granted_at: float = 0.0
    connections: set[str] = field(default_factory=set)  # whose calls came here


@dataclass(frozen=True, slots=True)
class DestinationState:
    """
    How a destination stands, as this process knows it: `down` (since when it does not answer, when it is
    tried next), `back` (since when it answers again, and is gone on with little by little) or `well`.
    `is_held`: it asked to be left alone. Times are UTC seconds.
    """

    name: str
    state: Literal["down", "back", "well"]
    since: float | None
    next_at: float | None
    is_held: bool
    under_way: int
    has_parked: bool
    connections: tuple[str, ...]


class Destinations:
    """
    All that this process calls. At most *limit* calls are under way at each; *clock* gives UTC
    seconds; `on_room()` is called when parked runs of some destination may go on.
    """

    def __init__(self, *, limit: int, clock: Callable[[], float]) -> None:
        self.on_room: Callable[[], None] = lambda: None
        self._limit = limit
        self._clock = clock
        self._pauses: dict[tuple[str, str], Pause] = {}
        self._known: OrderedDict[str, Destination] = OrderedDict()  # those called last at the end
        self._parked_connections: set[str] = set()

    def places(
        self, *, parked_at: str | None = None, may_park: bool = True, connection: str | None = None
    ) -> Places:
        """
        The places of one call. *parked_at*: where its step was parked before, if it was; without
        *may_park* it is let through whatever the state, as a person's test is. *connection*: by which it
        goes.
        """
        return Places(self, parked_at, may_park, connection)

    def standing(self) -> list[DestinationState]:
        """How all that was called lately stands, those first that do not answer."""
        now = self._clock()
        found = [_state(name, one, now) for name, one in self._known.items()]
        return sorted(found, key=lambda one: (one.state != "down", one.state != "back", one.name))

    def try_now(self, name: str) -> bool:
        """Let the next call of the destination *name* (as `standing` names it) go; whether it was down."""
        one = next((one for key, one in self._known.items() if shown(key) == name), None)
        if one is None or one.circuit.until is None:
            return False
        one.circuit.until = min(one.circuit.until, self._clock())
        self.on_room()
        return True

    def pause(self, pauses: Iterable[Pause]) -> None:
        """Take over which connections and hosts people have paused, in place of what was known."""
        self._pauses = {(one.kind, one.name.lower()): one for one in pauses if one.kind != "workflow"}

    def check_connection(self, name: str | None) -> None:
        """
        Let a call of the connection *name* go on.

        Raises:
            Parked: a person has paused it.
        """
        if name is None:
            return
        pause = self._pause_of("connection", name)
        if pause is not None:
            self._parked_connections.add(name)
            raise Parked(_paused(f"the connection {name}", pause), place=CONNECTION + name)

    async def enter(self, name: str, *, was_parked: bool, must: bool, connection: str | None = None) -> Pass:
        """
        Admission for a call of destination *name* (host:port), to be given back by `leave`.

        Raises:
            Parked: not now.
        """
        one = self._destination(name)
        if connection is not None:
            one.connections.add(connection)
        now = self._clock()
        if was_parked:
            one.granted = max(0, one.granted - 1)
        pause = None if must else self._host_pause(name)
        if pause is not None:
            _note_parked(one)
            raise Parked(_paused(shown(name), pause), place=name)
        given = one.circuit.enter(now, must=True) if must else None
        if given is None and (was_parked or not one.has_parked) and not one.waiting:
            given = one.circuit.enter(now)
        if given is None and self._is_worth_waiting(one, now, was_parked=was_parked):
            given = await self._wait(one)
        if given is None:
            _note_parked(one)
            is_down = one.circuit.until is not None
            sentence = f"{one.circuit.why(self._clock())}; goes on by itself"
            raise Parked(sentence, place=name, is_down=is_down)
        return given

    def leave(self, given: Pass, error: BaseException | None) -> None:
        """The call ended, with *error* or well: its place is the next one's."""
        one = self._known.get(given.destination)
        if one is None:
            return
        now = self._clock()
        before = one.circuit.until
        one.circuit.leave(given, outcome_of(error), now)
        _say(one.circuit, before, now)
        self._admit_waiting(one, now)
        if one.has_parked and self.room(given.destination):
            self.on_room()

    def room(self, place: str) -> int:
        """How many of the runs parked at *place* should be woken now."""
        if place.startswith(CONNECTION):
            return 0 if self._pause_of("connection", place.removeprefix(CONNECTION)) else WOKEN_AT_ONCE
        one = self._destination(place)
        now = self._clock()
        if self._host_pause(place):
            return 0
        if not 0 <= now - one.granted_at < GRANT_SECONDS:
            one.granted = 0
        room = one.circuit.room(now)
        if one.circuit.call_seconds(now) < PATIENCE_SECONDS and one.circuit.until is None:
            ramping = one.circuit.is_ramping(now)
            room += 0 if ramping else self._limit  # a quick one's next are here when a place is free
        return max(0, room - one.granted - len(one.waiting))

    def parks(self, place: str) -> int:
        """How often this process parked a run at *place*."""
        return 0 if place.startswith(CONNECTION) else self._destination(place).parks

    def grant(self, place: str, woken: int, *, asked: int, parks: int) -> None:
        """
        *woken* of *asked* runs parked at *place* are on their way. Fewer: no more are parked there,
        unless one was since `parks` gave *parks*.
        """
        if place.startswith(CONNECTION):
            if woken < asked:
                self._parked_connections.discard(place.removeprefix(CONNECTION))
            return
        one = self._destination(place)
        one.granted += woken
        one.granted_at = self._clock()
        one.has_parked = woken == asked or one.parks != parks

    def found_parked(self, place: str) -> None:
        """Runs are parked at *place* in the store, perhaps by a process that is no more."""
        if place.startswith(CONNECTION):
            self._parked_connections.add(place.removeprefix(CONNECTION))
            return
        one = self._destination(place)
        one.has_parked = True
        one.circuit.doubt(self._clock())

    def with_parked(self) -> list[str]:
        """Where runs are parked, as far as this process knows."""
        return [name for name, one in self._known.items() if one.has_parked] + [
            CONNECTION + name for name in sorted(self._parked_connections)
        ]

    def _is_worth_waiting(self, one: Destination, now: float, *, was_parked: bool) -> bool:
        """Whether a place will be free in no time."""
        if not one.circuit.is_only_full(now) or (one.has_parked and not was_parked):
            return False
        seconds = one.circuit.call_seconds(now) * (len(one.waiting) + 1) / self._limit
        return seconds < PATIENCE_SECONDS

    async def _wait(self, one: Destination) -> Pass | None:
        future: asyncio.Future[Pass] = asyncio.get_running_loop().create_future()
        one.waiting.append(future)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await future
        except TimeoutError:
            return self._taken_back(one, future)
        except asyncio.CancelledError:
            given = self._taken_back(one, future)
            if given is not None:  # it was admitted in the very moment in which it was cancelled
                self.leave(given, asyncio.CancelledError())
            raise

    def _taken_back(self, one: Destination, future: asyncio.Future[Pass]) -> Pass | None:
        if future in one.waiting:
            one.waiting.remove(future)
        return future.result() if future.done() and not future.cancelled() else None

    def _admit_waiting(self, one: Destination, now: float) -> None:
        while one.waiting and (given := one.circuit.enter(now)) is not None:
            future = one.waiting.popleft()
            if future.done():
                one.circuit.leave(given, "nothing", now)
            else:
                future.set_result(given)

    def _destination(self, name: str) -> Destination:
        one = self._known.get(name)
        if one is None:
            self._forget_one()
            one = self._known[name] = Destination(Circuit(name, self._limit))
        self._known.move_to_end(name)
        return one

    def _forget_one(self) -> None:
        """
        Keep the number bounded. What is not idle may be forgotten too, if no call is under way: it
        begins closed again, and its parked runs are found in the store.
        """
        if len(self._known) < MOST_DESTINATIONS:
            return
        now = self._clock()
        free = [name for name, one in self._known.items() if not one.circuit.in_flight and not one.waiting]
        idle = next((name for name in free if self._known[name].circuit.is_idle(now)), None)
        name = idle or next(iter(free), None)
        if name is not None:
            del self._known[name]

    def _host_pause(self, destination: str) -> Pause | None:
        return self._pause_of("host", host_of(destination)) or self._pause_of("host", destination)

    def _pause_of(self, kind: str, name: str) -> Pause | None:
        pause = self._pauses.get((kind, name.lower()))
        return pause if pause is not None and not pause.is_over(self._clock()) else None


class Places:
    """
    What one call holds until it ends: a place at each destination that it called. See
    `runner.connector.Places`.
    """

    __slots__ = ("_connection", "_destinations", "_has_acted", "_held", "_may_park", "_parked_at")

    def __init__(
        self, destinations: Destinations, parked_at: str | None, may_park: bool, connection: str | None
    ) -> None:
        self._destinations = destinations
        self._connection = connection
        self._parked_at = parked_at
        self._may_park = may_park
        self._held: dict[str, Pass] = {}  # in the order of calling
        self._has_acted = False

    async def enter(self, host: str, port: int, *, acts: bool) -> None:
        """
        Take a place at *host*, unless this call has one there already. *acts*: what is sent now
        may do something, so that this call is not parked any more but brought to its end.

        Raises:
            Parked: there is none; nothing was sent.
        """
        name = f"{host}:{port}"
        given = self._held.pop(name, None)
        if given is None:
            must = self._has_acted or not self._may_park
            given = await self._destinations.enter(
                name, was_parked=name == self._parked_at, must=must, connection=self._connection
            )
        self._held[name] = given
        self._has_acted = self._has_acted or acts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """The call ended: *error* is the fault of the destination that was called last."""
        held = list(self._held.values())
        self._held.clear()
        for number, given in enumerate(held, start=1):
            self._destinations.leave(given, error if number == len(held) else None)


def _state(name: str, one: Destination, now: float) -> DestinationState:
    circuit = one.circuit
    is_down = circuit.until is not None
    return DestinationState(
        name=shown(name),
        state="down" if is_down else "back" if circuit.is_ramping(now) else "well",
        since=circuit.failing_since if is_down else circuit.back_at,
        next_at=circuit.until,
        is_held=circuit.is_held,
        under_way=circuit.in_flight,
        has_parked=one.has_parked,
        connections=tuple(sorted(one.connections)),
    )


def _say(circuit: Circuit, before: float | None, now: float) -> None:
    """A line for the operator when calls end to go or go again; not for each probe in between."""
    if (before is None) == (circuit.until is None):
        return
    if circuit.until is None:
        log.info(
            "%s answers; what waits for it goes on", shown(circuit.name), extra={"action": "circuit_closed"}
        )
    else:
        log.warning("%s; its runs wait", circuit.why(now), extra={"action": "circuit_opened"})


def _note_parked(one: Destination) -> None:
    one.has_parked = True
    one.parks += 1


def _paused(what: str, pause: Pause) -> str:
    until = f"until {iso(pause.until)}" if pause.until is not None else "until it is resumed"
    return f"{what} is paused by {pause.by}{f' ({pause.why})' if pause.why else ''} {until}"
