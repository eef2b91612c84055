"""Connections and secrets in a browser without scripts: set, tried, replaced, deleted, and never shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import connectors
from tests.api.connected import TOKEN
from tests.api.house import WORKFLOW, World, open_world
from tests.api.templates import app_of
from tests.pages.forms import posted, sent
from web.connection_fields import form_of, read_form
from web.fields import PREFIX

pytestmark = pytest.mark.both_stores

WRONG = "wr0ng-card-number"
USES = """name: Lends
trigger: {webhook: {verify: {provider: shopify, secret: SHOP_SECRET}}}
steps:
  - action: library.put
    connection: card
    with: {shelf: novels}
  - action: library.put
    connection: other-card
    with: {shelf: "{{ secrets.SHELF }}"}
"""
KINDS = {one["kind"]: one for one in connectors.described_kinds()}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A house of which a workflow uses `card`, and two that nobody made."""
    async with open_world(tmp_path, workflows={"orders": WORKFLOW}) as one:
        await one.write("lends", USES.replace("library.put", "probe.note").replace("shelf:", "text:"))
        yield one


async def test_the_list_says_how_each_stands_and_what_uses_it(world: World) -> None:
    page = await world.page("/connections", role="editor")

    assert page.count("used by <a") >= 2
    assert "Nobody has allowed it yet." in page
    assert 'href="/connections/new?name=other-card"' in page
    assert 'id="SHOP_SECRET"' in page
    assert "Not set" in page
    assert TOKEN not in page
    assert (await (await world.signed_in("viewer")).get("/connections")).status_code == 403


async def test_a_wrong_value_is_not_saved_and_the_services_own_answer_is_repeated(world: World) -> None:
    editor = await world.signed_in("editor")
    form = {"kind": "library", "name": "mine", "input.token": WRONG}
    page = await posted(editor, "/connections/new", form, status=409)

    assert "The card ••• is not known." in page
    assert "Save anyway" in page
    assert WRONG not in page
    assert (await editor.get("/connections/mine")).status_code == 404
    await posted(editor, "/connections/new", {**form, "anyway": "yes"}, status=303)
    assert "Not tried yet" in await world.page("/connections/mine", role="editor")


async def test_a_right_value_is_kept_and_leads_back_to_where_one_was(world: World) -> None:
    editor = await world.signed_in("editor")
    form = {"kind": "library", "name": "mine", "input.token": TOKEN, "expires": "2099-05-03"}
    answer = await sent(editor, "/connections/new?next=/workflows/orders/edit", form)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/workflows/orders/edit")
    page = await world.page("/connections/mine", role="editor")
    assert "Works" in page
    assert "the card works" in page
    assert 'value="2099-05-03"' in page
    assert re.search("set .* by <bdi>ada</bdi>", page)
    assert TOKEN not in page
    away = await sent(editor, "/connections/new?next=//elsewhere.example", {**form, "name": "mine-2"})
    assert away.headers["Location"] == "/"


async def test_what_is_missing_or_taken_stands_beside_its_field(world: World) -> None:
    editor = await world.signed_in("editor")
    form = {"kind": "library", "name": "mine", "input.token": TOKEN}

    assert "Token is needed" in await posted(
        editor, "/connections/new", {**form, "input.token": ""}, status=422
    )
    assert "There is one called card already." in await posted(
        editor, "/connections/new", {**form, "name": "card"}, status=422
    )
    assert "A name is letters, digits" in await posted(
        editor, "/connections/new", {**form, "name": "a b"}, status=422
    )
    assert "Write a day" in await posted(editor, "/connections/new", {**form, "expires": "soon"}, status=422)
    await posted(editor, "/connections/new", {**form, "kind": "nothing"}, status=400)


async def test_values_are_replaced_and_secrets_that_are_left_empty_stay(world: World) -> None:
    editor = await world.signed_in("editor")
    await posted(editor, "/connections/card", {"input.token": ""}, status=303)
    assert (await world.post("/api/v1/connections/card/test", {}))["works"]
    page = await posted(editor, "/connections/card", {"input.token": WRONG}, status=409)
    assert "is not known" in page
    assert WRONG not in page
    assert (await world.post("/api/v1/connections/card/test", {}))["works"]
    page = await posted(editor, "/connections/card", {"input.token": "", "afresh": "yes"}, status=422)
    assert "Token is needed" in page
    assert (await editor.get("/connections/crad")).status_code == 404


async def test_a_test_is_a_button_whose_answer_stays_in_the_history(world: World) -> None:
    editor = await world.signed_in("editor")
    await posted(editor, "/connections/lost/test", {}, status=303)
    await posted(editor, "/connections/card/test", {"back": "list"}, status=303)

    lost = await world.page("/connections/lost", role="editor")
    assert "Refused since" in lost
    assert "<bdi>ada</bdi> tested it" in lost
    assert "the card ••• is not known" in lost
    assert "the card works" in await world.page("/connections", role="editor")


async def test_deleting_shows_which_workflows_use_it(world: World) -> None:
    page = await world.page("/connections/card", role="editor")
    dialog = page[page.index("<dialog") :]
    assert "their steps fail without it" in dialog
    assert 'href="/workflows/lends"' in dialog
    await posted(await world.signed_in("editor"), "/connections/card/delete", {}, status=303)
    page = await world.page("/connections", role="editor")
    assert 'href="/connections/card"' not in page
    assert "name=card" in page  # a workflow names it still


