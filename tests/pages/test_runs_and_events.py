"""The pages of a run and of an event: the whole story first, what to do next, and what was in it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from runner.engine.problems import Trouble
from runner.engine.runs import Disposition, Gate, Record, RecordStatus, Status
from runner.store.queries import Statement
from runner.values import Json, dumps
from tests.api.house import World
from tests.api.test_details import noted
from tests.pages.posting import posted

pytestmark = pytest.mark.both_stores

SHOP = """name: Orders
trigger: {webhook: {}}
steps:
  - id: big
    name: Continue if it is large
    filter: payload.total > `100`
  - id: each
    for_each: payload.lines
    steps:
      - id: book
        action: probe.note
        with: {text: "{{ item.sku }}"}
  - id: send
    name: Tell the shop
    action: probe.note
    with: {text: "{{ payload.id }}"}
"""


def words(page: str) -> str:
    """What a page says, without its elements."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture
async def shop(world: World) -> World:
    await world.write("orders", SHOP)
    return world


def _record(world: World, path: str, status: RecordStatus = RecordStatus.SUCCEEDED, **more: Json) -> Record:
    ended = None if status in (RecordStatus.STARTED, RecordStatus.WAITING) else world.made.now
    given: dict[str, Json] = {"input": {"text": "x"}, "output": {"ok": True}, **more}
    return Record(path, "action", status, 1, world.made.now, ended_at=ended, **given)


async def _failed(world: World, code: str = "rejected", step: str = "send") -> str:
    """A run that failed at *step* for the reason *code*."""
    message = "the shop knows no such order"
    record = _record(
        world,
        step,
        RecordStatus.FAILED,
        output=None,
        error={"type": code, "message": message},
        exchanges=noted(1),
    )
    trouble = Trouble("orders", step, code, f"{step} failed: {message}", None, world.made.now)
    run_id = await world.made.run(
        Status.FAILED,
        sentence=f"{step} failed: {message}",
        title="Order 1",
        records=[record],
        trouble=trouble,
    )
    reason = {"code": code, "sentence": f"{step} failed: {message}",
              "facts": {"step": step, "type": code, "message": message, "attempts": 1}}  # fmt: skip
    await _set_reason(world, run_id, reason)
    return run_id


async def _set_reason(world: World, run_id: str, reason: Json, version: int = 2) -> None:
    told = Statement.of("UPDATE runs SET reason = :reason, version = :version WHERE id = :run_id")
    await world.store.execute(told, reason=dumps(reason), version=version, run_id=run_id)


async def _set_mode(world: World, mode: str) -> None:
    await world.store.execute(Statement.of("UPDATE runs SET mode = :mode"), mode=mode)


async def test_a_failed_run_tells_its_story_and_what_to_do(shop: World) -> None:
    run_id = await _failed(shop)
    page = words(await shop.page(f"/runs/{run_id}", role="editor"))
    assert "Failed at step 3, Tell the shop: the shop knows no such order" in page
    assert "correct step 3, publish, then replay from step 3. Steps 1–2 will not run again." in page
    for button in ("Edit step 3", "Replay from step 3", "See problem", "Make a test"):
        assert button in page
    viewer = words(await shop.page(f"/runs/{run_id}", role="viewer"))
    assert "Replay from step 3 " not in viewer
    assert "Edit step 3" not in viewer


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("connection_rejected", "put its connection right and test it"),
        ("unavailable", "wait until it answers again"),
        ("outcome_unknown", "It may have arrived all the same"),
        ("timeout", "It may have arrived all the same"),
        ("expression", "correct step 3"),
        ("diverged", "see what step 3 says"),
    ],
)
async def test_what_to_do_follows_from_why(shop: World, code: str, said: str) -> None:
    assert said in words(await shop.page(f"/runs/{await _failed(shop, code)}", role="editor"))


