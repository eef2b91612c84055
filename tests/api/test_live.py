from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine.problems import Trouble
from runner.engine.runs import Disposition, Record, RecordStatus, Status
from runner.values import loads
from tests.api.house import World
from tests.api.schema_check import differences
from web.api import live
from web.api.routes import PREFIX

if TYPE_CHECKING:
    from quart.typing import TestHTTPConnectionProtocol as Connection

pytestmark = pytest.mark.both_stores


class Stream:
    """What a listener of the live channel reads."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._text = ""

    async def next(self) -> tuple[str, Any]:
        """The next event's name and data; a comment's name is empty."""
        while "\n\n" not in self._text:
            self._text += (await asyncio.wait_for(self.connection.receive(), 10)).decode()
        part, self._text = self._text.split("\n\n", 1)
        lines = dict(line.split(": ", 1) for line in part.split("\n") if not line.startswith(":"))
        return lines.get("event", ""), loads(lines["data"].encode()) if "data" in lines else None

    async def named(self, name: str) -> Any:
        """The data of the next event of that name."""
        while True:
            found, data = await self.next()
            if found == name:
                return data


@asynccontextmanager
async def listening(world: World, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    """A listener who heard that it is listened for."""
    client = world.app.test_client()
    given = {**await world.token("viewer"), **headers}
    async with client.request(f"{PREFIX}/live{query}", headers=given) as connection:
        await connection.send_complete()
        stream = Stream(connection)
        assert await stream.next() == ("ready", {})
        yield stream
        await connection.disconnect()


async def test_events_and_runs_are_told_as_the_lists_have_them(world: World) -> None:
    async with listening(world) as stream:
        event_id, run_id = await world.made.event()
        await world.house.watcher.look()
        event = await stream.named("event")
        run = await stream.named("run")
        assert (event["id"], run["id"], run["status"]) == (event_id, run_id, "queued")
        document = await world.get(f"{PREFIX}/openapi.json")
        schemas = document["components"]["schemas"]
        assert differences(event, schemas["EventItem"], document) == []
        assert differences(run, schemas["RunItem"], document) == []
        listed = (await world.get(f"{PREFIX}/runs"))["items"]
        assert listed == [run]


async def test_a_run_is_told_of_again_when_it_moves(world: World) -> None:
    run_id = await world.made.run(Status.QUEUED)
    async with listening(world, "?kinds=run") as stream:
        await world.made.claim(run_id)
        await world.house.watcher.look()
        assert (await stream.named("run"))["status"] == "running"
        await world.house.store.cancel(run_id, now=world.made.now)
        other = await world.made.run(Status.SUCCEEDED)
        await world.house.watcher.look()
        assert (await stream.named("run"))["id"] == other


async def test_each_step_of_a_run_that_is_looked_at_is_told(world: World) -> None:
    _event, run_id = await world.made.event()
    assert run_id is not None
    run = await world.made.claim(run_id)
    async with listening(world, f"?kinds=run&run={run_id}") as stream:
        await world.made.run()  # of which this listener does not hear
        record = Record("a", "action", RecordStatus.STARTED, 1, world.made.now)
        await world.store.record(run, [record], {})
        await world.house.watcher.look()
        assert (await stream.named("run"))["id"] == run_id


async def test_a_listener_hears_of_its_workflow_alone(world: World) -> None:
    async with listening(world, "?workflow=orders&kinds=event") as stream:
        await world.made.event(workflow="other")
        mine, _ = await world.made.event(disposition=Disposition.REJECTED, title=None)
        await world.house.watcher.look()
        world.house.changes.tell("workflow", {"slug": "orders"})
        assert (await stream.next())[1]["id"] == mine
        later, _ = await world.made.event()
        await world.house.watcher.look()
        assert (await stream.next())[1]["id"] == later


async def test_what_this_process_tells_comes_through(world: World) -> None:
    async with listening(world, "?kinds=workflow,draft&workflow=orders") as stream:
        world.house.changes.tell("draft", {"workflow": "other", "by": "ada", "saved_at": None})
        world.house.changes.tell("draft", {"workflow": "orders", "by": "ada", "saved_at": None})
        world.house.changes.tell("workflow", {"slug": "orders", "change": "published"})
        assert await stream.next() == ("draft", {"workflow": "orders", "by": "ada", "saved_at": None})
        assert (await stream.next())[0] == "workflow"


async def test_of_a_flood_the_newest_are_told_and_how_many_more(world: World) -> None:
    async with listening(world, "?kinds=event") as stream:
        ids = [(await world.made.event(title=None))[0] for _ in range(53)]
        await world.house.watcher.look()
        assert await stream.next() == ("resync", {"missed": 3})
        told = [(await stream.next())[1]["id"] for _ in range(50)]
        assert told == ids[3:]


async def test_who_connects_anew_is_told_to_look_for_what_it_missed(world: World) -> None:
    async with listening(world, **{"Last-Event-ID": "7"}) as stream:
        assert await stream.next() == ("resync", {"missed": None})


async def test_a_problem_is_told_when_it_opens(world: World) -> None:
    async with listening(world, "?kinds=problem") as stream:
        trouble = Trouble("orders", "a", "rejected: no", "a failed: no", None, world.made.now)
        await world.made.run(Status.FAILED, trouble=trouble)
        world.clock.later += 10
        await world.house.watcher.look()
        problem = await stream.named("problem")
        assert (problem["workflow"], problem["status"]) == ("orders", "open")


async def test_nobody_is_kept_after_leaving(world: World) -> None:
    async with listening(world):
        assert world.house.changes.listeners == 1
    async with asyncio.timeout(10):
        while world.house.changes.listeners:
            await asyncio.sleep(0)


async def test_nothing_is_looked_for_while_nobody_listens(world: World) -> None:
    await world.made.event()
    await world.house.watcher.look()
    async with listening(world, "?kinds=event") as stream:
        event_id, _ = await world.made.event()
        await world.house.watcher.look()
        assert (await stream.next())[1]["id"] == event_id  # not of the one before


async def test_listeners_are_bounded(world: World) -> None:
    hub = world.house.changes
    with ExitStack() as held:
        for _ in range(live.MOST_LISTENERS):
            held.enter_context(hub.listening())
        answer = await world.app.test_client().get(f"{PREFIX}/live", headers=await world.token())
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


@pytest.mark.parametrize("query", ["?kinds=secret", "?kinds=run,", "?run=..", "?since=1h"])
async def test_what_cannot_be_listened_for_is_refused(world: World, query: str) -> None:
    answer = await world.app.test_client().get(f"{PREFIX}/live{query}", headers=await world.token())
    assert answer.status_code == 400


async def test_a_head_request_has_an_end(world: World) -> None:
    answer = await world.app.test_client().head(f"{PREFIX}/live", headers=await world.token())
    assert answer.status_code == 200
    assert answer.content_type == "text/event-stream"


async def test_the_hub_ends_all_who_listen(world: World) -> None:
    async with listening(world) as stream:
        world.house.changes.close()
        assert await stream.connection.receive() == b""  # the end
