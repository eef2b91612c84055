"""What the API shows of schedules and polls."""

from __future__ import annotations

import pytest

from runner.engine.polls import Polling
from runner.engine.schedules import Planned
from runner.store.polls import StoredPolls
from runner.store.schedules import StoredSchedules
from runner.values import iso
from tests.api.house import World

pytestmark = pytest.mark.both_stores

STEPS = "steps: [{filter: payload}]\n"
MORNING = f'name: m\ntrigger: {{schedule: {{cron: "0 9 * * *", timezone: Europe/Athens}}}}\n{STEPS}'
ASKING = f"name: a\ntrigger: {{poll: {{action: probe.note, every: 5m, id: id}}}}\n{STEPS}"


async def test_schedules_and_polls_are_listed_with_what_comes_next(world: World) -> None:
    await world.write("morning", MORNING)
    await world.write("asking", ASKING)
    now = world.clock()
    await StoredSchedules(world.store).plan(
        None, Planned("morning", "cron", now, now + 60, now - 60, now - 60, "e1", 2, "busy")
    )
    polls = StoredPolls(world.store)
    await polls.plan(None, Polling("asking", "spec", now + 60))
    asking, morning = (await world.get("/api/v1/schedules"))["items"]
    assert (asking["kind"], asking["next"], asking["last"]) == ("poll", [iso(now + 60)], None)
    assert (morning["kind"], morning["what"], morning["timezone"]) == (
        "schedule",
        "0 9 * * *",
        "Europe/Athens",
    )
    assert morning["words"] == "At 09:00 every day"
    assert len(morning["next"]) == 3
    assert morning["last"] == {"at": iso(now - 60), "event": "e1"}
    assert morning["skipped"] == {"count": 2, "why": "busy"}


async def test_what_is_disabled_says_so_and_has_no_next_time(world: World) -> None:
    await world.write("morning", MORNING + "enabled: false\n")
    (item,) = (await world.get("/api/v1/schedules"))["items"]
    assert (item["next"], item["stopped"]) == ([], "the workflow's file says `enabled: false`")
