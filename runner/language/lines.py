"""Two texts by their lines: which lines both have, in order, and what differs as a unified diff."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

# Pairs of equal lines that a comparison may look at. A text of nothing but equal lines would take minutes;
# past this what differs counts as one piece, which is true, and only longer than it had to be.
MOST_PAIRS = 400_000
NO_END = "\\ No newline at end of file\n"


def lines_of(text: str) -> list[str]:
    """The lines of *text* with their ends, which joined give it again."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """
    Runs of lines that both have: `(at in old, at in new, how many)`, in order and not overlapping. The
    last is `(len(old), len(new), 0)`.
    """
    both = list(zip(old, new, strict=False))
    head = len(list(takewhile(_are_equal, both)))
    backwards = zip(reversed(old[head:]), reversed(new[head:]), strict=False)
    tail = len(list(takewhile(_are_equal, backwards)))
    ours, theirs = old[head : len(old) - tail], new[head : len(new) - tail]
    found = [(0, 0, head)] if head else []
    counts = Counter(theirs)
    if sum(counts[line] for line in ours) <= MOST_PAIRS:
        blocks = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
        found += [(head + one.a, head + one.b, one.size) for one in blocks if one.size]
    if tail:
        found.append((len(old) - tail, len(new) - tail, tail))
    return [*found, (len(old), len(new), 0)]


def unified(old: str, new: str, *, old_name: str, new_name: str, context: int = 3) -> str:
    """A unified diff that `patch` reads; empty where the texts are equal."""
    ours, theirs = lines_of(old), lines_of(new)
    written: list[str] = []
    for group in _groups(ours, theirs, context):
        first, last = group[0], group[-1]
        place = _span(first[1], last[2]), _span(first[3], last[4])
        written.append(f"@@ -{place[0]} +{place[1]} @@\n")
        for is_same, a, b, c, d in group:
            if is_same:
                written += [f" {line}" for line in ours[a:b]]
            else:
                written += [f"-{line}" for line in ours[a:b]] + [f"+{line}" for line in theirs[c:d]]
    if not written:
        return ""
    ended = [line if line.endswith("\n") else f"{line}\n{NO_END}" for line in written]
    return "".join((f"--- {old_name}\n", f"+++ {new_name}\n", *ended))


Piece = tuple[bool, int, int, int, int]
"""Whether both have it, then where it begins and ends in the old and in the new lines."""


def _groups(old: Sequence[str], new: Sequence[str], context: int) -> list[list[Piece]]:
    """What differs with *context* lines around it; what lies close together in one group."""
    groups: list[list[Piece]] = []
    a = b = 0
    for at, to, size in matches(old, new):
        if (at, to) != (a, b):
            if not groups or (groups[-1][-1][0] and groups[-1][-1][2] < a):
                lead = min(context, a)
                groups.append([(True, a - lead, a, b - lead, b)] if lead else [])
            groups[-1].append((False, a, at, b, to))
        a, b = at + size, to + size
        if groups and size:
            is_last = at + size == len(old) and to + size == len(new)
            kept = size if size <= 2 * context and not is_last else min(size, context)
            groups[-1].append((True, at, at + kept, to, to + kept))
    return groups


def _span(start: int, end: int) -> str:
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _are_equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]
