"""What a person can do about a run, by why it is where it is: one or two sentences, and buttons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.engine.paths import without_indices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.values import Json
    from web.auth import Person
    from web.timeline import Row

STOPPED = "Stopped on purpose at"  # as runner.engine.filtered begins
LAST_INDEX = re.compile(r"\[(\d+)\](?!.*\[)")
DOUBT = frozenset({"outcome_unknown", "interrupted", "timeout"})


@dataclass(frozen=True, slots=True)
class Button:
    """A link, or with `fields` a form; the first one of a page is filled."""

    word: str
    href: str
    fields: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What to do."""

    sentence: str = ""
    buttons: Sequence[Button] = field(default_factory=tuple)


def next_moves(
    run: Json, rows: Sequence[Row], person: Person, *, problem: str | None, connection: str | None
) -> Next:
    """
    What comes next for *run*. *problem* is the id of the open problem that it stands under, *connection* the
    name of the one that its failed step uses.
    """
    reason = run["reason"] or {}
    facts = reason.get("facts") or {}
    row = _row_of(rows, facts.get("step"))
    match run["status"]:
        case "failed":
            sentence, first = _failed(str(reason.get("code")), row, connection)
            buttons = _mend(run, row, person, first)
            buttons += _replay(run, row, person)
            if problem:
                buttons.append(Button("See problem", f"/failures/{problem}"))
            return Next(f"{sentence} {_kept(row)}".strip(), buttons)
        case "filtered":
            return Next("", _edit(run, row, person, "Change the condition"))
        case "waiting":
            buttons = [Button("See problem", f"/failures/{problem}")] if problem else []
            if problem and person.session and person.may("run"):
                buttons.insert(0, Button("Try now", f"/failures/{problem}/try", {}))
            if any(one.kind == "wait_for" and one.status == "waiting" for one in rows):
                buttons = [Button("Answer", "/approvals")]
                return Next("It goes on when somebody answers.", buttons)
            return Next("You need not do anything: it goes on by itself.", buttons)
        case "queued":
            return Next("It begins by itself, as soon as there is room.")
    return Next()


def story(run: Json, rows: Sequence[Row]) -> str:
    """
    Why the run is where it is, in one sentence: the engine's, with the step's number and name where it says
    the step's path.
    """
    reason = run["reason"]
    if not reason:
        return "Waits for its turn." if run["status"] == "queued" else "Is under way."
    sentence, facts = str(reason["sentence"]), reason["facts"]
    if reason["code"] == "waiting":  # as its last turn ended
        return "Is under way." if run["status"] == "running" else _with_name(sentence, rows)
    row = _row_of(rows, facts.get("step"))
    if row is None or not row.number:
        return sentence
    if run["status"] == "failed" and "message" in facts:
        item = LAST_INDEX.search(str(facts["step"]))
        which = f" (item {int(item[1]) + 1})" if item else ""
        often = f" after {facts['attempts']} attempts" if facts.get("attempts", 1) > 1 else ""
        return f"Failed at step {row.number}, {row.words}{which}{often}: {facts['message']}"
    return sentence.replace(f"{STOPPED} {facts['step']}:", f"{STOPPED} step {row.number}:", 1)


def _with_name(sentence: str, rows: Sequence[Row]) -> str:
    """*sentence*, which begins with the path of a step, with its number and name in place of that."""
    path, space, rest = sentence.partition(" ")
    row = _row_of(rows, path)
    return f"Step {row.number}, {row.words}, {rest}" if row and row.number and space else sentence


def _failed(code: str, row: Row | None, connection: str | None) -> tuple[str, str]:
    """What to do about a failure, and what is to be mended first: "step", "connection" or nothing."""
    step = f"step {row.number}" if row and row.number else "the failed step"
    if code == "connection_rejected":
        which = f"the connection {connection}" if connection else "its connection"
        return f"What to do: put {which} right and test it, then replay from {step}.", "connection"
    if code in DOUBT:
        sentence = (
            f"It may have arrived all the same: look there first. A replay from {step} sends it again under "
            "the same key, so that a service that knows such keys does it once."
        )
        return sentence, ""
    if code == "unavailable":
        return f"What to do: wait until it answers again, then replay from {step}.", ""
    if code in ("rejected", "expression", "message", "fail"):
        return f"What to do: correct {step}, publish, then replay from {step}.", "step"
    if code == "unloadable":
        return "What to do: mend the workflow and publish it, then replay from the start.", "step"
    return f"What to do: see what {step} says, then replay.", "step"


def _kept(row: Row | None) -> str:
    """Which steps a replay from the failed one does not do again."""
    top = row.number.partition(".")[0] if row else ""
    if not top.isdigit() or int(top) < 2:
        return ""
    last = int(top) - 1
    return "Step 1 will not run again." if last == 1 else f"Steps 1–{last} will not run again."


def _mend(run: Json, row: Row | None, person: Person, first: str) -> list[Button]:
    if first == "connection":
        return [Button("Open connections", "/connections")] if person.may("editor") else []
    if first == "step":
        return _edit(run, row, person, f"Edit step {row.number}" if row and row.number else "Edit")
    return []


def _edit(run: Json, row: Row | None, person: Person, word: str) -> list[Button]:
    if not person.may("editor"):
        return []
    place = f"#line-{row.line}" if row and row.line else ""
    return [Button(word, f"/workflows/{run['workflow']}/edit{place}")]


def _replay(run: Json, row: Row | None, person: Person) -> list[Button]:
    if not person.may("run") or not person.session:
        return []
    where = f"Replay from step {row.number}" if row and row.number else "Replay from the failed step"
    return [Button(where, f"/runs/{run['id']}/replay", {"from": "failed"})]


def _row_of(rows: Sequence[Row], path: object) -> Row | None:
    plain = without_indices(str(path)) if path else None
    return next((row for row in rows if row.path in (path, plain)), None)
