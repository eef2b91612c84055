"""Polls: each new item starts one run, whoever polls and whatever dies; failures are seen and told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from runner.engine.history import Wanted
from runner.engine.notices import Teller, Way
from runner.engine.pauses import Pause
from runner.engine.polling import identified, pause_after
from runner.engine.polls import NewItem, Poller, Polling
from runner.errors import Rejected, Unavailable
from runner.store.notices import StoredNotices
from runner.store.polls import StoredPolls
from runner.store.problems import StoredProblems
from runner.store.queries import Statement
from tests.engine.world import Outside, World, opened
from tests.servers.http_sink import HttpSink, Received

pytestmark = pytest.mark.both_stores

NOON = 1_800_000_000.0
DAY = 86400.0
STEPS = 'steps:\n  - action: probe.note\n    with: {text: "{{ payload.id }}"}\n'


class Service:
    """A service with a list of tickets and no webhook."""

    def __init__(self, sink: HttpSink) -> None:
        self.sink = sink
        self.tickets: list[Any] = []
        self.gate: asyncio.Event | None = None
        sink.handler = self._answer

    async def _answer(self, _received: Received) -> web.Response:
        if self.gate is not None:
            await self.gate.wait()
        return web.json_response({"tickets": self.tickets})

    def file(self, more: str = "", *, every: str = "1m", top: str = "", steps: str = STEPS) -> str:
        return (
            f"trigger:\n  poll:\n    action: http.request\n    with: {{url: {self.sink.url}/tickets}}\n"
            f"    every: {every}\n    items: body.tickets\n    id: id\n{more}{top}{steps}"
        )


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with HttpSink() as sink:
        yield Service(sink)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside(), secrets={"TOKEN": "a secret token"}) as world:
        world.now = NOON
        yield world


def poller(world: World, polls: StoredPolls | None = None) -> Poller:
    polls = polls or StoredPolls(world.store)
    return Poller(polls, world.door, world.library, world.tools, node=world.worker.node)


async def look(world: World, now: float | None = None, one: Poller | None = None) -> None:
    """What a server does when time has come, to its end."""
    world.now = now if now is not None else world.now
    one = one or poller(world)
    await one.look()
    await one.look()  # the first one may only have planned it
    await one.settled()
    await world.quiet()


async def state(world: World, slug: str = "one") -> Polling:
    return (await StoredPolls(world.store).all())[slug]


async def test_the_first_poll_remembers_and_each_new_item_starts_a_run(
    world: World, service: Service
) -> None:
    service.tickets = [{"id": 1}, {"id": 2}]
    await world.workflow("one", service.file())
    await look(world)
    assert (world.outside.notes, (await state(world)).is_begun) == ([], True)
    service.tickets = [{"id": 4, "title": "new"}, {"id": 3}, *service.tickets]
    await look(world, NOON + 60)
    assert sorted(world.outside.notes) == [3, 4]
    await look(world, NOON + 120)
    assert len(world.outside.notes) == 2
    assert [one.path for one in service.sink.requests] == ["/tickets"] * 3
    page = await world.history.events(Wanted())
    event = await world.history.event(page.items[1]["id"])
    assert (event["trigger"], event["delivery_id"], event["payload"]) == (
        "poll",
        "4",
        {"id": 4, "title": "new"},
    )
    assert event["gates"][0]["reason"] == "new in what http.request gave"


async def test_first_run_starts_all_in_the_order_of_the_list(world: World, service: Service) -> None:
    service.tickets = [{"id": f"t{number}"} for number in range(20)]
    await world.workflow("one", service.file("    first: run\n", top="concurrency: {limit: 1}\n"))
    await look(world)
    assert world.outside.notes == [f"t{number}" for number in range(20)]


async def test_nothing_is_asked_before_its_time(world: World, service: Service) -> None:
    await world.workflow("one", service.file())
    await look(world)
    for seconds in (1, 30, 59.9):
        await look(world, NOON + seconds)
    assert len(service.sink.requests) == 1
    await look(world, NOON + 60)
    assert len(service.sink.requests) == 2


async def test_inputs_see_vars_and_secrets_and_nothing_shows_a_secret(world: World, service: Service) -> None:
    file = service.file(top="vars: {team: blue}\n").replace(
        "/tickets}", '/tickets, query: {team: "{{ vars.team }}"}, headers: {X-Token: "{{ secrets.TOKEN }}"}}'
    )
    await world.workflow("one", file)
    await look(world)
    (one,) = service.sink.requests
    assert (one.query, one.headers["x-token"]) == ({"team": "blue"}, "a secret token")
    service.sink.reply(401, json={"error": "bad token: a secret token"})
    await look(world, NOON + 60)
    assert "a secret token" not in str((await state(world)).error)


async def test_an_id_twice_in_a_list_is_one_item_and_a_number_is_not_a_text(
    world: World, service: Service
) -> None:
    await world.workflow("one", service.file())
    await look(world)
    service.tickets = [{"id": 1, "n": 1}, {"id": 1, "n": 2}, {"id": {"b": 1, "a": 2}}, {"id": "x" * 5000}]
    await look(world, NOON + 60)
    assert len(world.outside.notes) == 3
    await look(world, NOON + 120)
    assert len(world.outside.notes) == 3


async def test_items_without_an_id_start_nothing_and_the_others_go_on(world: World, service: Service) -> None:
    await world.workflow("one", service.file())
    await look(world)
    service.tickets = [{"id": 1}, {"title": "none"}, {"id": ""}]
    await look(world, NOON + 60)
    assert world.outside.notes == [1]
    found = await state(world)
    assert found.error == "2 of 3 items have no id, and start nothing: `id` gives nothing for item 1"
    assert found.failures == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"ticket": []}, "`items` gives null, and not a list: body.tickets"),
        ({"tickets": {"a": 1}}, "`items` gives an object, and not a list"),
    ],
)
async def test_what_is_no_list_is_a_failure_that_says_so(
    world: World, service: Service, answer: Any, error: str
) -> None:
    await world.workflow("one", service.file())
    service.sink.reply(json=answer)
    await look(world)
    assert error in str((await state(world)).error)
    assert not (await state(world)).is_begun


async def test_without_items_the_result_itself_must_be_a_list(world: World, service: Service) -> None:
    await world.workflow("one", service.file().replace("    items: body.tickets\n", ""))
    await look(world)
    assert "http.request gives an object, and not a list; `items: <JMESPath>`" in str(
        (await state(world)).error
    )


async def test_failures_space_polls_out_and_success_ends_that(world: World, service: Service) -> None:
    await world.workflow("one", service.file(every="1m"))
    await look(world)
    service.sink.reply(503, times=3)
    now, waits = NOON + 60, []
    for _ in range(3):
        await look(world, now)
        waits.append((await state(world)).next_at - now)
        now = (await state(world)).next_at
    assert waits == [60, 120, 240]
    failing = await state(world)
    assert (failing.failures, failing.failing_since) == (3, NOON + 60)
    service.tickets = [{"id": 7}]
    await look(world, now)
    assert world.outside.notes == [7]
    assert ((await state(world)).failures, (await state(world)).error) == (0, None)
    assert (await state(world)).next_at == now + 60


async def test_three_failures_in_a_row_are_one_problem_and_one_message_each_way(
    world: World, service: Service
) -> None:
    await world.workflow("one", service.file())
    await look(world)
    service.sink.reply(500, body="no", times=5)
    ways = (Way("chat", "probe.note", lambda notice: {"text": notice.text}),)
    teller = Teller(StoredNotices(world.store), world.tools, ways=lambda: ways, per_minute=5)
    problems = StoredProblems(world.store)
    opened_after = []
    for _ in range(6):
        await look(world, (await state(world)).next_at)
        await problems.close_settled(now=world.clock())
        opened_after.append([one["status"] for one in (await problems.page()).items])
        world.now = world.clock() + 6
        await teller.tell()
    assert opened_after == [[], [], ["open"], ["open"], ["open"], ["closed"]]
    (one,) = (await problems.page()).items
    assert (one["kind"], one["workflow"], one["step"], one["runs"]["total"]) == ("poll", "one", "", 0)
    assert one["sentence"].startswith("http.request was asked 3 times in a row in vain: ")
    first, last = world.outside.notes
    assert first.startswith("Problem: one, its poll: http.request was asked 3 times")
    assert "It gives an answer again." in last


async def test_a_problem_that_a_person_put_away_stays_so_until_it_begins_anew(
    world: World, service: Service
) -> None:
    await world.workflow("one", service.file())
    await look(world)
    problems = StoredProblems(world.store)
    service.sink.reply(500, times=5)
    for _ in range(4):
        await look(world, (await state(world)).next_at)
    (one,) = (await problems.page()).items
    await problems.dismiss(one["id"], by="ada", note="they know", now=world.clock())
    await look(world, (await state(world)).next_at)
    assert [one["status"] for one in (await problems.page()).items] == ["closed"]
    await look(world, (await state(world)).next_at)  # it answers
    service.sink.reply(500, times=3)
    for _ in range(3):
        await look(world, (await state(world)).next_at)
    assert [one["status"] for one in (await problems.page()).items] == ["open", "closed"]


async def test_a_retry_after_is_obeyed_within_bounds() -> None:
    assert pause_after(60, 1, Unavailable("x", retry_after_seconds=300)) == 300
    assert pause_after(60, 1, Unavailable("x", retry_after_seconds=86400)) == 900
    assert pause_after(10, 99, Rejected("x")) == 900
    assert pause_after(3600, 99, Rejected("x")) == 3600


async def test_of_several_processes_one_polls(tmp_path: Path, service: Service) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as one, opened(tmp_path, outside, places=0) as two:
        one.now = two.now = NOON
        await one.workflow("one", service.file("    first: run\n"))
        await two.library.reload()
        pollers = [poller(world) for world in (one, two, one, two)]
        for minute in range(5):
            service.tickets.append({"id": minute})
            one.now = two.now = NOON + 60 * minute
            for _ in range(2):
                await asyncio.gather(*(each.look() for each in pollers))
            await asyncio.gather(*(each.settled() for each in pollers))
        await one.quiet()
        assert len(service.sink.requests) == 5
        assert sorted(outside.notes) == list(range(5))


async def test_a_poll_does_not_overlap_itself(world: World, service: Service) -> None:
    await world.workflow("one", service.file())
    service.gate = asyncio.Event()
    one = poller(world)
    await one.look()
    await one.look()
    await service.sink.wait_for(1)
    for minute in range(1, 5):
        world.now = NOON + 20 * minute
        await one.look()
        await poller(world).look()
    assert len(service.sink.requests) == 1
    service.gate.set()
    await one.settled()


class Dying(StoredPolls):
    """A process that ends right before it writes what is new, right after it, or before it says so."""

    where = ""

    async def start(self, taken: Polling, items: Sequence[NewItem], *, now: float) -> Any:
        if self.where == "before":
            raise asyncio.CancelledError
        admitted = await super().start(taken, items, now=now)
        if self.where == "after":
            raise asyncio.CancelledError
        return admitted

    async def end(self, *args: Any, **more: Any) -> None:
        if self.where == "end":
            raise asyncio.CancelledError
        await super().end(*args, **more)


@pytest.mark.parametrize("where", ["before", "after", "end"])
async def test_whoever_dies_each_item_has_one_run_and_the_next_process_goes_on_at_once(
    tmp_path: Path, service: Service, where: str
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        world.now = NOON
        await world.workflow("one", service.file())
        await look(world)
        service.tickets = [{"id": number} for number in range(3)]
        world.now = NOON + 60
        dying = Dying(world.store)
        dying.where = where
        one = poller(world, dying)
        await one.look()
        await asyncio.gather(*one._busy.values(), return_exceptions=True)
    async with opened(tmp_path, outside) as world:
        await look(world, NOON + 61)
        await look(world, NOON + 130)
        assert sorted(outside.notes) == [0, 1, 2]


async def test_what_is_asked_anew_begins_anew(world: World, service: Service) -> None:
    await world.workflow("one", service.file())
    await look(world)
    service.tickets = [{"id": 1, "key": "a"}, {"id": 2, "key": "b"}]
    await world.workflow("one", service.file().replace("id: id\n", "id: key\n"))
    await look(world, NOON + 1)
    assert world.outside.notes == []  # other ids: what is there is remembered, as the first time
    service.tickets.append({"id": 3, "key": "c"})
    await look(world, NOON + 61)
    assert world.outside.notes == [3]


async def test_an_edit_of_something_else_forgets_nothing_and_a_shorter_time_counts_at_once(
    world: World, service: Service
) -> None:
    await world.workflow("one", service.file(every="1d"))
    await look(world)
    service.tickets = [{"id": 1}]
    await world.workflow("one", service.file(every="10s", steps=STEPS + "  - filter: payload\n"))
    await look(world, NOON + 1)
    assert len(service.sink.requests) == 1
    await look(world, NOON + 11)
    assert world.outside.notes == [1]


async def test_a_paused_workflow_is_not_asked_for_and_nothing_is_lost(world: World, service: Service) -> None:
    await world.workflow("one", service.file())
    await look(world)
    await world.pauses.pause(Pause("workflow", "one", "ada", NOON))
    await world.holding.refresh()
    service.tickets = [{"id": 1}]
    await look(world, NOON + 600)
    assert len(service.sink.requests) == 1
    await world.pauses.resume("workflow", "one")
    await world.pauses.settle("one")
    await world.holding.refresh()
    await look(world, NOON + 601)
    assert world.outside.notes == [1]


async def test_a_paused_host_puts_a_poll_off_and_is_no_failure(world: World, service: Service) -> None:
    await world.workflow("one", service.file())
    one = poller(world)
    await look(world, NOON, one)
    await world.pauses.pause(Pause("host", "127.0.0.1", "ada", NOON, "moving"))
    await world.parking.find()
    await look(world, NOON + 60, one)
    found = await state(world)
    assert (found.failures, found.next_at) == (0, NOON + 90)
    assert "paused by ada" in str(found.error)
    await world.pauses.resume("host", "127.0.0.1")
    await world.parking.find()
    await look(world, NOON + 90, one)
    assert ((await state(world)).error, len(service.sink.requests)) == (None, 2)


async def test_a_backlog_without_room_leaves_items_for_the_next_time(world: World, service: Service) -> None:
    await world.workflow("one", service.file())
    await look(world)
    service.tickets = [{"id": number} for number in range(5)]
    world.now = NOON + 60
    door = replace(world.door, backlog_limit=2)
    one = Poller(StoredPolls(world.store), door, world.library, world.tools, node=world.worker.node)
    await one.look()
    await one.settled()
    await world.quiet()
    assert sorted(world.outside.notes) == [0, 1]
    await look(world, NOON + 120)
    assert sorted(world.outside.notes) == [0, 1, 2, 3, 4]


async def test_ids_are_known_for_ninety_days_after_a_list_had_them_last(
    world: World, service: Service
) -> None:
    await world.workflow("one", service.file(every="1d"))
    service.tickets = [{"id": "stays"}, {"id": "goes"}]
    await look(world)
    for day in range(1, 100):
        service.tickets = [{"id": "stays"}]
        await look(world, NOON + day * DAY)
        await poller(world).tidy()
    service.tickets = [{"id": "stays"}, {"id": "goes"}]
    await look(world, NOON + 100 * DAY)
    assert world.outside.notes == ["goes"]


async def test_a_new_name_keeps_what_is_known_and_a_gone_file_does_not(
    world: World, service: Service
) -> None:
    service.tickets = [{"id": 1}]
    await world.workflow("one", service.file())
    await look(world)
    (world.folder / "workflows" / "one.yaml").unlink()
    await world.workflow("two", service.file(top="formerly: [one]\n"))
    service.tickets.append({"id": 2})
    await look(world, NOON + 60)
    assert world.outside.notes == [2]
    await world.workflow("other", "steps: [{filter: payload}]\n")
    (world.folder / "workflows" / "two.yaml").unlink()
    await world.library.reload()
    one = poller(world)
    for seconds in (61, 122):
        world.now = NOON + seconds
        await one.look()
    assert await StoredPolls(world.store).all() == {}
    rows = await world.store.read(Statement.of("SELECT count(*) FROM polled"))
    assert list(rows) == [(0,)]


async def test_an_answer_that_is_too_large_is_said(world: World, service: Service) -> None:
    service.tickets = [{"id": 1, "text": "x" * 1_100_000}]
    await world.workflow("one", service.file())
    await look(world)
    assert "an output may have 1,048,576" in str((await state(world)).error)


async def test_a_process_that_only_receives_has_nothing_of_this(world: World, service: Service) -> None:
    """Who executes makes a Poller; the state is the store's, so whoever comes next goes on."""
    await world.workflow("one", service.file())
    assert await StoredPolls(world.store).all() == {}


def _workflow(world: World, slug: str) -> Mapping[str, Any]:
    live = world.library.get(slug)
    assert live
    assert live.workflow.poll
    return {"workflow": live.workflow, "poll": live.workflow.poll}


async def test_an_expression_over_an_item_sees_vars_by_the_dollar(world: World, service: Service) -> None:
    text = service.file(top="vars: {prefix: t}\n").replace(
        "id: id\n", "id: \"join('-', [$.vars.prefix, key])\"\n"
    )
    await world.workflow("one", text)
    found, wrong = identified(**_workflow(world, "one"), values=[{"key": "a"}, {"key": "b"}], now=NOON)
    assert ([one.id for one in found], wrong) == (["t-a", "t-b"], None)
