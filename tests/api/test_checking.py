"""`POST /api/v1/workflows/<slug>/check`: the checker, as the editor asks it."""

from __future__ import annotations

import json

from runner.engine.runs import Disposition, Status
from runner.language.faults import Fix
from runner.language.fixes import applied
from tests.api.house import WORKFLOW, World

ADDRESS = "/api/v1/workflows/orders/check"


async def test_a_text_is_judged_and_nothing_is_saved(world: World) -> None:
    text = WORKFLOW.replace("action: probe.note", "action: probe.noet")
    (fault,) = (await world.post(ADDRESS, {"text": text}))["faults"]
    assert (fault["path"], fault["line"], fault["code"]) == ("orders.yaml", 6, "unknown-action")
    place = fault["fix"]["range"]
    fix = Fix(**place, text=fault["fix"]["text"])
    assert applied(text, [fix]) == WORKFLOW
    assert (world.folder / "orders.yaml").read_text(encoding="utf-8") == WORKFLOW


async def test_a_workflow_that_is_not_there_yet_can_be_judged(world: World) -> None:
    answer = await world.post("/api/v1/workflows/new-one/check", {"text": WORKFLOW})
    assert answer == {"faults": []}


async def test_it_stands_among_the_files_of_its_folder(world: World) -> None:
    await world.write("invoices", WORKFLOW)
    text = WORKFLOW + "  - call: invoicse\n"
    (fault,) = (await world.post(ADDRESS, {"text": text}))["faults"]
    assert (fault["code"], fault["hint"]) == ("unknown-workflow", 'did you mean "invoices"?')


async def test_the_last_events_are_tried_and_no_value_is_shown(world: World) -> None:
    for one in range(3):
        body = json.dumps({"customer": {"email": f"secret-{one}@example.com"}}).encode()
        await world.made.event(title="x", disposition=Disposition.ACCEPTED, body=body)
    text = WORKFLOW.replace("payload.id", "payload.custmer.email")
    answer = await world.post(ADDRESS, {"text": text})
    (fault,) = answer["faults"]
    assert fault["code"] == "absent-path"
    assert fault["message"] == "`payload.custmer` was absent in 3 of 3 events"
    assert fault["hint"] == "did you mean `customer`?"
    assert "secret" not in json.dumps(answer)


async def test_what_is_hidden_is_not_looked_into(world: World) -> None:
    body = json.dumps({"customer": {"email": "ada@example.com"}}).encode()
    await world.made.event(title="x", disposition=Disposition.ACCEPTED, body=body)
    text = "redact: [payload.customer]\n" + WORKFLOW.replace("payload.id", "payload.customer.emial")
    assert await world.post(ADDRESS, {"text": text}) == {"faults": []}


async def test_a_file_of_the_greatest_size_fits_and_a_larger_one_is_told_so(world: World) -> None:
    large = WORKFLOW + "#" * (1024 * 1024 - len(WORKFLOW) - 1) + "\n"
    assert await world.post(ADDRESS, {"text": large}) == {"faults": []}
    (fault,) = (await world.post(ADDRESS, {"text": large + "#"}))["faults"]
    assert fault["code"] == "too-large"
    await world.post(ADDRESS, {"text": "#" * 3 * 1024 * 1024}, status=413)


async def test_a_viewer_and_a_wrong_call_are_refused(world: World) -> None:
    await world.post(ADDRESS, {"text": WORKFLOW}, role="viewer", status=403)
    await world.post(ADDRESS, {}, status=400)
    await world.post(ADDRESS, {"text": 5}, status=400)
    await world.post("/api/v1/workflows/No%20Slug/check", {"text": WORKFLOW}, status=404)


async def test_runs_are_untouched(world: World) -> None:
    run = await world.made.run(Status.QUEUED)
    await world.post(ADDRESS, {"text": WORKFLOW})
    assert (await world.get(f"/api/v1/runs/{run}"))["status"] == "queued"
