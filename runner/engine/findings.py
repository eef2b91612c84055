"""What an examination finds: each thing that was looked at, whether it is well, and how it is mended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from runner.values import Json

State = Literal["ok", "warning", "error"]
"""An error keeps something from working now; a warning will, or may."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is in a sentence, and what to do; `mend` is empty where it is well."""

    name: str
    state: State
    sentence: str
    mend: str = ""

    def as_json(self) -> Json:
        """`{name, state, sentence, mend}`; `mend` is null where there is nothing to do."""
        return {
            "name": self.name,
            "state": self.state,
            "sentence": self.sentence,
            "mend": self.mend or None,
        }


def ok(name: str, sentence: str) -> Finding:
    """All is well with it."""
    return Finding(name, "ok", sentence)


def warning(name: str, sentence: str, mend: str) -> Finding:
    """It works, and will not or may not one day."""
    return Finding(name, "warning", sentence, mend)


def error(name: str, sentence: str, mend: str) -> Finding:
    """Something does not work because of it."""
    return Finding(name, "error", sentence, mend)


def counted(findings: Iterable[Finding]) -> dict[State, int]:
    """How many there are of each state."""
    found: dict[State, int] = {"ok": 0, "warning": 0, "error": 0}
    for one in findings:
        found[one.state] += 1
    return found


def bytes_in_words(count: float) -> str:
    """`3.2 GB`, in units of a thousand."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:.{0 if count >= 10 * size else 1}f} {unit}"
    return f"{count / 1000:.0f} KB"
