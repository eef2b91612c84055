"""The rules of replays, as functions: filters, the pace, what is refused."""

from __future__ import annotations

import pytest

from runner.engine.pacing import Gone, next_after, pace
from runner.engine.replays import Candidate, Filter, Past, Terms, judge, read_filter

START = 1_000_000.0


def test_a_filter_is_words_of_name_and_value() -> None:
    found = read_filter(["workflow=orders status=failed since=2h", "type=rejected step=lines.send"], START)
    assert found == Filter(
        workflow="orders", status="failed", since=START - 7200, type="rejected", step="lines.send"
    )
    assert read_filter(["problem=01kz"], START) == Filter(problem="01kz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("orders", '"orders" narrows nothing'),
        ("flow=orders", '"flow=orders" narrows nothing'),
        ("status=running", "only ended runs"),
        ("since=yesterday", "is no time"),
        ("workflow=a workflow=b", "given twice"),
        ("", "needs a word"),
    ],
)
def test_a_filter_that_is_not_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_filter([text], START)


def gone(*states: str) -> list[Gone]:
    return [Gone(state, at, "why") for at, state in enumerate(states)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trial", "recent", "now", "expected"),
    [
        pytest.param([], [], 100.0, 5, id="the-trial"),
        pytest.param(["well", "well"], [], 100.0, 3, id="the-rest-of-the-trial"),
        pytest.param(["well"] * 4 + ["under_way"], [], 200.0, 0, id="the-trial-is-waited-for"),
        pytest.param(["well"] * 5, ["well"] * 5, 99.9, 0, id="not-yet"),
        pytest.param(["well"] * 5, ["well"] * 5, 100.0, 1, id="the-next"),
        pytest.param(["well"] * 5, ["well"] * 5, 100.5, 6, id="half-a-second"),
        pytest.param(["well"] * 5, ["well"] * 5, 900.0, 10, id="no-more-than-a-second-at-once"),
        pytest.param(["well"] * 5, ["failed"] * 4 + ["well"], 100.0, 1, id="not-in-a-row"),
    ],
)
def test_how_many_may_be_started(trial: list[str], recent: list[str], now: float, expected: int) -> None:
    found = pace(Terms(), trial=gone(*trial), recent=gone(*recent), next_at=100.0, now=now, room=50)
    assert found == (expected, None)


def test_a_fifth_of_failures_pauses_it_too() -> None:
    states = ["failed", "well", "well", "well"] * 7
    count, why = pace(Terms(first=0), trial=[], recent=gone(*states), next_at=0.0, now=1.0, room=9)
    assert (count, why) == (0, "7 of the last 28 failed, the last: why")


def test_no_more_are_started_than_there_is_room() -> None:
    assert pace(Terms(), trial=[], recent=[], next_at=0.0, now=1.0, room=2) == (2, None)
    assert next_after(Terms(rate=10), next_at=0.0, now=100.0, started=5) == 99.5


def test_a_run_that_waits_needs_no_replay() -> None:
    run = Candidate(
        1, "r", "orders", 1, "t", "live", "waiting", START, "waiting", "",
        (Past("send", "action", "waiting", "unavailable", is_in_doubt=False),),
    )  # fmt: skip
    judged = judge(run, Terms(), own=None, target=None, number=1, now=START)
    assert (judged.class_, judged.why) == ("refused", "it is waiting, not failed; it goes on by itself")