async def test_a_run_that_waits_says_for_which_step_and_one_under_way_does_not(shop: World) -> None:
    run_id = await shop.made.run(
        Status.WAITING, records=[_record(shop, "send", RecordStatus.WAITING, due_at=shop.made.now)]
    )
    sentence = "send is tried again at 2026-01-01T00:00:00Z, after 1 failed attempt."
    await _set_reason(shop, run_id, {"code": "waiting", "sentence": sentence, "facts": {}})
    page = words(await shop.page(f"/runs/{run_id}"))
    assert "Step 3, Tell the shop, is tried again at" in page
    assert "You need not do anything: it goes on by itself." in page
    under_way = "UPDATE runs SET status = 'running', owner = 'x', due_at = NULL, waiting_for = NULL"
    await shop.store.execute(Statement.of(under_way))
    assert "Is under way." in words(await shop.page(f"/runs/{run_id}"))


async def test_what_was_sent_and_answered_is_shown_as_it_was(shop: World) -> None:
    run_id = await _failed(shop)
    page = words(await shop.page(f"/runs/{run_id}"))
    assert "POST https://a.example/x" in page
    assert "Answer 200" in page
    assert "Not tried again: this answer is final." in page
    assert "curl https://a.example/x -H 'Content-Type: application/json' --data-raw" in unescape(
        await shop.page(f"/runs/{run_id}")
    )


async def test_steps_stand_in_the_order_of_the_file_also_those_not_reached(shop: World) -> None:
    run_id = await _failed(shop, step="each[1].book")
    page = words(await shop.page(f"/runs/{run_id}"))
    steps = page[page.index("Event accepted") :]
    places = [
        steps.index(one) for one in ("1 Continue if it is large", "2 Each", "2.1 Book", "3 Tell the shop")
    ]
    assert places == sorted(places)
    assert "3 Tell the shop not reached" in steps
    assert "Failed at step 2.1, Book (item 2)" in page


async def test_items_of_a_loop_are_a_table_with_the_failed_first(shop: World) -> None:
    records = [_record(shop, f"each[{number}].book") for number in range(3)]
    records[1] = _record(
        shop, "each[1].book", RecordStatus.FAILED, error={"type": "rejected", "message": "none left"}
    )
    run_id = await shop.made.run(Status.FAILED, records=records)
    await _set_reason(shop, run_id, {"code": "rejected", "sentence": "each failed", "facts": {}})
    page = words(await shop.page(f"/runs/{run_id}?step=each"))
    assert "3 items, 1 failed" in page
    assert page.index("Item 2") < page.index("Item 1") < page.index("Item 3")
    assert "none left" in page


async def test_a_filtered_run_shows_the_condition_and_what_it_saw(shop: World) -> None:
    seen = {"payload.total": 80}
    trace = [{"path": "big", "kind": "filter", "status": "filtered", "at": 0, "ms": 0.1, "name": "Continue",
              "test": "payload.total > `100`", "seen": seen}]  # fmt: skip
    run_id = await shop.made.run(Status.FILTERED, trace=trace)
    sentence = "Stopped on purpose at big: payload.total was 80; it must be more than 100."
    facts = {"step": "big", "test": "payload.total > `100`", "seen": seen}
    await _set_reason(shop, run_id, {"code": "filtered", "sentence": sentence, "facts": facts})
    page = await shop.page(f"/runs/{run_id}", role="editor")
    assert "Stopped on purpose at step 1: payload.total was 80; it must be more than 100." in words(page)
    assert "Change the condition" in page
    assert re.search(r'class="own"><i>6</i>\s+filter: payload.total', page)


async def test_tests_are_told_from_what_is_live(shop: World) -> None:
    run_id = await shop.made.run(Status.SUCCEEDED)
    for mode, said in (("test", "its actions were sent"), ("sample", "and were not sent")):
        await _set_mode(shop, mode)
        assert "Test" in words(await shop.page("/runs"))
        page = words(await shop.page(f"/runs/{run_id}"))
        assert "Test" in page
        assert said in page


