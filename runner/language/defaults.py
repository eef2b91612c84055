"""
`workflows/_defaults.yaml`: what the workflows of a folder have in common. A workflow's own key wins,
whole: lists and mappings are not merged.

It is read anew for each workflow, as a part of it: its expressions see that workflow's `vars`, and
its faults have their own path and lines. It belongs to no workflow, though, so `steps` and `outcomes`
are those of its own lists alone, also in `on_failure`.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.language.check import check_references
from runner.language.keys import DEFAULTS_BLOCK
from runner.language.redact import check_redact
from runner.language.scalars import TooManyFaults
from runner.language.source import compose
from runner.language.steps import StepReader
from runner.language.visibility import View
from runner.language.webhook import BEFORE_RUN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.language.catalogue import Catalogue
    from runner.language.faults import Fault
    from runner.language.visibility import Declared
    from runner.language.workflow import Step

FAILING = View((), frozenset({"error"}))


class Defaults:
    """
    The defaults that a workflow takes: `values` by key, as `Reader.block` gives them, of those keys
    that it does not have itself. `reader` has read them, and has all faults of the file.
    """

    def __init__(
        self, text: str, path: str, catalogue: Catalogue, *, slug: str = "", own: Collection[str] = ()
    ) -> None:
        self.reader = StepReader(path, catalogue)
        self.reader.slug = slug
        self.values: dict[str, Any] = {}
        source = compose(text, path=path)
        self.reader.faults.extend(one for one in source.faults if one.code != "empty")
        if source.root is None:
            return
        self.reader.view = BEFORE_RUN
        values: dict[str, Any] = {}
        with contextlib.suppress(TooManyFaults):
            values = self.reader.block(source.root, DEFAULTS_BLOCK, "")
        self.values = {name: value for name, value in values.items() if name not in own}
        self.reader.uses = [one for one in self.reader.uses if one.where.split(".")[0] in self.values]

    def on_failure(self) -> tuple[Step, ...]:
        """The steps under `on_failure`."""
        return self.reader.steps(self.values["on_failure"], "on_failure", FAILING)

    def check(self, slug: str, declared: Mapping[str, Declared], constants: Collection[str]) -> None:
        """Judge what it says about the workflow *slug*, which has the ids *declared* and those vars."""
        reader = self.reader
        before = len(reader.faults)
        for name in sorted(reader.declared.keys() & declared.keys()):
            one, theirs = reader.declared[name], declared[name]
            reader.fault(
                one.place,
                f"{one.where}.id",
                "duplicate-id",
                f'the id "{name}" is taken by a step of {slug}, in line {theirs.place.line} there',
                "give one of them another id",
            )
        check_references(reader, reader.declared, constants)
        reader.faults[before:] = [_in_context(fault, slug) for fault in reader.faults[before:]]


def check_defaults(text: str, path: str, catalogue: Catalogue) -> tuple[Fault, ...]:
    """All faults of a `_defaults.yaml` that do not depend on who takes them, in the order of the file."""
    defaults = Defaults(text, path, catalogue)
    reader = defaults.reader
    if "on_failure" in defaults.values:
        defaults.on_failure()
    check_redact(reader, defaults.values.get("redact", ()), reader.declared)
    vars_named = {one.name for use in reader.uses for one in use.references if one.kind == "var"}
    before = len(reader.faults)
    check_references(reader, reader.declared, vars_named)
    reader.faults[before:] = [_in_context(fault, "") for fault in reader.faults[before:]]
    return tuple(sorted(dict.fromkeys(reader.faults), key=lambda one: (one.line, one.column)))


def _in_context(fault: Fault, slug: str) -> Fault:
    """*fault* as it is to be said of what all workflows share."""
    if fault.code == "unknown-step":
        hint = "what all workflows share sees no workflow's own steps; `error.step` names the one that failed"
        return replace(fault, hint=hint)
    if fault.code == "unknown-var" and slug:
        return replace(fault, message=f"{fault.message} in {slug}")
    return fault
