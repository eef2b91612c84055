"""How the pages look to one person: what the browser keeps in cookies, written by the settings page."""

from __future__ import annotations

from typing import Literal

from quart import Request

THEME = "hookline_theme"  # the cookie: light, dark or auto
KEYS = "hookline_keys"  # the cookie: "off" turns off shortcuts of one letter
THEMES = ("auto", "light", "dark")

Theme = Literal["auto", "light", "dark"]


def theme_of(asking: Request) -> Theme:
    """The scheme that the person chose; auto follows the device."""
    match asking.cookies.get(THEME):
        case "light":
            return "light"
        case "dark":
            return "dark"
    return "auto"


def has_keys(asking: Request) -> bool:
    """Whether single letters are shortcuts."""
    return asking.cookies.get(KEYS) != "off"