async def test_a_person_signs_in_at_the_service_and_gets_back_to_where_they_were(world: World) -> None:
    admin = await world.signed_in("admin")
    shown = await (await admin.get("/connections/shop")).get_data(as_text=True)
    assert "http://localhost/oauth/callback" in shown
    page = await posted(admin, "/connections/shop/connect", {"next": "/workflows/orders/edit"})
    found = re.search('http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert found
    asked = parse_qs(urlsplit(found[1].replace("&amp;", "&")).query)
    assert asked["redirect_uri"] == ["http://localhost/oauth/callback"]

    refused = await admin.get(f"/oauth/callback?error=access_denied&state={asked['state'][0]}")
    text = await refused.get_data(as_text=True)
    assert refused.status_code == 400
    assert 'href="/workflows/orders/edit"' in text
    editors = await world.page("/connections/shop", role="editor")
    assert "An admin has to connect it" in editors
    await posted(await world.signed_in("editor"), "/connections/shop/connect", {}, status=403)


async def test_a_secret_goes_in_and_never_comes_out(world: World) -> None:
    value = "sh0p-s3cret-value"
    editor = await world.signed_in("editor")
    assert "<strong>Not set.</strong>" in await world.page("/secrets/SHOP_SECRET", role="editor")
    answer = await sent(
        editor, "/secrets/SHOP_SECRET?next=/events", {"value": value, "hosts": "api.example.com"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/events")
    for path in ("/connections", "/secrets/SHOP_SECRET", "/secrets", "/docs"):
        page = await world.page(path, role="editor")
        assert value not in page
    page = await world.page("/secrets/SHOP_SECRET", role="editor")
    assert "api.example.com" in page
    assert re.search("Set .* by <bdi>ada</bdi>", page)
    key = "-----BEGIN KEY-----\nabc\n-----END KEY-----"
    await posted(editor, "/secrets", {"name": "A_KEY", "value": "", "lines": key}, status=303)
    assert "There is one called A_KEY" in await posted(
        editor, "/secrets", {"name": "A_KEY", "value": "x"}, status=422
    )
    assert "name is letters" in await posted(editor, "/secrets", {"name": "9 a", "value": "x"}, status=422)
    page = await posted(editor, "/secrets/A_KEY", {"value": value, "hosts": "not a/host"}, status=422)
    assert value not in page
    assert "Paste the value." in await posted(editor, "/secrets/A_KEY", {"value": ""}, status=422)
    await posted(editor, "/secrets/A_KEY/delete", {}, status=303)
    assert 'id="A_KEY"' not in await world.page("/connections", role="editor")


async def test_services_are_found_by_name_and_a_search_without_result_has_a_way_on(world: World) -> None:
    assert world.house.custody
    custody = replace(world.house.custody, kinds=connectors.described_kinds)
    world = replace(world, app=app_of(replace(world.house, custody=custody)))
    editor = await world.signed_in("editor")

    async def shown(path: str) -> str:
        return str(await (await editor.get(path)).get_data(as_text=True))

    page = await shown("/connections/new?q=google")
    assert page.index("Google: robot account") < page.index("Google: sign in")
    assert "<strong>Slack<" not in page
    assert "?kind=bearer" in await shown("/connections/new?q=xyzzy")
    assert "did you mean" in await shown("/connections/new?kind=slak")
    for name, kind in KINDS.items():
        page = await shown(f"/connections/new?kind={name}&name=a-name")
        assert page.count("<li>") >= len(kind["steps"])
        assert 'value="a-name"' in page
        for field in kind["fields"]["properties"]:
            assert f'name="{PREFIX}{field}"' in page, (name, field)
        assert ("/oauth/callback" in page) == kind["signs_in"]


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_says_where_its_values_are_found(name: str) -> None:
    kind = KINDS[name]
    assert kind["title"]
    assert len(kind["steps"]) >= 2
    assert all(one.endswith(".") and "`" not in one for one in kind["steps"])


@pytest.mark.parametrize("name", KINDS)
def test_the_form_of_a_kind_never_holds_a_secret_and_reads_what_it_shows(name: str) -> None:
    kind = KINDS[name]
    form = form_of(kind)
    typed = {one.name: "s3cret" if one.name.removeprefix(PREFIX) in form.secrets else one.value
             for one in (*form.main, *form.more)}  # fmt: skip
    again = form_of(kind, posted=typed)
    known = form_of(kind, known={one.removeprefix(PREFIX): "s3cret" for one in typed})

    for shown in (again, known):
        for field in (*shown.main, *shown.more):
            if field.name.removeprefix(PREFIX) in form.secrets:
                assert field.value == ""
                assert field.type == "password"
    values, _ = read_form(kind, typed, is_replaced=False)
    assert {one for one in values if values[one] == "s3cret"} == form.secrets
    kept, faults = read_form(kind, {**typed, **{PREFIX + one: "" for one in form.secrets}}, is_replaced=True)
    assert not form.secrets & (kept.keys() | faults.keys())


def test_what_is_emptied_is_nothing_from_now_on_or_its_default() -> None:
    values, faults = read_form(KINDS["smtp"], {"input.host": "mail.example.com"}, is_replaced=True)
    assert not faults
    assert values == {
        "host": "mail.example.com", "port": None, "tls": "starttls", "user": None, "from": None,
        "ca_certificate": None,
    }  # fmt: skip
    hosts = {"input.hosts": "a.example.com, b.example.com\nc.example.com"}
    assert read_form(KINDS["bearer"], {**hosts, "input.token": "t"}, is_replaced=False)[0]["hosts"] == [
        "a.example.com", "b.example.com", "c.example.com",
    ]  # fmt: skip
