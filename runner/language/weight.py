"""How heavy a value is: what bounds every evaluation, since no Python call can be interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.values import Json

MAX_WEIGHT = 64 * 1024 * 1024  # about bytes: what one evaluation may build or walk (language.md)
MAX_DEPTH = 200  # JSON is written to a depth of 254; deeper values come from nobody's system
NODE = 64  # bytes a number, or the frame of a text, list or object, takes in memory


def weigh(value: Json, limit: int, *, node: int = NODE, bound: int = MAX_WEIGHT) -> int:
    """
    The weight of *value* in about bytes; a part that is reached twice counts twice. *bound* is
    what the message says, where *limit* is what is left of it.

    Raises:
        LimitExceeded: heavier than *limit*, or deeper than MAX_DEPTH.
    """
    weight = 0
    layer: list[Json] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Json] = []
        for one in layer:
            weight += node
            if isinstance(one, str):
                weight += len(one)
            elif isinstance(one, dict):
                weight += len(one) * node
                below.extend(one)
                below.extend(one.values())
            elif isinstance(one, (list, tuple)):
                below.extend(one)
            if weight + len(below) * node > limit:
                raise too_heavy(bound)
        if not below:
            return weight
        layer = below
    raise LimitExceeded(f"the value is nested deeper than {MAX_DEPTH} levels")


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