async def test_a_long_output_is_cut_and_can_be_had_whole(shop: World) -> None:
    run_id = await shop.made.run(records=[_record(shop, "send", output={"text": "y" * 100_000})])
    browser = await shop.signed_in("viewer")
    page = await (await browser.get(f"/runs/{run_id}?step=send&tab=output")).get_data(as_text=True)
    assert len(page) < 100_000
    assert "Download all 100.0 KB" in page
    whole = await browser.get(f"/runs/{run_id}/part?step=send&part=output")
    assert len(await whole.get_data(as_text=False)) > 100_000
    assert "attachment" in whole.headers["Content-Disposition"]
    assert (await browser.get(f"/runs/{run_id}/part?step=send&part=error")).status_code == 404


async def test_two_runs_beside_each_other_show_where_they_differ(shop: World) -> None:
    same = _record(shop, "each[0].book")
    first = await shop.made.run(records=[same, _record(shop, "send", input={"text": "one"})])
    second = await shop.made.run(records=[same, _record(shop, "send", input={"text": "two"})])
    page = words(await shop.page(f"/runs/{second}?with={first}"))
    assert '- "text": "one"' in page
    assert '+ "text": "two"' in page
    assert "1 step is alike" in page
    assert f"with={first}" in await shop.page(f"/runs/{second}/compare")


