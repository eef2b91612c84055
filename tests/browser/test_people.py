"""People at a browser: the first start, others, what is kept when a session ends, and the look."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.first_admin import PASSWORD, be_first_admin
from tests.browser.visitor import Visitor
from tests.cli.home import Home
from tests.servers.hookline_process import Running, serving

ADDRESS = re.compile(r"http://\S+/start/(hl_\S+)")


def _first(person: Visitor, server: Running) -> None:
    """Become the first admin by the link that the server printed."""
    link = ADDRESS.search(server.log.read_text(encoding="utf-8"))
    assert link
    person.go(f"/start/{link[1]}")
    person.check_access()
    person.look("first-start")
    person.page.get_by_label("Your name").fill("Ada Lovelace")
    person.page.get_by_label("Email").fill("ada@example.com")
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Create admin and start").click()
    expect(person.page).to_have_url(f"{person.origin}/")


def test_the_first_admin_adds_another_who_sets_a_password_and_signs_in(home: Home, visit: Visit) -> None:
    with serving(home) as server:
        origin = f"http://127.0.0.1:{server.port}"
        with visit(origin) as ada, visit(origin) as grace:
            _first(ada, server)
            ada.go("/settings/people")
            ada.page.get_by_label("Name").fill("Grace Hopper")
            ada.page.get_by_label("Email").fill("grace@example.com")
            ada.page.get_by_role("radio", name=re.compile("^Viewer")).check()
            ada.page.get_by_role("button", name="Add and get a link").click()
            shown = ada.page.get_by_role("region", name="The link")
            ada.check_access()
            ada.look("people")
            link = ADDRESS.search(shown.inner_text())
            assert link

            grace.go(f"/start/{link[1]}")
            grace.page.get_by_label("Password").fill(PASSWORD)
            grace.page.get_by_role("button", name="Set password and sign in").click()
            expect(grace.page).to_have_url(f"{origin}/")
            grace.page.get_by_text("Grace Hopper").first.click()
            grace.page.get_by_role("button", name="Sign out").first.click()
            expect(grace.page.get_by_role("heading", name="Sign in")).to_be_visible()
            grace.page.get_by_label("Email").fill("grace@example.com")
            grace.page.get_by_label("Password").fill("wrong")
            grace.page.get_by_role("button", name="Sign in").first.click()
            grace.allowed.append("403")
            expect(grace.page.get_by_role("alert")).to_contain_text("do not go together")
            grace.check_access()
            grace.look("sign-in")
            grace.page.get_by_label("Password").fill(PASSWORD)
            grace.page.get_by_role("button", name="Sign in").first.click()
            grace.go("/settings")
            expect(grace.page.get_by_role("link", name="People")).to_have_count(0)


def test_an_appearance_is_chosen(home: Home, visit: Visit) -> None:
    with serving(home) as server:
        origin = f"http://127.0.0.1:{server.port}"
        with visit(origin) as ada:
            be_first_admin(ada, server)
            ada.go("/settings")
            ada.page.get_by_role("radio", name="Dark").check()
            ada.page.get_by_role("button", name="Save appearance").click()
            expect(ada.page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_form_that_met_a_session_that_had_ended_is_kept_and_sent_by_a_press(
    home: Home, visit: Visit
) -> None:
    with serving(home) as server:
        origin = f"http://127.0.0.1:{server.port}"
        with visit(origin) as ada, visit(origin) as elsewhere:
            be_first_admin(ada, server)
            ada.go("/settings/people")
            ada.page.get_by_label("Name").fill("Grace Hopper")
            ada.page.get_by_label("Email").fill("grace@example.com")
            elsewhere.go("/signin")
            elsewhere.page.get_by_label("Email").fill("ada@example.com")
            elsewhere.page.get_by_label("Password").fill(PASSWORD)
            elsewhere.page.get_by_role("button", name="Sign in").first.click()
            elsewhere.go("/settings")
            elsewhere.page.get_by_role("button", name="Sign out there").click()

            ada.allowed.append("401")
            ada.page.get_by_role("button", name="Add and get a link").click()
            expect(ada.page.get_by_text("What you filled in is kept")).to_be_visible()
            ada.page.get_by_label("Email").fill("ada@example.com")
            ada.page.get_by_label("Password").fill(PASSWORD)
            ada.page.get_by_role("button", name="Sign in").first.click()
            ada.page.get_by_role("button", name="Send it now").click()
            expect(ada.page.get_by_role("link", name="Grace Hopper")).to_be_visible()
