"""What an expression sees: the names of language.md, and what its functions need to be repeatable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.language.secrets import SecretSlots
    from runner.language.shelf import Shelf
    from runner.values import Json

ROOTS = (
    "payload",
    "event",
    "steps",
    "outcomes",
    "vars",
    "secrets",
    "run",
    "item",
    "index",
    "previous",
    "error",
)
"""The names at the root; `for_each` may add one by `as`."""


@dataclass(slots=True)
class Allowance:
    """What is left, in operations and in about bytes, of work that has to end soon."""

    operations: int
    weight: int


@dataclass(frozen=True, slots=True)
class Scope:
    """
    The values that one evaluation sees.

    `now` (UTC seconds) is what `now()` gives: the last durable write before the step, so that a
    resumed run computes what it computed before. `entropy` is the run's seed and the step's path:
    `uuid()` and random choices follow from it and from a count. `secrets` is given only where
    language.md lets secrets in (an action's `with`). `resume_urls` has the addresses of `wait_for`
    steps by their ids. `files` has the bytes of files, where
    expressions may read them. With an `allowance` all evaluations together may do no more than that.
    """

    names: dict[str, Json]
    now: float
    entropy: str = ""
    zone: str = "UTC"
    secrets: SecretSlots | None = field(default=None)
    resume_urls: Mapping[str, str] = field(default_factory=dict)
    files: Shelf | None = None
    allowance: Allowance | None = None
