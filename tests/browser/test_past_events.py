"""The review of a changed workflow: what it would have done with the events that came, sending nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.editing import Editing
from tests.browser.test_trying import TEXT
from tests.cli.home import Home
from tests.servers.hookline_process import serving
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import TOKEN, SlackApi


@pytest.mark.timeout(120)
def test_a_raised_limit_is_held_against_past_events(home: Home, visit: Visit) -> None:
    with (
        in_thread(SlackApi()) as slack,
        serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server,
        visit(f"http://127.0.0.1:{server.port}") as person,
    ):
        ada = Editing(person, server)
        ada.begin(TEXT)
        ada.connect(slack)
        for name, total in (("#1001", 80), ("#1002", 120), ("#1003", 150)):
            ada.order(name=name, total=total)
        page = ada.page
        ada.person.go("/runs?status=succeeded")
        for name in ("#1002", "#1003"):
            expect(page.get_by_role("main")).to_contain_text(f"Order {name}")
        posted = len(slack.posted)

        ada.open()
        ada.row("Continue if").click()
        page.get_by_role("textbox", name="Value").fill("130")
        page.get_by_role("button", name="Review and publish").first.click()
        expect(page.get_by_role("button", name="1 now filtered")).to_be_visible(timeout=20_000)
        expect(page.get_by_role("button", name="2 same")).to_be_visible()
        told = page.get_by_role("group").filter(has_text="Order #1002")
        expect(told).to_have_count(1)
        told.get_by_text("Order #1002").click()
        expect(told.get_by_role("link", name="Its run on version 1")).to_be_visible()
        ada.person.look("review-past-events")
        ada.person.check_access()
        assert len(slack.posted) == posted
        assert TOKEN not in page.content()
