"""The numbers of Health: as JSON, as Prometheus reads them, and as a page; they are the same."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runner.engine.runs import Status
from runner.errors import Unavailable
from runner.store.sqlite import SQLiteStore
from tests.api.house import World
from tests.servers.debian import unpacked
from web.app import make_app

pytestmark = pytest.mark.both_stores

METRICS = "/metrics"


async def metrics(world: World) -> dict[str, float]:
    """The samples by name with their labels, as Prometheus reads them."""
    answer = await world.app.test_client().get(METRICS, headers=await world.token("viewer"))
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    text = str(await answer.get_data(as_text=True))
    return {
        sample.name
        + "".join(f"[{name}={sample.labels[name]}]" for name in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def checks(world: World) -> dict[str, Any]:
    """The checks by name."""
    found = await world.get("/api/v1/health")
    return {one["name"]: one for one in found["checks"]}


async def test_the_numbers_are_those_of_the_rows(world: World) -> None:
    await world.made.run(Status.SUCCEEDED)
    await world.made.run(Status.WAITING)
    await world.made.run(Status.QUEUED)
    await world.made.event(title=None)
    found, read = await world.get("/api/v1/health"), await metrics(world)
    assert (found["queued"], found["running"], found["waiting"], found["held"]) == (1, 0, 1, 0)
    assert found["oldest_waiting_seconds"] > 0
    assert read["hookline_events_total"] == 4
    assert read["hookline_runs_total"] == 3
    assert read["hookline_runs_finished_total"] == 1
    assert read["hookline_runs_under_way[status=queued]"] == 1
    assert read["hookline_runs_under_way[status=waiting]"] == 1
    assert read["hookline_oldest_waiting_seconds"] == pytest.approx(found["oldest_waiting_seconds"], abs=2)
    assert read["hookline_store_used_bytes"] == found["store"]["used_bytes"] > 0
    assert read["hookline_store_up"] == 1
    assert read["hookline_workflows_live"] == 1


async def test_rates_are_of_what_came_between_two_looks(world: World) -> None:
    assert world.house.vitals
    meter = world.house.vitals.meter
    await meter.sample()
    assert meter.rate() is None
    for _ in range(9):
        await world.made.run(Status.SUCCEEDED)
    world.clock.later = 1
    await meter.sample()  # ten seconds later
    rate = meter.rate()
    assert rate
    assert rate.accepted == pytest.approx(0.9)
    assert rate.finished == pytest.approx(0.9)
    assert [one.accepted for one in meter.rates(1)] == [pytest.approx(0.9)]
    found = await world.get("/api/v1/health")
    assert found["accepted_per_second"] == pytest.approx(0.9)


async def test_how_long_runs_took_is_told_by_workflow(world: World) -> None:
    assert world.house.vitals
    measures = world.house.vitals.meter.measures
    for seconds in (0.02, 3.0, 9000.0):
        measures.running.add("orders", seconds)
        measures.ended.add("orders", "failed")
    read = await metrics(world)
    assert read["hookline_runs_ended_total[status=failed][workflow=orders]"] == 3
    assert read["hookline_run_seconds_bucket[le=0.01][workflow=orders]"] == 0
    assert read["hookline_run_seconds_bucket[le=0.05][workflow=orders]"] == 1
    assert read["hookline_run_seconds_bucket[le=5.0][workflow=orders]"] == 2
    assert read["hookline_run_seconds_bucket[le=+Inf][workflow=orders]"] == 3
    assert read["hookline_run_seconds_count[workflow=orders]"] == 3
    assert read["hookline_run_seconds_sum[workflow=orders]"] == pytest.approx(9003.02)


async def test_labels_are_bounded(world: World) -> None:
    assert world.house.vitals
    measures = world.house.vitals.meter.measures
    for number in range(1000):
        measures.running.add(f"workflow-{number}", 1.0)
        measures.ended.add(f"workflow-{number}", "succeeded")
    read = await metrics(world)
    assert len([name for name in read if name.startswith("hookline_run_seconds_count")]) == 201
    assert read["hookline_run_seconds_count[workflow=others]"] == 800
    assert read["hookline_runs_ended_total[status=succeeded][workflow=others]"] == 800


async def test_a_bent_name_stays_a_name(world: World) -> None:
    """A label's value is escaped, so that a destination cannot write metrics of its own."""
    assert world.house.vitals
    destinations = world.house.vitals.destinations
    name = 'x"} 1\nhookline_store_up 0\n'
    for _ in range(5):
        given = await destinations.enter(f"{name}:80", was_parked=False, must=False)
        destinations.leave(given, Unavailable("no answer", cause="network"))
    read = await metrics(world)
    assert read["hookline_store_up"] == 1
    assert read[f"hookline_destination_down[destination={name}]"] == 1


