from __future__ import annotations

import pytest

from runner.engine.runs import Disposition, Gate, Status
from runner.store.sqlite import SQLiteStore
from runner.values import iso
from tests.api.house import WORKFLOW, World
from web.api.parameters import moment
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores

NOW = 1_750_000_000.0


async def test_a_workflow_shows_its_text_version_and_address(world: World) -> None:
    workflow = await world.get(f"{PREFIX}/workflows/orders")
    assert workflow["source"] == WORKFLOW
    assert workflow["version"] == 1
    assert workflow["url"] == "http://localhost/hooks/token-of-orders"
    assert workflow["methods"] == ["POST"]
    assert workflow["faults"] == []


async def test_a_file_with_faults_is_listed_with_them_and_without_the_servers_paths(world: World) -> None:
    await world.write("broken", WORKFLOW.replace("probe.note", "probe.nte"))
    await world.write("orders", WORKFLOW.replace("steps", "stpes"))
    items = {item["slug"]: item for item in (await world.get(f"{PREFIX}/workflows"))["items"]}
    assert items["broken"]["version"] is None
    assert items["broken"]["url"] is None
    assert "probe.note" in items["broken"]["faults"][0]["hint"]
    assert items["broken"]["faults"][0]["path"] == "broken.yaml"
    assert items["orders"]["version"] == 1
    assert items["orders"]["faults"]
    assert str(world.folder) not in str(items)


async def test_lists_are_filtered_and_paged(world: World) -> None:
    runs = [await world.made.run(Status.FAILED, title=f"Order {number}") for number in range(3)]
    await world.made.run(Status.SUCCEEDED)
    await world.made.run(Status.FAILED, workflow="others")
    first = await world.get(f"{PREFIX}/runs?workflow=orders&status=failed&limit=2")
    second = await world.get(f"{PREFIX}/runs?workflow=orders&status=failed&limit=2&cursor={first['next']}")
    assert [item["id"] for item in first["items"] + second["items"]] == runs[::-1]
    assert second["next"] is None
    assert len((await world.get(f"{PREFIX}/runs?q=Order 1"))["items"]) == 1
    event = first["items"][0]["event"]
    assert [item["id"] for item in (await world.get(f"{PREFIX}/runs?event={event.upper()}"))["items"]] == [
        runs[2]
    ]
    assert len((await world.get(f"{PREFIX}/events?since=2s&status="))["items"]) == 2


async def test_an_event_says_why_nothing_ran(world: World) -> None:
    gate = Gate("size", "stopped", "the body has 2,000,000 bytes")
    event_id, _ = await world.made.event(title=None, disposition=Disposition.REJECTED, gates=[gate])
    event = await world.get(f"{PREFIX}/events/{event_id}")
    assert event["disposition"] == "rejected"
    assert event["reason"] == "the body has 2,000,000 bytes"
    assert event["gates"][0]["verdict"] == "stopped"


async def test_whole_numbers_of_any_size_come_out_as_they_came_in(world: World) -> None:
    event_id, _ = await world.made.event(body={"id": 2**80})
    answer = await world.app.test_client().get(f"{PREFIX}/events/{event_id}", headers=await world.token())
    assert f'"id":{2**80}' in await answer.get_data(as_text=True)


async def test_actions_are_those_of_the_catalogue(world: World) -> None:
    assert await world.get(f"{PREFIX}/actions") == {
        "items": [{"name": "probe.note", "summary": "Note a text."}],
        "next": None,
    }


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=ten", "limit"), ("limit=-1", "limit"),
        ("limit=1e2", "limit"), ("limit=" + "9" * 5000, "limit"),
        ("cursor=x", "cursor"), ("cursor=' OR 1=1 --", "cursor"), ("cursor=%00", "cursor"),
        ("status=done", "status"), ("status=failed' OR '1'='1", "status"),
        ("workflow=Order Alerts", "workflow"), ("workflow='; DROP TABLE runs; --", "workflow"),
        ("event=../../etc", "event"),
        ("since=yesterday", "since"), ("before=2026-13-01", "before"), ("since=24x", "since"),
        ("q=" + "x" * 201, "q"),
        ("limit=5&limit=6", "limit"),
        ("order_by=id", "order_by"), ("statuss=failed", "statuss"),
    ],
)  # fmt: skip
async def test_a_parameter_that_is_wrong_is_named(world: World, query: str, parameter: str) -> None:
    problem = await world.get(f"{PREFIX}/runs?{query}", status=400)
    assert problem["parameter"] == parameter
    assert problem["detail"].startswith((f"{parameter}", "There is no parameter"))


async def test_sql_in_a_search_is_text(world: World) -> None:
    await world.made.run(title="it's 100 % \\ off_")
    for text in ("it's 100 % \\ off_", "'", "%", "_", "\\"):
        answer = await world.app.test_client().get(
            f"{PREFIX}/runs", query_string={"q": text}, headers=await world.token()
        )
        assert len((await answer.get_json())["items"]) == 1
    for text in ("%x%", "' OR '1'='1", "100_%"):
        answer = await world.app.test_client().get(
            f"{PREFIX}/runs", query_string={"q": text}, headers=await world.token()
        )
        assert (await answer.get_json())["items"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", NOW - 86400),
        ("1h30m ago", NOW - 5400),
        ("2025-06-15T15:06:40Z", NOW),
        ("2025-06-15T17:06:40+02:00", NOW),
        ("2025-06-15", NOW - 54400),
        ("99999999w", 0.0),
        ("0001-01-01", 0.0),
    ],
)
def test_times_are_read_in_both_ways(text: str, expected: float) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "ago", "h", "-1h", "2026", "now", "9" * 400, "2025-06-15T15:06:40ZZ"])
def test_other_times_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 24h"):
        moment(text, NOW)


@pytest.mark.of_sqlite
async def test_a_store_that_cannot_be_read_is_503_and_says_nothing_of_itself(world: World) -> None:
    headers = await world.token()
    assert isinstance(world.store, SQLiteStore)
    await world.store.alone(lambda connection: connection.execute("ALTER TABLE events RENAME TO gone"))
    answer = await world.app.test_client().get(f"{PREFIX}/events", headers=headers)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    body = await answer.get_json()
    assert "gone" not in body["detail"]
    assert "table" not in body["detail"]


async def test_times_are_iso_8601(world: World) -> None:
    run = await world.get(f"{PREFIX}/runs/{await world.made.run()}")
    assert run["accepted_at"] == iso(world.made.now)


async def test_lists_are_narrowed_by_a_field_of_the_payload(world: World) -> None:
    first = await world.made.run(body={"order": 1042}, type="orders/create")
    await world.made.run(body={"order": 7})
    answer = await world.get("/api/v1/runs?where=payload.order%3D1042")
    assert [item["id"] for item in answer["items"]] == [first]
    answer = await world.get("/api/v1/events?where=type%3Dorders/create")
    assert [item["runs"][0]["id"] for item in answer["items"]] == [first]
    problem = await world.get("/api/v1/runs?where=order%3D1042", status=400)
    assert problem["parameter"] == "where"
