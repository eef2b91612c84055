"""
Merging by lines: what two people made of one text, put together. Where both changed the same lines
differently, both stand in the result between comments, so that nothing of either is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.language.lines import lines_of, matches

MINE, MIDDLE, THEIRS = "# <<<<<<< ", "# =======", "# >>>>>>> "
MARKER = re.compile(r"^# (?:<{7}|>{7}) ", re.MULTILINE)  # the middle one may be anybody's ruler


@dataclass(frozen=True, slots=True)
class Merged:
    """The text, and how many places a person has to decide."""

    text: str
    conflicts: int


def merge(base: str, mine: str, theirs: str, *, mine_name: str, theirs_name: str) -> Merged:
    """
    *mine* and *theirs*, both made from *base*, as one text. In a conflict mine stands first:
    `# <<<<<<< mine_name`, my lines, `# =======`, their lines, `# >>>>>>> theirs_name`.
    """
    parts: list[str] = []
    conflicts = 0
    for ours, others, is_conflict in _chunks(lines_of(base), lines_of(mine), lines_of(theirs)):
        if not is_conflict:
            parts += ours
            continue
        conflicts += 1
        parts += [f"{MINE}{mine_name}\n", *_ended(ours), f"{MIDDLE}\n", *_ended(others)]
        parts.append(f"{THEIRS}{theirs_name}\n")
    return Merged("".join(parts), conflicts)


def first_marker(text: str) -> int | None:
    """The line (from 1) of the first comment that a conflict left in *text*, or None."""
    found = MARKER.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _chunks(
    base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str], bool]]:
    """Pieces of the result in order: the lines, and for a conflict (True) theirs too."""
    my_places, their_places = _places(base, mine), _places(base, theirs)
    b = m = t = 0
    while b < len(base) or m < len(mine) or t < len(theirs):
        start = b
        while b < len(base) and my_places.get(b) == m and their_places.get(b) == t:
            b, m, t = b + 1, m + 1, t + 1
        if b > start:
            yield base[start:b], (), False
            continue
        end = next(
            (at for at in range(b, len(base)) if at in my_places and at in their_places), len(base)
        )  # the next line that all three have
        m_end, t_end = my_places.get(end, len(mine)), their_places.get(end, len(theirs))
        yield from _decided(base[b:end], mine[m:m_end], theirs[t:t_end])
        b, m, t = end, m_end, t_end


def _decided(
    base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str], bool]]:
    if theirs in (base, mine):
        yield mine, (), False
    elif mine == base:
        yield theirs, (), False
    elif len(base) == len(mine) == len(theirs) and all(
        one == before or other in (before, one) for before, one, other in zip(base, mine, theirs, strict=True)
    ):  # next to each other, but never the same line
        lines = zip(base, mine, theirs, strict=True)
        yield [other if one == before else one for before, one, other in lines], (), False
    else:
        head = 0
        while head < min(len(mine), len(theirs)) and mine[head] == theirs[head]:
            head += 1
        tail = 0
        while tail < min(len(mine), len(theirs)) - head and mine[-1 - tail] == theirs[-1 - tail]:
            tail += 1
        yield mine[:head], (), False
        yield mine[head : len(mine) - tail], theirs[head : len(theirs) - tail], True
        yield mine[len(mine) - tail :], (), False


def _places(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Where each line of *base* that *other* has stands there."""
    return {at + i: to + i for at, to, size in matches(base, other) for i in range(size)}


def _ended(lines: Sequence[str]) -> list[str]:
    """*lines*, of which the last gets an end if it has none: a marker follows."""
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]
