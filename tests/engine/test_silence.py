"""`expect_every`: a silent sender is a problem, with one message when it opens and one when it closes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.engine.accept import new_id, reject
from runner.engine.notices import Notice, Teller, Way
from runner.engine.pauses import Pause
from runner.engine.runs import Disposition, Event, Gate
from runner.engine.silence import expected, in_words, silence_of
from runner.store.notices import StoredNotices
from runner.store.problems import StoredProblems
from runner.store.silence import StoredListening
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

NOON = 1_800_000_000.0
DAY = 86400.0
DAILY = "trigger: {webhook: {expect_every: 1d}}\nsteps:\n  - action: probe.note\n    with: {text: x}\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        world.now = NOON
        await world.workflow("one", DAILY)
        await listen(world)
        yield world


async def listen(world: World, at: float | None = None) -> list[Any]:
    """What a server does every few seconds; the problems after that, newest first."""
    world.now = at if at is not None else world.now
    for _ in range(2):  # by two processes
        await StoredListening(world.store).listen(expected(world.library), now=world.clock())
    await StoredProblems(world.store).close_settled(now=world.clock())
    return (await StoredProblems(world.store).page()).items


@pytest.mark.parametrize(
    ("heard_at", "now", "since"),
    [
        (None, NOON + DAY - 1, None),
        (None, NOON + DAY, NOON),
        (NOON - 5 * DAY, NOON + DAY - 1, None),  # the sender was silent before anybody expected anything
        (NOON - 5 * DAY, NOON + DAY, NOON),
        (NOON + 100, NOON + DAY, None),
        (NOON + 100, NOON + DAY + 100, NOON + 100),
    ],
)
def test_silence_counts_from_the_last_event_or_from_when_it_was_expected(
    heard_at: float | None, now: float, since: float | None
) -> None:
    found = silence_of("one", seconds=DAY, expected_since=NOON, heard_at=heard_at, now=now)
    assert (found.since if found else None) == since


def test_a_length_is_written_as_in_a_file() -> None:
    assert [in_words(one) for one in (86400, 129600, 90, 0.5)] == ["1d", "1d12h", "1m30s", "0.5s"]


async def test_a_silent_sender_is_one_problem_until_events_come_again(world: World) -> None:
    await world.send("one")
    assert await listen(world, NOON + DAY - 1) == []
    (one,) = await listen(world, NOON + DAY)
    assert (one["kind"], one["status"], one["workflow"], one["runs"]["total"]) == ("silent", "open", "one", 0)
    assert one["sentence"] == (
        "No event has come since 2027-01-15T08:00:00.000Z: at least one is expected every 1d."
    )
    assert len(await listen(world, NOON + 3 * DAY)) == 1
    await world.send("one")
    (one,) = await listen(world)
    assert (one["status"], one["closed_at"]) == ("closed", "2027-01-18T08:00:00.000Z")
    assert len(await listen(world, NOON + 5 * DAY)) == 2  # another silence, more than a day later


async def test_nothing_is_said_of_a_workflow_that_expects_nothing(world: World) -> None:
    await world.workflow("two", DAILY.replace("{expect_every: 1d}", "{}"))
    assert [one["workflow"] for one in await listen(world, NOON + 9 * DAY)] == ["one"]


async def test_events_that_are_held_or_repeated_are_heard_and_refused_ones_are_not(world: World) -> None:
    await world.send("one", delivery_id="a")
    world.now = NOON + DAY - 10
    assert (await world.send("one", delivery_id="a")).disposition is Disposition.DUPLICATE
    assert await listen(world, NOON + DAY) == []
    await world.pauses.pause(Pause("workflow", "one", "ada", NOON))
    await world.holding.refresh()
    assert (await world.send("one")).disposition is Disposition.HELD
    world.now = NOON + 2 * DAY - 1
    await reject(world.door, an_event(world), Gate("signature", "stopped", "no"))
    assert await listen(world) == []
    assert len(await listen(world, NOON + 2 * DAY)) == 1


def an_event(world: World) -> Event:
    return Event(
        id=new_id(world.clock()), workflow="one", trigger="webhook", received_at=world.clock(),
        disposition=Disposition.ACCEPTED, method="POST", path="", query="", headers={}, content_type="",
        size=0, source_ip="", body=b"",
    )  # fmt: skip


async def test_what_a_person_runs_by_hand_is_no_sign_of_the_sender(world: World) -> None:
    world.now = NOON + DAY - 1
    await world.store.accept(replace(an_event(world), trigger="manual"), [], {})
    assert len(await listen(world, NOON + DAY)) == 1


async def test_a_dismissed_silence_is_not_brought_back_and_the_next_one_is_news(world: World) -> None:
    (one,) = await listen(world, NOON + DAY)
    await StoredProblems(world.store).dismiss(one["id"], by="ada", note="holidays", now=NOON + DAY + 1)
    assert [one["status"] for one in await listen(world, NOON + 3 * DAY)] == ["closed"]
    await world.send("one")
    assert [one["status"] for one in await listen(world, NOON + 4 * DAY)] == ["open", "closed"]


async def test_a_workflow_that_expects_nothing_any_more_has_no_silence(world: World) -> None:
    await listen(world, NOON + DAY)
    await world.workflow("one", DAILY.replace("{expect_every: 1d}", "{}"))
    (one,) = await listen(world)
    assert (one["status"], one["note"]) == ("closed", "It expects no events any more.")
    await world.workflow("one", DAILY)
    await listen(world)
    assert (await listen(world, NOON + 2 * DAY - 1))[0]["status"] == "closed"  # it is expected from now on
    assert (await listen(world, NOON + 2 * DAY))[0]["status"] == "open"


async def test_an_edit_of_something_else_changes_nothing_of_what_is_expected(world: World) -> None:
    world.now = NOON + DAY - 1
    await world.workflow("one", DAILY.replace("text: x", "text: y"))
    assert await listen(world) == []
    assert len(await listen(world, NOON + DAY)) == 1


async def test_one_message_when_it_opens_and_one_when_events_come_again(world: World) -> None:
    ways = (Way("chat", "probe.note", lambda notice: {"text": _said(notice)}),)
    teller = Teller(StoredNotices(world.store), world.tools, ways=lambda: ways, per_minute=5)
    for later in (0, 1, 10, 20, 30):
        (problem,) = await listen(world, NOON + DAY + later)
        await teller.tell()
    assert world.outside.notes == [
        (
            "open: Silent: one: No event has come since 2027-01-15T08:00:00.000Z, when this was first "
            f"expected: at least one is expected every 1d.\nhttp://hookline.test/failures/{problem['id']}"
        )
    ]
    accepted = await world.send("one")
    await world.turned(accepted.run_id)
    for later in (40, 50):
        await listen(world, NOON + DAY + later)
        await teller.tell()
    told = [one for one in world.outside.notes if one != "x"]
    assert len(told) == 2
    assert told[1].startswith("closed: Closed: one: No event has come")
    assert "\nEvents come again.\n" in told[1]


def _said(notice: Notice) -> str:
    return f"{notice.kind}: {notice.text}"