async def test_a_replay_says_what_happens_again_and_begins(shop: World) -> None:
    run_id = await _failed(shop)
    browser = await shop.signed_in("editor")
    page = words(await (await browser.get(f"/runs/{run_id}/replay")).get_data(as_text=True))
    assert "From step 3" in page
    assert "From the start, live version" in page
    answer = await posted(
        browser, f"/runs/{run_id}/replay", file=None, **{"from": "start", "version": "original"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] != f"/runs/{run_id}"
    assert (
        await posted(browser, f"/runs/{run_id}/replay", file=None, **{"from": "start", "version": "x"})
    ).status_code == 400


async def test_a_wrong_secret_is_told_with_its_mend(world: World) -> None:
    signed = "webhook: {verify: {provider: github, secret: SHOP_SECRET}}"
    await world.write("signed", SHOP.replace("trigger: {webhook: {}}", f"trigger: {{{signed}}}"))
    gate = Gate("signature", "stopped", "the signature does not match", {"code": "mismatch"})
    gates = [Gate("received", "passed"), gate]
    event_id, _ = await world.made.event(
        workflow="signed", title=None, disposition=Disposition.REJECTED, gates=gates
    )
    page = await world.page(f"/events/{event_id}", role="editor")
    assert "We refused this request: its signature does not match." in words(page)
    assert "most likely made with another secret than SHOP_SECRET" in words(page)
    assert f'href="/secrets/SHOP_SECRET?next=/events/{event_id}"' in page
    browser = await world.signed_in("editor")
    answer = await posted(browser, f"/events/{event_id}/recheck")
    assert answer.status_code == 303
    said = words(await (await browser.get(answer.headers["Location"])).get_data(as_text=True))
    assert "Checked again: 1 still refused." in said
    assert "Set secret" not in await world.page(f"/events/{event_id}", role="viewer")


async def test_a_missing_secret_is_told(world: World) -> None:
    signed = "webhook: {verify: {provider: github, secret: SHOP_SECRET}}"
    await world.write("signed", SHOP.replace("trigger: {webhook: {}}", f"trigger: {{{signed}}}"))
    gate = Gate("signature", "stopped", "the secret is not set", {"code": "no_secret"})
    event_id, _ = await world.made.event(
        workflow="signed", title=None, disposition=Disposition.REJECTED, gates=[gate]
    )
    page = words(await world.page(f"/events/{event_id}", role="editor"))
    assert "signed refuses every event until you set SHOP_SECRET." in page


async def test_a_repeated_delivery_leads_to_the_first(world: World) -> None:
    first, _ = await world.made.event(delivery_id="d-1")
    again, _ = await world.made.event(title=None, disposition=Disposition.DUPLICATE, delivery_id="d-1")
    page = await world.page(f"/events/{again}")
    assert "Already seen." in words(page)
    assert f'href="/events/{first}"' in page


async def test_a_held_event_can_be_let_go_and_any_other_replayed(world: World) -> None:
    gate = Gate("paused", "stopped", "the workflow is paused by ada")
    event_id, _ = await world.made.event(title=None, disposition=Disposition.HELD, gates=[gate])
    browser = await world.signed_in("editor")
    assert "Let it go" in await (await browser.get(f"/events/{event_id}")).get_data(as_text=True)
    assert (await posted(browser, f"/events/{event_id}/release")).status_code == 303
    assert (await world.get(f"/api/v1/events/{event_id}"))["disposition"] == "accepted"
    ignored, _ = await world.made.event(title=None, disposition=Disposition.IGNORED)
    answer = await posted(browser, f"/events/{ignored}/replay")
    assert answer.status_code == 303
    assert ignored not in answer.headers["Location"]


async def test_a_body_is_shown_as_it_came_and_bytes_as_bytes(world: World) -> None:
    event_id, _ = await world.made.event(body=b'{"id":   1}')
    assert '{"id": 1}' in words(await world.page(f"/events/{event_id}?tab=raw"))
    image, _ = await world.made.event(title=None, body=b"\x89PNG\x00\xff", disposition=Disposition.REJECTED)
    assert "00000000 89 50 4e 47 00 ff .PNG.." in words(await world.page(f"/events/{image}?tab=raw"))
    answer = await (await world.signed_in("viewer")).get(f"/events/{image}/body")
    assert await answer.get_data(as_text=False) == b"\x89PNG\x00\xff"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "attachment" in answer.headers["Content-Disposition"]


async def test_tabs_count_and_filters_are_chips_that_can_be_taken_away(world: World) -> None:
    await world.made.event(title=None, disposition=Disposition.REJECTED)
    await world.made.event(body={"customer": {"email": "ada@example.com"}}, title="Order of Ada")
    page = await world.page("/events")
    assert "All 2 Accepted 1 Held 0 Rejected 1 Ignored 0" in words(page)
    browser = await world.signed_in("viewer")
    way = await browser.get("/events?field=customer.email&value=ada@example.com&workflow=orders")
    assert way.status_code == 303
    page = await (await browser.get(way.headers["Location"])).get_data(as_text=True)
    assert "payload.customer.email is ada@example.com" in words(page)
    assert "Workflow is Orders" in words(page)
    assert "Order of Ada" in page
    assert 'class="chip" href="?workflow=orders"' in page
    nobody = words(await world.page("/events?where=payload.customer.email%3Dbo@example.com"))
    assert "No event is like that" in nobody


async def test_refused_requests_are_checked_again_from_the_list(world: World) -> None:
    await world.made.event(
        title=None, disposition=Disposition.REJECTED, gates=[Gate("type", "stopped", "no")]
    )
    browser = await world.signed_in("editor")
    assert "Check again 1" in await (await browser.get("/events")).get_data(as_text=True)
    answer = await posted(browser, "/events/recheck")
    assert answer.status_code == 303
    said = words(await (await browser.get(answer.headers["Location"])).get_data(as_text=True))
    assert "Checked again:" in said


async def test_a_list_listens_only_where_new_rows_belong(world: World) -> None:
    for number in range(3):
        await world.made.run(title=f"Order {number}")
    page = await world.page("/runs?limit=1&workflow=orders")
    assert 'data-live="kinds=run&amp;workflow=orders"' in page
    older = re.search('href="(\\?[^"]+cursor=[^"]+)"', page)
    assert older
    assert "data-live" not in await world.page("/runs" + older[1].replace("&amp;", "&"))
