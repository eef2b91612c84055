"""
A person at a browser: Debian's chromium, driven by Playwright, at a server of ours. Whatever the
page complains of on its console, of the Content-Security-Policy too, fails the test.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Page

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")
PICTURES = "HOOKLINE_TEST_PICTURES"
"""The folder that takes the screenshots, to be looked at; unset: none are taken but of what failed."""
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that a colour scheme can break; the others see the same page in each."""


@dataclass
class Visitor:
    """`origin` is the server's address. `allowed` has patterns of complaints that a test expects."""

    page: Page
    origin: str
    pictures: Path
    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the server."""
        self.page.goto(self.origin + path)

    def look(self, name: str) -> None:
        """Take a screenshot in both colour schemes, where somebody keeps them."""
        for scheme in SCHEMES if os.environ.get(PICTURES) else ():
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.screenshot(path=self.pictures / f"{name}-{scheme}.png", full_page=True)
        self.page.emulate_media(color_scheme="light", reduced_motion="no-preference")

    def check_access(self) -> None:
        """Hold the page against the rules of axe: all in the light scheme, those of colours in both."""
        for scheme in SCHEMES:
            # axe is not to judge colours that are still changing
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            rules = {"runOnly": OF_COLOURS} if scheme == "dark" else {}
            found = Axe().run(self.page, options={"resultTypes": ["violations"], **rules})
            assert not found.violations_count, f"{self.page.url} ({scheme})\n{found.generate_report()}"
        self.page.emulate_media(color_scheme="light", reduced_motion="no-preference")

    def check_width(self) -> None:
        """There must be no sideways scrolling."""
        wide, room = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= room, f"{self.page.url} is {wide} px wide where there are {room}"

    def check_complaints(self) -> None:
        """The page must not have complained but of what the test allows."""
        left = [
            one for one in self.complaints if not any(re.search(pattern, one) for pattern in self.allowed)
        ]
        assert not left, "\n".join(left)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url')})")


@contextmanager
def visitor(
    browser: Browser,
    origin: str,
    pictures: Path,
    *,
    width: int = 1280,
    height: int = 800,
    phone: bool = False,
) -> Iterator[Visitor]:
    """A new person with cookies of their own; at the end the pages' complaints are looked at."""
    folder = Path(os.environ.get(PICTURES) or pictures)
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=phone,
        color_scheme="light",
        locale="en-GB",
        timezone_id="Europe/London",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    one = Visitor(page, origin, folder)
    page.on("console", one._hear)
    page.on("pageerror", lambda error: one.complaints.append(f"{error} (not caught)"))
    try:
        yield one
        one.check_complaints()
    except Exception:
        with suppress(Error):
            page.screenshot(path=folder / f"failed-{len(browser.contexts)}.png")
        raise
    finally:
        context.close()
