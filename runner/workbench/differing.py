"""Where two JSON values differ, leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterator

from runner.values import Json

MISSING: Json = object()


def leaves(before: Json, after: Json, path: str = "") -> Iterator[tuple[str, Json, Json]]:
    """`(path, before, after)` of each leaf that differs; MISSING where there is none."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(one for one in after if one not in before)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from leaves(before.get(name, MISSING), after.get(name, MISSING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            one = before[at] if at < len(before) else MISSING
            other = after[at] if at < len(after) else MISSING
            yield from leaves(one, other, f"{path}[{at}]")
    elif before is MISSING or after is MISSING or type(before) is not type(after) or before != after:
        yield path, before, after
