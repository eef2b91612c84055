"""Runs whose destination does not take them: they wait without attempts and go on by themselves."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from aiohttp import web

from runner.engine.destinations import FAILURES_TO_OPEN, allowed_since
from runner.engine.pauses import Pause
from runner.engine.runs import Status
from tests.engine.test_problems import teller, way
from tests.engine.world import Outside, World, opened
from tests.servers.http_sink import HttpSink, Received
from tests.servers.raw_peer import unused_port

NOW = 1_000_000.0
WITH = "    with: {"
TEAM_WITH = "    connection: team\n    with: {allow_any_host: true, "
SEND = (
    "retry: {delay: 5s, jitter: false}\n"
    "steps:\n"
    "  - id: send\n"
    "    action: http.request\n"
    "    with: {method: POST, url: '{{ payload.url }}', json: {n: '{{ payload.n }}'}}\n"
)


async def away(_request: Received) -> web.Response:
    return web.Response(status=503)


class Held:
    """An HTTP peer's handler that answers when the test lets it."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.under_way = 0
        self.most = 0
        self.begun = asyncio.Condition()

    async def __call__(self, _request: Received) -> web.Response:
        async with self.begun:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.begun.notify_all()
        await self.gate.wait()
        self.under_way -= 1
        return web.json_response({"ok": True})

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10), self.begun:
            await self.begun.wait_for(lambda: self.under_way >= count)


async def sent(world: World, url: str, numbers: range) -> list[str]:
    """Send events to a workflow that posts to *url*; the ids of their runs."""
    accepted = [await world.send("shop", {"url": url, "n": n}) for n in numbers]
    return [one.run_id for one in accepted]


async def statuses(world: World, run_ids: list[str]) -> Counter[str]:
    return Counter([(await world.history.run(run_id))["status"] for run_id in run_ids])


def delivered(sink: HttpSink, since: int = 0) -> list[int]:
    return [int(one.json()["n"]) for one in sink.requests[since:]]


async def shut(world: World, url: str) -> list[str]:
    """Events until the circuit of *url* is open; the ids of their runs."""
    run_ids = []
    for n in range(-FAILURES_TO_OPEN, 0):
        run_ids += await sent(world, url, range(n, n + 1))
        await world.quiet()
    return run_ids


async def test_while_a_destination_does_not_answer_its_runs_burn_no_attempts_and_say_why(
    tmp_path: Path,
) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    async with opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND)
        first = await shut(world, url)
        (parked,) = await sent(world, url, range(1))
        end = await world.turned(parked)
        run = await world.history.run(parked)
        place = url.removeprefix("http://")
        assert await world.parked.count(place) == 1
        assert end.status is Status.WAITING
        assert end.parked_at == place
        assert end.waiting_for == f"{place} does not answer since 1970-01-12T13:46:40.000Z; goes on by itself"
        assert run["waiting"] == {"for": end.waiting_for, "until": None}
        assert [(step["status"], step["attempts"]) for step in run["steps"]] == [("waiting", 0)]
        # those that failed before it opened use their own retry, and are parked when that is due
        world.now += 5
        await world.quiet()
        attempts = [(await world.history.run(run_id))["steps"][0]["attempts"] for run_id in [*first, parked]]
    assert sorted(attempts) == [0, 1, 1, 1, 1, 2] or sorted(attempts) == [1, 1, 1, 1, 1, 1]


async def test_a_destination_that_is_down_holds_no_other_back(tmp_path: Path) -> None:
    async with HttpSink() as well, opened(tmp_path, places=8) as world:
        await world.workflow("shop", SEND.replace("5s", "1h"))
        dead = f"http://127.0.0.1:{unused_port()}"
        for n in range(20):
            await sent(world, dead, range(n, n + 1))
        run_ids = await sent(world, well.url, range(20))
        await world.quiet()
        assert await statuses(world, run_ids) == {"succeeded": 20}
    assert sorted(delivered(well)) == list(range(20))


