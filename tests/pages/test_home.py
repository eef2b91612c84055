"""Home: what needs a person, and the workflows with what they do and did."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.pauses import Pause
from runner.engine.problems import Trouble
from runner.engine.runs import Disposition, Gate, Status
from runner.store.queries import Statement
from tests.api.house import FROM_HERE, WORKFLOW, World, open_world
from tests.pages.posting import posted
from web.api.routes import PREFIX
from web.overview import PAGE

pytestmark = pytest.mark.both_stores

MANUAL = "name: Tidy up\ntags: [chores]\ntrigger: {manual: {}}\nsteps: [{stop: 'x'}]\n"


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[World]:
    """A house without any workflow."""
    async with open_world(tmp_path, workflows={}) as one:
        yield one


def _row(page: str, name: str) -> str:
    found = re.search(rf"<tr>(?:(?!</tr>).)*<bdi>{re.escape(name)}</bdi></a>.*?</tr>", page, re.DOTALL)
    assert found, name
    return found[0]


def _names(page: str) -> list[str]:
    return re.findall(r'<td class="main"><a href="/workflows/[^"]+"><bdi>([^<]+)</bdi>', page)


async def test_a_row_says_what_a_workflow_does_and_did(world: World) -> None:
    await world.made.run(Status.FAILED)
    await world.made.run(Status.SUCCEEDED)
    row = _row(await world.page("/"), "Orders")
    assert "<bdi>Webhook → Probe</bdi>" in row
    assert 'aria-label="2 runs in 24 hours, 1 failed"' in row
    assert re.search(r">2<span class=\"unseen\"> runs today</span>", row)
    assert '<a class="some-failed plain" href="/runs?workflow=orders&amp;status=failed">1 failed</a>' in row
    assert "Live" in row


async def test_what_failed_comes_first_then_names(world: World) -> None:
    for slug in ("zebra", "ant", "bee"):
        await world.write(slug, WORKFLOW.replace("Orders", slug.title()))
    await world.write("broken", WORKFLOW.replace("probe.note", "probe.nte"))
    await world.made.run(Status.FAILED, workflow="zebra")
    await world.made.run(Status.SUCCEEDED, workflow="bee")
    assert _names(await world.page("/")) == ["broken", "Zebra", "Ant", "Bee", "Orders"]


async def test_faults_need_a_person_and_what_still_runs_is_said(world: World) -> None:
    await world.write("orders", WORKFLOW.replace("probe.note", "probe.nte"))
    page = await world.page("/")
    assert "Line 6: no action &#34;probe.nte&#34;" in page
    assert "Version 1 keeps running." in page
    assert 'href="/workflows/orders#faults"' in page
    await world.write("new", WORKFLOW.replace("probe.note", "probe.nte"))
    assert "Its events are held." in await world.page("/")


async def test_a_problem_needs_a_person_with_how_many_runs_it_holds(world: World) -> None:
    trouble = Trouble("orders", "send", "rejected: no", "send failed: no such channel", None, world.made.now)
    for _ in range(2):
        await world.made.run(Status.FAILED, trouble=trouble)
    page = await world.page("/")
    assert "no such channel. 2 runs failed." in page
    (problem,) = (await world.get(f"{PREFIX}/problems"))["items"]
    assert f'href="/failures/{problem["id"]}" aria-label="Look: Orders"' in page


async def test_refused_events_are_told_until_one_is_accepted(world: World) -> None:
    gate = Gate("signature", "stopped", "the signature does not match")
    for _ in range(7):
        await world.made.event(title=None, disposition=Disposition.REJECTED, gates=[gate])
    page = await world.page("/")
    sentence = "7 events were refused: the signature does not match."
    assert page.count(sentence) == 1
    assert f"<bdi>Orders: {sentence}</bdi>" in page  # the banner
    await world.made.event()
    assert "refused" not in await world.page("/")


async def test_a_paused_row_says_who_and_what_waits_and_goes_on_from_here(world: World) -> None:
    await world.house.pauses.pause(Pause("workflow", "orders", "Grace", world.clock(), "stocktaking"))
    await world.house.holding.refresh()
    await world.made.event(title=None, disposition=Disposition.HELD)
    row = _row(await world.page("/", role="editor"), "Orders")
    assert "<bdi>Grace</bdi>" in row
    assert "1 event held" in row
    assert "stocktaking" in row
    assert 'action="/workflows/orders/resume"' in row
    assert "/resume" not in _row(await world.page("/", role="viewer"), "Orders")
    answer = await posted(await world.signed_in("editor"), "/workflows/orders/resume")
    assert answer.status_code == 303
    assert "Live" in _row(await world.page("/"), "Orders")


async def test_the_list_is_narrowed_by_the_address(world: World) -> None:
    await world.write("tidy", MANUAL)
    await world.write("broken", WORKFLOW.replace("probe.note", "probe.nte"))
    for query, names in (
        ("q=tidy", ["Tidy up"]),
        ("q=webhook%20probe", ["Orders"]),
        ("tag=chores", ["Tidy up"]),
        ("state=faults", ["broken"]),
        ("state=live&q=order", ["Orders"]),
        ("q=nothing", []),
        ("state=failing", []),
    ):
        page = await world.page(f"/?{query}")
        assert _names(page) == names, query
        assert ("No workflow is like that." in page) == (not names)
    await world.made.run(Status.FAILED)
    assert _names(await world.page("/?state=failing")) == ["Orders"]


async def test_a_page_has_fifty_and_leads_on_with_what_narrows(world: World) -> None:
    for number in range(PAGE + 3):
        (world.folder / f"many-{number:02}.yaml").write_text(WORKFLOW.replace("Orders", f"Many {number:02}"))
    await world.house.library.reload()
    page = await world.page("/?q=many")
    assert len(_names(page)) == PAGE
    assert 'href="?q=many&amp;page=2"' in page
    assert _names(await world.page("/?q=many&page=2")) == [f"Many {PAGE + one:02}" for one in range(3)]
    assert _names(await world.page("/?page=x"))


async def test_a_first_visit_offers_starting_points(empty: World) -> None:
    page = await empty.page("/", role="editor")
    assert "What should happen by itself?" in page
    assert "Nothing is sent until you publish." in page
    starters = re.findall(r'name="starter" value="([^"]+)"', page)
    assert len(starters) == 6
    answer = await posted(await empty.signed_in("editor"), "/workflows/new", starter=starters[0])
    assert re.fullmatch("/workflows/[a-z-]+/edit", answer.headers["Location"])
    page = await empty.page("/", role="viewer")
    assert 'name="starter"' not in page
    row = re.search(r"<tr>.*?</tr>", page.split("<tbody>")[1], re.DOTALL)
    assert row
    assert "Draft" in row[0]
    assert "not published yet" in row[0]


async def test_a_viewer_sees_no_button_that_acts(world: World) -> None:
    row = _row(await world.page("/", role="viewer"), "Orders")
    assert "<form" not in row
    for word in ("Pause…", "Rename…", "Delete…", "Duplicate"):
        assert word not in row
        assert word in _row(await world.page("/", role="editor"), "Orders")


async def test_the_api_says_the_same(world: World) -> None:
    await world.made.run(Status.FAILED)
    await world.made.event(title=None, disposition=Disposition.HELD)
    (item,) = (await world.get(f"{PREFIX}/activity"))["items"]
    assert item["does"] == "Webhook → Probe"
    assert (item["runs"], item["failed"], item["held"], item["rejected"]) == (1, 1, 1, 0)
    assert len(item["hours"]) == 24
    assert sum(one["runs"] for one in item["hours"]) == 1
    assert item["hours"][-1]["failed"] == 1


@pytest.mark.of_sqlite
async def test_a_store_that_is_away_says_that_nothing_is_lost(world: World) -> None:
    browser = await world.signed_in("viewer")
    rename = Statement.of("ALTER TABLE versions RENAME TO gone")
    await world.store.write(lambda transaction: transaction.rows(rename))
    answer = await browser.get("/", headers=FROM_HERE)
    assert answer.status_code == 503
    page = await answer.get_data(as_text=True)
    assert "We could not read the list just now." in page
    assert "Try again" in page
