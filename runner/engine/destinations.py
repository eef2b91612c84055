"""
One destination (host:port) as this process knows it: how many calls are under way, whether it
answers, when it is tried again, and how fast it is gone on with. Pure: the time is handed in.

A destination is *closed* (calls go), *open* (none goes until a time) or *half open* (that time has
come, and one call, the probe, goes). It lives in memory alone: the parked runs are in the store, and
a process that starts anew finds out for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runner.errors import ActionError, OutcomeUnknown, Parked, Unavailable
from runner.values import iso

# One failure is chance and two a restart of theirs; five in a row with no answer in between are an
# outage, and so few attempts are soon made up for: each of them is another run's first or second.
FAILURES_TO_OPEN = 5
FIRST_PAUSE_SECONDS = 5.0  # a restart or a deployment is over by then
LONGEST_PAUSE_SECONDS = 60.0  # how late we notice that it is back; one call a minute costs nobody anything
LONGEST_HOLD_SECONDS = 900.0  # of a Retry-After: one service's slip must not silence a host for days
RAMP_SECONDS = 60.0  # what has answered for that long needs no care any more

Outcome: TypeAlias = Literal["answered", "failed", "nothing"] | float


def outcome_of(error: BaseException | None) -> Outcome:
    """
    What the end of a call says of its destination: it answered, it failed, or nothing (cancelled,
    never sent); a number: it asked us to stay away for so many seconds.

    A refusal is an answer: only what says "not reachable", 5xx or "no answer in time" is a failure.
    """
    if error is None:
        return "answered"
    if isinstance(error, Parked) or not isinstance(error, ActionError):
        return "nothing"
    if isinstance(error, Unavailable) and error.retry_after_seconds:
        return error.retry_after_seconds
    if not isinstance(error, Unavailable | OutcomeUnknown):
        return "answered"
    is_down = error.cause in ("network", "timeout") or (len(error.cause) == 3 and error.cause.startswith("5"))
    return "failed" if is_down else "answered"


def allowed_since(seconds: float, limit: int) -> float:
    """
    How many calls may have begun *seconds* after a destination came back: *limit* at once, and in
    the n-th second after that n+1 times as many. So an hour's runs never fall on it at once.
    """
    return limit * (1 + seconds) * (2 + seconds) / 2


@dataclass(frozen=True, slots=True)
class Pass:
    """A call's admission. It speaks only for the time in which it was given (`epoch`)."""

    destination: str
    epoch: int
    is_probe: bool
    begun_at: float


