"""What stands around every page: the rail, one banner at most, how it looks; and what its files weigh."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pytest

from runner.engine.history import Span
from runner.engine.problems import Trouble
from runner.engine.runs import Status
from runner.store.queries import Statement
from tests.api.house import FROM_HERE, WORKFLOW, World
from tests.api.templates import app_of
from tests.pages.posting import posted
from web.activity import picture_of
from web.appearance import KEYS, THEME

STATIC = Path(__file__).parents[2] / "web" / "static"
PAGES = ("/", "/runs", "/events", "/find", "/docs", "/workflows/orders", "/workflows/new", "/settings")
MOST_PAGE_BYTES = 150_000  # compressed, with what it loads


def _banner(page: str) -> str:
    found = re.search(r'<div class="banner.*?</div>', page, re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", found[0]).split()) if found else ""


def _elsewhere(world: World) -> World:
    """The same, at an address that services can reach."""
    house = replace(world.house, public_url="https://hooks.example.com")
    return replace(world, app=app_of(house), house=house)


async def _page(world: World, path: str = "/runs") -> str:
    headers = await world.token("viewer")
    return str(await (await world.app.test_client().get(path, headers=headers)).get_data(as_text=True))


async def test_there_is_one_heading_and_one_place_to_be(world: World) -> None:
    browser = await world.signed_in("admin")
    for path in PAGES:
        page = await (await browser.get(path)).get_data(as_text=True)
        assert page.count("<h1>") == 1, path
        assert page.count('aria-current="page"') >= (path != "/find"), path
        assert 'class="skip" href="#main"' in page
        assert page.index('class="skip"') < page.index('class="rail"') < page.index('id="main"')
        assert not re.search(r"\sstyle=", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)", page)


async def test_a_local_address_is_told_until_it_is_put_away(world: World) -> None:
    browser = await world.signed_in("viewer")
    page = await (await browser.get("/runs")).get_data(as_text=True)
    assert _banner(page).startswith(
        "Services cannot reach this server&#39;s address yet. It starts with localhost"
    )
    answer = await posted(browser, "/put-away", next="/runs?status=failed")
    assert answer.headers["Location"] == "/runs?status=failed"
    assert _banner(await (await browser.get("/runs")).get_data(as_text=True)) == ""
    for path in ("https://evil.example", "//evil.example", "/\\evil.example", ""):
        assert (await posted(browser, "/put-away", next=path)).headers["Location"] == "/"


async def test_the_worst_is_told_and_nothing_else(world: World) -> None:
    there = _elsewhere(world)
    assert _banner(await _page(there)) == ""
    await there.write("broken", WORKFLOW.replace("probe.note", "probe.nte"))
    assert _banner(await _page(there)) == "The file of broken has faults. See faults"
    trouble = Trouble("orders", "send", "unavailable: x", "x does not answer", "x", there.made.now)
    await there.made.run(Status.WAITING, trouble=trouble)
    assert _banner(await _page(there)) == (
        "x does not answer. 1 run waits and goes on by itself. See problem"
    )
    trouble = replace(trouble, cause="rejected: no", sentence="send failed: no")
    for _ in range(2):
        await there.made.run(Status.FAILED, trouble=trouble)
    page = await _page(there)
    assert _banner(page) == "no. 2 runs failed. 1 more is open. See problems"
    assert '<span class="unseen">, 2 open</span>' in page
    full = replace(there, app=app_of(replace(there.house, backlog_limit=0)))
    assert "New events are refused with 503" in _banner(await _page(full))
    assert '<span class="unseen">Health: </span>Trouble' in await _page(full)


async def test_a_store_that_is_away_still_has_a_frame(world: World) -> None:
    there = _elsewhere(world)
    rename = Statement.of("ALTER TABLE problems RENAME TO gone")
    await there.store.write(lambda transaction: transaction.rows(rename))
    page = await _page(there)
    assert "We cannot reach the store." in _banner(page)
    assert "<h1>Runs</h1>" in page


@pytest.mark.parametrize(
    ("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><b>', "auto"), ("", "auto")]
)
async def test_the_look_is_the_cookies(world: World, cookie: str, theme: str) -> None:
    headers = {**await world.token("viewer"), "Cookie": f"{THEME}={cookie}; {KEYS}=off"}
    page = await (await world.app.test_client().get("/runs", headers=headers)).get_data(as_text=True)
    assert f'<html lang="en" data-theme="{theme}" data-keys="off">' in page
    assert "data-keys" not in await _page(world)


async def test_every_page_is_light(world: World) -> None:
    for number in range(60):
        await world.made.run(Status.FAILED, title=f"Order #{number} · somebody with a name")
    files = {
        name: len(gzip.compress((STATIC / name).read_bytes())) for name in ("style.css", "app.js", "docs.css")
    }
    assert (STATIC / "style.css").stat().st_size <= 25 * 1024
    assert (STATIC / "app.js").stat().st_size <= 12 * 1024
    browser = await world.signed_in("admin")
    for path in PAGES:
        page = await (await browser.get(path, headers=FROM_HERE)).get_data(as_text=True)
        assert len(gzip.compress(page.encode())) + sum(files.values()) < MOST_PAGE_BYTES, path


def test_a_picture_shows_whatever_happened_at_all() -> None:
    picture = picture_of([Span(0, 0), Span(1000, 0), Span(1, 1), Span(1000, 1)])
    assert picture.words == "2,001 runs in 24 hours, 2 failed"
    assert picture.well == "M4 20v-20h3v20zM12 18v-18h3v18z"
    assert picture.failed == "M8 20v-2h3v2zM12 20v-2h3v2z"
