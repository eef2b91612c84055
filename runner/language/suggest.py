"""The nearest known name to one that is not known: "did you mean …?"."""

from __future__ import annotations

import re
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGITS = re.compile("[0-9]+")
LIKENESS = (
    0.6  # of difflib: "chanel" and "channel" are 0.92 alike, "email" and "mail" 0.89, "run" and "fun" 0.67
)
SURE = 0.8  # "shadwo" and "shadow" are 0.83 alike, "paylod" and "payload" 0.92
APART = 0.08  # by how much the nearest is nearer than the next one
LONGEST = 80  # the comparison is quadratic, and no name of ours is longer


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name among *known* that looks most like *name*, or None where none does."""
    if len(name) > LONGEST:
        return None
    by_plain = {_plain(one): one for one in known}
    found = get_close_matches(_plain(name), by_plain, n=1, cutoff=LIKENESS)
    return by_plain[found[0]] if found else None


def surely(name: str, known: Iterable[str]) -> str | None:
    """The one name among *known* that can be meant, or None: two that are alike, or differ in a number."""
    if len(name) > LONGEST:
        return None
    by_plain = {_plain(one): one for one in known}
    found = get_close_matches(_plain(name), by_plain, n=2, cutoff=SURE)
    if not found or DIGITS.findall(found[0]) != DIGITS.findall(name):
        return None
    alike = [SequenceMatcher(None, one, _plain(name)).ratio() for one in found]
    return by_plain[found[0]] if len(found) == 1 or alike[0] - alike[1] >= APART else None


def did_you_mean(name: str, known: Iterable[str], *, before: str = "") -> str:
    """`did you mean "channel"?`, with *before* put in front of the name, or an empty text."""
    found = nearest(name, known)
    return f'did you mean "{before}{found}"?' if found else ""


def one_of(known: Iterable[str], *, most: int = 12) -> str:
    """`known here: a, b, c`, cut after *most* names."""
    names = list(known)
    rest = ", …" if len(names) > most else ""
    return f"known here: {', '.join(names[:most])}{rest}"


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
