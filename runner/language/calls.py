"""
`call`: a step that starts another workflow's run, and what can be said of it before anything runs.

Which workflow is called is a constant, so that a folder's calls can be followed: into circles, to
workflows that take no call, to inputs that are missing.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.language.faults import Fault
from runner.language.fixes import replaced
from runner.language.keys import SLUG_PATTERN
from runner.language.scalars import Unread, at
from runner.language.shapes import ShapeFault
from runner.language.suggest import did_you_mean, one_of, surely
from runner.language.templates import compile_template
from runner.language.visibility import Use
from runner.language.workflow import CallWorkflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.language.load import Loaded
    from runner.language.nodes import Node
    from runner.language.steps import StepReader
    from runner.language.templates import TemplateShape
    from runner.language.workflow import Place, Workflow


@dataclass(frozen=True, slots=True)
class CallSite:
    """One `call` of a file: whom it calls, where, and the names under its `with` (None: known later)."""

    workflow: str
    place: Place
    where: str
    given: frozenset[str] | None
    path: str = ""  # of the file, where that is not the workflow's own: of its folder's defaults


def read_call(reader: StepReader, node: Node, values: dict[str, Any], where: str) -> CallWorkflow | None:
    """The step at *node*; None where it could not be read. Its site is noted at `reader.calls`."""
    assert isinstance(node.value, dict)
    inputs: Node | None = values.get("with")
    shape = _inputs(reader, inputs, at(where, "with")) if inputs is not None else None
    slug = values.get("call")
    if slug is None:
        return None
    named, place = node.value["call"], at(where, "call")
    if "{{" in slug:
        message = "a workflow is named, it is not filled in"
        reader.fault(named.place, place, "call", message, "use a `switch` with a step for each")
        return None
    if not re.fullmatch(SLUG_PATTERN, slug):
        message = f'"{slug}" cannot be a workflow: its id has a-z, 0-9 and -'
        reader.fault(named.place, place, "call", message, "write the file's name without .yaml")
        return None
    known = reader.catalogue.workflows
    if known is not None and slug not in known:
        others = [one for one in known if one != reader.slug]
        hint = did_you_mean(slug, others) or (one_of(others) if others else f"add {slug}.yaml beside it")
        message = f'there is no workflow "{slug}" in this folder'
        fix = replaced(named, surely(slug, others))
        reader.fault(named.place, place, "unknown-workflow", message, hint, severity="warning", fix=fix)
    if slug == reader.slug:
        message = "the workflow calls itself"
        reader.fault(named.place, place, "call-circle", message, "`for_each` and `repeat` run steps again")
        return None
    given = None if inputs is not None and not isinstance(inputs.value, dict) else frozenset(
        inputs.keys if inputs is not None else ()
    )  # fmt: skip
    reader.calls.append(CallSite(slug, named.place, place, given, reader.path))
    return CallWorkflow(slug, shape, values.get("wait", True))


def _inputs(reader: StepReader, node: Node, where: str) -> TemplateShape | None:
    """What is handed over. No secrets: it becomes the payload of a run, and so is recorded."""
    if isinstance(node.value, str) and "{{" not in node.value:
        message = "`with` must be a mapping of inputs, or one {{ … }} that gives it; it is a text"
        reader.fault(node.place, where, "type", message)
        return None
    reader.foreign_braces(node, where)
    try:
        shape = compile_template(node.plain(), html=frozenset(), drop_null=True)
    except ShapeFault as fault:
        with contextlib.suppress(Unread):
            reader.leaves(node, where, fault)
        return None
    reader.uses.append(Use(node, where, "template", reader.view, tuple(shape.references), shape.reads))
    return shape


def check_calls(folder: Mapping[str, tuple[str, Loaded]]) -> list[Fault]:
    """
    What is wrong with the calls among the workflows of one folder, which are given by their slugs as
    (path, what was loaded): circles, workflows that take no call, inputs that are missing.
    """
    found = []
    circular = {slug for slug in folder if slug in _reached(folder, _called(folder, slug))}
    for slug, (path, loaded) in folder.items():
        for site in loaded.calls:
            fault = _circle(folder, slug, site) if slug in circular else None
            if fault is None and site.workflow in folder:
                fault = _refused(site, folder[site.workflow][1].workflow)
            if fault is not None:
                code, message, hint = fault
                line, column = site.place.line, site.place.column
                found.append(Fault(site.path or path, line, column, site.where, code, "error", message, hint))
    return found


def _circle(
    folder: Mapping[str, tuple[str, Loaded]], slug: str, site: CallSite
) -> tuple[str, str, str] | None:
    """That a call leads back to the file that it stands in."""
    way = _way(folder, site.workflow, slug)
    if way is None:
        return None
    names = " → ".join([slug, *way])
    return "call-circle", f"the call leads back to where it stands: {names}", "take one of the calls out"


def _refused(site: CallSite, called: Workflow | None) -> tuple[str, str, str] | None:
    if called is None:
        return None  # it has faults of its own
    if called.manual is None:
        message = f"{site.workflow} has no `manual` trigger, which a call needs"
        return "call", message, f"write `manual: {{}}` under `trigger` of {site.workflow}"
    if site.given is None or called.manual.inputs is None:
        return None
    schema = called.manual.inputs.schema
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    required = schema.get("required", ()) if isinstance(schema, dict) else ()
    for name in required:
        if name not in site.given and "default" not in _mapping(properties.get(name)):
            about = str(_mapping(properties.get(name)).get("description", ""))
            return "missing-input", f"{site.workflow} needs `{name}`", about.rstrip(".")
    if isinstance(schema, dict) and schema.get("additionalProperties") is False:
        for name in sorted(site.given - properties.keys()):
            hint = did_you_mean(name, properties) or (one_of(properties) if properties else "it takes none")
            return "unknown-input", f"{site.workflow} has no input `{name}`", hint
    return None


def _called(folder: Mapping[str, tuple[str, Loaded]], slug: str) -> list[str]:
    return [one.workflow for one in folder[slug][1].calls] if slug in folder else []


def _reached(folder: Mapping[str, tuple[str, Loaded]], first: Iterable[str]) -> set[str]:
    """Every workflow that calls lead to from those in *first*, these included."""
    found: set[str] = set()
    rest = list(first)
    while rest:
        slug = rest.pop()
        if slug not in found:
            found.add(slug)
            rest += _called(folder, slug)
    return found


def _way(folder: Mapping[str, tuple[str, Loaded]], start: str, end: str) -> list[str] | None:
    """The shortest way of calls from *start* to *end*, both included."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        for slug in _called(folder, way[-1]):
            if slug not in seen:
                seen.add(slug)
                ways.append([*way, slug])
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
