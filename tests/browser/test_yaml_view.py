"""The editor's YAML view: completion, help, faults and their mends, finding, and one undo for all views."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.editing import SAVED, Editing
from tests.cli.home import Home
from tests.servers.hookline_process import serving
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import SlackApi

TEXT = """\
name: Order alerts
trigger: {webhook: {}}
steps:
  - id: big
    fliter: payload.total >= 100
  - id: words
    template: 'Order {{ payload.name }} of {{ payload.customer.first_name }}, which is a line that is longer than the view'
  - stop: Told
"""  # noqa: E501


@pytest.fixture
def ada(home: Home, visit: Visit) -> Iterator[Editing]:
    """At the YAML view, with an order chosen and a connection made."""
    with (
        in_thread(SlackApi()) as slack,
        serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server,
        visit(f"http://127.0.0.1:{server.port}") as person,
    ):
        one = Editing(person, server)
        one.begin(TEXT.replace("fliter", "filter"))
        one.call("PUT", "/workflows/orders/draft", {"text": TEXT, "base": 1, "revision": None})
        one.connect(slack)
        one.order(name="#1001", total=120.5, customer={"first_name": "Ada", "last name": "Lovelace"})
        one.open()
        expect(one.page.get_by_role("treeitem", name="payload, object")).to_be_visible()
        one.see("YAML")
        expect(one.yaml).to_contain_text("name: Order alerts")
        yield one


def test_keys_actions_and_fields_are_completed(ada: Editing) -> None:
    keyboard = ada.page.keyboard
    options = ada.page.get_by_role("listbox").get_by_role("option")
    ada.yaml.press("Control+End")
    keyboard.type("  - act")
    options.get_by_text("action", exact=True).click()
    keyboard.type("slack.post_m")
    expect(options.get_by_text("slack.post_message", exact=True)).to_be_visible()
    ada.person.look("yaml-completion")
    options.get_by_text("slack.post_message", exact=True).click()
    expect(ada.yaml).to_contain_text("connection: team-slack")  # the one that fits; and what is needed
    keyboard.type('channel: "#sales"')
    ada.yaml.get_by_text("words", exact=True).click()
    keyboard.press("End")
    keyboard.press("Enter")
    keyboard.type("if: payload.cust")
    options.get_by_text("customer", exact=True).click()
    keyboard.type(".")
    expect(options).to_have_count(2)
    with ada.page.expect_response(
        lambda one: one.url.endswith("/draft") and "last name" in (one.request.post_data or "")
    ):
        options.get_by_text("last name", exact=True).click()  # and the text that has it is kept
    expect(ada.state).to_have_text(SAVED)
    assert (
        '  - action: slack.post_message\n    connection: team-slack\n    with:\n      channel: "#sales"'
        in ada.text()
    )
    assert '  - id: words\n    if: payload.customer."last name"\n' in ada.text()
    ada.see("Steps")
    expect(ada.row("Slack: post message")).to_be_visible()


def test_faults_are_underlined_and_mended_and_undo_is_one_for_all_views(ada: Editing) -> None:
    page = ada.page
    ada.yaml.get_by_text("stop", exact=True).hover()
    expect(page.get_by_text("ends the run")).to_be_visible()
    ada.person.look("yaml-help")
    ada.yaml.press("Control+Home")
    page.keyboard.press("F8")
    expect(page.get_by_text("Did you mean")).to_be_visible()
    ada.person.look("yaml-fault")
    ada.person.check_access()
    page.get_by_role("button", name="Fix").click()
    expect(ada.yaml).to_contain_text("filter: payload.total")
    expect(page.get_by_role("button", name="No faults")).to_be_visible()
    page.get_by_role("checkbox", name="Wrap long lines").check()
    ada.person.look("yaml-wrapped")

    page.keyboard.press("Escape")
    ada.yaml.press("Control+f")
    page.get_by_role("textbox", name="Find").fill("Order")
    page.keyboard.press("Enter")
    ada.person.look("yaml-find")
    page.keyboard.press("Escape")

    # what a form changed is undone here, and what was mended here is undone there
    ada.see("Steps")
    ada.row("Stop: Told").click()
    page.get_by_role("textbox").first.fill("Sales knows")
    ada.see("YAML")
    expect(ada.yaml).to_contain_text("stop: Sales knows")
    ada.yaml.press("Control+z")
    expect(ada.yaml).to_contain_text("stop: Told")
    ada.see("Steps")
    ada.row("Stop: Told").press("Control+z")
    expect(page.get_by_role("button", name="1 fault")).to_be_visible()
    expect(ada.state).to_have_text(SAVED)
    assert ada.text() == TEXT
