"""Values cut to what a page shows."""

from __future__ import annotations

from runner.values import Json, dumps

MOST_BYTES = 64 * 1024
MOST_ITEMS = 200
LONGEST_TEXT = 4_000  # characters of one text in a value that is cut


def cut(value: Json) -> tuple[Json, bool]:
    """*value* in at most some MOST_BYTES of JSON, and whether something of it is left out."""
    if len(dumps(value)) <= MOST_BYTES:
        return value, False
    items, longest = MOST_ITEMS, LONGEST_TEXT
    while True:
        kept = _kept(value, items, longest)
        if len(dumps(kept)) <= MOST_BYTES:
            return kept, True
        items, longest = max(1, items // 2), max(20, longest // 2)
        if items == 1 and longest <= 20:
            return f"{dumps(kept)[:LONGEST_TEXT]}…", True


def _kept(value: Json, items: int, longest: int) -> Json:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}…"
    if isinstance(value, list):
        return [_kept(one, items, longest) for one in value[:items]]
    if isinstance(value, dict):
        return {key: _kept(one, items, longest) for key, one in list(value.items())[:items]}
    return value
