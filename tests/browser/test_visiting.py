"""That the tests' own eyes see: a page's complaint is noticed, and a page that nobody may open is told so."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.cli.home import Home
from tests.servers.hookline_process import serving

MARKUP = "<img src=x onerror=alert(1)>"


def test_a_stranger_is_led_to_the_sign_in(home: Home, visit: Visit) -> None:
    with serving(home) as server, visit(f"http://127.0.0.1:{server.port}") as person:
        person.go("/runs")
        expect(person.page).to_have_url(re.compile("/signin"))
        expect(person.page.get_by_role("heading", level=1)).to_be_visible()
        person.check_access()


def test_what_a_page_complains_of_fails_the_test(home: Home, visit: Visit) -> None:
    with serving(home) as server:
        complaint = pytest.raises(AssertionError, match="Content Security Policy")
        with complaint, visit(f"http://127.0.0.1:{server.port}") as person:
            person.go("/signin")
            with person.page.expect_console_message():
                person.page.evaluate(f"document.body.insertAdjacentHTML('beforeend', {MARKUP!r})")
