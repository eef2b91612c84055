"""What is said of vars that this server's configuration sets: those that do, and those that do nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from runner.language.faults import Fault
from runner.values import dumps

if TYPE_CHECKING:
    from runner.language.workflow import Workflow
    from runner.settings_vars import VarOverrides


def overridden(overrides: VarOverrides, workflows: Sequence[Workflow]) -> list[str]:
    """A sentence for each var of *workflows* that has another value here than in its file."""
    return [
        f"vars.{name} of {one.slug} is {dumps(one.vars[name])} here, by "
        f"{overrides.given(one.slug)[name].where}; its file says {dumps(value)}"
        for one in workflows
        for name, value in one.overridden.items()
    ]


def unused_overrides(
    overrides: VarOverrides, workflows: Sequence[Workflow], known: Collection[str]
) -> list[Fault]:
    """A warning for each value that sets nothing; *known* are the slugs of all files, good or bad."""
    declared = {one.slug: one.vars.keys() for one in workflows}
    return [
        Fault(one.given.path, 1, 1, one.given.key, "unused-override", "warning", one.message, one.hint)
        for one in overrides.unused(declared, known)
    ]