async def test_nobody_reads_them_without_a_token(world: World) -> None:
    answer = await world.app.test_client().get(METRICS)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.of_sqlite
async def test_a_store_that_is_away_is_told_as_a_number(world: World) -> None:
    headers = await world.token("viewer")
    await world.app.test_client().get(METRICS, headers=headers)  # its use is noted, for some time to come
    assert isinstance(world.store, SQLiteStore)
    await world.store._writing.close()
    answer = await world.app.test_client().get(METRICS, headers=headers)
    assert answer.status_code == 200
    text = str(await answer.get_data(as_text=True))
    assert "hookline_store_up 0.0" in text
    found = await (await world.app.test_client().get("/api/v1/health", headers=headers)).get_json()
    assert (found["state"], found["checks"][0]["name"]) == ("trouble", "Store")
    page = await world.app.test_client().get("/health", headers=headers)
    assert page.status_code == 200
    assert "New events are refused with 503" in str(await page.get_data(as_text=True))


async def test_each_check_says_what_is_wrong_and_has_its_mend(world: World) -> None:
    found = await checks(world)
    assert {name: one["state"] for name, one in found.items()} == {
        "Store": "well", "Disk": found["Disk"]["state"], "Clock": "well", "Evaluator": "well",
        "Outside": "warn", "Folder": "well", "Connections": "well", "Senders": "well", "Problems": "well",
    }  # fmt: skip
    assert found["Outside"]["mend"]["href"] == "/settings/server"
    await world.write("bad", "name: Bad\ntrigger: {webhook: {}}\nsteps: [{action: nobody.knows}]\n")
    found = await checks(world)
    assert found["Folder"]["sentence"] == "2 workflow files, 1 with faults."
    assert found["Folder"]["mend"] == {"verb": "See faults", "href": "/workflows/bad"}


async def test_a_clock_that_is_set_is_told(world: World) -> None:
    assert world.house.vitals
    steady = [0.0]
    meter = world.house.vitals.meter
    meter._steady = lambda: steady[0]
    await meter.sample()
    world.clock.later = 4000.0
    steady[0] = 5.0
    await meter.sample()
    assert meter.jumped_at
    assert "It was set forward by" in (await checks(world))["Clock"]["sentence"]


async def test_a_backlog_makes_it_busy_and_then_trouble(world: World) -> None:
    for limit, state in ((1000, "well"), (4, "busy"), (3, "trouble")):
        for _ in range(3 if limit == 1000 else 0):
            await world.made.run(Status.QUEUED)
        app = make_app(replace(world.house, backlog_limit=limit))
        async with asyncio.timeout(10):
            while world.store.backlog < 3:  # counted with a commit, some times a second
                await world.store.ping()
        answer = await app.test_client().get("/api/v1/health", headers=await world.token("viewer"))
        found = await answer.get_json()
        assert (found["state"], found["backlog"]) == (state, 3), limit
        page = await app.test_client().get("/", headers=await world.token("viewer"))
        assert state.capitalize() in str(await page.get_data(as_text=True))


async def test_the_page_shows_the_same(world: World) -> None:
    await world.made.run(Status.SUCCEEDED)
    assert world.house.vitals
    await world.house.vitals.meter.sample()
    page = await world.page("/health")
    main = " ".join(re.sub("<[^>]+>", " ", page.partition("<main")[2]).split())
    assert "Well Events are accepted, and runs begin as they come." in main
    assert "Kept: runs 30d · events 30d" in main
    assert "Services cannot reach this server" in main


async def test_promtool_finds_nothing_wrong(world: World) -> None:
    try:
        folder = await asyncio.to_thread(unpacked, "prometheus")
    except LookupError as error:
        pytest.skip(str(error))
    await world.made.run(Status.SUCCEEDED)
    answer = await world.app.test_client().get(METRICS, headers=await world.token("viewer"))
    promtool = await asyncio.create_subprocess_exec(
        folder / "usr/bin/promtool", "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    said = await promtool.communicate(await answer.get_data(as_text=False))
    assert (promtool.returncode, *said) == (0, b"", b"")