async def test_a_slow_destination_holds_no_more_than_its_own_places(tmp_path: Path) -> None:
    held = Held()
    async with (
        HttpSink() as slow,
        HttpSink() as quick,
        opened(tmp_path, places=16, per_destination=4) as world,
    ):
        slow.handler = held
        await world.workflow("shop", SEND)
        slow_ids = await sent(world, slow.url, range(40))
        await held.until(4)
        quick_ids = await sent(world, quick.url, range(20))
        for run_id in quick_ids:
            assert (await world.turned(run_id)).status is Status.SUCCEEDED
        assert len(slow.requests) == 4
        held.gate.set()
        await world.quiet()
        assert await statuses(world, slow_ids) == {"succeeded": 40}
        records = [(await world.history.run(run_id))["steps"][0]["attempts"] for run_id in slow_ids]
    assert held.most == 4
    assert Counter(delivered(slow)) == dict.fromkeys(range(40), 1)
    assert set(records) == {1}


async def test_a_quick_destination_that_is_full_is_waited_for_without_parking(tmp_path: Path) -> None:
    async with HttpSink() as sink, opened(tmp_path, per_destination=2) as world:
        await world.workflow("shop", SEND)
        await asyncio.gather(*(sent(world, sink.url, range(n, n + 1)) for n in range(10)))
        await world.quiet()
        turns = [len(ends) for ends in world.ends.values()]
    assert turns == [1] * 10


async def test_an_hour_away_at_thirty_events_a_minute_needs_nobody(tmp_path: Path) -> None:
    port = unused_port()
    taken: list[tuple[int, str]] = []

    async def back(request: Received) -> web.Response:
        taken.append((int(request.json()["n"]), request.headers["idempotency-key"]))
        return web.json_response({"ok": True})

    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = NOW
        await world.workflow("shop", SEND)
        run_ids: list[str] = []
        tell = teller(world, way("chat")).tell

        async def minutes(first: int, end: int) -> None:
            for minute in range(first, end):
                world.now = NOW + 60 * minute
                numbers = range(30 * minute, 30 * minute + 30)
                run_ids.extend(await sent(world, f"http://127.0.0.1:{port}", numbers))
                await world.quiet()
                await tell()

        await minutes(0, 30)  # nobody listens
        async with HttpSink(port=port) as sink:
            sink.handler = away
            await minutes(30, 60)  # someone does, and says that it cannot
            assert len(sink.requests) <= 35  # an hour's runs cost it a call a minute
            assert await statuses(world, run_ids) == {"waiting": 1800}
            assert await world.parked.count(f"127.0.0.1:{port}") >= 1700

            sink.handler = back
            rates = []
            for second in range(120):
                world.now = NOW + 3600 + second
                before = len(taken)
                await world.quiet()
                rates.append(len(taken) - before)
                await tell()
            world.now += 900  # the next attempts of those that were tried in vain
            await world.quiet()
            await tell()
            ended = [await world.history.run(run_id) for run_id in run_ids]
    assert Counter(run["status"] for run in ended) == {"succeeded": 1800}
    # one message at each end
    assert [note.split(":")[1].strip() for note in outside.notes] == ["open", "closed"]
    # each once, under one key
    assert sorted(n for n, _key in taken) == list(range(1800))
    assert len({key for _n, key in taken}) == 1800
    # after the probe at a bounded rate that grows: in the n-th second n times as many as may be
    # under way at a time
    for second in range(len(rates)):
        assert sum(rates[: second + 1]) <= 1 + allowed_since(second, 8)
    assert sum(rates[:30]) >= 1700
    # in the order of accepting, but for those that go at the same time, and those tried in vain
    tried_before = {n for n, run in enumerate(ended) if run["steps"][0]["attempts"] > 1}
    assert len(tried_before) <= 70
    in_order = [n for n, _key in taken if n not in tried_before]
    places = enumerate(sorted(in_order))
    assert max(abs(in_order[place] - n) for place, n in places) <= 2 * 8 + len(tried_before)


