"""The reference pages: what there is to look up, and the providers of webhooks."""

from __future__ import annotations

import re

import pytest

from runner.inbound.providers import PROVIDERS, provider_infos
from runner.inbound.providers.table import provider_table
from runner.language.catalogue import Catalogue
from runner.language.load import load
from tests.api.house import World
from web.display import inline, ticks
from web.pages.reference import written

ROWS = {row["name"]: row for row in provider_table()}


async def test_the_docs_lead_to_each_part(world: World) -> None:
    page = await world.page("/docs")
    for path in ("/docs/providers", "/docs/functions", "/api/v1/openapi.json"):
        assert f'href="{path}"' in page
    for path in ("/docs", "/docs/providers", "/docs/functions"):
        assert '<a href="/docs" aria-current="page">' in await world.page(path)


async def test_every_provider_has_a_place_with_an_anchor_and_its_steps_here(world: World) -> None:
    page = await world.page("/docs/providers")
    browser = await world.signed_in("viewer")
    for name, provider in PROVIDERS.items():
        assert page.count(f'<tr id="{name}"') == 1
        assert f'<a href="/docs/providers/{name}">' in page
        own = await (await browser.get(f"/docs/providers/{name}")).get_data(as_text=True)
        assert f'href="{provider.page}"' in own
        for option in provider.options:
            assert f"<code>{option.name}</code>" in own
        assert "{url}" not in own
        assert "`" not in own
    assert "<code>http://localhost/hooks/…</code>" in own
    assert (await browser.get("/docs/providers/nobody")).status_code == 404
    for name in ("hmac", "token", "basic", "jwt", "any-other"):
        assert page.count(f' id="{name}"') == 1
    assert "{url}" not in page
    assert "`" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_shown_for_a_provider_is_a_file_without_faults(name: str) -> None:
    text = f"name: x\n{written(PROVIDERS[name], ROWS[name]['event_type'])}\nsteps: [filter: payload]\n"
    found = load(text, path="x.yaml", slug="x", catalogue=Catalogue({}, providers=provider_infos()))
    assert found.workflow, text
    assert not found.faults
    assert found.workflow.webhook
    assert found.workflow.webhook.verification
    assert found.workflow.webhook.verification.provider == name


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_handshake_is_told_of_exactly_where_there_is_one(name: str) -> None:
    row = ROWS[name]
    assert bool(row["handshake_about"]) == row["handshake"]
    for text in (row["handshake_about"], row["answer"], row["retries"], *row["setup"]):
        assert text.count("`") % 2 == 0


def test_code_stands_between_backticks_and_nothing_else_is_markup() -> None:
    assert ticks("a `<b>` & `c") == "a <code>&lt;b&gt;</code> &amp; <code>c</code>"
    assert inline({"header": "X-A"}) == "{header: X-A}"
    assert inline(["a"]) == "[a]"
    assert inline(None) == ""
    assert inline(True) == "true"
