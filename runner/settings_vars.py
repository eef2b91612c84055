"""
`[vars]` and `[vars.<slug>]` of `hookline.toml`: values of workflows' vars on this server, in place of
those that the files declare.

    [vars]                    # of every workflow that declares a var of that name
    ops_channel = "#ops-staging"

    [vars.order-alerts]       # of that workflow alone; it wins
    threshold = 5

A table directly under `[vars]` is always a workflow's. In the environment the same is
`HOOKLINE_VARS_OPS_CHANNEL` and, with two underscores behind the slug and `_` for its dashes,
`HOOKLINE_VARS_ORDER_ALERTS__THRESHOLD`; the name is in lower case then, and the value is read as JSON
where it is JSON, else as a text. The environment wins over the file.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.values import loads

if TYPE_CHECKING:
    from runner.values import Json

SECTION = "vars"
PREFIX = "HOOKLINE_VARS_"


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and where it was set: a file's name and `vars.threshold` in it, or a variable's name."""

    value: Json
    path: str
    key: str = ""

    @property
    def where(self) -> str:
        """Both, for people."""
        return f"{self.path}: {self.key}" if self.key else self.path


@dataclass(frozen=True, slots=True)
class Unused:
    """A value that sets nothing: why, and the way out, which may be empty."""

    given: Given
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class VarOverrides:
    """By name, of every workflow, and by slug and name."""

    everywhere: Mapping[str, Given] = field(default_factory=dict)
    by_slug: Mapping[str, Mapping[str, Given]] = field(default_factory=dict)

    def given(self, slug: str) -> Mapping[str, Given]:
        """What is set for the workflow *slug*, declared there or not."""
        return {**self.everywhere, **self.by_slug.get(slug, {})}

    def of(self, slug: str) -> Mapping[str, Json]:
        """The values alone."""
        return {name: one.value for name, one in self.given(slug).items()}

    def unused(self, declared: Mapping[str, Collection[str]], known: Collection[str]) -> Sequence[Unused]:
        """
        The values that set nothing. *declared* has the vars of the workflows that were read without
        faults, by slug; *known* all slugs: what those with faults declare is not known.
        """
        found = []
        if declared.keys() >= set(known):
            names = {name for one in declared.values() for name in one}
            for name, one in self.everywhere.items():
                if name not in names:
                    found.append(Unused(one, f"no workflow declares a var {name}", _nearest(name, names)))
        for slug, values in self.by_slug.items():
            for name, one in values.items():
                if slug not in known:
                    found.append(Unused(one, f"there is no workflow {slug}", _nearest(slug, known)))
                elif slug in declared and name not in declared[slug]:
                    hint = _nearest(name, declared[slug])
                    found.append(Unused(one, f"{slug} declares no var {name}", hint))
        return found


def read_vars(
    document: Mapping[str, Json], file: str, environment: Mapping[str, str], faults: list[str]
) -> VarOverrides:
    """
    What `[vars]` of the TOML *document* called *file* and the *environment* set. Values that JSON has
    no word for, such as dates, are noted in *faults*.
    """
    everywhere: dict[str, Given] = {}
    by_slug: dict[str, dict[str, Given]] = {}
    section = document.get(SECTION, {})
    if not isinstance(section, dict):
        faults.append(f"{file}: {SECTION}: {section!r} is not a table of names and values")
        section = {}
    for name, value in section.items():
        if isinstance(value, dict):
            for inner, one in value.items():
                place = by_slug.setdefault(name, {})
                _put(place, inner, Given(one, file, f"{SECTION}.{name}.{inner}"), faults)
        else:
            _put(everywhere, name, Given(value, file, f"{SECTION}.{name}"), faults)
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        slug, is_own, name = variable.removeprefix(PREFIX).lower().rpartition("__")
        place = by_slug.setdefault(slug.replace("_", "-"), {}) if is_own else everywhere
        _put(place, name, Given(_read(text), variable), faults)
    return VarOverrides(everywhere, by_slug)


def _put(place: dict[str, Given], name: str, given: Given, faults: list[str]) -> None:
    if not name:
        faults.append(f"{given.where}: the var's name is missing")
        return
    try:
        json.dumps(given.value, allow_nan=False)
    except (TypeError, ValueError):  # a date, or NaN
        faults.append(f"{given.where}: {given.value} is no JSON value; write a text, a number, a list …")
    else:
        place[name] = given


def _read(text: str) -> Json:
    try:
        return loads(text.encode())
    except ValueError:
        return text


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else ""