async def test_the_order_of_each_key_is_kept_through_an_outage_and_a_restart_in_its_middle(
    tmp_path: Path,
) -> None:
    keyed = f"concurrency: {{limit: 1, key: payload.k}}\n{SEND}"
    run_ids: list[str] = []
    async with HttpSink() as sink:
        sink.handler = away

        async def minutes(world: World, numbers: range) -> None:
            for minute in numbers:
                world.now = NOW + 60 * minute
                for n in range(10 * minute, 10 * minute + 10):
                    payload = {"url": sink.url, "n": n, "k": n % 3}
                    run_ids.append((await world.send("keyed", payload)).run_id)
                await world.quiet()

        async with opened(tmp_path) as world:
            await world.workflow("keyed", keyed)
            await minutes(world, range(5))
        async with opened(tmp_path) as world:
            world.now = NOW + 300
            await minutes(world, range(5, 10))
            before = len(sink.requests)
            sink.handler = None
            for second in range(0, 900, 10):
                world.now = NOW + 600 + second
                await world.quiet()
            assert await statuses(world, run_ids) == {"succeeded": 100}
    numbers = delivered(sink, since=before)
    for key in range(3):
        assert [n for n in numbers if n % 3 == key] == [n for n in range(100) if n % 3 == key]


async def test_what_is_parked_survives_a_restart_and_one_call_finds_out(tmp_path: Path) -> None:
    port = unused_port()
    place = f"127.0.0.1:{port}"
    async with opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND.replace("5s", "15m"))
        await shut(world, f"http://{place}")
        run_ids = await sent(world, f"http://{place}", range(50))
        await world.quiet()
        assert await world.parked.count(place) == 50
    async with HttpSink(port=port) as sink:
        sink.handler = away
        async with opened(tmp_path) as world:
            world.now = NOW + 60
            await world.quiet()
            assert len(sink.requests) == 1  # in the middle of the outage: the first in line asked
            assert delivered(sink) == [0]
            assert await world.parked.count(place) == 49
        sink.handler = None
        async with opened(tmp_path) as world:
            for second in range(10):
                world.now = NOW + 120 + second
                await world.quiet()
            assert await statuses(world, run_ids[1:]) == {"succeeded": 49}
            assert sorted(delivered(sink, since=1)) == list(range(1, 50))
            assert delivered(sink, since=1)[0] == 1


async def test_a_retry_after_holds_all_runs_of_a_destination(tmp_path: Path) -> None:
    async with HttpSink() as sink, opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND)
        sink.reply(429, headers={"Retry-After": "30"})
        run_ids = await sent(world, sink.url, range(1))
        await world.quiet()
        run_ids += await sent(world, sink.url, range(1, 20))
        await world.quiet()
        world.now = NOW + 29
        await world.quiet()
        assert len(sink.requests) == 1
        run = await world.history.run(run_ids[5])
        assert run["steps"][0]["attempts"] == 0
        assert "asked to be left alone until 1970-01-12T13:47:10.000Z" in run["waiting"]["for"]
        for second in range(30, 40):
            world.now = NOW + second
            await world.quiet()
        assert await statuses(world, run_ids) == {"succeeded": 20}
        assert len(sink.requests) == 21


async def test_the_time_for_which_a_run_is_parked_is_no_part_of_its_retries(tmp_path: Path) -> None:
    port = unused_port()
    async with opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND.replace("5s", "15m"))
        await shut(world, f"http://127.0.0.1:{port}")
        await world.workflow("shop", SEND.replace("delay: 5s,", "delay: 5s, for: 1m,"))
        (run_id,) = await sent(world, f"http://127.0.0.1:{port}", range(1))
        await world.quiet()
        async with HttpSink(port=port) as sink:
            sink.reply(503)
            world.now = NOW + 3 * 3600  # longer than all its retries, had it been trying
            await world.quiet()
            for _ in range(3):
                world.now += 5
                await world.quiet()
            assert delivered(sink).count(0) == 2
        run = await world.history.run(run_id)
        assert run["status"] == "succeeded"
        assert run["steps"][0]["attempts"] == 2


