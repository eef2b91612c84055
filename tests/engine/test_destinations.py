"""The circuit of a destination: when calls go, when none does, and how it is gone on with."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runner.engine.destinations import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_SECONDS,
    LONGEST_HOLD_SECONDS,
    LONGEST_PAUSE_SECONDS,
    RAMP_SECONDS,
    Circuit,
    Outcome,
    Pass,
    allowed_since,
    outcome_of,
)
from runner.errors import ConnectionRejected, OutcomeUnknown, Parked, Rejected, TimedOut, Unavailable

NOW = 1_000_000.0


def called(circuit: Circuit, outcome: Outcome, now: float) -> None:
    """One call, begun and ended at *now*."""
    given = circuit.enter(now)
    assert given
    circuit.leave(given, outcome, now)


def opened(now: float = NOW) -> Circuit:
    """A circuit that has just opened."""
    circuit = Circuit("example.com:443", limit=8)
    for _ in range(FAILURES_TO_OPEN):
        called(circuit, "failed", now)
    return circuit


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "answered"),
        (Rejected("no"), "answered"),
        (ConnectionRejected("who are you"), "answered"),
        (Unavailable("nobody there"), "failed"),
        (Unavailable("503", cause="503"), "failed"),
        (Unavailable("429", cause="429"), "answered"),
        (Unavailable("429", cause="429", retry_after_seconds=30), 30),
        (Unavailable("503", cause="503", retry_after_seconds=30), 30),
        (Unavailable("503", cause="503", retry_after_seconds=0), "failed"),
        (OutcomeUnknown("broke"), "failed"),
        (OutcomeUnknown("500", cause="500"), "failed"),
        (OutcomeUnknown("408", cause="408"), "answered"),
        (TimedOut("slow"), "failed"),
        (Parked("later", place="example.com:443"), "nothing"),
        (asyncio.CancelledError(), "nothing"),
    ],
)
def test_only_what_says_that_nobody_answers_counts_against_a_destination(
    error: BaseException | None, outcome: Outcome
) -> None:
    assert outcome_of(error) == outcome


def test_it_opens_after_so_many_failures_in_a_row_and_an_answer_in_between_starts_anew() -> None:
    circuit = Circuit("example.com:443", limit=8)
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            called(circuit, "failed", NOW)
        called(circuit, "answered", NOW)
    assert circuit.room(NOW) == 8
    for _ in range(FAILURES_TO_OPEN):
        called(circuit, "failed", NOW)
    assert circuit.room(NOW) == 0
    assert circuit.enter(NOW) is None


def test_while_it_is_open_nothing_goes_and_then_one_call_alone() -> None:
    circuit = opened()
    assert circuit.room(NOW + FIRST_PAUSE_SECONDS - 0.1) == 0
    assert circuit.room(NOW + FIRST_PAUSE_SECONDS) == 1
    probe = circuit.enter(NOW + FIRST_PAUSE_SECONDS)
    assert probe
    assert probe.is_probe
    assert circuit.enter(NOW + FIRST_PAUSE_SECONDS + 20) is None


def test_each_failed_probe_opens_it_for_twice_as_long_up_to_a_bound() -> None:
    circuit = opened()
    now, pauses = NOW, []
    for _ in range(6):
        assert circuit.until
        pauses.append(circuit.until - now)
        now = circuit.until
        called(circuit, "failed", now)
    assert pauses == [5, 10, 20, 40, 60, 60]
    assert max(pauses) <= LONGEST_PAUSE_SECONDS
    assert circuit.failing_since == NOW


def test_a_probe_that_was_cancelled_says_nothing_and_another_may_go() -> None:
    circuit = opened()
    now = NOW + FIRST_PAUSE_SECONDS
    called(circuit, "nothing", now)
    assert circuit.room(now) == 1


def test_after_a_good_probe_the_rate_is_bounded_and_grows_until_nothing_bounds_it() -> None:
    circuit = opened()
    now = NOW + FIRST_PAUSE_SECONDS
    called(circuit, "answered", now)
    done = []
    for second in range(10):
        count = 0
        while circuit.room(now + second):
            called(circuit, "answered", now + second)
            count += 1
        done.append(count)
    assert done == [8, 16, 24, 32, 40, 48, 56, 64, 72, 80]
    assert circuit.room(now + RAMP_SECONDS) == 8


def test_one_that_fails_again_before_it_is_well_stays_open_for_longer() -> None:
    circuit = opened()
    called(circuit, "answered", NOW + 5)
    for _ in range(FAILURES_TO_OPEN):
        called(circuit, "failed", NOW + 6)
    assert circuit.until == NOW + 6 + 2 * FIRST_PAUSE_SECONDS
    called(circuit, "answered", NOW + 16)
    later = NOW + 16 + RAMP_SECONDS
    for _ in range(FAILURES_TO_OPEN):
        called(circuit, "failed", later)
    assert circuit.until == later + FIRST_PAUSE_SECONDS


def test_what_was_begun_before_it_opened_says_nothing_of_now() -> None:
    circuit = Circuit("example.com:443", limit=8)
    early = [circuit.enter(NOW) for _ in range(8)]
    for one in early[:5]:
        assert one
        circuit.leave(one, "failed", NOW)
    until = circuit.until
    assert early[5]
    circuit.leave(early[5], "failed", NOW + 1)
    assert circuit.until == until
    called(circuit, "answered", NOW + 5)
    assert early[6]
    assert early[7]
    circuit.leave(early[6], "failed", NOW + 30)
    circuit.leave(early[7], "failed", NOW + 30)
    assert circuit.failures == 0
    assert circuit.in_flight == 0


def test_retry_after_holds_it_until_then_and_one_call_goes_first() -> None:
    circuit = Circuit("example.com:443", limit=8)
    called(circuit, 30.0, NOW)
    assert circuit.room(NOW + 29) == 0
    assert "asked to be left alone until" in circuit.why(NOW)
    assert circuit.room(NOW + 30) == 1
    called(circuit, "answered", NOW + 30)
    assert circuit.room(NOW + 30) == 8


def test_no_retry_after_silences_a_host_for_days() -> None:
    circuit = Circuit("example.com:443", limit=8)
    called(circuit, 1e9, NOW)
    assert circuit.until == NOW + LONGEST_HOLD_SECONDS


def test_a_clock_that_is_set_back_does_not_keep_it_shut() -> None:
    circuit = opened()
    assert circuit.room(NOW - 86400) == 1
    called(circuit, "answered", NOW - 86400)
    assert circuit.room(NOW - 2 * 86400) == 8


def test_where_runs_wait_from_an_earlier_time_one_call_goes_first() -> None:
    circuit = Circuit("example.com:443", limit=8)
    circuit.doubt(NOW)
    assert circuit.room(NOW) == 1
    called(circuit, "failed", NOW)
    assert circuit.until == NOW + FIRST_PAUSE_SECONDS


def test_a_call_that_has_begun_elsewhere_is_let_through_and_its_answer_counts() -> None:
    circuit = opened()
    given = circuit.enter(NOW, must=True)
    assert given
    circuit.leave(given, "answered", NOW)
    assert circuit.until is None


@given(st.floats(0, 3600), st.floats(0, 3600), st.integers(1, 100))
def test_the_ramp_never_falls_and_begins_with_the_limit(one: float, other: float, limit: int) -> None:
    assert allowed_since(0, limit) == limit
    first, second = sorted((one, other))
    assert allowed_since(first, limit) <= allowed_since(second, limit)


class AnyTimes(RuleBasedStateMachine):
    """Whatever calls, ends and hours come: the laws hold."""

    @initialize(limit=st.integers(1, 10))
    def begin(self, limit: int) -> None:
        self.now = NOW
        self.limit = limit
        self.circuit = Circuit("example.com:443", limit)
        self.under_way: list[Pass] = []
        self.forced = 0

    @rule(must=st.sampled_from([False, False, False, True]))
    def enter(self, must: bool) -> None:
        room, was_open = self.circuit.room(self.now), self.circuit.until is not None
        given = self.circuit.enter(self.now, must=must)
        assert (given is not None) == (must or room > 0)
        if given is None:
            return
        assert given.is_probe == was_open
        self.forced += must
        self.under_way.append(given)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(["answered", "failed", "failed", "nothing", 20.0, 1e6]))
    def leave(self, data: st.DataObject, outcome: Outcome) -> None:
        given = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(given)
        self.circuit.leave(given, outcome, self.now)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 70.0, 3600.0, -3600.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def as_many_are_under_way_as_we_know_and_no_more_than_may_be(self) -> None:
        assert self.circuit.in_flight == len(self.under_way)
        assert self.circuit.in_flight <= self.limit + self.forced
        assert 0 <= self.circuit.room(self.now) <= self.limit

    @invariant()
    def it_never_stays_shut_for_ever(self) -> None:
        probes = [one for one in self.under_way if one.is_probe and one.epoch == self.circuit.epoch]
        assert self.circuit.probes == len(probes)
        if not self.under_way:
            assert self.circuit.room(self.now + LONGEST_HOLD_SECONDS) >= 1

    @invariant()
    def an_open_one_lets_through_no_second_call(self) -> None:
        if self.circuit.until is not None:
            assert self.circuit.room(self.now) <= 1


AnyTimes.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestAnyTimes = AnyTimes.TestCase
