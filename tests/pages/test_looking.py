from __future__ import annotations

import re

import pytest

from runner.engine.runs import Disposition, Gate, Record, RecordStatus, Status
from runner.store.queries import Statement
from runner.store.sqlite import SQLiteStore
from tests.api.house import FROM_HERE, World
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores


def _form_token(page: str) -> str:
    found = re.search('name="form_token" value="([^"]+)"', page)
    assert found
    return found[1]


async def test_a_run_begins_with_its_reason_then_shows_its_steps(world: World) -> None:
    sent = Record(
        path="send", kind="action", status=RecordStatus.FAILED, attempts=3, started_at=world.made.now,
        input={"channel": "#slaes", "token": "{{ secrets.SLACK }}"},
        error={"type": "rejected", "message": "no such channel"}, ended_at=world.made.now + 0.9,
    )  # fmt: skip
    trace = [{"path": "filter#1", "kind": "filter", "status": "succeeded", "at": 0, "ms": 0.1}]
    run_id = await world.made.run(
        Status.FAILED, sentence="send failed after 3 attempts", records=[sent], trace=trace
    )
    page = await world.page(f"/runs/{run_id}?tab=input")
    said = ("send failed after 3 attempts", "filter#1", "<small>3 attempts", "#slaes")
    places = [page.index(text) for text in said]
    assert places == sorted(places)
    assert "{{ secrets.SLACK }}" in page


async def test_an_event_shows_its_gates_payload_and_headers(world: World) -> None:
    event_id, run_id = await world.made.event(
        body={"customer": "Ada"}, headers={"x-topic": "orders/create"}, title="Order"
    )
    page = await world.page(f"/events/{event_id}")
    assert "&#34;customer&#34;: &#34;Ada&#34;" in page
    assert "x-topic" in page
    assert f"/runs/{run_id}" in page


async def test_an_event_says_what_had_to_be_guessed_once(world: World) -> None:
    noted = "the body names no charset and is not UTF-8 (byte 3): read as windows-1252"
    event_id, _ = await world.made.event(
        body=b"caf\xe9", content_type="text/plain", gates=[Gate("body", "passed", noted)]
    )
    page = await world.page(f"/events/{event_id}")
    assert "café" in page
    assert page.count("read as windows-1252") == 1
    event_id, _ = await world.made.event(body=b'{"id": 1, "id": 2}')
    assert "the key &#34;id&#34; stands more than once" in await world.page(f"/events/{event_id}")


async def test_an_event_that_cannot_be_read_shows_why_and_its_body(world: World) -> None:
    event_id, _ = await world.made.event(title=None, disposition=Disposition.REJECTED, body=b"{<b>")
    page = await world.page(f"/events/{event_id}")
    assert "It has no payload" in page
    assert "{&lt;b&gt;" in page


async def test_every_state_has_a_page(world: World) -> None:
    for status in Status:
        if status is not Status.CANCELLED:
            assert await world.page(f"/runs/{await world.made.run(status)}")
    for disposition in Disposition:
        event_id, _ = await world.made.event(title=None, disposition=disposition)
        assert await world.page(f"/events/{event_id}")
    for path in ("/", "/runs", "/events"):
        assert await world.page(path)


async def test_lists_are_filtered_and_lead_on(world: World) -> None:
    for number in range(3):
        await world.made.run(Status.FAILED, title=f"Order {number}")
    page = await world.page("/runs?workflow=orders&status=failed&limit=2&q=")
    assert "Order 2" in page
    assert "Order 0" not in page
    older = re.search('href="(\\?[^"]+cursor=[^"]+)"', page)
    assert older
    following = await world.page("/runs" + older[1].replace("&amp;", "&"))
    assert "Order 0" in following
    assert "Order 2" not in following
    assert "No run is like that" in await world.page("/runs?q=nothing")


async def test_what_does_not_exist_has_a_page_with_a_way_on(world: World) -> None:
    browser = await world.signed_in("viewer")
    for path in ("/nothing", "/runs/nothing", "/events/nothing", "/runs?limit=0"):
        answer = await browser.get(path)
        assert answer.status_code in {400, 404}
        assert "text/html" in answer.headers["Content-Type"]
        assert "Go to Home" in await answer.get_data(as_text=True)