@dataclass(slots=True)
class Circuit:
    """The state of the destination *name*, with at most *limit* calls under way."""

    name: str
    limit: int
    under_way: list[float] = field(default_factory=list)  # when each call began, the oldest first
    failures: int = 0  # in a row
    failing_since: float | None = None
    until: float | None = None  # open until then, half open after; None: closed
    is_held: bool = False  # open because it asked for it
    pause: float = 0.0  # how long it was opened for
    probes: int = 0
    back_at: float | None = None  # closed by a probe then, and still gone on with carefully
    begun: int = 0  # calls since `back_at`
    epoch: int = 0  # goes up whenever it opens or closes: an earlier call's end says nothing of now
    typical_seconds: float = 0.0  # of a call, the last ones counting most

    @property
    def in_flight(self) -> int:
        """How many calls are under way."""
        return len(self.under_way)

    def call_seconds(self, now: float) -> float:
        """How long a call takes here: what is typical, or longer if one is under way for longer."""
        return max(self.typical_seconds, now - self.under_way[0] if self.under_way else 0.0)

    def room(self, now: float) -> int:
        """How many calls may begin at *now*."""
        if self.until is not None:
            is_absurd = self.until - now > LONGEST_HOLD_SECONDS  # the clock was set back meanwhile
            return 1 if (now >= self.until or is_absurd) and self.probes == 0 else 0
        free = self.limit - self.in_flight
        if self.is_ramping(now) and self.back_at is not None:
            free = min(free, int(allowed_since(now - self.back_at, self.limit)) - self.begun)
        return max(0, free)

    def is_ramping(self, now: float) -> bool:
        """Whether it came back so lately that the rate of calls is bounded."""
        return self.until is None and self.back_at is not None and 0 <= now - self.back_at < RAMP_SECONDS

    def is_only_full(self, now: float) -> bool:
        """Whether nothing but calls under way is in the way of another one."""
        return self.until is None and not self.is_ramping(now) and self.in_flight >= self.limit

    def enter(self, now: float, *, must: bool = False) -> Pass | None:
        """
        Begin a call if there is room, or, where *must*, in any case: a call that has done
        something elsewhere already is let end. One that begins while it is not closed is a probe.
        """
        if not must and not self.room(now):
            return None
        is_probe = self.until is not None
        self.under_way.append(now)
        self.begun += 1
        self.probes += is_probe
        return Pass(self.name, self.epoch, is_probe, now)

    def leave(self, given: Pass, outcome: Outcome, now: float) -> None:
        """End a call; *outcome* as `outcome_of` judged it."""
        self.under_way.remove(given.begun_at)
        if given.epoch != self.epoch:
            return
        self.probes -= given.is_probe
        if outcome == "answered":
            self.typical_seconds += (now - given.begun_at - self.typical_seconds) / 5
            self._answered(now)
        elif outcome == "failed":
            self._failed(now)
        elif outcome != "nothing":
            self.failing_since = self.failing_since or now
            self._open(now, min(outcome, LONGEST_HOLD_SECONDS), is_held=True)

    def doubt(self, now: float) -> None:
        """Begin with one call: runs wait here from an earlier time, and nobody knows why."""
        if not self.begun and not self.epoch:
            self.until = now

    def is_idle(self, now: float) -> bool:
        """Whether it may be forgotten without anyone's noticing."""
        return not self.in_flight and not self.failures and self.until is None and not self.is_ramping(now)

    def why(self, now: float) -> str:
        """Why no call may begin, for a person."""
        host = shown(self.name)
        if self.until is not None and self.is_held:
            return f"{host} asked to be left alone until {iso(self.until)}"
        if self.until is not None and self.failing_since is not None:
            return f"{host} does not answer since {iso(self.failing_since)}"
        if self.until is not None or self.is_ramping(now):
            return f"{host} is called again little by little"
        return f"{host} has {self.in_flight} calls under way, as many as it gets at a time"

    def _answered(self, now: float) -> None:
        self.failures = 0
        self.failing_since = None
        if self.until is not None:
            self.until, self.is_held, self.probes = None, False, 0
            self.back_at, self.begun = now, 0
            self.epoch += 1

    def _failed(self, now: float) -> None:
        self.failures += 1
        self.failing_since = now if self.failing_since is None else self.failing_since
        if self.until is None and self.failures < FAILURES_TO_OPEN:
            return
        # a failed probe, or one that was back only for a moment: it gets longer
        is_again = (self.until is not None and self.pause > 0) or self.is_ramping(now)
        longer = max(FIRST_PAUSE_SECONDS, self.pause * 2) if is_again else FIRST_PAUSE_SECONDS
        self._open(now, min(longer, LONGEST_PAUSE_SECONDS), is_held=False)

    def _open(self, now: float, seconds: float, *, is_held: bool) -> None:
        self.until = now + seconds
        self.is_held = is_held
        self.pause = 0.0 if is_held else seconds
        self.probes = 0
        self.back_at = None
        self.epoch += 1


def shown(destination: str) -> str:
    """A destination for a person: a port that everybody knows is left out."""
    return destination.removesuffix(":443").removesuffix(":80")


def host_of(destination: str) -> str:
    """The host of host:port, in lower case."""
    return destination.rpartition(":")[0].lower()
