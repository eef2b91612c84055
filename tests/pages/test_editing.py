from __future__ import annotations

import json
import re
from typing import Any

from tests.api.house import WORKFLOW, World
from web.pages.editing import BUNDLE

HOSTILE = "</script><script>alert(1)</script><!--"


def data_of(page: str) -> Any:
    """The block of data that the script begins with."""
    found = re.search('<script type="application/json" id="editor-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


async def test_the_steps_can_be_read_before_the_script_arrives(world: World) -> None:
    await world.write("orders", WORKFLOW + "  - name: Tell <b>sales</b>\n    stop: done\n")
    page = await world.page("/workflows/orders/edit")
    assert "Tell &lt;b&gt;sales&lt;/b&gt;" in page
    assert "<b>sales" not in page


async def test_the_script_begins_with_the_text_and_what_the_person_may(world: World) -> None:
    read = data_of(await world.page("/workflows/orders/edit", role="viewer"))
    assert read["workflow"]["source"] == WORKFLOW
    assert read["workflow"]["draft"] is None
    assert read["me"]["rights"] == ["view"]
    changed = data_of(await world.page("/workflows/orders/edit", role="editor"))
    assert changed["me"]["rights"] == ["view", "run", "edit"]


async def test_a_text_with_markup_stays_inside_of_its_block(world: World) -> None:
    text = WORKFLOW.replace("Note every order.", f"'{HOSTILE}'")
    await world.write("orders", text)
    page = await world.page("/workflows/orders/edit")
    assert HOSTILE not in page
    assert data_of(page)["workflow"]["source"] == text


async def test_styles_are_let_in_by_a_word_that_is_new_each_time(world: World) -> None:
    browser = await world.signed_in("editor")
    nonces = set()
    for _ in range(2):
        answer = await browser.get("/workflows/orders/edit")
        policy = answer.headers["Content-Security-Policy"]
        nonce = data_of(await answer.get_data(as_text=True))["nonce"]
        assert f"style-src 'self' 'nonce-{nonce}';" in policy
        assert "script-src 'self';" in policy
        nonces.add(nonce)
    assert len(nonces) == 2
    assert "nonce" not in (await browser.get("/runs")).headers["Content-Security-Policy"]


async def test_what_the_page_names_is_built_and_served(world: World) -> None:
    browser = await world.signed_in("viewer")
    page = await (await browser.get("/workflows/orders/edit")).get_data(as_text=True)
    named = re.findall(r'(?:href|src)="(/static/editor/[^"]+)"', page)
    assert any(one.endswith(".js") for one in named)
    assert any(one.endswith(".css") for one in named)
    for one in named:
        assert (await browser.get(one)).status_code == 200
    assert "svelte" in (BUNDLE / "LICENSES.txt").read_text("utf-8")


async def test_a_workflow_that_is_not_there(world: World) -> None:
    browser = await world.signed_in("editor")
    assert (await browser.get("/workflows/nothing/edit")).status_code == 404
