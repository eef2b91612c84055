"""One run as the steps of its text in their order, with what became of each: pure, for its page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.engine.paths import without_indices
from runner.language.outline import Outlined
from runner.values import Json

INDEXED = re.compile(r"\[(\d+)\]|\{(\d+)\}")
WORST = ("failed", "running", "started", "waiting", "filtered", "succeeded", "skipped")
MOST_ITEMS = 200  # of a loop, on its page
KIND_WORDS: Mapping[str | None, str] = {
    "filter": "Continue if a condition holds", "transform": "Prepare values", "template": "Make a text",
    "action": "Call an action", "switch": "Choose a branch", "for_each": "For each item of a list",
    "repeat": "Repeat until a condition holds", "parallel": "Do several things at once", "wait": "Wait",
    "wait_for": "Wait for an answer", "call": "Run another workflow", "respond": "Answer the caller",
    "stop": "Stop here", "fail": "Fail", "steps": "A group of steps", None: "A step",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """
    A step in the timeline: `number` as 3 or 4.1, `words` what it is called, `step` as the run has it (None:
    it was not reached, or ran inside a loop), `line` in the text of the version (None: it is not known).
    """

    path: str
    number: str
    words: str
    kind: str | None
    status: str
    depth: int = 0
    step: Json = None
    line: int | None = None
    items: int = 0
    failed_items: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a loop: `path` is that of its step to look at first."""

    index: int
    path: str
    status: str
    steps: int
    error: str | None


def timeline(run: Json, outlined: Sequence[Outlined], actions: Mapping[str, str]) -> list[Row]:
    """
    The steps of *outlined* (of the run's version), then what ran beside them; *actions* names what a step
    calls, by path without indices.
    """
    steps: Mapping[str, Json] = {one["path"]: one for one in run["steps"]}
    inside = _inside(steps)
    numbers: dict[str, str] = {}
    children: Counter[str] = Counter()
    rows = []
    for one in outlined:
        above = [other for other in numbers if one.where.startswith(f"{other}.")]  # outermost first
        parent = above[-1] if above else one.where.partition("[")[0]
        children[parent] += 1
        number = f"{numbers[parent]}.{children[parent]}" if above else str(children[parent])
        numbers[one.where] = number
        step, loops = steps.get(one.path), inside.get(one.path, ())
        if one.path.startswith("on_failure.") and step is None and not loops:
            continue
        status = step["status"] if step else worst(each["status"] for each in loops) if loops else ""
        items = items_of(one.path, steps) if one.kind in ("for_each", "repeat") else []
        rows.append(
            Row(
                one.path, number, one.name or _called(one.id, one.kind, actions.get(one.path)), one.kind,
                status or ("not_reached" if run["ended_at"] else "later"), len(above), step,
                one.line, len(items), sum(item.status == "failed" for item in items),
            )
        )  # fmt: skip
    known = {one.path for one in outlined}
    for path, step in steps.items():
        if path not in known and without_indices(path) not in known:
            words = step["name"] or (_called(step["id"], step["kind"], None) if step["id"] else path)
            rows.append(Row(path, "", words, step["kind"], step["status"] or "later", 0, step))
    return rows


def chosen(run: Json, rows: Sequence[Row], asked: str) -> str | None:
    """The path of the step to look at: the one asked for, else where the run stands, else its last."""
    known = {one["path"] for one in run["steps"]} | {row.path for row in rows}
    if asked in known:
        return asked
    facts = (run["reason"] or {}).get("facts") or {}
    if facts.get("step") in known:
        return str(facts["step"])
    for status in ("failed", "started", "running", "waiting", "filtered"):
        for step in run["steps"]:
            if step["status"] == status:
                return str(step["path"])
    done = [row.path for row in rows if row.step and row.kind in ("action", "call")]
    return done[-1] if done else next((row.path for row in rows if row.step), rows[0].path if rows else None)


def items_of(path: str, steps: Mapping[str, Json]) -> list[Item]:
    """The items of the loop at *path*, the failed ones first, each with its worst step."""
    found: dict[int, list[Json]] = {}
    for other, step in steps.items():
        if other.startswith(path) and (match := INDEXED.match(other, len(path))):
            found.setdefault(int(match[1] or match[2]), []).append(step)
    items = []
    for index, within in found.items():
        status = worst(one["status"] for one in within)
        first = next((one for one in within if one["status"] == status), within[0])
        error = (first["error"] or {}).get("message") if isinstance(first["error"], dict) else None
        items.append(Item(index, first["path"], status, len(within), error))
    return sorted(items, key=lambda one: (one.status != "failed", one.index))


def worst(statuses: Iterable[str | None]) -> str:
    """The one of *statuses* that a person wants to know of first."""
    given = set(statuses)
    return next((one for one in WORST if one in given), "succeeded")


def excerpt(
    text: str, outlined: Sequence[Outlined], line: int, *, most: int = 40
) -> list[tuple[int, str, bool]]:
    """The lines of the step at *line*, and two before them: `(number, text, whether it is the step's)`."""
    lines = text.split("\n")
    after = [one.line for one in outlined if one.line > line and not _is_within(one, outlined, line)]
    end = min(min(after, default=len(lines) + 1) - 1, line + most - 1)
    while end > line and not lines[end - 1].strip():
        end -= 1
    first = max(1, line - 2)
    return [(number, lines[number - 1], number >= line) for number in range(first, end + 1)]


def _is_within(one: Outlined, outlined: Sequence[Outlined], line: int) -> bool:
    holder = next((other for other in outlined if other.line == line), None)
    return holder is not None and one.where.startswith(f"{holder.where}.")


def _inside(steps: Mapping[str, Json]) -> dict[str, list[Json]]:
    """The steps that ran in loops, by their paths without indices; also by the loops they ran in."""
    found: dict[str, list[Json]] = {}
    for path, step in steps.items():
        if (plain := without_indices(path)) != path:
            found.setdefault(plain, []).append(step)
            for loop in INDEXED.finditer(path):
                found.setdefault(without_indices(path[: loop.start()]), []).append(step)
    return found


def _called(identity: str | None, kind: str | None, action: str | None) -> str:
    if identity:
        return identity.replace("_", " ").capitalize()
    return action or KIND_WORDS.get(kind) or str(kind)
