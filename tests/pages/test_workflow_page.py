"""One workflow's page and its buttons: they do what the API does, and write down who did it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.engine.runs import Disposition, Status
from tests.api.house import WORKFLOW, World, open_world
from tests.pages.posting import posted
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores

SHOPIFY = WORKFLOW.replace("webhook: {}", "webhook: {verify: {provider: shopify, secret: SHOP_SECRET}}")
TOKEN = WORKFLOW.replace("webhook: {}", "webhook: {verify: {token: {header: X-Key, secret: KEY}}}")


async def test_the_page_says_what_it_does_where_it_listens_and_what_came_of_it(world: World) -> None:
    await world.made.run(Status.FAILED, title="Order #7", sentence="no such channel")
    page = await world.page("/workflows/orders")
    assert "<bdi>Webhook → Probe</bdi>" in page
    assert "Note every order." in page
    assert "http://localhost/hooks/token-of-orders" in page
    assert "curl -H &#39;content-type: application/json&#39;" in page
    assert "Whoever knows this address can send; it takes POST." in page
    assert "which only this computer can see" in page
    assert "Order #7" in page
    assert "no such channel" in page
    assert 'href="/workflows/orders/versions/1"' in page


async def test_a_provider_has_its_steps_with_the_address_and_its_secret(world: World) -> None:
    await world.write("shop", SHOPIFY.replace("Orders", "Shop"))
    page = await world.page("/workflows/shop")
    assert "Set it up at Shopify" in page
    assert "<code>http://localhost/hooks/token-of-shop</code>" in page
    assert "<code>SHOP_SECRET</code>" in page
    assert "Try it with curl" not in page  # only Shopify can sign
    assert "Shopify" in page


async def test_a_secret_stands_in_the_curl_line_as_a_variable(world: World) -> None:
    await world.write("keyed", TOKEN.replace("Orders", "Keyed"))
    assert "-H &#34;X-Key: $KEY&#34;" in (await world.page("/workflows/keyed")).replace("x-key", "X-Key")


async def test_an_address_that_all_can_reach_has_no_warning(tmp_path: Path) -> None:
    async with open_world(
        tmp_path, public_url="https://hooks.example.com", workflows={"orders": WORKFLOW}
    ) as there:
        link = await there.link("viewer")
        browser = there.app.test_client(use_cookies=True)
        here = {"Origin": "https://hooks.example.com", "Host": "hooks.example.com"}
        answer = await browser.post(f"/start/{link}", headers=here, scheme="https")
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        answer = await browser.get("/workflows/orders", headers={"Cookie": cookie}, scheme="https")
        assert "cannot reach" not in await answer.get_data(as_text=True)


async def test_faults_stand_with_their_line_and_the_way_to_it(world: World) -> None:
    await world.write("orders", WORKFLOW.replace("probe.note", "probe.nte"))
    page = await world.page("/workflows/orders")
    assert 'href="/workflows/orders/edit#line-6"' in page
    assert "did you mean &#34;probe.note&#34;" in page
    assert "Version 1 keeps running." in page
    assert 'href="/docs/faults/unknown-action"' in page


async def test_pausing_says_why_and_resuming_lets_go(world: World) -> None:
    browser = await world.signed_in("editor")
    await posted(browser, "/workflows/orders/pause", why="stocktaking")
    await world.made.event(title=None, disposition=Disposition.HELD)
    page = await world.page("/workflows/orders", role="editor")
    assert "“<bdi>stocktaking</bdi>”" in page
    assert "1 event held so far" in page
    assert (await world.get(f"{PREFIX}/workflows/orders"))["paused"]["why"] == "stocktaking"
    await posted(browser, "/workflows/orders/resume")
    assert (await world.get(f"{PREFIX}/workflows/orders"))["state"] == "live"
    deeds = (await world.get(f"{PREFIX}/audit", role="admin"))["items"]
    assert [one["verb"] for one in deeds if one["kind"] == "workflow"] == ["resumed", "paused"]
    assert (await posted(browser, "/workflows/orders/pause", why="x" * 501)).status_code == 400


async def test_a_name_and_an_id_are_changed_and_the_old_address_leads_on(world: World) -> None:
    browser = await world.signed_in("editor")
    answer = await posted(browser, "/workflows/orders/rename", name="Big orders: all #1", slug="big-orders")
    assert answer.headers["Location"] == "/workflows/big-orders"
    page = await world.page("/workflows/big-orders")
    assert "<bdi>Big orders: all #1</bdi>" in page
    assert "http://localhost/hooks/token-of-orders" in page
    old = await browser.get("/workflows/orders")
    assert (old.status_code, old.headers["Location"]) == (303, "/workflows/big-orders")
    text = (world.folder / "big-orders.yaml").read_text()
    assert 'name: "Big orders: all #1"\n' in text
    assert text.endswith(WORKFLOW.partition("\n")[2])
    for name in ("", " ", "x" * 201):
        assert (await posted(browser, "/workflows/big-orders/rename", name=name)).status_code == 400


async def test_a_draft_is_renamed_in_its_text(world: World) -> None:
    browser = await world.signed_in("editor")
    await posted(browser, "/workflows/new", blank="yes")
    await posted(browser, "/workflows/new-workflow/rename", name="Mine", slug="new-workflow")
    assert "<bdi>Mine</bdi>" in await world.page("/workflows/new-workflow", role="editor")


async def test_deleting_wants_the_name_and_can_be_undone(world: World) -> None:
    browser = await world.signed_in("editor")
    answer = await posted(browser, "/workflows/orders/delete", name="orders")
    assert answer.status_code == 400
    assert "Nothing was deleted." in await answer.get_data(as_text=True)
    answer = await posted(browser, "/workflows/orders/delete", name="Orders")
    assert answer.headers["Location"] == "/"
    gone = await browser.get("/workflows/orders")
    assert gone.status_code == 410
    assert 'action="/workflows/orders/restore"' in await gone.get_data(as_text=True)
    await posted(browser, "/workflows/orders/restore")
    assert (await browser.get("/workflows/orders")).status_code == 200


async def test_a_copy_opens_in_the_editor(world: World) -> None:
    answer = await posted(await world.signed_in("editor"), "/workflows/orders/duplicate")
    assert answer.headers["Location"] == "/workflows/orders-copy/edit"
    exported = await (await world.signed_in("editor")).get("/workflows/orders-copy/export")
    assert (await exported.get_data(as_text=True)).startswith("name: Orders (copy)\n")


async def test_versions_say_what_they_changed_and_are_returned_to(world: World) -> None:
    await world.write("orders", WORKFLOW.replace("Note every order.", "Note some <b>."))
    page = await world.page("/workflows/orders/versions/2")
    assert '<span class="out">-description: Note every order.' in page
    assert '<span class="in">+description: Note some &lt;b&gt;.' in page
    browser = await world.signed_in("editor")
    answer = await posted(browser, "/workflows/orders/return", version="1")
    assert answer.headers["Location"] == "/workflows/orders"
    assert (world.folder / "orders.yaml").read_text() == WORKFLOW
    page = await world.page("/workflows/orders/versions")
    assert "Returned to version 1" in page
    for version in ("", "x", "99", "9" * 30):
        answer = await posted(browser, "/workflows/orders/return", version=version)
        assert answer.status_code in {400, 404}
    assert (await browser.get("/workflows/orders/versions/x")).status_code == 404
    assert (await browser.get("/workflows/orders/versions?cursor=x")).status_code == 400


async def test_an_export_is_the_file(world: World) -> None:
    answer = await (await world.signed_in("viewer")).get("/workflows/orders/export")
    assert await answer.get_data(as_text=True) == WORKFLOW
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.yaml"'
    assert answer.headers["Content-Type"] == "application/yaml; charset=utf-8"


async def test_a_viewer_has_no_button_and_no_way_around(world: World) -> None:
    page = await world.page("/workflows/orders", role="viewer")
    assert "<dialog" not in page
    assert not re.search(r'<form[^>]+action="/workflows', page)
    browser = await world.signed_in("viewer")
    for what in ("pause", "resume", "release", "duplicate", "rename", "delete", "restore", "return"):
        answer = await posted(browser, f"/workflows/orders/{what}", name="Orders", version="1")
        assert answer.status_code == 403, what


async def test_what_is_not_there_says_so(world: World) -> None:
    browser = await world.signed_in("viewer")
    for path in ("/workflows/nothing", "/workflows/nothing/export", "/workflows/nothing/versions"):
        assert (await browser.get(path)).status_code == 404
