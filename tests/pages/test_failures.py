"""Failures, a problem, the plan of a replay and its progress, as pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.problems import Trouble
from runner.engine.runs import Record, RecordStatus, Status
from runner.errors import Unavailable
from tests.api.house import WORKFLOW, World, open_world
from tests.pages.forms import posted, sent

pytestmark = pytest.mark.both_stores

MARKUP = "<script>alert(1)</script>"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A house with one workflow, `orders`, whose step is called `post`."""
    text = WORKFLOW.replace("action:", "id: post\n    action:")
    async with open_world(tmp_path, workflows={"orders": text}) as one:
        yield one


async def failed(
    world: World,
    *,
    error: str = "rejected",
    said: str = "there is no channel",
    status: Status = Status.FAILED,
    destination: str | None = None,
) -> str:
    """A run of `orders` that failed, or waits, at its only step; the run's id."""
    waits = status is Status.WAITING
    record = Record(
        path="post", kind="action", status=RecordStatus.WAITING if waits else RecordStatus.FAILED,
        attempts=1, started_at=world.made.now, error={"type": error, "message": said},
        ended_at=None if waits else world.made.now, due_at=world.made.now + 60 if waits else None,
    )  # fmt: skip
    trouble = Trouble("orders", "post", said, f"post failed: {said}", destination, world.made.now)
    return await world.made.run(status, records=[record], trouble=trouble)


async def the_problem(world: World) -> str:
    """The id of the only one."""
    (one,) = (await world.house.problems.page()).items
    return str(one["id"])


