"""`events`: whether a workflow wants an event, by the names that its provider gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from runner.language.webhook_values import SEGMENT_ENDS

ONE_SEGMENT = f"[^{SEGMENT_ENDS}]+"


def matches(wanted: Sequence[str], names: Iterable[str]) -> bool:
    """
    Whether one of an event's *names* (its type and those by which it is found as well) is *wanted*.
    All are where nothing is asked for. `*` at the end stands for whatever follows, as a whole segment
    between two of `. / :` for any one; `*` alone is any event, also one without a name.
    """
    if not wanted or "*" in wanted:
        return True
    return any(_pattern(one).fullmatch(name) for name in names for one in wanted)


@lru_cache(maxsize=1024)
def _pattern(wanted: str) -> re.Pattern[str]:
    """*wanted* as a regular expression; each part ends where the next begins, so none backtracks far."""
    segments = re.split(f"([{SEGMENT_ENDS}])", wanted.removesuffix("*"))
    text = "".join(ONE_SEGMENT if one == "*" else re.escape(one) for one in segments)
    return re.compile(f"{text}.*" if wanted.endswith("*") else text, re.DOTALL)
