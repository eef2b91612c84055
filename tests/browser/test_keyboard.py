"""Script 5 of the design with the keyboard alone; where the focus is can always be seen."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.editing import SAVED, Editing
from tests.browser.first_admin import PASSWORD
from tests.cli.home import Home
from tests.servers.hookline_process import serving

ORDERS = """name: Order alerts
title: "Order {{ payload.name }}"
trigger: {webhook: {}}
steps:
  - id: big
    filter: payload.total >= 100
  - id: text
    template: "Order {{ payload.name }}"
  - if: payload.customer == null
    fail: "the order names no customer"
"""
FAILED = "fetch('/api/v1/runs?status=failed').then(a => a.json()).then(a => a.items.length === 1)"
MOST_STEPS = 80  # of Tab to anything on a page
RING = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect(), look = getComputedStyle(one)
    const has = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2
    const seen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
        && box.right > 0 && box.left < innerWidth
    return [one === document.body ? 'nowhere' : one.outerHTML.slice(0, 200), has, seen]
}"""


@dataclass
class Keys:
    """Somebody without a mouse."""

    page: Page

    def press(self, *keys: str) -> None:
        """One key after the other; the focus must be seen after each."""
        for key in keys:
            self.page.keyboard.press(key)
            self.check()

    def write(self, text: str) -> None:
        """Type into what has the focus, which keeps it."""
        self.page.keyboard.type(text)
        self.check()

    def check(self) -> None:
        """The focus must be somewhere, in sight, and have a ring."""
        where, has_ring, is_seen = self.page.evaluate(RING)
        assert where != "nowhere", f"the focus is lost on {self.page.url}"
        assert has_ring, f"no ring around {where}"
        assert is_seen, f"out of sight: {where}"

    def go_to(self, wanted: Locator, key: str = "Tab") -> None:
        """Press *key* until *wanted* has the focus."""
        passed = []
        for _ in range(MOST_STEPS):
            self.press(key)
            where = self.page.evaluate("document.activeElement.outerHTML.slice(0, 80)")
            if wanted.count() and wanted.evaluate("one => one === document.activeElement"):
                return
            passed.append(where)
        raise AssertionError(f"{wanted} was not among {passed}")


@pytest.mark.timeout(300)
def test_everything_is_done_with_the_keyboard_alone(home: Home, visit: Visit) -> None:
    with serving(home) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        one, page = Editing(person, server), person.page
        one.begin(ORDERS)
        one.order(name="#1041", total=120, customer="Ada")
        one.order(name="#1042", total=150)
        page.wait_for_function(FAILED)
        page.context.clear_cookies()
        keys = Keys(page)

        person.go("/")
        expect(page.get_by_label("Email")).to_be_focused()
        keys.write("ada@example.com")
        keys.press("Tab")
        keys.write(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/")

        page.keyboard.press("Control+k")
        keys.write("#1042")
        expect(page.get_by_role("option", name=re.compile("#1042")).first).to_have_attribute(
            "aria-selected", "true"
        )
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Order #1042")
        keys.go_to(page.get_by_role("button", name="Replay from step 3"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("Attempt", exact=True)).to_be_visible()

        page.keyboard.press("Control+k")
        keys.write("order alerts")
        expect(page.get_by_role("option", name=re.compile("^Order alerts")).first).to_be_visible()
        page.keyboard.press("Enter")
        keys_at = page.get_by_role("link", name="Edit", exact=True)
        expect(keys_at).to_be_visible()
        keys.go_to(keys_at)
        page.keyboard.press("Enter")
        expect(page.get_by_role("group", name="Views")).to_be_visible()
        _edit(one, keys)


def _edit(one: Editing, keys: Keys) -> None:
    """Add a step, move it up, and publish."""
    page = one.page
    keys.go_to(page.get_by_role("button", name="A request to its address"))
    keys.press("ArrowDown", "ArrowDown")
    expect(one.row("Write text")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("combobox", name=re.compile("Find a service"))).to_be_focused()
    keys.write("wait")
    page.keyboard.press("Enter")
    expect(one.row("Wait 10m")).to_be_visible()
    keys.check()
    keys.press("Escape")
    expect(one.row("Wait 10m")).to_be_focused()
    keys.press("Alt+ArrowUp")
    expect(one.row("Wait 10m")).to_be_focused()
    expect(page.get_by_text("Wait 10m, now step 2 of 4.")).to_be_attached()
    expect(one.state).to_have_text(SAVED)
    keys.check()
    one.person.look("keyboard-editor")
    keys.go_to(page.get_by_role("button", name="Review and publish"), "Shift+Tab")
    page.keyboard.press("Enter")
    publish = page.get_by_role("button", name=re.compile("^Publish"))
    expect(publish).to_be_enabled()
    keys.go_to(publish)
    one.person.look("keyboard-publish")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Version 2 is live")).to_be_focused()
    keys.check()
    assert one.call("GET", "/workflows/orders")["version"] == 2
