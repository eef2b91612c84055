"""How values are written on pages: times, sizes, JSON, and text that came from anywhere."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined
from markupsafe import Markup
from quart import Quart

from runner.values import Json
from web.house import House

MOST_SHOWN = 64 * 1024  # characters of one value; the API gives the whole
# Control characters but line feed and tab, halves of surrogate pairs, and what turns the direction of
# text or breaks lines without being seen: a payload may move neither our words nor a terminal it is
# copied to.
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
MINUTE, HOUR, DAY = 60, 3600, 86400


def add_filters(app: Quart, house: House) -> None:
    """Give the templates of *app* their filters; all text they write goes through `visible`."""
    zone = ZoneInfo(house.timezone)
    app.jinja_options = {
        "finalize": visible,
        "undefined": StrictUndefined,  # a misspelt name is a failing test, not an empty place
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    app.jinja_env.filters |= {
        "ago": lambda text: ago(text, house.clock()),
        "exact": lambda text: exact(text, zone),
        "took": took,
        "pretty": pretty,
        "bytes": size,
    }


def visible(value: Any) -> Any:
    r"""Text with what cannot be seen written out as `\u202e`; Markup and other values as they are."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", value)
    return value


def ago(text: str, now: float) -> str:
    """An ISO 8601 time as what a person says: `12 s ago`; one to come: `in 3 min`."""
    seconds = now - datetime.fromisoformat(text).timestamp()
    if abs(seconds) < 1:
        return "now"
    length = _length(abs(seconds))
    return f"{length} ago" if seconds > 0 else f"in {length}"


def exact(text: str, zone: ZoneInfo) -> str:
    """An ISO 8601 time to the second in *zone*, with the zone's name."""
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def took(start: str | None, end: str | None) -> str:
    """The length between two ISO 8601 times; a dash where one is missing."""
    if start is None or end is None:
        return "–"
    seconds = datetime.fromisoformat(end).timestamp() - datetime.fromisoformat(start).timestamp()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < MINUTE else _length(seconds)


def size(count: int) -> str:
    """A number of bytes as `192 B`, `1.5 KB` or `2.0 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def pretty(value: Json) -> str:
    """JSON over several lines, a text as itself; cut at MOST_SHOWN with a word on how much there is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= MOST_SHOWN:
        return text
    return f"{text[:MOST_SHOWN]}\n… the first {MOST_SHOWN:,} of {len(text):,} characters"


def _length(seconds: float) -> str:
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
