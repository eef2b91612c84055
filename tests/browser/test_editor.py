"""The editor's page as a person meets it: its keys, its drafts, and what of the file stays as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.editing import SAVED, Editing
from tests.cli.home import Home
from tests.servers.hookline_process import serving

ORDERS = """\
# What sales wants to know.
name:   Orders   # as they say

trigger: {webhook: {}}

steps:
  # Small ones end here.
  - id: big
    filter: payload.total > 100   # in euros


  # What is told.
  - id: text
    template: 'Order {{ payload.id }}'
  - {name: Tell <b>sales</b>, stop: done}
"""
EDITOR = "/workflows/orders/edit"


class AtSteps(Editing):
    """A person at the outline of `orders`, whose rows are counted."""

    def nth(self, number: int) -> Locator:
        """A step in the outline, from 1."""
        return row(self.page, number)

    def start(self) -> None:
        """Be the first admin, publish `orders`, and open its editor."""
        self.begin(ORDERS)
        self.person.go(EDITOR)
        expect(self.nth(1)).to_be_visible()


def row(page: Page, number: int) -> Locator:
    """A step in the outline of *page*, from 1."""
    return page.locator(f"[id='row-steps[{number - 1}]']")


@pytest.fixture
def editing(home: Home, visit: Visit) -> Iterator[AtSteps]:
    with serving(home) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        yield AtSteps(person, server)


def test_steps_are_moved_by_keys_and_the_rest_of_the_file_stays(editing: AtSteps) -> None:
    editing.start()
    page = editing.person.page
    editing.nth(1).focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(editing.nth(2)).to_be_focused()
    expect(page.get_by_text("Continue if total is more than 100, now step 2 of 3.")).to_be_attached()
    expect(editing.state).to_have_text(SAVED)
    moved = editing.text()
    assert sorted(moved.splitlines()) == sorted(ORDERS.splitlines())
    assert moved.index("# What is told.") < moved.index("- id: text") < moved.index("# Small ones")
    page.keyboard.press("Control+z")
    expect(editing.nth(1)).to_contain_text("Continue if")
    page.keyboard.press("Control+s")
    expect(editing.state).to_have_text(SAVED)
    assert editing.text() == ORDERS


def test_a_step_is_added_named_by_what_it_does_and_deleted_with_undo(editing: AtSteps) -> None:
    editing.start()
    page = editing.person.page
    editing.nth(2).click()
    editing.nth(2).focus()
    page.keyboard.press("a")
    page.get_by_role("combobox", name=re.compile("Find a service")).fill("wait")
    page.keyboard.press("Enter")
    expect(editing.nth(3)).to_contain_text("Wait 10m")
    editing.nth(3).focus()
    page.keyboard.press("Delete")
    expect(editing.nth(3)).to_contain_text("Tell <b>sales</b>")
    page.get_by_text("Deleted Wait 10m.").last.wait_for()
    page.get_by_role("button", name="Undo").last.click()
    expect(editing.nth(3)).to_contain_text("Wait 10m")
    editing.nth(3).drag_to(editing.nth(1), target_position={"x": 40, "y": 4})
    expect(editing.nth(1)).to_contain_text("Wait 10m")
    editing.person.check_access()
    editing.person.look("editor")


def test_what_was_typed_is_there_after_a_reload(editing: AtSteps) -> None:
    editing.start()
    editing.nth(1).click()
    editing.nth(1).focus()
    editing.person.page.keyboard.press("Delete")
    editing.person.page.reload()  # at once: what the server does not have yet, the tab has
    expect(editing.nth(1)).to_contain_text("Write text")
    expect(editing.state).to_have_text(SAVED)
    assert "# Small ones" not in editing.text()


def test_two_tabs_overwrite_nothing(editing: AtSteps) -> None:
    editing.person.allowed.append("status of 409")
    editing.start()
    page = editing.person.page
    other = page.context.new_page()
    other.goto(page.url)
    editing.nth(1).press("Delete")
    expect(editing.state).to_have_text(SAVED)
    row(other, 2).press("Delete")
    expect(other.get_by_text("You changed this draft in another tab too.")).to_be_visible()
    assert "# What is told." in editing.text()
    other.get_by_role("button", name="Take the other one").click()
    expect(row(other, 1)).to_contain_text("Write text")


def test_a_viewer_reads(editing: AtSteps) -> None:
    editing.start()
    editing.invite(editing.person, "Grace", "viewer")
    editing.person.go(EDITOR)
    page = editing.person.page
    expect(editing.state).to_have_text("read-only · live · v1")
    editing.nth(1).press("Delete")
    editing.nth(1).press("a")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(editing.nth(1)).to_contain_text("Continue if")
    expect(page.get_by_role("button", name="Review and publish")).to_have_count(0)
    editing.person.check_access()


def test_on_a_phone_the_parts_are_behind_tabs(home: Home, visit: Visit) -> None:
    with (
        serving(home) as server,
        visit(f"http://127.0.0.1:{server.port}", width=320, height=700, phone=True) as person,
    ):
        editing = AtSteps(person, server)
        editing.start()
        person.check_width()
        parts = person.page.get_by_role("group", name="Parts of the editor")
        for name in ("Form", "Data", "YAML", "Steps"):
            parts.get_by_role("button", name=name).click()
            expect(parts.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
            person.check_width()
        person.look("editor-phone")
