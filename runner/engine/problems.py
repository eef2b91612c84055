"""
Problems: many runs that failed, or wait for a destination that does not answer, as one thing.

Runs stand under one problem when workflow, step and cause are the same. A problem opens with its
first run and closes when none of its runs is failed or under way any more, or when a person
dismisses it. What fails anew within a day of a problem that closed by itself opens that problem
again; a dismissed one is put away for good with its runs: what only waits among them stays there,
what fails for good is news, and so stands under a problem of its own.

Of a call that got no answer nothing says why. So a run that failed of one has no cause of its own as
long as its step has trouble that people were told of just now: it stands there, as one that may have
arrived, and nobody is called twice in a night for one step.

A sender from whom nothing comes is a problem too, of the kind "silent" and without runs
(`runner.engine.silence`), and so are a poll that fails again and again: "poll" (`runner.engine.polls`), and
too many runs that wait: "backlog" (`runner.engine.crowding`).

Pure, but for the port at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from runner.engine.paths import steps_by_path, without_indices
from runner.engine.replays import IN_DOUBT
from runner.engine.runs import Record, RecordStatus, Status
from runner.language.workflow import Action

if TYPE_CHECKING:
    from runner.engine.history import Page, Span
    from runner.engine.runs import TurnEnd
    from runner.language.workflow import Workflow
    from runner.values import Json

REOPENED_SECONDS = 86400.0  # how long after its closing the same cause is the same problem
TOGETHER_SECONDS = 3600.0  # how long after its opening a problem takes in what got no answer at its step
LONGEST_CAUSE = 200  # characters: it is a key
LONGEST_SENTENCE = 500
LONGEST_READ = 2000
NOT_ANSWERING = frozenset({"unavailable", "timeout", "outcome_unknown"})

QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|`[^`]*`|(?<!\w)'[^']*'(?!\w)")
ADDRESS = re.compile(r"[^\s<>\"]+@[^\s<>\"]+|https?://[^\s<>\"]+")
NUMBERED = re.compile(r"[\w-]*\d[\w-]*(?:[.:,]\d[\w-]*)*")  # numbers, times, and ids that hold a digit


@dataclass(frozen=True, slots=True)
class Trouble:
    """
    What a run failed of or waits for, as far as it has that in common with others. `destination`
    is the connection, host or service that does not answer; `at` is UTC seconds. `is_in_doubt`: the run
    failed, and what it failed at may have happened.
    """

    workflow: str
    step: str
    cause: str
    sentence: str
    destination: str | None
    at: float
    is_in_doubt: bool = False


def trouble_of(
    workflow: Workflow | None,
    slug: str,
    records: Mapping[str, Record],
    end: TurnEnd,
    *,
    mask: Callable[[str], str],
    at: float,
) -> Trouble | None:
    """
    What is wrong with a run that ends a turn so; None where nothing is. *workflow* is None where
    the version cannot be loaded. *mask* takes the secrets out of what the world said.
    """
    if end.status is Status.FAILED and end.reason is not None:
        facts = end.reason.facts
        path, error_type = str(facts.get("step", "")), str(facts.get("type", end.reason.code))
        message = str(facts.get("message", end.reason.sentence))
        record = records.get(path)
    elif end.status is Status.WAITING:
        record = _first_failing(records.values())
        if record is None:
            return None
        path, error_type, message = record.path, record.error["type"], record.error["message"]
    else:
        return None
    message = mask(message)  # before it is normalised: half a secret is still a secret
    step = without_indices(path)
    destination = None
    if record is not None and workflow is not None and _is_of_destination(error_type):
        destination = _destination(workflow, step, record)
    if record is None or destination is None:
        cause = f"{error_type}: {normalised(message)}"
        sentence = message if error_type == "unloadable" else f"{step or 'The run'} failed: {message}"
    elif error_type in NOT_ANSWERING:
        cause = f"unavailable: {destination}"
        sentence = message if record.parked_at else f"{destination} does not answer: {message}"
    else:
        cause = f"{error_type}: {destination}"
        sentence = f"{destination} refuses what we sign in with: {message}"
    return Trouble(
        slug, step, cause[:LONGEST_CAUSE], sentence[:LONGEST_SENTENCE], destination, at,
        is_in_doubt=end.status is Status.FAILED and error_type in IN_DOUBT,
    )  # fmt: skip


def normalised(message: str) -> str:
    """*message* without what differs from run to run: quoted parts, addresses, digits and ids."""
    text = QUOTED.sub("…", message[:LONGEST_READ])
    text = ADDRESS.sub("…", text)
    return " ".join(NUMBERED.sub("#", text).split())


def _first_failing(records: Iterable[Record]) -> Record | None:
    """The effect that waits longest of those whose attempt failed or whose destination is down."""
    waiting = [
        one
        for one in records
        if one.status is RecordStatus.WAITING and one.error and (one.attempts or one.parked_at)
    ]
    return min(waiting, key=lambda one: (one.started_at, one.path), default=None)


def _is_of_destination(error_type: str) -> bool:
    return error_type in NOT_ANSWERING or error_type == "connection_rejected"


def _destination(workflow: Workflow, step: str, record: Record) -> str | None:
    """The connection that the step names, else the host that it calls, else its service."""
    found = steps_by_path(workflow).get(step)
    if found is None or not isinstance(found.body, Action):
        return None
    if found.body.connection:
        return found.body.connection
    url = record.input.get("url") if isinstance(record.input, dict) else None
    try:
        host = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        host = None
    return host or found.body.action.partition(".")[0]


class Problems(Protocol):
    """
    Problems as people see them. As JSON: `id, kind (runs, silent, poll, backlog), workflow, step, cause,
    sentence, destination, status (open, closed), opened_at, seen {at, by} or null, closed_at, dismissed_by,
    note, runs {total, failed, waiting, under_way, recovered, cancelled}, last_at` (when its latest run
    was accepted), `replay` (the id of one that is under way or paused, or null); times ISO 8601.

    All methods raise StoreUnavailable.
    """

    async def page(
        self, *, status: str | None = None, workflow: str | None = None, cursor: str | None = None,
        limit: int = 50,
    ) -> Page:  # fmt: skip
        """Problems, newest first. Raises ValueError: the cursor is none of ours."""

    async def open_count(self) -> int:
        """How many are open."""

    async def show(self, problem_id: str) -> Json:
        """One problem. Raises NotFound."""

    async def spans(self, problem_id: str, *, count: int) -> tuple[float, float, list[Span]]:
        """
        When its first and its last run were accepted (UTC seconds), and how many were in each of *count*
        equal parts of that time; no parts where it has no runs.
        """

    async def in_doubt(self, problem_id: str) -> int:
        """How many of its failed runs left something behind that may have happened."""

    async def hasten(self, problem_id: str, *, now: float) -> int:
        """
        Let those of its runs that wait for their next attempt make it now (the first hundred; what is
        parked goes on with its destination); how many.
        """

    async def seen(self, problem_id: str, *, by: str, now: float) -> Json:
        """Note that *by* has seen it; the first one stands. Raises NotFound, MoveRefused: it is closed."""

    async def dismiss(self, problem_id: str, *, by: str, note: str, now: float) -> Json:
        """Close it although runs are left. Raises NotFound, MoveRefused: it is closed."""
