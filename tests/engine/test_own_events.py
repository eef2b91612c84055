"""The `hookline` trigger: the server's own events start runs, once, and never for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Wanted
from runner.engine.own_events import OwnEvents
from runner.engine.runs import Status
from runner.engine.silence import expected
from runner.store.own_events import StoredOwnEvents
from runner.store.problems import StoredProblems
from runner.store.queries import Statement
from runner.store.silence import StoredListening
from tests.engine.world import Outside, World, opened

AS_IT_STOOD = Statement.of(
    "INSERT INTO own_events (number, kind, subject, at) VALUES (:number, :kind, :subject, :at)",
    "INSERT INTO own_events (number, kind, subject, at) OVERRIDING SYSTEM VALUE "
    "VALUES (:number, :kind, :subject, :at)",
)

pytestmark = pytest.mark.both_stores

LATER = "retry: {delay: 1h, max_delay: 1h}\n"
BREAKS = "steps: [{fail: 'no order {{ payload.id }}'}]\n"


def listens(*kinds: str) -> str:
    return (
        f"trigger: {{hookline: {{on: [{', '.join(kinds)}]}}}}\n"
        "steps: [{action: probe.note, with: {text: '{{ payload.kind }} of {{ payload.workflow }}'}}]\n"
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside(), secrets={"TOKEN": "s3cr3t"}) as world:
        yield world


def own_events(world: World) -> OwnEvents:
    return OwnEvents(
        StoredOwnEvents(world.store),
        world.door,
        world.library,
        show_run=world.history.run,
        show_problem=StoredProblems(world.store).show,
        show_connection=lambda name: {"name": name},
        secrets=world.tools.safe.secret_values,
        public_url="http://hookline.test",
    )


async def moved_on(world: World, own: OwnEvents, rounds: int = 4) -> None:
    for _ in range(rounds):
        await own.advance()
        await world.quiet()


async def payloads(world: World, slug: str) -> list[Any]:
    events = (await world.history.events(Wanted(workflow=slug))).items
    return [(await world.history.event(one["id"]))["payload"] for one in reversed(events)]


async def test_a_failed_run_starts_a_run_once_and_tells_of_it(world: World) -> None:
    await world.workflow("ops", listens("run_failed"))
    await world.workflow("orders", BREAKS)
    own = own_events(world)
    await own.advance()
    run_id = (await world.send("orders", {"id": "s3cr3t"})).run_id
    await world.quiet()
    await moved_on(world, own)
    (payload,) = await payloads(world, "ops")
    assert (payload["kind"], payload["workflow"]) == ("run_failed", "orders")
    assert payload["run"]["id"] == run_id
    assert payload["run"]["url"] == f"http://hookline.test/runs/{run_id}"
    assert payload["run"]["reason"]["sentence"] == "fail#1 failed: no order •••"
    assert world.outside.notes == ["run_failed of orders"]


async def test_two_processes_and_a_crash_in_between_make_no_second_run(world: World) -> None:
    await world.workflow("ops", listens("run_failed"))
    await world.workflow("orders", BREAKS)
    own, other = own_events(world), own_events(world)
    await own.advance()
    await world.send("orders", {"id": 1})
    await world.quiet()
    (happening,) = await StoredOwnEvents(world.store).waiting(10)
    await own.advance()
    await world.store.execute(AS_IT_STOOD, **asdict(happening))  # before the crash
    await other.advance()
    await moved_on(world, own)
    assert world.outside.notes == ["run_failed of orders"]


async def test_nobody_hears_of_itself_nor_of_those_that_heard(world: World) -> None:
    kinds = "[run_failed, problem_opened, problem_closed]"
    trigger = f"trigger: {{webhook: {{}}, hookline: {{on: {kinds}}}}}\n"
    await world.workflow("one", trigger + BREAKS)
    await world.workflow("two", trigger + BREAKS)
    own = own_events(world)
    await own.advance()
    await world.send("one", {"id": 1})
    await world.quiet()
    await moved_on(world, own, rounds=8)
    runs = (await world.history.runs(Wanted())).items
    assert sorted(run["workflow"] for run in runs) == ["one", "two", "two"]  # run_failed, problem_opened
    assert await payloads(world, "one") == [{"id": 1}]


async def test_not_even_by_way_of_a_call(world: World) -> None:
    calls = "trigger: {hookline: {on: [run_failed]}}\nsteps: [{call: tells, on_error: continue}]\n"
    await world.workflow("ops", calls)
    await world.workflow("more", calls)
    await world.workflow("tells", "trigger: {manual: {}}\n" + BREAKS)
    await world.workflow("orders", BREAKS)
    own = own_events(world)
    await own.advance()
    await world.send("orders", {"id": 1})
    await world.quiet()
    await moved_on(world, own, rounds=8)
    assert len((await world.history.runs(Wanted(workflow="tells"))).items) == 2


async def test_a_problem_that_opens_and_closes_is_told_of_both_times(world: World) -> None:
    await world.workflow("ops", listens("problem_opened", "problem_closed"))
    await world.workflow("orders", "steps: [{action: probe.note, with: {fail: rejected, times: 1}}]\n")
    own = own_events(world)
    await own.advance()
    run_id = (await world.send("orders")).run_id
    await world.quiet()
    await moved_on(world, own)
    problems = StoredProblems(world.store)
    (problem,) = (await problems.page()).items
    await problems.dismiss(problem["id"], by="ada", note="known", now=world.clock())
    await moved_on(world, own)
    assert world.outside.notes == ["problem_opened of orders", "problem_closed of orders"]
    _opened, closed = await payloads(world, "ops")
    assert (closed["problem"]["id"], closed["problem"]["note"]) == (problem["id"], "known")
    assert (await world.turned(run_id)).status is Status.FAILED


async def test_a_pause_of_a_moment_is_no_problem(world: World) -> None:
    await world.workflow("ops", listens("problem_opened", "problem_closed"))
    await world.workflow(
        "orders",
        LATER + "steps: [{action: probe.note, with: {fail: unavailable, times: 1}}]\n",
    )
    world.now = 1_800_000_000.0
    own = own_events(world)
    await own.advance()
    await world.send("orders")
    await world.quiet()
    await moved_on(world, own)
    assert await payloads(world, "ops") == []
    world.now += 6  # it is one now
    await moved_on(world, own)
    world.now += 3600
    await world.quiet()
    await moved_on(world, own)
    assert [one["kind"] for one in await payloads(world, "ops")] == ["problem_opened", "problem_closed"]


async def test_silence_starts_a_run(world: World) -> None:
    await world.workflow("ops", listens("workflow_silent", "problem_opened"))
    await world.workflow("orders", "trigger: {webhook: {expect_every: 1d}}\n" + BREAKS)
    world.now = 1_800_000_000.0
    own, listening = own_events(world), StoredListening(world.store)
    await own.advance()
    await listening.listen(expected(world.library), now=world.now)
    world.now += 2 * 86400
    await listening.listen(expected(world.library), now=world.now)
    await moved_on(world, own)
    assert world.outside.notes == ["workflow_silent of orders"]


async def test_what_nobody_listens_for_is_not_kept(world: World) -> None:
    await world.workflow("ops", listens("problem_closed"))
    await world.workflow("orders", BREAKS)
    own = own_events(world)
    await own.advance()
    await world.send("orders", {"id": 1})
    await world.quiet()
    assert await StoredOwnEvents(world.store).waiting(10) == []
