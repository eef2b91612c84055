"""
The wrong secret: every order is refused and kept; a person sees why, sets the right secret, and what was
sent is judged again, once; a body that was changed on its way stays refused.
"""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.shop import LONG, NETWORK, SECRET, Shop, begin
from tests.browser.visitor import Visitor
from tests.cli.home import Home
from tests.servers.hookline_process import serving

WRONG = "wrong-5a1e7d3c9b0f"
ORDERS = 7
SLUG = "order-alerts"
TEXT = """\
name: Order alerts
title: "Order {{ payload.name }}"
trigger:
  webhook:
    verify: {provider: shopify, secret: SHOPIFY_SECRET}
steps:
  - id: total
    transform: to_number(payload.total_price)
"""
API = ("/secrets", "/events?limit=50", f"/workflows/{SLUG}", "/runs?limit=50", "/audit?limit=50")
PAGES = ("/", "/events", "/runs", "/connections", "/secrets/SHOPIFY_SECRET", f"/workflows/{SLUG}")


def rows(page: Page) -> Locator:
    """The events of the list, without its heads."""
    return page.get_by_role("main").get_by_role("table").locator("tbody").get_by_role("row")


def tab(page: Page, name: str) -> Locator:
    """One of the tabs above the events."""
    return page.get_by_role("navigation", name="Which events").get_by_role("link", name=name)


def publish(page: Page) -> str:
    """Paste the workflow, publish it as it is; its address."""
    page.get_by_role("link", name="More ways to start").click()
    page.get_by_label(re.compile("YAML")).fill(TEXT)
    page.get_by_role("button", name="Go on in the editor").click()
    expect(page.get_by_role("group", name="Views")).to_be_visible(timeout=LONG)
    checklist = page.get_by_role("region", name="To the first run")
    checklist.get_by_role("textbox", name="Value of SHOPIFY_SECRET").fill(WRONG)
    checklist.get_by_role("button", name="Set secret").click()
    expect(checklist.get_by_text("Connect Shopify")).to_be_visible()
    url = checklist.get_by_text(re.compile("^http://127.0.0.1:[0-9]+/hooks/")).first.text_content() or ""
    page.get_by_role("button", name="Review and publish").first.click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("heading", name="Version 1 is live")).to_be_visible(timeout=LONG)
    return url


def set_secret(page: Page, value: str) -> None:
    """From an event: to the secret, the value, and back."""
    event = page.url
    page.get_by_role("link", name="Set secret").click()
    page.get_by_label("New value").fill(value)
    page.get_by_role("button", name="Replace").click()
    page.wait_for_url(event)


def test_orders_refused_for_a_wrong_secret_are_had_back(home: Home, visit: Visit) -> None:
    with serving(home, **NETWORK) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        page, shop = person.page, Shop(person)
        begin(person, server)
        url = publish(page)
        assert [shop.order(url, 1001 + one, "120.50") for one in range(ORDERS)] == [401] * ORDERS

        person.go("/")
        banner = page.get_by_role("status").filter(has_text=f"{ORDERS} events were refused")
        expect(banner).to_be_visible()
        person.look("wrong-secret-home")
        person.go("/events")
        tab(page, f"Rejected {ORDERS}").click()
        expect(rows(page)).to_have_count(ORDERS)
        rows(page).first.get_by_role("link").first.click()
        gates = page.get_by_role("list", name="What was judged")
        expect(gates.get_by_role("listitem").filter(has_text="stopped here")).to_contain_text("Signature")
        expect(page.get_by_text("We refused this request: its signature does not match.")).to_be_visible()
        expect(
            page.get_by_text("It was most likely made with another secret than SHOPIFY_SECRET.")
        ).to_be_visible()
        person.look("wrong-secret-event")
        event = page.url
        other = page.context.new_page()  # looked at before the secret is set
        other.goto(event)

        set_secret(page, SECRET)
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text(f"Checked again: {ORDERS} accepted.")).to_be_visible(timeout=LONG)
        runs(person, ORDERS)
        # also where the event was open already there is nothing left to check
        expect(other.get_by_role("button", name="Check again")).to_have_count(0, timeout=LONG)
        check_again(person)
        runs(person, ORDERS)
        person.go("/events")
        tab(page, f"Accepted {ORDERS}").click()
        expect(rows(page)).to_have_count(ORDERS)
        expect(tab(page, "Rejected 0")).to_be_visible()

        assert shop.order(url, 1100, "99.00", is_flipped=True) == 401
        person.go("/events?status=rejected")
        expect(rows(page)).to_have_count(1)
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text("Checked again: 1 still refused.")).to_be_visible(timeout=LONG)
        expect(rows(page)).to_have_count(1)
        runs(person, ORDERS)

        nowhere(person, home.folder)


def check_again(person: Visitor) -> None:
    """Once more, by the API; nothing is left to be judged."""
    answer = person.page.request.post(
        f"{person.origin}/api/v1/events/recheck", data={}, headers={"Origin": person.origin}
    )
    assert answer.ok, answer.text()
    assert not any(one["accepted"] or one["rejected"] for one in answer.json()["items"])


def runs(person: Visitor, count: int) -> None:
    """There are so many runs, of as many orders."""
    page = person.page
    person.go("/runs")
    titles = page.get_by_role("main").get_by_role("link", name=re.compile("^Order #"))
    expect(titles).to_have_count(count, timeout=LONG)
    assert len(set(titles.all_inner_texts())) == count


def nowhere(person: Visitor, folder: Path) -> None:
    """Neither secret stands in a page, in an answer of the API, or in a file of the server."""
    secrets = (SECRET, WRONG)
    for path in (*PAGES, *(f"/api/v1{one}" for one in API)):
        answer = person.page.request.get(person.origin + path)
        assert answer.ok, path
        assert not any(one in answer.text() for one in secrets), path
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(one.encode() in content for one in secrets), file