async def test_an_action_that_must_not_be_repeated_is_parked_without_a_doubt(tmp_path: Path) -> None:
    port = unused_port()
    async with opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND.replace("5s", "15m"))
        await shut(world, f"http://127.0.0.1:{port}")
        await world.workflow("once", f"{SEND}    after_crash: stop\n")
        url = f"http://127.0.0.1:{port}"
        once = [(await world.send("once", {"url": url, "n": n})).run_id for n in range(3)]
        await world.quiet()
        assert await statuses(world, once) == {"waiting": 3}
        async with HttpSink(port=port):
            for second in range(10, 20):
                world.now = NOW + second
                await world.quiet()
            assert await statuses(world, once) == {"succeeded": 3}


async def test_branches_that_wait_at_several_destinations_each_go_on_when_theirs_does(tmp_path: Path) -> None:
    ports = [unused_port(), unused_port()]
    both = "retry: {delay: 5s, jitter: false}\nsteps:\n  - id: both\n    parallel:\n" + "".join(
        f"      b{port}:\n        - action: http.request\n"
        f"          with: {{method: POST, url: 'http://127.0.0.1:{port}', json: {{n: 1}}}}\n"
        for port in ports
    )
    async with opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND.replace("5s", "15m"))
        for port in ports:
            await shut(world, f"http://127.0.0.1:{port}")
        await world.workflow("both", both)
        run_id = (await world.send("both")).run_id
        await world.quiet()
        for up in ports:  # one after the other comes back, whichever it is that the run is woken by
            async with HttpSink(port=up) as sink:
                for _ in range(20):
                    assert world.now
                    world.now += 10
                    await world.quiet()
                assert len([one for one in sink.requests if one.json() == {"n": 1}]) == 1
        assert await statuses(world, [run_id]) == {"succeeded": 1}


async def test_runs_at_a_paused_host_or_connection_wait_and_go_on_in_order(tmp_path: Path) -> None:
    async with HttpSink() as sink, opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND)
        pause = Pause("host", "127.0.0.1", by="Ada", at=NOW, why="they move", until=NOW + 600)
        await world.pauses.pause(pause)
        await world.parking.find()
        run_ids = await sent(world, sink.url, range(20))
        await world.quiet()
        assert sink.requests == []
        run = await world.history.run(run_ids[0])
        assert run["steps"][0]["attempts"] == 0
        assert run["waiting"]["for"].startswith(
            f"127.0.0.1:{sink.port} is paused by Ada (they move) until 1970-01-12T13:56:40.000Z"
        )
        for second in range(5):  # one call first, then more and more: nobody knows what the pause was for
            world.now = NOW + 600 + second
            await world.quiet()
        assert await statuses(world, run_ids) == {"succeeded": 20}
        numbers = delivered(sink)
        assert sorted(numbers) == list(range(20))
        assert max(abs(n - place) for place, n in enumerate(numbers)) <= 16


async def test_a_run_of_a_paused_connection_is_parked_before_its_call(tmp_path: Path) -> None:
    async with HttpSink() as sink, opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND.replace(WITH, TEAM_WITH))
        await world.pauses.pause(Pause("connection", "team", by="Ada", at=NOW))
        await world.parking.find()
        (run_id,) = await sent(world, sink.url, range(1))
        end = await world.turned(run_id)
        assert end.waiting_for == "the connection team is paused by Ada until it is resumed"
        assert end.parked_at == "connection/team"
        assert (await world.history.run(run_id))["steps"][0]["attempts"] == 0
        await world.pauses.resume("connection", "team")
        await world.quiet()
        assert delivered(sink) == [0]


async def test_a_cancelled_run_that_was_parked_wakes_nobody(tmp_path: Path) -> None:
    place = f"127.0.0.1:{unused_port()}"
    async with opened(tmp_path) as world:
        world.now = NOW
        await world.workflow("shop", SEND.replace("5s", "15m"))
        await shut(world, f"http://{place}")
        run_ids = await sent(world, f"http://{place}", range(2))
        await world.quiet()
        await world.store.cancel(run_ids[0], now=NOW)
        assert await world.parked.count(place) == 1
        assert await statuses(world, run_ids) == {"cancelled": 1, "waiting": 1}
