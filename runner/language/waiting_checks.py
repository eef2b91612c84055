"""
Judges `resume_url('<id>')`: the id is a `wait_for` step's, and one alone is meant.

A step inside `for_each` or `repeat` has an address for each item or round, so it is named from inside
the same item or round. Anywhere else it may be named from everywhere in the file, before the step
above all; the address is the same each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.language.suggest import did_you_mean, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.language.visibility import Declared, Use


def check_resume(use: Use, name: str, declared: Mapping[str, Declared]) -> tuple[str, str, str] | None:
    """Code, message and way out where the step *name* has no address that can be told here, or None."""
    if use.view.before_run:
        return (
            "before-run",
            "`resume_url` has no value here: this is rendered before any step runs",
            "send the address out in a step",
        )
    waits = [one for one, there in declared.items() if there.kind == "wait_for"]
    if name not in declared:
        hint = did_you_mean(name, waits) or (
            one_of(waits) if waits else f"add a step `- id: {name}` with `wait_for`"
        )
        return "unknown-step", f'no step has the id "{name}"', hint
    there = declared[name]
    if there.kind != "wait_for":
        return (
            "not-awaited",
            f"the step `{name}` waits for no answer: it has no `wait_for`",
            did_you_mean(name, waits) or (one_of(waits) if waits else "add a step with `wait_for`"),
        )
    if any(not use.where.startswith(f"{loop}[") for loop in there.loops):
        return (
            "step-hidden",
            f"`{name}` stands in a loop, and has an address for each item or round of it",
            "name it in a step of the same loop",
        )
    return None
