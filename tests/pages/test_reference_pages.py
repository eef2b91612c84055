"""The reference of faults, actions and the language: all that there is stands there, with an anchor."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import connectors
from runner.language.fault_reference import explained
from runner.language.keys import BLOCKS, MODIFIERS, STEP_KINDS
from tests.api.house import World
from tests.api.templates import app_of
from web.pages.schema_rows import schema_rows


async def test_every_fault_has_its_place_its_example_and_what_is_said(world: World) -> None:
    page = await world.page("/docs/faults")
    for code, one in explained().items():
        assert page.count(f' id="{code}"') == 1  # where links of before lead
        assert f'<a href="/docs/faults/{code}">' in page
        assert one.title.replace("'", "&#39;") in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)


async def test_every_fault_has_a_page(world: World) -> None:
    browser = await world.signed_in("viewer")
    for code, one in explained().items():
        answer = await browser.get(f"/docs/faults/{code}")
        page = await answer.get_data(as_text=True)
        assert answer.status_code == 200, code
        assert f"hookline check --explain {code}" in page
        assert "#!" not in page
        assert bool(one.wrong) == ("Mended" in page)
    page = await world.page("/docs/faults/double-quotes")
    assert "there is no `EUR` here" not in page  # backticks are code
    assert "<code>EUR</code> here; double quotes name a field" in page
    assert (await browser.get("/docs/faults/nothing")).status_code == 404


async def test_the_language_has_every_key(world: World) -> None:
    page = await world.page("/docs/language")
    keys = [*MODIFIERS, *(key for keys in STEP_KINDS.values() for key in keys)]
    keys += [key for block in BLOCKS.values() for key in block.keys.values()]
    for key in keys:
        assert f"<code>{key.name}</code>" in page, key.name
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)


async def test_every_action_stands_on_its_connectors_page(world: World) -> None:
    world = replace(world, app=app_of(replace(world.house, actions=connectors.described)))
    page = await world.page("/docs/actions")
    for name in connectors.names():
        assert f'href="/docs/actions/{name}"' in page
    page = await world.page("/docs/actions/http")
    assert page.count(' id="http.request"') == 1
    assert "<code>follow_redirects</code>" in page
    assert "- action: http.request" in page


async def test_a_connectors_page_says_what_its_codes_mean_and_how_it_is_connected(world: World) -> None:
    assert world.house.custody
    custody = replace(world.house.custody, kinds=connectors.described_kinds)
    house = replace(
        world.house, actions=connectors.described, mends=connectors.described_mends, custody=custody
    )
    world = replace(world, app=app_of(house))
    page = await world.page("/docs/actions/slack", role="editor")

    assert "The app is not in the channel; /invite it there" in page
    assert 'href="https://api.slack.com/apps"' in page
    assert 'href="/connections/new?kind=slack"' in page
    assert 'href="/workflows/orders/edit?add=slack.post_message"' in page
    assert 'data-copy="- action: slack.post_message' in page
    viewers = await world.page("/docs/actions/slack")
    assert "/edit?add=" not in viewers


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("post message", "/docs/actions/slack#slack.post_message"),
        ("shopify", "/docs/providers/shopify"),
        ("slugify", "/docs/functions#slugify"),
        ("unknown-name", "/docs/faults/unknown-name"),
        ("for_each", "/docs/language#step-for_each"),
    ],
)
async def test_a_search_finds_every_part_of_the_reference(world: World, asked: str, leads_to: str) -> None:
    world = replace(world, app=app_of(replace(world.house, actions=connectors.described)))
    page = await world.page(f"/docs?q={asked}")
    assert f'href="{leads_to}"' in page
    assert "Nothing in the reference has" in await world.page("/docs?q=xyzzy<b>")


async def test_a_catalogue_with_little_to_say_makes_a_page_too(world: World) -> None:
    assert "probe.note" in await world.page("/docs/actions/probe")
    answer = await (await world.signed_in("viewer")).get("/docs/actions/nowhere")
    assert answer.status_code == 404


@pytest.mark.parametrize("name", connectors.names())
def test_every_schema_of_a_connector_can_be_told(name: str) -> None:
    for action in connectors.described(name):
        for schema in (action["inputs"], action["output"]):
            rows = schema_rows(schema)
            assert {row["name"] for row in rows} >= set(schema.get("properties", {}))
            assert all(row["takes"] for row in rows)


def test_fields_inside_of_fields_are_told_with_their_way() -> None:
    schema = {
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/$defs/One"}},
            "to": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["items"],
        "$defs": {"One": {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}},
    }
    rows = [(row["name"], row["takes"], row["needed"]) for row in schema_rows(schema)]
    assert rows == [
        ("items", "list of mappings", True),
        ("items[].a", "x, y", True),
        ("to", "text", False),
    ]
