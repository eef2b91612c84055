"""
The browser of these tests, and a server with nothing in it. A module's browser ends with the module:
Playwright's loop must not run on beside the asynchronous tests of others.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.visitor import Visitor, visitor
from tests.cli.home import Home

expect.set_options(timeout=20_000)  # milliseconds: a busy machine is no fault

Visit = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium where there is one, else the one that `make install` brought."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder for a server, with no workflows yet."""
    (tmp_path / "workflows").mkdir()
    return Home(tmp_path)


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Visit:
    """To be entered with the address of a server: a new person at the browser."""
    return partial(_visit, browser, tmp_path / "pictures")


def _visit(
    browser: Browser,
    pictures: Path,
    origin: str,
    *,
    width: int = 1280,
    height: int = 800,
    phone: bool = False,
) -> AbstractContextManager[Visitor]:
    return visitor(browser, origin, pictures, width=width, height=height, phone=phone)
