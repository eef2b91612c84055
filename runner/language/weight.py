"""How heavy a value is: what bounds every evaluation, since no Python call can be interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runner.values import Json

MAX_WEIGHT = 64 * 1024 * 1024  # about bytes: what one evaluation may build or walk (language.md)
MAX_DEPTH = 200  # JSON is written to a depth of 254; deeper values come from nobody's system
NODE = 64  # bytes a number, or the frame of a text, list or object, takes in memory
TEXTS = frozenset({str})
ATOMS = frozenset({int, float, bool, type(None)})  # a frame and nothing else


def weigh(value: Json, limit: int, *, node: int = NODE, bound: int = MAX_WEIGHT) -> int:
    """
    The weight of *value* in about bytes; a part that is reached twice counts twice. *bound* is
    what the message says, where *limit* is what is left of it.

    Raises:
        LimitExceeded: heavier than *limit*, or deeper than MAX_DEPTH.
    """
    weight = node + (len(value) if isinstance(value, str) else 0)
    layer: list[Json] = (
        [value] if isinstance(value, (dict, list, tuple)) else []
    )  # then the lists and objects of one depth
    for _ in range(MAX_DEPTH - 1):
        below: list[Json] = []
        for one in layer:
            if isinstance(one, dict):
                weight += len(one) * node
                groups: tuple[Collection[Json], ...] = (one, one.values())
            else:
                groups = (one,)
            for parts in groups:
                weight += len(parts) * node
                if weight > limit:
                    raise too_heavy(bound)
                kinds = set(map(type, parts))
                if kinds == TEXTS:  # most keys and many lists: Python's own loops are the quick ones
                    weight += sum(map(len, parts))
                elif not kinds <= ATOMS:
                    for part in parts:
                        if isinstance(part, str):
                            weight += len(part)
                        elif isinstance(part, (dict, list, tuple)):
                            below.append(part)
        if weight > limit:
            raise too_heavy(bound)
        if not below:
            return weight
        layer = below
    if any(layer):
        raise LimitExceeded(f"the value is nested deeper than {MAX_DEPTH} levels")
    return weight


def too_heavy(limit: int) -> LimitExceeded:
    """What is said when a value, or all values of one evaluation together, pass *limit* bytes."""
    return LimitExceeded(f"the values grow past {_size(limit)}; take only the parts that are needed")


class Budget:
    """What is left of one evaluation's weight."""

    __slots__ = ("left",)

    def __init__(self, weight: int = MAX_WEIGHT) -> None:
        self.left = weight

    def charge(self, weight: int) -> None:
        """
        Take *weight* off.

        Raises:
            LimitExceeded: nothing is left.
        """
        self.left -= weight
        if self.left < 0:
            raise too_heavy(MAX_WEIGHT)

    def weigh(self, values: Iterable[Json]) -> None:
        """
        Take the weight of all *values* off before something walks them.

        Raises:
            LimitExceeded: nothing is left, or one is nested too deep.
        """
        for value in values:
            self.charge(weigh(value, max(self.left, 0)))


def _size(limit: int) -> str:
    return f"{limit // (1024 * 1024)} MiB" if limit >= 1024 * 1024 else f"{limit} bytes"
