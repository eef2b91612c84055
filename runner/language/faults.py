"""A fault of a workflow file, with its place and the way out."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from runner.errors import LanguageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.values import Json

Severity = Literal["error", "warning"]
SHOWN_WIDTH = 100  # of a source line, in columns of a terminal


@dataclass(frozen=True, slots=True)
class Fix:
    """What mends a fault for certain: what stands from a place up to another is written as `text`."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def as_json(self) -> Json:
        """`{range: {line, column, end_line, end_column}, text}`, as an editor takes it."""
        place = asdict(self)
        text = place.pop("text")
        return {"range": place, "text": text}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """
    `line` and `column` count from 1; `where` is the path in the file, such as `steps[2].action`;
    `code` is a stable kebab-case word; `hint` is the way out, or empty. `fix` stands where the mend is
    certain.
    """

    path: str
    line: int
    column: int
    where: str
    code: str
    severity: Severity
    message: str
    hint: str = ""
    fix: Fix | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """`workflows/order.yaml:12:7: steps[2].action: no action "slack.pst"; did you mean …?`."""
        where = f"{self.where}: " if self.where else ""  # empty: the file as a whole
        sentence = f"{self.message}; {self.hint}" if self.hint else self.message
        return f"{self.path}:{self.line}:{self.column}: {where}{sentence}"

    def as_json(self) -> Json:
        """The object that `hookline check --format json` prints; `fix` is there where there is one."""
        known = asdict(self)
        del known["fix"]
        return {**known, "fix": self.fix.as_json()} if self.fix else known


class WorkflowInvalid(LanguageError):
    """A file has faults; `faults` holds all of them, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def render_fault(fault: Fault, text: str) -> str:
    """
    The fault with its source line and a caret, for a terminal, without colours.

        workflows/order.yaml:12:15: steps[2].action: no action "slack.pst"; did you mean …?
        12 |   - action: slack.pst
           |             ^

    *text* is the file's. Control characters show as `?`: a file cannot speak to the terminal.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    sentence = _printable(str(fault))
    if not 1 <= fault.line <= len(lines):
        return sentence
    line = _printable(lines[fault.line - 1].replace("\t", " "))
    offset = fault.column - 1
    start = max(0, offset - SHOWN_WIDTH * 2 // 3) if len(line) > SHOWN_WIDTH else 0
    shown = line[start : start + SHOWN_WIDTH]
    head, tail = "…" if start else "", "…" if start + SHOWN_WIDTH < len(line) else ""
    blank = " " * sum(map(_width, head + line[start:offset]))
    number = str(fault.line)
    margin = " " * len(number)
    return f"{sentence}\n{number} | {head}{shown}{tail}\n{margin} | {blank}^"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)


def _width(one: str) -> int:
    """Columns that a character takes in a terminal."""
    if unicodedata.combining(one):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1
