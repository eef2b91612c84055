"""What any store must do with problems: which runs stand under which, and when they open and close."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.problems import Trouble
from runner.engine.runs import Job, Reason, Run, Status, TurnEnd
from runner.errors import MoveRefused, NotFound
from runner.store.problems import StoredProblems
from runner.store.sqlite import SQLiteStore
from tests.conformance.test_store import NOW, a_run, an_event

DAY = 86400.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    yield store
    await store.close()


@pytest.fixture
def problems(store: SQLiteStore) -> StoredProblems:
    return StoredProblems(store)


def trouble(cause: str = "rejected: no", *, step: str = "send", at: float = NOW) -> Trouble:
    return Trouble("orders", step, cause, f"{step} failed: no", None, at)


async def ended(
    store: SQLiteStore, number: int, status: Status = Status.FAILED, found: Trouble | None = None
) -> Run:
    """Run *number*, accepted and ended so."""
    await store.accept(an_event(number), [a_run(number)], {})
    return await again(store, number, status, found, turn=1)


async def again(
    store: SQLiteStore, number: int, status: Status, found: Trouble | None = None, *, turn: int = 2,
    at: float = NOW,
) -> Run:  # fmt: skip
    """Another turn of run *number*."""
    (one,) = await store.claim([Job(f"run-{number:04d}", turn)], node="a", now=at)
    waits = status is Status.WAITING
    end = TurnEnd(
        status, ended_at=None if waits else at, due_at=at if waits else None,
        waiting_for="it" if waits else None, reason=Reason(status.value, "A sentence."), trouble=found,
    )  # fmt: skip
    await store.finish(one.run, end, [], {})
    return one.run


async def all_of(problems: StoredProblems, **narrowed: Any) -> list[Any]:
    return (await problems.page(**narrowed)).items


async def test_runs_of_one_workflow_step_and_cause_are_one_problem(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    for number in range(1, 6):
        await ended(store, number, found=trouble())
    await ended(store, 6, found=trouble("rejected: other"))
    await ended(store, 7, found=trouble(step="mail"))
    await ended(store, 8, Status.SUCCEEDED)
    found = {(one["step"], one["cause"]): one["runs"]["total"] for one in await all_of(problems)}
    assert found == {("send", "rejected: no"): 5, ("send", "rejected: other"): 1, ("mail", "rejected: no"): 1}


async def test_counts_are_those_of_the_runs(store: SQLiteStore, problems: StoredProblems) -> None:
    await ended(store, 1, found=trouble())
    await ended(store, 2, Status.WAITING, trouble())
    await ended(store, 3, found=trouble())
    await ended(store, 4, found=trouble())
    await store.replay_failed("run-0003", version=None, now=NOW)
    await store.replay_failed("run-0004", version=None, now=NOW)
    await again(store, 4, Status.SUCCEEDED)
    (one,) = await all_of(problems)
    assert one["runs"] == {
        "total": 4, "failed": 1, "waiting": 1, "under_way": 1, "recovered": 1, "cancelled": 0,
    }  # fmt: skip


async def test_a_problem_closes_with_the_last_of_its_runs(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    await ended(store, 1, Status.WAITING, trouble())
    await ended(store, 2, found=trouble())
    await again(store, 1, Status.SUCCEEDED)
    assert (await all_of(problems))[0]["status"] == "open"
    await store.replay_failed("run-0002", version=None, now=NOW)
    await problems.close_settled(now=NOW)
    assert (await all_of(problems))[0]["status"] == "open"  # it is under way, and may fail again
    await again(store, 2, Status.FILTERED)
    (one,) = await all_of(problems)
    assert (one["status"], one["dismissed_by"], one["runs"]["recovered"]) == ("closed", None, 2)


async def test_a_problem_whose_runs_are_cancelled_closes(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    await ended(store, 1, Status.WAITING, trouble())
    await store.cancel("run-0001", now=NOW)
    await problems.close_settled(now=NOW + 1)
    assert (await all_of(problems, status="closed"))[0]["closed_at"] == "1970-01-12T13:46:41.000Z"


async def test_a_run_that_waits_for_something_else_now_has_left_its_problem(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    await ended(store, 1, Status.WAITING, trouble())
    await again(store, 1, Status.WAITING)
    await problems.close_settled(now=NOW)
    (one,) = await all_of(problems)
    assert (one["status"], one["runs"]["total"]) == ("closed", 0)


async def test_a_run_stands_under_the_problem_of_its_last_failure(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    await ended(store, 1, found=trouble())
    await store.replay_failed("run-0001", version=None, now=NOW)
    await again(store, 1, Status.FAILED, trouble("unavailable: shop"))
    found = {one["cause"]: (one["status"], one["runs"]["total"]) for one in await all_of(problems)}
    assert found == {"rejected: no": ("closed", 0), "unavailable: shop": ("open", 1)}


async def test_a_replay_from_the_start_takes_the_place_of_its_origin(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    await ended(store, 1, found=trouble())
    await store.replay_start("run-0001", a_run(2), now=NOW)
    (one,) = await all_of(problems)
    assert one["runs"]["under_way"] == one["runs"]["total"] == 1
    await again(store, 2, Status.SUCCEEDED, turn=1)
    assert (await problems.show(one["id"]))["status"] == "closed"


@pytest.mark.parametrize(("later", "is_same"), [(DAY - 1, True), (DAY + 1, False)])
async def test_the_same_cause_within_a_day_of_closing_opens_the_same_problem_again(
    store: SQLiteStore, problems: StoredProblems, later: float, *, is_same: bool
) -> None:
    await ended(store, 1, Status.WAITING, trouble())
    (first,) = await all_of(problems)
    await problems.seen(first["id"], by="ada", now=NOW)
    await again(store, 1, Status.SUCCEEDED)
    await ended(store, 2, found=trouble(at=NOW + later))
    (now_open,) = await all_of(problems, status="open")
    assert (now_open["id"] == first["id"]) is is_same
    assert now_open["seen"] is None
    assert now_open["runs"]["total"] == (2 if is_same else 1)


async def test_a_dismissed_problem_is_put_away_with_its_runs(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    await ended(store, 1, found=trouble())
    await ended(store, 2, Status.WAITING, trouble())
    (one,) = await all_of(problems)
    shown = await problems.dismiss(one["id"], by="ada", note="a test shop", now=NOW)
    assert (shown["status"], shown["dismissed_by"], shown["note"]) == ("closed", "ada", "a test shop")
    await again(store, 2, Status.WAITING, trouble())
    assert await all_of(problems, status="open") == []  # it waited before and waits still
    await again(store, 2, Status.FAILED, trouble(), turn=3)
    (new,) = await all_of(problems, status="open")
    assert new["id"] != one["id"]  # failing for good is news, and does not bring back what was put away
    assert new["runs"]["total"] == 1


async def test_the_first_who_has_seen_a_problem_stands(store: SQLiteStore, problems: StoredProblems) -> None:
    await ended(store, 1, found=trouble())
    (one,) = await all_of(problems)
    await problems.seen(one["id"], by="ada", now=NOW)
    assert (await problems.seen(one["id"], by="bo", now=NOW + 1))["seen"] == {
        "at": "1970-01-12T13:46:40.000Z", "by": "ada",
    }  # fmt: skip


async def test_nothing_is_done_to_a_problem_that_is_closed_or_not_there(
    store: SQLiteStore, problems: StoredProblems
) -> None:
    await ended(store, 1, found=trouble())
    (one,) = await all_of(problems)
    await problems.dismiss(one["id"], by="ada", note="no", now=NOW)
    with pytest.raises(MoveRefused):
        await problems.dismiss(one["id"], by="ada", note="no", now=NOW)
    with pytest.raises(MoveRefused):
        await problems.seen(one["id"], by="ada", now=NOW)
    with pytest.raises(NotFound):
        await problems.show("nothing")
    with pytest.raises(NotFound):
        await problems.dismiss("nothing", by="ada", note="no", now=NOW)


async def test_problems_are_paged_newest_first(store: SQLiteStore, problems: StoredProblems) -> None:
    for number in range(1, 6):
        await ended(store, number, found=trouble(f"cause {number}"))
    first = await problems.page(limit=3)
    rest = await problems.page(limit=3, cursor=first.next)
    causes = [one["cause"] for one in [*first.items, *rest.items]]
    assert causes == [f"cause {number}" for number in (5, 4, 3, 2, 1)]
    assert rest.next is None
    assert (await problems.page(workflow="others")).items == []
