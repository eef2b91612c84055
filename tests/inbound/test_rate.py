"""No more than a count within any time of a length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.inbound.rate import MOST_TIMES, MOST_WORKFLOWS, RateMeter
from runner.language.workflow import RateLimit


def test_past_the_count_the_answer_is_the_time_until_the_next() -> None:
    meter, limit = RateMeter(), RateLimit(2, 60)
    assert meter.take("one", limit, 0) is None
    assert meter.take("one", limit, 10) is None
    assert meter.take("one", limit, 15) == 45
    assert meter.take("one", limit, 59) == 1
    assert meter.take("one", limit, 60) is None
    assert meter.take("one", limit, 60) == 10


def test_what_is_refused_does_not_count() -> None:
    meter, limit = RateMeter(), RateLimit(1, 60)
    meter.take("one", limit, 0)
    for second in range(1, 60):
        assert meter.take("one", limit, second) == 60 - second
    assert meter.take("one", limit, 60) is None


def test_each_workflow_has_its_own() -> None:
    meter, limit = RateMeter(), RateLimit(1, 60)
    assert meter.take("one", limit, 0) is None
    assert meter.take("two", limit, 0) is None
    assert meter.take("one", limit, 0) == 60


def test_a_changed_limit_counts_what_came_before() -> None:
    meter = RateMeter()
    for _ in range(3):
        meter.take("one", RateLimit(3, 60), 0)
    assert meter.take("one", RateLimit(2, 60), 1) == 59
    assert meter.take("one", RateLimit(4, 60), 1) is None


def test_a_clock_that_is_set_back_refuses_nobody_for_hours() -> None:
    meter, limit = RateMeter(), RateLimit(1, 60)
    assert meter.take("one", limit, 1_000_000) is None
    assert meter.take("one", limit, 0) is None
    assert meter.take("one", limit, 1) == 59


def test_memory_is_bounded_by_a_number_of_workflows_and_of_times() -> None:
    meter = RateMeter()
    big = RateLimit(50 * MOST_TIMES, 3600)  # as 10,000 in 72 seconds
    for number in range(MOST_TIMES):
        assert meter.take("big", big, number / MOST_TIMES) is None
    assert meter.take("big", big, 1) == 71
    for number in range(2 * MOST_WORKFLOWS):
        meter.take(f"w{number}", RateLimit(1, 60), 0)
    assert len(meter._times) == MOST_WORKFLOWS


@given(
    count=st.integers(1, 5),
    seconds=st.integers(1, 20),
    gaps=st.lists(st.integers(0, 10), max_size=60),
)
def test_in_no_window_are_more_than_the_count_and_a_refused_sender_that_waits_is_let_in(
    count: int, seconds: int, gaps: list[int]
) -> None:
    meter, limit, now = RateMeter(), RateLimit(count, seconds), 0
    taken: list[int] = []
    for gap in gaps:
        now += gap
        wait = meter.take("one", limit, now)
        if wait is None:
            taken.append(now)
        else:
            assert 0 < wait <= seconds
            assert len([one for one in taken if one > now - seconds]) == count
            assert len([one for one in taken if one > now + wait - seconds]) < count
    for end in taken:
        assert len([one for one in taken if end - seconds < one <= end]) <= count
