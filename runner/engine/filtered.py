"""Why a filter stopped a run, in a sentence: the values that it saw, and what they would have to be."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runner.values import Json, dumps

SIMPLE = re.compile(
    r"""(?:to_number\()?(?P<name>[A-Za-z_][\w.\[\]-]*)\)?
        \s*(?P<sign>>=|>|<=|<|==|!=)\s*
        (?P<value>`[^`]*`|'[^']*'|-?\d+(?:\.\d+)?)""",
    re.VERBOSE,
)
SIGNS = {
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
    "==": "",
    "!=": "something else than",
}
LONGEST_SEEN = 80  # characters of one value in a sentence


def did_not_hold(facts: Mapping[str, Json]) -> str:
    """The sentence, from the filter's `step`, its `test` and the values `seen` by their expressions."""
    test, seen = " ".join(str(facts["test"]).split()), facts["seen"]
    were = ", ".join(f"{name} was {_short(value)}" for name, value in seen.items())
    stopped = f"Stopped on purpose at {facts['step']}"
    simple = SIMPLE.fullmatch(test)
    if simple and list(seen) == [simple["name"]]:
        return f"{stopped}: {were}; it must be {_wanted(simple['sign'], simple['value'])}."
    return f"{stopped}: {were}; it goes on where {test}." if were else f"{stopped}: it goes on where {test}."


def _wanted(sign: str, value: str) -> str:
    text = value.strip("`")
    shown = dumps(text[1:-1]) if text.startswith("'") else text
    return f"{SIGNS[sign]} {shown}".strip()


def _short(value: Json) -> str:
    text = "missing" if value is None else dumps(value)
    return text if len(text) <= LONGEST_SEEN else f"{text[:LONGEST_SEEN]}…"