async def test_a_viewer_sees_no_button_that_acts(world: World) -> None:
    run_id = await world.made.run(Status.FAILED)
    assert "Replay" not in await world.page(f"/runs/{run_id}", role="viewer")
    assert "Replay…" in await world.page(f"/runs/{run_id}", role="editor")


async def test_a_viewers_form_is_refused(world: World) -> None:
    run_id = await world.made.run(Status.FAILED)
    browser = await world.signed_in("viewer")
    token = _form_token(await (await browser.get("/")).get_data(as_text=True))
    for action in ("replay", "cancel"):
        form = {"form_token": token, "from": "failed"}
        answer = await browser.post(f"/runs/{run_id}/{action}", form=form, headers=FROM_HERE)
        assert answer.status_code == 403
    assert (await world.get(f"{PREFIX}/runs/{run_id}"))["status"] == "failed"


async def test_the_buttons_of_a_run_replay_and_cancel_it(world: World) -> None:
    run_id = await world.made.run(Status.FAILED)
    browser = await world.signed_in("editor")
    token = _form_token(await (await browser.get(f"/runs/{run_id}")).get_data(as_text=True))

    async def press(action: str, **form: str) -> int:
        answer = await browser.post(
            f"/runs/{run_id}/{action}", form={"form_token": token, **form}, headers=FROM_HERE
        )
        return int(answer.status_code)

    assert await press("replay", **{"from": "elsewhere"}) == 400
    assert await press("replay", **{"from": "failed"}) == 303
    assert (await world.get(f"{PREFIX}/runs/{run_id}"))["status"] == "queued"
    assert await press("cancel") == 303
    assert (await world.get(f"{PREFIX}/runs/{run_id}"))["status"] == "cancelled"
    assert await press("cancel") == 409
    assert await press("replay", **{"from": "start"}) == 303


@pytest.mark.of_sqlite
async def test_a_store_that_is_away_has_a_page_that_says_so(world: World) -> None:
    browser = await world.signed_in("viewer")
    assert isinstance(world.store, SQLiteStore)
    await world.store.alone(lambda connection: connection.execute("ALTER TABLE events RENAME TO gone"))
    answer = await browser.get("/events")
    assert answer.status_code == 503
    assert "Try again" in await answer.get_data(as_text=True)


async def test_a_bug_is_told_without_its_details_and_logged_with_them(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that no writer of ours makes stands for the bug."""
    browser = await world.signed_in("viewer")
    run_id = await world.made.run()
    await world.store.execute(Statement.of("UPDATE runs SET trace = '{broken'"))
    for path in (f"/runs/{run_id}", f"{PREFIX}/runs/{run_id}"):
        answer = await browser.get(path)
        assert answer.status_code == 500
        text = await answer.get_data(as_text=True)
        assert "Traceback" not in text
        assert "broken" not in text
        assert f"{path} failed" in caplog.text
        assert "Traceback" in caplog.text
        caplog.clear()


async def test_a_shadow_says_what_was_not_sent(world: World) -> None:
    shown = Record(
        path="send", kind="action", status=RecordStatus.SUCCEEDED, attempts=0, started_at=world.made.now,
        input={"channel": "#sales"}, ended_at=world.made.now,
    )  # fmt: skip
    run_id = await world.made.run(Status.SUCCEEDED, title="Order #5", records=[shown])
    assert "not sent" in await world.page(f"/runs/{run_id}")
    assert "<small>shadow</small>" not in await world.page("/runs")
    await world.store.execute(Statement.of("UPDATE runs SET mode = 'shadow'"))
    page = await world.page(f"/runs/{run_id}")
    assert "shadow: its actions are shown here and were not sent" in page
    assert "#sales" in page
    assert "<small>shadow</small>" in await world.page("/runs")


async def test_a_run_shows_the_vars_that_the_server_set(world: World) -> None:
    run_id = await world.made.run(Status.SUCCEEDED, title="Order #6")
    assert "Set by this server" not in await world.page(f"/runs/{run_id}")
    await world.store.execute(Statement.of("""UPDATE versions SET vars = '{"limit":7}'"""))
    assert "vars.limit = 7" in await world.page(f"/runs/{run_id}")
