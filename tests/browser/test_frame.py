"""The frame as a person meets it: keys, palette, dialogs, narrow screens; and Home on its first day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.first_admin import be_first_admin
from tests.browser.visitor import Visitor
from tests.cli.home import Home
from tests.servers.hookline_process import Running, serving

HELLO = """name: Hello
description: Greets whoever calls.
title: "Hello {{ payload.name }}"
tags: [first]
trigger: {webhook: {}}
steps: [{stop: "Hello"}]
"""
LONG = (
    "name: A workflow whose name is longer than any that a person would think of giving to it, on purpose\n"
)
BROKEN = "name: Broken\ntrigger: {webhook: {}}\nsteps: [{action: nobody.knows}]\n"
KNOWN = "fetch('/api/v1/workflows').then(a => a.json()).then(a => a.items.length === 3)"
PATHS = (
    "/",
    "/runs",
    "/events",
    "/workflows/hello",
    "/workflows/new",
    "/workflows/hello/versions/1",
    "/find?q=h",
    "/docs",
)


@dataclass
class Here:
    """The admin Ada at her server, which has some workflows and five runs."""

    person: Visitor
    server: Running

    @property
    def page(self) -> Page:
        """Hers."""
        return self.person.page

    def sign_in(self) -> None:
        """Be the first admin."""
        self.page.emulate_media(reduced_motion="reduce")
        be_first_admin(self.person, self.server)

    def send(self, count: int) -> None:
        """Let events arrive at `hello`."""
        found = self.page.request.get(f"{self.person.origin}/api/v1/workflows/hello").json()
        for number in range(count):
            sent = self.page.request.post(
                found["url"],
                data={"name": f"#10{number}", "email": "ada@example.com"},
            )
            assert sent.ok, sent.text()


@pytest.fixture
def empty(home: Home, visit: Visit) -> Iterator[Here]:
    """A server on its first day."""
    with serving(home) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        here = Here(person, server)
        here.sign_in()
        yield here


@pytest.fixture
def here(home: Home, visit: Visit) -> Iterator[Here]:
    """A server with workflows that ran."""
    with serving(home) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        one = Here(person, server)
        home.workflow("hello", HELLO)
        home.workflow("long", LONG + HELLO.partition("\n")[2])
        home.workflow("broken", BROKEN)
        one.sign_in()
        one.page.wait_for_function(KNOWN)
        one.send(5)
        yield one


def test_a_first_day_begins_with_a_starter(empty: Here) -> None:
    expect(empty.page.get_by_role("heading", level=1)).to_have_text("What should happen by itself?")
    empty.person.look("home-empty")
    empty.person.check_access()
    empty.page.get_by_role("button", name="Shopify order → Slack and Google Sheets").click()
    expect(empty.page).to_have_url(re.compile("/workflows/[a-z-]+/edit$"))
    empty.person.go("/")
    expect(empty.page.get_by_role("row", name=re.compile("Draft"))).to_be_visible()


def test_a_long_name_has_room_on_every_page(here: Here) -> None:
    here.person.go("/")
    here.person.check_access()
    for path in PATHS:
        here.person.go(path)
        here.person.look(f"frame{path.partition('?')[0].replace('/', '-')}")
    for width in (390, 320):
        here.page.set_viewport_size({"width": width, "height": 640})
        for path in PATHS:
            here.person.go(path)
            here.person.check_width()
    here.page.emulate_media(forced_colors="active", reduced_motion="reduce")
    here.person.go("/")
    here.person.check_width()
    here.person.look("home-forced")


def test_everything_is_found_from_the_keyboard(here: Here) -> None:
    here.person.go("/")
    here.page.keyboard.press("Control+k")
    field = here.page.get_by_role("combobox", name="Find")
    expect(field).to_be_focused()
    here.page.keyboard.type("#103")
    option = here.page.get_by_role("option", name=re.compile("Hello #103"))
    expect(option).to_have_attribute("aria-selected", "true")
    here.person.look("palette")
    here.person.check_access()
    here.page.keyboard.press("Enter")
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Hello #103")
    here.page.wait_for_load_state()  # its keys are there only then
    here.page.keyboard.press("Control+k")
    here.page.keyboard.type("nobody at all")
    expect(here.page.get_by_text("Nothing is called “nobody at all”.")).to_be_visible()
    here.page.keyboard.press("Escape")
    expect(field).to_be_hidden()


def test_a_command_opens_its_dialog_and_nothing_happens_before_that(here: Here) -> None:
    here.person.go("/")
    here.page.keyboard.press("Control+k")
    here.page.keyboard.type("pause hel")
    expect(here.page.get_by_role("option", name="Pause Hello")).to_be_visible()
    here.page.keyboard.press("Enter")
    dialog = here.page.get_by_role("dialog", name="Pause Hello?")
    expect(dialog).to_be_visible()
    here.person.check_access()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(here.page.get_by_text("Paused by")).to_have_count(0)
    here.page.get_by_role("button", name="Pause…").click()
    dialog.get_by_label("Why?").fill("stocktaking")
    here.page.keyboard.press("Enter")
    expect(here.page.get_by_text("Paused by Ada")).to_be_visible()
    here.page.get_by_role("link", name="Home").first.click()
    here.page.get_by_role("button", name="Resume Hello").click()
    expect(here.page).to_have_url(re.compile("/$"))
    expect(here.page.get_by_role("button", name="Resume Hello")).to_have_count(0)


def test_keys_walk_and_go_unless_they_are_turned_off(here: Here) -> None:
    here.person.go("/")
    here.page.keyboard.press("j")
    here.page.keyboard.press("j")
    expect(here.page.get_by_role("link", name="broken", exact=True)).to_be_focused()
    here.page.keyboard.press("ArrowDown")
    expect(here.page.get_by_role("link", name=re.compile("^A workflow whose name"))).to_be_focused()
    here.page.keyboard.press("k")
    here.page.keyboard.press("Enter")
    expect(here.page).to_have_url(re.compile("/workflows/broken$"))
    here.page.wait_for_load_state()  # its keys are there only then
    here.page.keyboard.press("g")
    here.page.keyboard.press("e")
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Events")
    here.page.wait_for_load_state()  # its keys are there only then
    here.page.keyboard.press("?")
    dialog = here.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    here.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    here.page.keyboard.press("/")
    expect(here.page.get_by_role("searchbox").first).to_be_focused()
    here.page.keyboard.type("g?")  # in a field letters are letters
    expect(dialog).to_be_hidden()
    here.page.context.add_cookies([{"name": "hookline_keys", "value": "off", "url": here.person.origin}])
    here.person.go("/runs")
    here.page.keyboard.press("g")
    here.page.keyboard.press("h")
    here.page.keyboard.press("?")
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Runs")
    expect(dialog).to_have_count(0)


def test_an_address_is_copied_from_the_rows_menu(here: Here) -> None:
    here.person.go("/")
    menu = here.page.get_by_label("More about Hello")
    menu.focus()
    here.page.keyboard.press("Enter")
    here.page.get_by_role("button", name="Copy address").locator("visible=true").click()
    expect(here.page.get_by_role("status").filter(has_text="Copied.")).to_have_count(1)
    assert "/hooks/" in here.page.evaluate("navigator.clipboard.readText()")
    here.page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(here.page.get_by_role("link", name="Export").locator("visible=true")).to_have_count(0)


def test_times_are_the_readers(here: Here) -> None:
    here.person.go("/runs")
    time = here.page.locator("main time").first
    expect(time).to_have_attribute("title", re.compile(r"\d{4} at \d\d:\d\d:\d\d (GMT|BST)"))
    expect(time).to_have_text(re.compile(r"^(now|\d+ s ago)$"))


def test_what_happens_shows_without_a_reload(here: Here) -> None:
    here.person.go("/workflows/hello")
    table = here.page.get_by_role("region", name="Last runs")
    expect(table.get_by_role("link", name="Hello #104")).to_be_visible()
    here.page.evaluate("window.stayed = true")
    here.send(6)
    expect(table.get_by_role("link", name="Hello #105")).to_be_visible()
    expect(here.page.get_by_role("status").filter(has_text="ew run")).to_have_count(1)
    expect(here.page.get_by_role("definition").filter(has_text="11 runs")).to_be_visible()
    table.get_by_role("link", name="Hello #105").focus()
    here.send(7)
    expect(here.page.get_by_role("definition").filter(has_text="18 runs")).to_be_visible()
    expect(table.get_by_role("link", name="Hello #106")).to_have_count(0)  # one is at the list
    here.page.get_by_role("link", name="Edit", exact=True).focus()
    expect(table.get_by_role("link", name="Hello #106")).to_be_visible()
    assert here.page.evaluate("window.stayed")
    here.person.go("/")
    here.send(3)
    row = here.page.get_by_role("row", name=re.compile("^Live Hello"))
    expect(row).to_contain_text("21 runs today", timeout=10_000)


def test_it_works_without_scripts(here: Here, visit: Visit) -> None:
    context = here.page.context.browser
    assert context
    without = context.new_context(java_script_enabled=False, storage_state=here.page.context.storage_state())
    page = without.new_page()
    page.set_default_timeout(10_000)
    page.goto(here.person.origin + "/")
    page.get_by_role("link", name=re.compile("^Find a workflow")).click()
    page.get_by_role("searchbox").fill("#102")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Hello #102").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello #102")
    page.goto(here.person.origin + "/workflows/hello")
    page.get_by_role("button", name="Pause…").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by Ada")).to_be_visible()
    without.close()


def test_a_phone_has_a_bar_of_five_and_more_behind_the_last(home: Home, visit: Visit) -> None:
    with (
        serving(home) as server,
        visit(f"http://127.0.0.1:{server.port}", width=390, height=844, phone=True) as person,
    ):
        here = Here(person, server)
        here.sign_in()
        bar = here.page.get_by_role("navigation", name="Pages")
        for name in ("Home", "Runs", "Events", "Failures"):
            box = bar.get_by_role("link", name=name).bounding_box()
            assert box
            assert box["height"] >= 44
        bar.get_by_text("More").click()
        expect(bar.get_by_role("link", name="Settings").locator("visible=true")).to_have_count(1)
        person.look("phone-more")
        bar.get_by_role("link", name="Reference").locator("visible=true").click()
        expect(here.page.get_by_role("heading", level=1)).to_have_text("Reference")


def test_a_narrow_rail_says_its_words_when_one_points_at_them(empty: Here) -> None:
    empty.page.set_viewport_size({"width": 1000, "height": 700})
    empty.person.go("/")
    link = empty.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Failures")
    word = link.locator(".word")
    expect(word).to_have_css("opacity", "0")
    link.hover()
    expect(word).to_have_css("opacity", "1")
    box, icon = word.bounding_box(), link.bounding_box()
    assert box
    assert icon
    assert box["x"] >= icon["x"] + icon["width"]
    empty.person.check_access()
    empty.person.check_width()
