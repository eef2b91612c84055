"""The editor's [Try ▾], which sends nothing unless it says first where; and a merge by hand."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.editing import Editing
from tests.cli.home import Home
from tests.servers.hookline_process import serving
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import TOKEN, SlackApi

TEXT = """\
name: Order alerts
title: 'Order {{ payload.name }}'
trigger: {webhook: {}}
steps:
  - filter: payload.total >= 100
  - action: slack.post_message
    connection: team-slack
    with: {channel: "#sales", text: "Order {{ payload.name }}"}
"""


@pytest.mark.timeout(120)
def test_a_preview_sends_nothing_and_sending_says_where_first(home: Home, visit: Visit) -> None:
    with (
        in_thread(SlackApi()) as slack,
        serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server,
        visit(f"http://127.0.0.1:{server.port}") as person,
    ):
        ada = Editing(person, server)
        ada.begin(TEXT)
        ada.connect(slack)
        ada.order(name="#1001", total=80)
        ada.order(name="#1002", total=120)
        page = ada.page
        ada.open()
        expect(ada.row("Slack: post message → #sales Would send")).to_be_visible()
        posted = len(slack.posted)

        page.get_by_text("Try ▾").click()
        page.get_by_role("button", name="Preview all").click()
        preview = page.get_by_role("dialog", name="What Order #1002 would do")
        expect(preview.get_by_text("Nothing was sent.")).to_be_visible()
        request = preview.get_by_role("region", name="Request of 2 Slack")
        body = json.loads(request.inner_text().partition("\n\n")[2])
        assert (body["channel"], body["text"]) == ("#sales", "Order #1002")
        assert TOKEN not in page.content()
        ada.person.look("preview")
        ada.person.check_access()
        assert len(slack.posted) == posted

        preview.get_by_role("button", name="Send for real").click()
        asked = page.get_by_role("dialog", name="Send for real?")
        expect(asked).to_contain_text("#sales")
        ada.person.look("send-for-real")
        ada.person.check_access()
        assert len(slack.posted) == posted
        asked.get_by_role("button", name="Send it").click()
        done = page.get_by_role("dialog", name="Done")
        expect(done).to_be_visible(timeout=20_000)
        ada.person.look("sent-for-real")
        assert [one["text"] for one in slack.posted[posted:]] == ["Order #1002"]
        done.get_by_role("link", name="See the run").click()
        expect(page.get_by_role("main")).to_contain_text("Order #1002")


@pytest.mark.timeout(120)
def test_what_both_changed_is_chosen_in_the_text(home: Home, visit: Visit) -> None:
    with (
        serving(home) as server,
        visit(f"http://127.0.0.1:{server.port}") as first,
        visit(f"http://127.0.0.1:{server.port}") as second,
    ):
        ada = Editing(first, server)
        ada.begin(TEXT)
        grace = ada.invite(second, "Grace", "editor")
        ada.open()
        ada.row("Continue if").click()
        ada.page.get_by_role("textbox", name="Value").fill("120")
        ada.page.get_by_role("button", name="Review and publish").click()
        expect(ada.page.get_by_role("heading", name="Publish version 2?")).to_be_focused()
        grace.call("POST", "/workflows/orders/publish", {"text": TEXT.replace("100", "90"), "base": 1})
        publish = ada.page.get_by_role("button", name="Publish", exact=True)
        expect(ada.page.get_by_text("Grace published version 2 while you were editing.")).to_be_visible()
        ada.page.get_by_role("button", name="Merge").click()
        expect(ada.yaml).to_be_focused()
        expect(ada.yaml).to_contain_text("# <<<<<<< yours")
        expect(ada.page.get_by_text("One place was changed by both.").last).to_be_visible()
        ada.person.look("merge-by-hand")
        ada.page.get_by_role("button", name="Review and publish").click()
        expect(ada.page.get_by_text("to mend before this can go live")).to_be_visible()
        ada.person.look("merge-review")
        ada.person.check_access()
        expect(publish).to_have_count(0)
