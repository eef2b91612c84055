"""
The first order, without a terminal: from an empty server to an order that is told in Slack and written
into a sheet, by what a person sees and clicks alone.
"""

from __future__ import annotations

import json
import re
from time import monotonic

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.shop import LONG, NETWORK, SECRET, Shop, begin
from tests.cli.home import Home
from tests.servers.google_service import SHEET_ID, GoogleService
from tests.servers.hookline_process import serving
from tests.servers.in_thread import in_thread
from tests.servers.slack_api import TOKEN, SlackApi

PATIENCE = 300  # seconds, at the speed of a person who types
TYPING = 60  # milliseconds between keys
STARTER = "Shopify order → Slack and Google Sheets"
TABLE = ["Order", "Customer", "Total"]
SPREADSHEET = {"name": "Orders 2026", "mimeType": "application/vnd.google-apps.spreadsheet"}


def checklist(page: Page) -> Locator:
    """The way to the first run, in the drawer."""
    return page.get_by_role("region", name="To the first run")


def step(page: Page, words: str) -> Locator:
    """A step in the list."""
    steps = page.get_by_role("region", name="Steps", exact=True)
    return steps.get_by_role("button", name=re.compile(f"^[0-9]+ {words}"))


def datum(page: Page, name: str) -> Locator:
    """A field of the event, in the data tree."""
    return page.get_by_role("tree", name="Data of the event").get_by_role(
        "treeitem", name=re.compile(f"^{name}, ")
    )


def empty(field: Locator) -> None:
    """Click into a field and take out what is in it."""
    field.click()
    field.press("Control+a")
    field.press("Delete")


def test_the_first_order_without_a_terminal(home: Home, visit: Visit) -> None:
    with (
        in_thread(SlackApi()) as slack,
        in_thread(GoogleService()) as google,
        serving(home, **NETWORK) as server,
        visit(f"http://127.0.0.1:{server.port}") as person,
    ):
        google.files[SHEET_ID] = SPREADSHEET
        google.sheets = {"Orders": [TABLE]}
        # Slack's refusal of a token, and what a sheet that is not chosen yet cannot list
        person.allowed.append("status of 409")
        page, began = person.page, monotonic()
        begin(person, server, "first-order-admin")

        page.get_by_role("button", name=STARTER).click()
        secret = checklist(page).get_by_role("textbox", name="Value of SHOPIFY_SECRET")
        expect(secret).to_be_visible(timeout=LONG)
        expect(checklist(page).get_by_role("button", name="Use a sample order")).to_be_visible(timeout=LONG)
        person.look("first-order-starter")
        secret.press_sequentially(SECRET, delay=TYPING)
        checklist(page).get_by_role("button", name="Set secret").click()

        checklist(page).get_by_role("button", name="Use a sample order").click()
        expect(datum(page, "name")).to_contain_text("#1001", timeout=LONG)
        expect(page.get_by_role("combobox", name="Event").locator("option:checked")).to_contain_text(
            "orders/create", timeout=LONG
        )
        expect(step(page, "Continue if").get_by_role("img", name="Passes")).to_be_visible(timeout=LONG)
        for one in ("Post to Slack", "Add a row"):
            expect(step(page, one)).to_be_visible()
        assert not slack.requests
        assert not google.requests

        step(page, "Post to Slack").click()
        form = page.get_by_role("region", name="Post to Slack")
        connect_slack(page, form, slack)
        form.get_by_role("button", name="Channel").click()
        page.get_by_role("option", name="#sales").click()
        message = form.get_by_role("textbox", name="Message")
        empty(message)
        message.press_sequentially("Order ", delay=TYPING)
        datum(page, "name").click()
        expect(message).to_have_text(re.compile(r"Order\s+name"))  # a pill, which says what it stands for
        expect(form.get_by_text("Order #1001", exact=True)).to_be_visible(timeout=LONG)

        step(page, "Continue if").click()
        only_large(page)

        connect_sheet(page, google)
        step(page, "Add a row").click()
        choose_sheet(page)

        page.get_by_text("Try", exact=False).and_(page.locator("summary")).click()
        page.get_by_role("button", name="Preview all").first.click()
        preview = page.get_by_role("dialog")
        expect(preview.get_by_text("it would send 2 requests")).to_be_visible(timeout=LONG)
        expect(preview.get_by_text(f"POST {slack.api_url}/chat.postMessage")).to_be_visible()
        expect(preview.get_by_role("region", name=re.compile("Request of 3"))).to_contain_text("#1001")
        assert not slack.posted
        assert google.sheets == {"Orders": [TABLE]}
        person.look("first-order-preview")
        preview.get_by_role("button", name="Close").click()

        address = checklist(page).get_by_text(re.compile("^http://127.0.0.1:[0-9]+/hooks/"))
        checklist(page).get_by_text("Connect Shopify").click()
        url = address.first.inner_text()
        publish(page)

        page.get_by_role("link", name="See the workflow").click()
        shop = Shop(person)
        runs = page.get_by_role("region", name="Last runs")
        assert shop.order(url, 1002, "120.50") == 200
        expect(runs.get_by_role("link", name="Order #1002 · Maya")).to_be_visible(timeout=LONG)
        expect(runs.get_by_role("row", name=re.compile("Order #1002"))).to_contain_text(
            "Succeeded", timeout=LONG
        )
        assert [one["text"] for one in slack.posted] == ["Order #1002"]
        assert google.sheets["Orders"] == [TABLE, ["#1002", "maya@example.com", "120.50"]]

        assert shop.order(url, 1003, "80.00") == 200
        small = runs.get_by_role("row", name=re.compile("Order #1003"))
        expect(small).to_contain_text("Filtered", timeout=LONG)
        small.get_by_role("link", name=re.compile("Order #1003")).click()
        expect(page.get_by_text(re.compile("total_price was .*80.*100"))).to_be_visible(timeout=LONG)
        person.look("first-order-filtered")
        assert len(slack.posted) == 1
        assert monotonic() - began < PATIENCE


