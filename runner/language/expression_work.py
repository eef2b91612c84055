"""What one evaluation of an expression may still do and build, and the shape of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import LimitExceeded
from runner.language.weight import MAX_WEIGHT, NODE, Budget

if TYPE_CHECKING:
    from runner.language.scope import Scope
    from runner.values import Json

MAX_OPERATIONS = 1_000_000  # 0.1 s of CPU at what most take, a second at what the dearest take
CALL = 4  # operations of a function's call: it checks and weighs what it is given
PAGE = 4096  # characters of a text that are compared at the cost of one operation


class Work(Budget):
    """
    What is left of one evaluation, and the scope it sees. `has_built`: its value may hold more
    than the scope does, shared parts counted. `_kept` is what functions remember in between.
    """

    __slots__ = ("_kept", "has_built", "names", "operations", "scope")

    def __init__(self, scope: Scope) -> None:
        self.left = MAX_WEIGHT  # set here: a call of the parent's __init__ would double the cost
        self.operations = MAX_OPERATIONS
        self.scope = scope
        self.names = scope.names
        self.has_built = False
        self._kept: dict[Json, Json] | None = None

    @property
    def kept(self) -> dict[Json, Json]:
        """What functions remember within this evaluation: compiled keys, how often one was called."""
        if self._kept is None:
            self._kept = {}
        return self._kept

    def spend(self, operations: int) -> None:
        """
        Take *operations* off, before a loop the cost of all its turns.

        Raises:
            LimitExceeded: nothing is left.
        """
        self.operations -= operations
        if self.operations < 0:
            raise LimitExceeded(f"the evaluation takes more than {MAX_OPERATIONS:,} operations")

    def built(self, length: int) -> None:
        """
        Charge the frame of a list or object of *length* parts; the parts are weighed where
        something walks them.

        Raises:
            LimitExceeded: nothing is left.
        """
        self.has_built = True
        self.charge((length + 1) * NODE)


Step: TypeAlias = Callable[["Json", Work], "Json"]
"""One node of an expression: what it makes of the current value."""


def is_truthy(value: Json) -> bool:
    """False for false, null, "", [] and {} alone; a number is never falsy."""
    if isinstance(value, (str, list, dict)):
        return bool(value)
    return value is not None and value is not False
