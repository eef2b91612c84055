"""
What each fault of a file means, with an example that has it and the same mended: one table behind the
page /docs/faults, `hookline check --explain` and the rules of SARIF. Tests load every example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from runner.language import (
    faults_of_expressions,
    faults_of_files,
    faults_of_keys,
    faults_of_references,
    faults_of_tests,
    faults_of_triggers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.values import Json

SECTION = re.compile(r"^=== (?P<code>[a-z-]+)\n", re.MULTILINE)
PARTS = re.compile(r"^--- (?:wrong|mended)\n", re.MULTILINE)
GROUPS = (
    ("The file and its YAML", faults_of_files.TEXT),
    ("Keys and values", faults_of_keys.TEXT),
    ("Expressions and templates", faults_of_expressions.TEXT),
    ("Names, steps and actions", faults_of_references.TEXT),
    ("Triggers, senders and calls", faults_of_triggers.TEXT),
    ("Tests, and what stands around a file", faults_of_tests.TEXT),
)


@dataclass(frozen=True, slots=True)
class Explained:
    """
    One fault: `title` says it in some words, `about` in some sentences. `wrong` has it and `mended` has
    not: pieces of a file, of which `whole` makes one; both are empty where no file can show it.
    """

    code: str
    group: str
    title: str
    about: str
    wrong: str
    mended: str

    def as_json(self) -> Json:
        """Its fields as an object, the examples as people read them."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "wrong": readable(self.wrong), "mended": readable(self.mended)}


@cache
def explained() -> dict[str, Explained]:
    """All faults by their code, in the order of the page."""
    return {one.code: one for group, text in GROUPS for one in _read(group, text)}


def readable(piece: str) -> str:
    """*piece* with plain comments in place of what a test needs to know of its surroundings."""
    for pattern, text in SURROUNDINGS:
        piece = pattern.sub(text, piece)
    return piece


SURROUNDINGS = (
    (re.compile(r"^#! file (.*)$", re.MULTILINE), r"# \1"),
    (re.compile(r"^#! overrides \{\"(\w+)\": (.*)\}$", re.MULTILINE), r"# hookline.toml: [vars] \1 = \2"),
    (re.compile(r"^#! events \[(.*)\]$", re.MULTILINE), r"# the events that came were such as \1"),
    (re.compile(r"^#! certificates off$", re.MULTILINE), "# on a server that asks nobody for a certificate"),
)


def whole(piece: str) -> str:
    """A workflow file with *piece* in it: steps, top-level keys, or a file already."""
    if piece.startswith("#!") or re.search(r"^(name|cases):", piece, re.MULTILINE):
        return piece
    if piece.startswith("- "):
        return f"name: Example\ntrigger: {{webhook: {{}}}}\nsteps:\n{_indented(piece)}"
    trigger = "" if re.search(r"^trigger:", piece, re.MULTILINE) else "trigger: {webhook: {}}\n"
    steps = "" if re.search(r"^steps:", piece, re.MULTILINE) else "steps:\n  - filter: payload\n"
    return f"name: Example\n{trigger}{piece}{steps}"


def _indented(piece: str) -> str:
    return "".join(f"  {line}" if line.strip() else line for line in piece.splitlines(keepends=True))


def _read(group: str, text: str) -> Iterable[Explained]:
    """
    The faults that *text* tells of: after `=== code` the title and an empty line, then sentences, then
    the examples behind `--- wrong` and `--- mended`.
    """
    found = [*SECTION.finditer(text)]
    for index, one in enumerate(found):
        end = found[index + 1].start() if index + 1 < len(found) else len(text)
        told, *examples = PARTS.split(text[one.end() : end])
        title, _, about = told.strip().partition("\n\n")
        wrong, mended = (each.strip("\n") + "\n" for each in examples) if examples else ("", "")
        yield Explained(one["code"], group, title, " ".join(about.split()), wrong, mended)
