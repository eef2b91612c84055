"""The settings that people look up on the page Settings, Server: what they are, and what set them."""

from __future__ import annotations

import os
from pathlib import Path

from runner.settings import Settings, where_set
from web.house import Shown

TITLES = {
    "public_url": "Public address",
    "timezone": "Time zone of the pages",
    "retention.events": "Events are kept",
    "retention.runs": "Runs are kept",
    "retention.audit": "The audit log is kept",
    "retention.max_bytes": "The database holds at most",
    "notify.connection": "Problems are told by the connection",
    "notify.channel": "… in the channel",
    "notify.to": "… to",
    "notify.fallback_connection": "If that fails, by the connection",
    "notify.fallback_to": "… to",
}


def shown_settings(settings: Settings) -> list[Shown]:
    """Those of TITLES, in that order."""
    found = where_set(Path.cwd(), os.environ)
    return [Shown(key, title, _value(settings, key), found.get(key, "")) for key, title in TITLES.items()]


def _value(settings: Settings, key: str) -> str:
    if key == "public_url":
        return settings.address
    value = settings
    for name in key.split("."):
        value = getattr(value, name)
    match value:
        case tuple():
            return ", ".join(value)
        case int():
            return f"{value / 1024**3:,.1f} GiB" if value else "without bound"
    return str(value)
