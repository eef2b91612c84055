"""What a backtest found, as text for a terminal and as Markdown for a comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runner.values import Json, dumps
from runner.workbench.differing import MISSING, leaves

WORDS = {
    "same": "same",
    "filtered": "now filtered",
    "differs": "differ",
    "failed": "fail",
    "stale": "stale",
    "unknown": "unknown",
}
MOST_LEAVES = 12  # of one difference
LONGEST = 160  # characters of a value
MOST_SHOWN = 30  # events in a comment
FENCE = "````"


def summary_line(summary: Mapping[str, int]) -> str:
    """`482 same, 11 now filtered, 7 differ, 2 fail`."""
    parts = [f"{summary[name]:,} {word}" for name, word in WORDS.items() if summary[name] or name == "same"]
    return ", ".join(parts)


def lines_of(entry: Mapping[str, Json]) -> Iterator[str]:
    """One event: what it is, why it is judged so, and what differs."""
    yield f"{entry['verdict']}  {_title(entry)}"
    yield f"  {entry['sentence']}"
    for one in entry["differences"]:
        if one["sentence"] != entry["sentence"]:
            yield f"  {one['sentence']}{'' if one['is_known'] else ' (hangs on what is unknown)'}"
        yield from (f"    {line}" for line in changes(one))
    for one in entry["stale"]:
        yield f"  {one['was']} is called {one['path']} now; what it recorded is stale."
    is_open = entry["verdict"] == "unknown" or any(not one["is_known"] for one in entry["differences"])
    for one in entry["unknown"] if is_open else ():
        yield f"  What {one['path']} gives is unknown: {one['why']}."
    for one in entry["notes"]:
        yield f"  {one}"


def changes(difference: Mapping[str, Json]) -> Iterator[str]:
    """`path: before → after` of each leaf: of the requests where both are known, else of the inputs."""
    if difference["what"] == "end":
        yield f"{difference['before']['sentence']} → {difference['after']['sentence']}"
        return
    before, after = _compared(difference)
    found = list(leaves(before, after))
    for path, was, now in found[:MOST_LEAVES]:
        yield f"{path + ': ' if path else ''}{_shown(was)} → {_shown(now)}"
    if len(found) > MOST_LEAVES:
        yield f"and {len(found) - MOST_LEAVES:,} more"


def markdown(slug: str, entries: Sequence[Mapping[str, Json]], summary: Mapping[str, int]) -> str:
    """A comment: the summary, and each event that is not the same, folded."""
    total = sum(summary.values())
    lines = [f"### Backtest of `{slug}`", "", f"{total:,} past events: **{summary_line(summary)}**.", ""]
    others = [one for one in entries if one["verdict"] != "same"]
    for entry in others[:MOST_SHOWN]:
        head, *rest = lines_of(entry)
        lines += [f"<details><summary>{_escaped(head)}</summary>", "", f"{FENCE}text"]
        lines += [one.replace(FENCE, "```").replace("\n", " ") for one in rest]
        lines += [FENCE, "", "</details>", ""]
    if len(others) > MOST_SHOWN:
        lines += [f"{len(others) - MOST_SHOWN:,} more are not shown here.", ""]
    lines += ["Nothing was called: recorded answers stood in for the same calls."]
    return "\n".join(lines) + "\n"


def _compared(difference: Mapping[str, Json]) -> tuple[Json, Json]:
    before, after = difference["before"], difference["after"]
    if difference["what"] != "call" or before is None or after is None:
        return _sent(before), _sent(after)
    if before["request"] and after["request"]:
        return _request(before["request"]), _request(after["request"])
    names = ("name", "connection", "input")
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def _sent(value: Json) -> Json:
    if isinstance(value, dict) and "request" in value:
        request = value["request"]
        return f"{request['method']} {request['url']}" if request else value["input"]
    return MISSING if value is None else value


def _request(request: Mapping[str, Json]) -> dict[str, Json]:
    return {name: request[name] for name in ("method", "url", "headers", "body")}


def _title(entry: Mapping[str, Json]) -> str:
    return " ".join(f"{entry['title']} ({entry['event']})".split())


def _shown(value: Json) -> str:
    if value is MISSING:
        return "nothing"
    text = dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _escaped(text: str) -> str:
    """*text* as plain words inside of HTML and Markdown."""
    for one, other in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("@", "&#64;")):
        text = text.replace(one, other)
    return text