def connect_slack(page: Page, form: Locator, slack: SlackApi) -> None:
    """Make the connection from the step's form: with a wrong token, then with the right one."""
    form.get_by_role("button", name="Make team-slack").click()
    asked = page.get_by_role("dialog", name="New connection to Slack")
    token = asked.get_by_label("Token")
    token.press_sequentially("xoxb-wrong", delay=TYPING)
    asked.get_by_text("More options").click()
    asked.get_by_label("API URL").fill(slack.api_url)
    asked.get_by_role("button", name="Test and save").click()
    expect(asked.get_by_role("alert")).to_contain_text("the token is not valid", timeout=LONG)
    token.fill(TOKEN)
    asked.get_by_role("button", name="Test and save").click()
    expect(asked).to_be_hidden(timeout=LONG)
    expect(form.get_by_text("works", exact=True)).to_be_visible(timeout=LONG)


def only_large(page: Page) -> None:
    """Set the condition's row: total price, is at least, 100."""
    row = page.get_by_role("group", name="Row 1")
    empty(row.get_by_role("combobox", name="Field"))
    datum(page, "total_price").click()
    row.get_by_role("combobox", name="Comparison").select_option("is at least")
    value = row.get_by_role("textbox", name="Value")
    empty(value)
    value.press_sequentially("100", delay=TYPING)
    expect(step(page, "Continue if")).to_contain_text("Continue if total price is at least 100", timeout=LONG)


def connect_sheet(page: Page, google: GoogleService) -> None:
    """Make the connection from the checklist."""
    checklist(page).get_by_role("button", name="Connect Google Sheets as shop-sheet").click()
    asked = page.get_by_role("dialog", name="New connection to Google")
    asked.get_by_label("Key").fill(json.dumps(google.key_file))  # pasted
    asked.get_by_text("More options").click()
    asked.get_by_label("API URL").fill(google.url)
    asked.get_by_role("button", name="Test and save").click()
    expect(asked).to_be_hidden(timeout=LONG)


def choose_sheet(page: Page) -> None:
    """Choose the sheet from the list, and put a field of the event into each of its columns."""
    form = page.get_by_role("region", name="Add a row to the sheet")
    form.get_by_role("button", name="Spreadsheet").click()
    page.get_by_role("option", name="Orders 2026").click()
    expect(form.get_by_text("3 loaded from Google Sheets")).to_be_visible(timeout=LONG)
    for column, field in zip(TABLE, ("name", "email", "total_price"), strict=True):
        box = form.get_by_role("textbox", name=column, exact=True)
        empty(box)
        datum(page, field).click()
        expect(box).to_have_text(field.replace("_", " "))


def publish(page: Page) -> None:
    """By the page that shows what changes, in sentences; the text is there for who unfolds it."""
    page.get_by_role("button", name="Review and publish").first.click()
    expect(page.get_by_text("Nothing is in the way.")).to_be_visible(timeout=LONG)
    expect(page.get_by_label("Changes of the text")).to_be_hidden()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("heading", name="Version 1 is live")).to_be_visible(timeout=LONG)
