"""How values are written on pages: times, sizes, JSON, and text that came from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import yaml
from jinja2 import StrictUndefined
from markupsafe import Markup, escape
from quart import Quart

from runner.values import Json
from runner.workbench.unsent import curl_of
from web.house import House
from web.texts import exact, visible

MOST_SHOWN = 64 * 1024  # characters of one value; the API gives the whole
LONGEST_LINE = 1000  # characters of YAML before it is broken
LONGEST_SENTENCE = 1000  # characters
MOMENT = re.compile(r"\b(\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z)\b")
ADDRESS = re.compile(r"(https://(?!acme\.)[\w./~-]*[\w/~-])")  # acme's are examples
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
        "readable": readable,
        "curl": curl,
        "bytes": size,
        "span": span,
        "ticks": ticks,
        "linked": linked,
        "inline": inline,
        "moments": lambda text: moments(text, zone),
    }


def ago(text: str, now: float) -> str:
    """An ISO 8601 time as what a person says: `12 s ago`; one to come: `in 3 min`."""
    seconds = now - datetime.fromisoformat(text).timestamp()
    if abs(seconds) < 1:
        return "now"
    length = _length(abs(seconds))
    return f"{length} ago" if seconds > 0 else f"in {length}"


def took(start: str | None, end: str | None) -> str:
    """The length between two ISO 8601 times; a dash where one is missing."""
    if start is None or end is None:
        return "–"
    seconds = datetime.fromisoformat(end).timestamp() - datetime.fromisoformat(start).timestamp()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < MINUTE else _length(seconds)


def size(count: int) -> str:
    """A number of bytes as `192 B`, `1.5 KB`, `2.0 MB` or `84.3 GB`."""
    if count < 1000:
        return f"{count} B"
    for unit, bytes_of_one in (("KB", 10**3), ("MB", 10**6)):
        if count < bytes_of_one * 1000:
            return f"{count / bytes_of_one:.1f} {unit}"
    return f"{count / 10**9:,.1f} GB"


def span(seconds: float) -> str:
    """A length of time as `5 s`, `5 min` or `1 d`."""
    return _length(seconds)


def ticks(text: str) -> Markup:
    """*text*, in which what stands between backticks is code."""
    parts = str(visible(text)).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def linked(text: str) -> Markup:
    """*text*, in which the https addresses of others' pages lead there, in a tab of their own."""
    parts = ADDRESS.split(str(visible(text)))
    return Markup("").join(
        Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(
            part, part.removeprefix("https://")
        )
        if index % 2
        else escape(part)
        for index, part in enumerate(parts)
    )


def moments(text: str, zone: ZoneInfo) -> Markup:
    """
    *text*, in which points in time are told in *zone*, and by a browser in its reader's. Of what is longer
    than a sentence can be the beginning: browsers take seconds over ten thousand letters without a space.
    """
    if len(text) > LONGEST_SENTENCE:
        text = f"{text[:LONGEST_SENTENCE]}…"
    parts = MOMENT.split(str(visible(text)))
    return Markup("").join(
        Markup('<time datetime="{}" data-exact>{}</time>').format(part, exact(part, zone))
        if index % 2
        else escape(part)
        for index, part in enumerate(parts)
    )


def inline(value: Json) -> str:
    """A value as a file has it behind its key; nothing where there is none."""
    if value is None:
        return ""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=LONGEST_LINE
    )
    return str(text).removesuffix("...\n").strip()


def pretty(value: Json, *, cut: bool = True) -> str:
    """JSON over several lines, a text as itself; with *cut* at MOST_SHOWN, and told how much there is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= MOST_SHOWN or not cut:
        return text
    return f"{text[:MOST_SHOWN]}\n… the first {MOST_SHOWN:,} of {len(text):,} characters"


def readable(text: str) -> str:
    """*text*, which is JSON as programs write it, over several lines; any other as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def curl(exchange: Mapping[str, Json]) -> str:
    """What a step sent (an exchange of `runner.engine.details`) as a line for a shell, secrets as •••."""
    body = exchange["body"]
    return curl_of(exchange["method"], exchange["url"], exchange["headers"].items(), body)


def _length(seconds: float) -> str:
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
