"""A case of a test file: what comes in, what the actions give back, and what shall come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import ActionError, ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.values import Json

if TYPE_CHECKING:
    from runner.language.nodes import Node
    from runner.language.workflow import Place

DEFAULT_NOW = 1767258000.0  # 2026-01-01T09:00:00Z, a Thursday: a case gives the same on any day


@dataclass(frozen=True, slots=True)
class GivenError:
    """How a call fails: `type` is one of language.md's, `status` an HTTP status where there is one."""

    type: str
    message: str
    status: int | None = None
    retry_after_seconds: float | None = None

    def raised(self) -> ActionError:
        """The error as a connector would raise it."""
        cause = str(self.status) if self.status else "network"
        match self.type:
            case "connection_rejected":
                return ConnectionRejected(self.message)
            case "unavailable":
                return Unavailable(self.message, retry_after_seconds=self.retry_after_seconds, cause=cause)
            case "outcome_unknown":
                return OutcomeUnknown(self.message, cause=cause)
            case "timeout":
                return TimedOut(self.message)
        return Rejected(self.message)


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: a result or an error, after so many seconds of the case's own clock."""

    result: Json = None
    error: GivenError | None = None
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """
    What starts the run. Of `file`, `body`, `recorded` (the id of a recorded event) and `payload` one
    is given at most; `has_payload` tells a payload that is null from none. Header names are lower-case.
    """

    file: str | None = None
    payload: Json = None
    has_payload: bool = False
    body: str | None = None
    recorded: str | None = None
    trigger: str | None = None
    method: str | None = None
    path: str | None = None
    query: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str | None = None
    delivery_id: str | None = None
    source_ip: str | None = None
    item: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """
    One case. `expect` has what was written, by key, and `expected` the node of it (None: nothing
    is expected but that the run does not fail); `node` is the whole case in its file.
    """

    name: str
    place: Place
    node: Node
    event: GivenEvent = GivenEvent()
    given: Mapping[str, Sequence[Given]] = field(default_factory=dict)
    expect: Mapping[str, Json] = field(default_factory=dict)
    expected: Node | None = None
    is_strict: bool = False
    now: float | None = None
    vars: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Json] = field(default_factory=dict)