def words(page: str) -> str:
    """What a person reads of *page*, in one line."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub("<[^>]+>", " ", main).split())


async def test_without_problems_nothing_needs_anybody(world: World) -> None:
    assert "Nothing needs you. There was no problem yet." in words(await world.page("/failures"))
    await failed(world)
    browser = await world.signed_in("editor")
    await posted(
        browser, f"/failures/{await the_problem(world)}/dismiss", {"note": "a test shop"}, status=303
    )
    page = words(str(await (await browser.get("/failures")).get_data(as_text=True)))
    assert re.search(r"Nothing needs you\. Last problem: closed (now|\d+ s ago) \.", page)
    closed = words(str(await (await browser.get("/failures?status=closed")).get_data(as_text=True)))
    assert "Closed There is no channel" in closed
    assert "dismissed by ada : a test shop" in closed


async def test_a_problem_stands_once_with_its_count(world: World) -> None:
    for _ in range(3):
        await failed(world, said=MARKUP)
    page = await world.page("/failures")
    assert MARKUP not in page
    assert page.count('href="/failures/') == 1
    assert "Orders , step 1, Post" in words(page)
    assert re.search(r'data-label="runs">3<', page)


@pytest.mark.parametrize("status", ["nothing", "closed"])
async def test_a_cursor_that_is_none_of_ours_is_refused(world: World, status: str) -> None:
    browser = await world.signed_in("viewer")
    answer = await browser.get(f"/failures?status={status}&cursor=x")
    assert answer.status_code == 400


async def test_the_first_sentence_says_what_to_do(world: World) -> None:
    await failed(world)
    problem = await the_problem(world)
    page = await world.page(f"/failures/{problem}", role="editor")
    assert re.search(r"<h1><bdi>There is no channel</bdi></h1>", page)
    assert "1 run failed. Mend the cause, then plan a replay" in words(page)
    for button in ("Plan a replay", "Pause workflow…", "Mark as seen", "Dismiss…", "Edit step 1"):
        assert button in page
    seen = await world.signed_in("editor")
    await posted(seen, f"/failures/{problem}/seen", {}, status=303)
    page = str(await (await seen.get(f"/failures/{problem}")).get_data(as_text=True))
    assert "Mark as seen" not in page
    assert "Seen by ada" in words(page)


async def test_a_viewer_sees_it_without_buttons(world: World) -> None:
    await failed(world)
    problem = await the_problem(world)
    page = await world.page(f"/failures/{problem}")
    assert "there is no channel" in page
    for button in ("Plan a replay", "Pause workflow…", "Mark as seen", "Dismiss…"):
        assert button not in page
    viewer = await world.signed_in("viewer")
    for path in ("seen", "dismiss", "replay", "try"):
        assert (await sent(viewer, f"/failures/{problem}/{path}", {"note": "x"})).status_code == 403


async def test_runs_that_wait_need_nobody(world: World) -> None:
    await failed(world, status=Status.WAITING, error="unavailable", destination="team-slack")
    page = words(await world.page(f"/failures/{await the_problem(world)}", role="editor"))
    assert "1 run waits and goes on by itself. You need not do anything." in page
    assert "Plan a replay" not in page
    assert "team-slack was not called since this server started." in page


async def test_what_does_not_answer_is_told_and_tried_at_once(world: World) -> None:
    await failed(world, status=Status.WAITING, error="unavailable", destination="team-slack")
    assert world.house.vitals
    destinations = world.house.vitals.destinations
    for _ in range(5):
        given = await destinations.enter(
            "slack.com:443", was_parked=False, must=False, connection="team-slack"
        )
        destinations.leave(given, Unavailable("no answer", cause="network"))
    problem = await the_problem(world)
    browser = await world.signed_in("run")
    page = words(str(await (await browser.get(f"/failures/{problem}")).get_data(as_text=True)))
    assert "team-slack has not answered since" in page
    assert "Try now" in page
    assert destinations.room("slack.com:443") == 0
    await posted(browser, f"/failures/{problem}/try", {}, status=303)
    assert destinations.room("slack.com:443") == 1


async def test_a_plan_leaves_out_what_may_have_arrived_until_it_is_ticked(world: World) -> None:
    for _ in range(7):
        await failed(world)
    doubtful = await failed(world, error="outcome_unknown")
    browser = await world.signed_in("run")
    address = f"/failures/{await the_problem(world)}"
    page = str(await (await browser.get(f"{address}?plan=1")).get_data(as_text=True))
    assert "Replay 7 runs?" in words(page)
    assert "7 runs stopped before anything was sent" in words(page)
    assert "1 run may have arrived" in words(page)
    assert "Sends: 7 × Probe: note." in words(page)
    assert "We start with 5 and go on if all succeed." in words(page)
    assert f"/runs/{doubtful}" in page.partition('class="left-out"')[2]
    assert not re.search('name="uncertain" checked', page)
    ticked = str(await (await browser.get(f"{address}?plan=1&chosen=1&uncertain=on")).get_data(as_text=True))
    assert "Replay 8 runs?" in words(ticked)
    assert "Sends: 8 × Probe: note." in words(ticked)
    assert "We start with 5" not in ticked  # that was not ticked
    assert (await world.house.replays.page()).items == []  # looking keeps nothing


async def test_what_is_ticked_is_replayed_and_seen_on_its_page(world: World) -> None:
    for _ in range(2):
        await failed(world)
    await failed(world, error="outcome_unknown")
    browser = await world.signed_in("run")
    address = f"/failures/{await the_problem(world)}"
    answer = await sent(browser, f"{address}/replay", {"rate": "4", "version": "original", "chosen": "1"})
    assert answer.status_code == 303
    page = str(await (await browser.get(answer.headers["Location"])).get_data(as_text=True))
    assert "It begins." in words(page)
    assert "data-renew" in page
    (replay,) = (await world.house.replays.page()).items
    assert (replay["rate"], replay["version"], replay["first"]) == (4, "original", 0)
    assert (replay["plan"]["included"], replay["include_uncertain"]) == (2, False)
    assert "A replay of its runs is under way." in words(await world.page(address))
    assert "Recovering" in words(await world.page("/failures"))
    path = f"/replays/{replay['id']}"
    await posted(browser, f"{path}/pause", {}, status=303)
    page = words(str(await (await browser.get(path)).get_data(as_text=True)))
    assert "Paused by ada." in page
    assert "0 are done, 2 wait." in page
    await posted(browser, f"{path}/start", {"rate": "0.5"}, status=303)
    assert (await world.house.replays.show(replay["id"]))["rate"] == 0.5
    await posted(browser, f"{path}/start", {"rate": "0.5"}, status=409)
    await posted(browser, f"{path}/stop", {}, status=303)
    page = await world.page(path)
    assert "Stopped by ada. 2 were not begun." in words(page)
    assert "data-renew" not in page


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast", "1001", "1" * 20])
async def test_a_speed_that_is_none_is_refused(world: World, rate: str) -> None:
    await failed(world)
    browser = await world.signed_in("run")
    answer = await sent(browser, f"/failures/{await the_problem(world)}/replay", {"rate": rate})
    assert answer.status_code == 400
    assert "Speed:" in str(await answer.get_data(as_text=True))
    assert (await world.house.replays.page()).items == []


async def test_nothing_that_is_left_is_not_begun(world: World) -> None:
    await failed(world, error="outcome_unknown")
    browser = await world.signed_in("run")
    address = f"/failures/{await the_problem(world)}"
    page = str(await (await browser.get(f"{address}?plan=1")).get_data(as_text=True))
    assert "Nothing is ticked that could be replayed" in words(page)
    assert "No run is left" in await posted(browser, f"{address}/replay", {}, status=409)
    assert (await world.house.problems.open_count()) == 1


async def test_a_note_is_needed_to_dismiss(world: World) -> None:
    await failed(world)
    browser = await world.signed_in("editor")
    address = f"/failures/{await the_problem(world)}"
    assert "Say in a few words" in await posted(browser, f"{address}/dismiss", {"note": "  "}, status=400)
    assert (await world.house.problems.open_count()) == 1


async def test_what_is_not_there_is_not_found(world: World) -> None:
    browser = await world.signed_in("admin")
    for path in ("/failures/nothing", "/replays/nothing"):
        assert (await browser.get(path)).status_code == 404
    for path in ("/failures/nothing/seen", "/failures/nothing/try", "/replays/nothing/stop"):
        assert (await sent(browser, path, {})).status_code == 404


async def test_when_only_what_may_have_arrived_is_left_the_question_is_another(
    world: World,
) -> None:
    sure = await failed(world, said="no such channel; /invite the app there")
    await failed(world, error="outcome_unknown", said="no such channel; /invite the app there")
    address = f"/failures/{await the_problem(world)}"
    page = await world.page(address, role="editor")
    assert "2 runs failed. Mend the cause" in words(page)
    assert "1 may have arrived and stays out of it unless you tick it." in words(page)
    assert "<h1><bdi>No such channel</bdi></h1>" in page
    assert "It says no such channel; /invite the app there" in words(page)
    assert 'href="/workflows/orders/edit#line-6"' in page
    await world.house.store.replay_failed(sure, version=1, now=world.made.now)
    page = await world.page(address, role="editor")
    assert "<h1><bdi>1 run may have arrived: no answer came after sending</bdi></h1>" in page
    assert "look whether it arrived. Then plan a replay, or dismiss it with a note." in words(page)
    assert "Began with no such channel" in words(page)
