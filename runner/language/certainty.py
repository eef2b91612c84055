"""
References to steps that may not have run: one with an `if`, in a branch of `switch`, that failed under
`on_error: continue`, or any step as `on_failure` sees it. Their output is null then.

Nothing is said where the reference is guarded: by `||`, `| default(…)` or a test in its own text, by
the `if` or `when` around it, by a `filter` before it, or because it stands inside the same branch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.language.visibility import Condition, leaf, offset_in, place_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.language.nodes import Node
    from runner.language.reading import Reader
    from runner.language.shapes import Path, Reference
    from runner.language.visibility import Declared, Use

CONDITIONS = (".if", ".when", ".filter", ".until")  # where null does not hold, and does no harm


@dataclass(slots=True)
class Guards:
    """
    The conditions of a file: by the place whose steps they let run, what they say and the ids that they look
    at; and by list of steps the first `filter` that says or looks at something, behind which it holds.
    """

    texts: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    filters: dict[tuple[str, str], int] = field(default_factory=dict)  # list and text or id → index

    @classmethod
    def of(cls, uses: Iterable[Use]) -> Guards:
        """Those among *uses*."""
        found = cls()
        for use in uses:
            head, _, key = use.where.rpartition(".")
            if key not in ("if", "when", "filter") or not isinstance(use.node.value, str):
                continue
            text = use.node.value.strip()
            names = {one.name for one in use.references if one.kind in ("step", "outcome")}
            if key == "filter":
                steps, _, rest = head.rpartition("[")
                index = int(rest[:-1]) if rest[:-1].isdigit() else 0
                for one in (f"={text}", *names):
                    found.filters.setdefault((steps, one), index)
            else:
                found.texts.setdefault(head, set()).add(text)
                found.names.setdefault(head, set()).update(names)
        return found

    def mind(self, where: str, name: str) -> bool:
        """Whether something around *where* looks at the step *name*."""
        around = any(name in self.names.get(one, ()) for one in _outwards(where))
        return around or self._is_behind(where, name)

    def say(self, where: str, text: str) -> bool:
        """Whether something around *where* says *text*."""
        around = any(text in self.texts.get(one, ()) for one in _outwards(where))
        return around or self._is_behind(where, f"={text}")

    def _is_behind(self, where: str, key: str) -> bool:
        for steps in _outwards(where):
            first = self.filters.get((steps, key))
            if first is not None and where[len(steps) : len(steps) + 1] == "[":
                index = where[len(steps) + 1 :].partition("]")[0]
                if index.isdigit() and int(index) > first:
                    return True
        return False


def _outwards(where: str) -> Iterator[str]:
    """A place and all that it stands in: `steps[1].if`, `steps[1]`, `steps`."""
    yield where
    for at in range(len(where) - 1, 0, -1):
        if where[at] in ".[":
            yield where[:at]


def own_conditions(node: Node, values: Mapping[str, Any], where: str) -> list[Condition]:
    """Why the step *node* at *where* may be without an output by what it says itself."""
    assert isinstance(node.value, dict)
    found = []
    if "if" in node.value:
        found.append(Condition(where, "it has an `if`", str(node.value["if"].value).strip()))
    if values.get("on_error") == "continue":
        found.append(Condition(where, "it may have failed, and has `on_error: continue`"))
    return found


def check_certainty(reader: Reader, declared: Mapping[str, Declared]) -> None:
    """Warn of each reference to a step that may not have run, once for each place."""
    guards = Guards.of(reader.uses)
    for use in reader.uses:
        if use.where.endswith(CONDITIONS) or use.view.before_run:
            continue
        said: set[str] = set()
        guarded = _guarded(use) if use.references else {}
        for reference in use.references:
            name = reference.name
            if reference.kind != "step" or name in said or name not in declared or not use.view.sees(name):
                continue
            reason = _reason(use, declared[name], guards, name)
            if reason is None or _is_guarded(use, reference, guarded):
                continue
            said.add(name)
            node = leaf(use.node, reference.path)
            is_template = use.site != "expression"
            instead = "`| default(…)`" if is_template else "`||` and what should stand instead"
            hint = f"it is null then; write {instead}"
            hint += "" if _in_failure(use) else ", or give this step the same condition"
            reader.fault(
                place_in(node, reference.line, reference.column),
                use.where,
                "may-not-run",
                f"`steps.{name}` may not have run: {reason}",
                hint,
                severity="warning",
            )


def _reason(use: Use, there: Declared, guards: Guards, name: str) -> str | None:
    """Why the step may be null as *use* sees it, or None."""
    if _in_failure(use):
        if there.where.startswith("on_failure"):
            return None
        return "the run may have failed before it" if use.site != "expression" else None
    if not there.conditions or guards.mind(use.where, name):
        return None
    for condition in there.conditions:
        if _inside(use.where, condition.where):
            continue
        if condition.text and guards.say(use.where, condition.text):
            continue
        return condition.reason
    return None


def _inside(where: str, outer: str) -> bool:
    return where.startswith(outer) and where[len(outer) : len(outer) + 1] in ("", ".", "[")


def _in_failure(use: Use) -> bool:
    return use.where.startswith("on_failure")


def _guarded(use: Use) -> dict[tuple[Path, str | None, int], bool]:
    """Of each step that a use follows, by leaf, id and offset: whether it is no harm if nothing is there."""
    return {
        (read.path, read.parts[1].name, read.parts[1].offset): read.is_guarded
        for read in use.reads
        if len(read.parts) > 1 and read.parts[0].name == "steps"
    }


def _is_guarded(use: Use, reference: Reference, guarded: Mapping[tuple[Path, str | None, int], bool]) -> bool:
    text = leaf(use.node, reference.path).value
    offset = offset_in(text, reference.line, reference.column) if isinstance(text, str) else -1
    for one in (offset, -1):
        if (found := guarded.get((reference.path, reference.name, one))) is not None:
            return found
    return False
