"""
The error tree, and what is done with each leaf.

HooklineError
  + LanguageError          a workflow file or an expression is wrong
    - WorkflowInvalid        a file has faults: the last good version keeps running, the faults are shown
    - ExpressionError        evaluating failed: the step fails with type "expression"
      . LimitExceeded          ... because it passed its bound of work, memory or time
  + InboundError           a request is not accepted; `status` is its answer, and it is kept as rejected
    - BodyUnreadable         400
    - MediaUnsupported       415
    - BodyTooLarge           413
    - NotSplit               422
    - InputsRefused          422, with what is wrong by input
  + ActionError            an action did not succeed
    - Rejected               the same call fails again: the step fails at once
    - ConnectionRejected     ... until a person mends the connection
    - Unavailable            nothing happened: tried again
    - OutcomeUnknown         it may have happened: tried again unless `after_crash: stop`
      . TimedOut               ... because no answer came in time
    - Parked                 nothing was sent, its destination takes no call now: waits, costs no attempt
  + StoreError
    - StoreUnavailable       nothing was committed: 503 to senders, workers wait and try again
    - BacklogFull            503 with Retry-After
    - StaleFence             another worker has the run: what we know of it is dropped
    - MoveRefused            a run may not go from this state to that one: 409
    - NotFound               no such thing: 404
  + SettingsError          hookline.toml, an environment variable or a flag is wrong: exit 2
"""

from __future__ import annotations

from typing import ClassVar


def as_sentence(reason: object) -> str:
    """The message of an error, or any reason, as people read it: with a capital and a full stop."""
    text = str(reason).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


class HooklineError(Exception):
    """The root of all errors that Hookline raises on purpose."""


class LanguageError(HooklineError):
    """A workflow file or an expression in it is wrong."""


class ExpressionError(LanguageError):
    """Evaluating an expression or a template failed; the message is for the author of the workflow."""


class LimitExceeded(ExpressionError):
    """Evaluating passed its bound of work, memory or time."""


class InboundError(HooklineError):
    """A request cannot be accepted; `status` is the HTTP status of the answer."""

    status = 400


class BodyUnreadable(InboundError):
    """The body is not what its content type says; the message names the place."""


class BodyTooLarge(InboundError):
    """The body, one of its files or what it expands to passes its bound."""

    status = 413


class MediaUnsupported(InboundError):
    """The content encoding or character set of the body is not one that we read."""

    status = 415


class NotSplit(InboundError):
    """The workflow's `split` gives no list of items for this event, or not the item that is asked for."""

    status = 422


class InputsRefused(InboundError):
    """A run cannot be started with these inputs; `faults` are (the input's path, what is wrong with it)."""

    status = 422

    def __init__(self, message: str, faults: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.faults = faults


class ActionError(HooklineError):
    """
    An action did not succeed; the message is for a person and holds no secret. `type` is the language's
    `error.type`.
    """

    type: ClassVar[str] = "rejected"


class Rejected(ActionError):
    """The other side refused the call; the same call would fail again."""


class ConnectionRejected(ActionError):
    """The other side refused our credentials; a person has to mend the connection."""

    type = "connection_rejected"


class Unavailable(ActionError):
    """The other side could not be reached or asked us to come back; nothing happened there."""

    type = "unavailable"

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, cause: str = "network"
    ) -> None:
        """`cause` is what `retry.on` names: "network" or an HTTP status as text."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.cause = cause


class OutcomeUnknown(ActionError):
    """The call was sent and no clear answer came: it may have happened."""

    type = "outcome_unknown"

    def __init__(self, message: str, *, cause: str = "network") -> None:
        """`cause` is what `retry.on` names: "network", "timeout" or an HTTP status as text."""
        super().__init__(message)
        self.cause = cause


class TimedOut(OutcomeUnknown):
    """The call was sent and no answer came in time: it may have happened."""

    type = "timeout"

    def __init__(self, message: str) -> None:
        super().__init__(message, cause="timeout")


class Parked(ActionError):
    """
    Nothing was sent: its destination does not answer, has no place free, or is paused. It costs
    no attempt; the run waits at `place` (host:port, or a paused connection) and is woken there. Its `type` is
    no error of a step.
    """

    type = "parked"

    def __init__(self, message: str, *, place: str, is_down: bool = False) -> None:
        """`is_down`: it does not answer, or asked to be left alone."""
        super().__init__(message)
        self.place = place
        self.is_down = is_down


class StoreError(HooklineError):
    """The store refused or failed."""


class StoreUnavailable(StoreError):
    """Nothing was committed: the disk is full, the database locked or gone."""


class BacklogFull(StoreError):
    """More runs wait than the configuration allows."""


class StaleFence(StoreError):
    """Another worker has claimed the run since; nothing was written."""


class MoveRefused(StoreError):
    """The run's state does not allow this."""


class NotFound(StoreError):
    """There is no such workflow, event or run."""


class SettingsError(HooklineError):
    """A setting is wrong; the message names its source and the way out."""
