"""The lines of a connector's file: where its head ends, and which lines each entry has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

SECTION = re.compile(r"(?P<name>[A-Za-z_]\w*):(?P<rest>.*)")
ENTRY = re.compile(r"  (?P<quote>['\"]?)(?P<name>[A-Za-z0-9_]+)(?P=quote):(\s|$)")
SECTIONS = ("actions", "schemas")
WAY_OUT = "`hookline connector from-openapi` writes such files"


@dataclass(frozen=True, slots=True)
class Piece:
    """The lines of one entry; `line` is that of the first, from 1."""

    name: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with a line (from 1), in the section `where`."""

    line: int
    column: int
    where: str
    message: str
    hint: str = ""


@dataclass(slots=True)
class Frame:
    """The head ends before `head_end` (a line, from 0); `sections` have their entries by name."""

    lines: Sequence[str]
    head_end: int = 0
    sections: dict[str, dict[str, Piece]] = field(default_factory=lambda: {name: {} for name in SECTIONS})
    slips: list[Slip] = field(default_factory=list)
    _section: str = ""
    _open: tuple[str, int] | None = None  # the entry being read, and its first line; without a name: none

    def __post_init__(self) -> None:
        """Read the lines."""
        self.head_end = len(self.lines)
        for index, line in enumerate(self.lines):
            stripped = line.lstrip(" ")
            if not stripped or stripped[0] == "#":
                continue
            indent = len(line) - len(stripped)
            if indent == 0:
                self._top(index, line)
            elif self._section and indent <= 2:
                self._entry(index, line, indent)
            elif self._section and self._open is None:
                message = f"this belongs to no entry of `{self._section}`, which begin two spaces in"
                self._slip(index, indent, message)
                self._open = "", index
        self._close(len(self.lines))

    def _top(self, index: int, line: str) -> None:
        found = SECTION.fullmatch(line)
        if found is None or found["name"] not in SECTIONS:
            if self._section:
                message = "this stands behind `actions`, where only `schemas` may stand"
                self.slips.append(Slip(index + 1, 1, "", message, "move it to the top"))
            return
        self._close(index)
        self._section = found["name"]
        self.head_end = min(self.head_end, index)
        rest = found["rest"].strip()
        if rest and not rest.startswith("#") and rest != "{}":
            self._slip(index, 0, f"what `{self._section}` holds begins on the next line, two spaces in")

    def _entry(self, index: int, line: str, indent: int) -> None:
        entry = ENTRY.match(line)
        if entry is None:
            self._slip(index, indent, f"each of `{self._section}` is a name and a colon, two spaces in")
            return
        self._close(index)
        there = self.sections[self._section].get(entry["name"])
        if there is not None:
            self._slip(index, 2, f"`{entry['name']}` stands in line {there.line} already", "")
            self._open = "", index
        else:
            self._open = entry["name"], index

    def _close(self, end: int) -> None:
        """The entry that is open ends before the line *end*."""
        if self._open is not None and self._open[0]:
            name, start = self._open
            self.sections[self._section][name] = Piece(name, start + 1, "\n".join(self.lines[start:end]))
        self._open = None

    def _slip(self, index: int, indent: int, message: str, hint: str = WAY_OUT) -> None:
        self.slips.append(Slip(index + 1, indent + 1, self._section, message, hint))
