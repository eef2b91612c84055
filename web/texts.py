"""How text and times that came from anywhere are written, on pages with and without a framework."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

# Control characters but line feed and tab, halves of surrogate pairs, and what turns the direction of
# text or breaks lines without being seen: a payload may move neither our words nor a terminal it is
# copied to.
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def visible(value: Any) -> Any:
    r"""Text with what cannot be seen written out as `\u202e`; Markup and other values as they are."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", value)
    return value


def exact(text: str, zone: ZoneInfo) -> str:
    """An ISO 8601 time to the second in *zone*, with the zone's name."""
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
