"""Connections and the reference at a browser: tried before they are saved, what was typed stays, axe."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.editing import Editing
from tests.cli.home import Home
from tests.servers.authorization_server import CLIENT, SECRET, Auth
from tests.servers.hookline_process import serving
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import TOKEN, SlackApi

WORKFLOW = """name: Orders
trigger: {webhook: {verify: {provider: shopify, secret: SHOPIFY_SECRET}}}
steps:
  - action: slack.post_message
    connection: team-slack
    with: {channel: "#sales", text: "{{ payload.name }}"}
"""
PAGES = (
    "/connections", "/connections/new", "/connections/new?kind=google", "/connections/new?kind=oauth2",
    "/connections/team-slack", "/secrets", "/secrets/SHOPIFY_SECRET", "/docs/actions/slack",
    "/docs/providers/shopify",
)  # fmt: skip
WRONG = "xoxb-wr0ng"


@asynccontextmanager
async def _slack() -> AsyncIterator[SlackApi]:
    """Made on the loop that it answers on: it is tried before the browser gets its answer."""
    async with SlackApi() as one:
        yield one


@pytest.mark.timeout(240)
def test_a_connection_is_made_tried_and_mended(home: Home, visit: Visit) -> None:
    with (
        in_thread(_slack()) as slack,
        serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server,
        visit(f"http://127.0.0.1:{server.port}") as person,
    ):
        Editing(person, server).begin(WORKFLOW)
        person.allowed.append("status of 409")
        person.go("/connections")
        person.page.get_by_role("link", name="Connect Slack as team-slack").click()
        person.page.get_by_label("Token").fill(WRONG)
        person.page.get_by_text("More options").click()
        person.page.get_by_label("API address").fill(slack.api_url)
        person.page.get_by_role("button", name="Test and save").click()
        expect(person.page.get_by_role("alert")).to_contain_text("the token is not valid", timeout=30_000)
        expect(person.page.get_by_label("Token")).to_have_value(WRONG)
        assert WRONG not in person.page.content()
        person.look("connection-refused")
        person.page.get_by_label("Token").fill(TOKEN)
        person.page.get_by_role("button", name="Test and save").click()
        expect(person.page.get_by_text("connected to Acme as hookline")).to_be_visible()
        person.look("connection")

        person.go("/secrets/SHOPIFY_SECRET?next=/events")
        person.page.get_by_label("Value", exact=True).fill("sh0p-s3cret")
        person.page.get_by_role("button", name="Set secret").click()
        expect(person.page).to_have_url(f"{person.origin}/events")
        for path in PAGES:
            person.go(path)
            person.check_access()
            assert TOKEN not in person.page.content()
            assert "sh0p-s3cret" not in person.page.content()
        person.page.set_viewport_size({"width": 320, "height": 700})
        for path in PAGES:
            person.go(path)
            person.check_width()


@pytest.mark.timeout(120)
def test_a_person_signs_in_at_the_service_and_comes_back_to_where_they_were(home: Home, visit: Visit) -> None:
    with (
        serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server,
        in_thread(Auth(time.time, f"http://127.0.0.1:{server.port}/oauth/callback")) as auth,
        visit(f"http://127.0.0.1:{server.port}") as person,
    ):
        Editing(person, server).begin(WORKFLOW)
        values = {
            "Client ID": CLIENT,
            "Client secret": SECRET,
            "Scope": "read",
            "Token address": f"{auth.url}/token",
            "Authorize address": f"{auth.url}/authorize",
            "API address": f"{auth.url}/api",
        }
        person.go("/connections/new?kind=oauth2&name=crm&next=/workflows/orders")
        for label, value in values.items():
            person.page.get_by_label(label).fill(value)
        person.page.get_by_role("button", name="Save").click()
        expect(person.page.get_by_text("Nobody has allowed it yet.")).to_be_visible()
        person.page.get_by_role("button", name="Connect").click()
        expect(person.page).to_have_url(f"{person.origin}/workflows/orders")
        person.go("/connections/crm")
        expect(person.page.get_by_text("Works since")).to_be_visible()
