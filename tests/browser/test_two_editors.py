"""Two people at one workflow, whose file has a style of its own: acceptance script 4 of the design."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.editing import SAVED, Editing
from tests.browser.first_admin import PASSWORD
from tests.cli.home import Home
from tests.servers.hookline_process import serving
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import SlackApi

ORDERS = """\
# Orders that sales wants to hear of.
name:   Order alerts   # as they say
title: 'Order {{ payload.name }}'

trigger: {webhook: {}}


steps:
  # Small ones end here.
  - id: big
    filter: payload.total >= 100   # in euros

  - {id: line,   transform: payload.name}   # what it is called


  # The words to sales.
  - id: words
    template: 'Order {{ payload.name }}'

  - id: tell
    action: slack.post_message
    connection: team-slack
    with: {channel:  "#sales",  text: "{{ steps.words }}"}

  # Somebody has to have seen it.
  - id: seen
    wait_for: {approval: {message: 'Was {{ payload.name }} seen?'}}

  - stop: 'Told'
"""
CHANGED = ORDERS.replace(">= 100 ", ">= 120 ")
FAULT = "The YAML has a fault on line 21; these views show the version before it."
OUTRUN = "Grace published version 2 while you were editing."


@pytest.mark.timeout(240)
def test_two_editors_and_the_file(home: Home, visit: Visit) -> None:
    with (
        in_thread(SlackApi()) as slack,
        serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server,
        visit(f"http://127.0.0.1:{server.port}") as first,
        visit(f"http://127.0.0.1:{server.port}") as second,
    ):
        ada = Editing(first, server)
        ada.begin(ORDERS)
        ada.connect(slack)
        ada.order(name="#1001", total=120.5)  # its run waits for an answer while others publish
        grace = ada.invite(second, "Grace", "editor")

        # a row, an order, and one step back: the rest of the file stays as it was
        ada.open()
        ada.row("Continue if total is at least 100").click()
        ada.page.get_by_role("textbox", name="Value").fill("120")
        ada.row("Prepare line").press("Alt+ArrowDown")
        expect(ada.page.get_by_text("now step 3 of 6")).to_be_attached()
        ada.see("YAML")
        expect(ada.yaml).to_contain_text("what it is called")
        ada.yaml.press("Control+z")
        expect(ada.state).to_have_text(SAVED)
        assert ada.text() == CHANGED

        # a text that is no YAML
        ada.yaml.get_by_text("tell", exact=True).click()
        ada.page.keyboard.press("End")
        ada.page.keyboard.press("Enter")
        ada.page.keyboard.type("name: Tell: sales")
        ada.see("Steps")
        expect(ada.page.get_by_text(FAULT)).to_be_visible()
        expect(ada.row("Continue if total is at least 120")).to_be_visible()
        ada.person.look("two-editors-stale")
        expect(ada.row("Has a fault")).to_be_visible()
        ada.row("Continue if").press("F8")
        expect(ada.yaml).to_be_focused()
        ada.page.keyboard.press("F8")
        ada.person.look("two-editors-fault")
        ada.page.get_by_role("button", name="Fix").click()
        expect(ada.yaml).to_contain_text('name: "Tell: sales"')
        ada.see("Steps")
        expect(ada.page.get_by_text(FAULT)).to_be_hidden()
        expect(ada.row("Tell: sales")).to_be_visible()
        expect(ada.state).to_have_text(SAVED)

        # Grace is first
        grace.open()
        grace.row("Stop").click()
        expect(grace.page.get_by_text("Ada is editing this too.")).to_be_visible()
        grace.page.get_by_role("textbox").first.fill("Sales was told")
        grace.page.get_by_role("button", name="Review and publish").click()
        grace.page.get_by_role("textbox", name="What changed, and why?").fill("Say who")
        grace.page.get_by_role("button", name="Publish", exact=True).click()
        expect(grace.page.get_by_role("heading", name="Version 2 is live")).to_be_visible()

        # what Ada has is compared, merged and published
        expect(ada.page.get_by_text(OUTRUN)).to_be_visible()
        ada.page.get_by_role("button", name="Compare").click()
        expect(ada.page.get_by_role("region", name="What version 2 changed")).to_contain_text(
            "Sales was told"
        )
        expect(ada.page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
        ada.person.look("two-editors-compare")
        ada.person.check_access()
        ada.page.get_by_role("button", name="Merge").click()
        expect(ada.page.get_by_text(OUTRUN)).to_have_count(0)
        diff = ada.page.get_by_role("region", name="Changes of the text")
        expect(diff).to_contain_text(">= 120")
        expect(diff).not_to_contain_text("-  - stop")
        ada.person.look("two-editors-review")
        ada.page.get_by_role("button", name="Publish", exact=True).click()
        expect(ada.page.get_by_role("heading", name="Version 3 is live")).to_be_visible()
        live = ada.call("GET", "/workflows/orders")["source"]
        assert live == CHANGED.replace("id: tell", 'id: tell\n    name: "Tell: sales"').replace(
            "'Told'", "'Sales was told'"
        )

        # the history, and back to hers
        ada.page.get_by_role("button", name="Go on editing").click()
        ada.page.get_by_role("tab", name="History").click()
        history = ada.page.get_by_role("tabpanel", name="History")
        expect(history).to_contain_text(
            re.compile("Version 3.*Ada.*Version 2.*Grace.*Say who.*Version 1", re.DOTALL)
        )
        ada.person.look("two-editors-history")
        history.get_by_role("button", name="Return to version 2").click()
        ada.page.get_by_role("dialog").get_by_role("button", name="Return to version 2").click()
        expect(history).to_contain_text("Version 4 · live")
        expect(ada.row("Continue if total is at least 100")).to_be_visible()

        # what began before ends as it began
        waiting = ada.call("GET", "/approvals")["items"]
        ada.call("POST", f"/approvals/{waiting[0]['id']}", {"choice": "approve"})
        run = ada.call("GET", "/runs")["items"][0]
        ada.person.go(f"/runs/{run['id']}")
        expect(ada.page.get_by_role("main")).to_contain_text("Succeeded")
        assert (run["version"], run["title"]) == (1, "Order #1001")
        assert [one["text"] for one in slack.posted] == ["Order #1001"]

        # a viewer looks
        (her,) = [one for one in ada.call("GET", "/users")["items"] if one["name"] == "Grace"]
        ada.call("PATCH", f"/users/{her['id']}", {"role": "viewer"})
        grace.person.go("/workflows/orders/edit")  # what she was is over
        grace.page.get_by_label("Email").fill("grace@example.com")
        grace.page.get_by_label("Password").first.fill(PASSWORD)
        grace.page.get_by_role("button", name="Sign in").click()
        expect(grace.state).to_have_text("read-only · live · v4")
        grace.row("Continue if").click()
        expect(grace.page.get_by_role("textbox", name="Value")).to_have_attribute("readonly", "")
        expect(grace.page.get_by_text(re.compile("^Try"))).to_have_count(0)
        sends = re.compile("Publish|Send|Release|Return", re.IGNORECASE)
        for row in ("Continue if", "Slack: post message"):
            grace.row(row).click()
            expect(grace.page.get_by_role("button", name=sends)).to_have_count(0)
        grace.page.get_by_role("tab", name="History").click()
        expect(grace.page.get_by_text("Version 4", exact=True)).to_be_visible()
        expect(grace.page.get_by_role("button", name=sends)).to_have_count(0)
        grace.person.look("two-editors-viewer")
        grace.person.check_access()
