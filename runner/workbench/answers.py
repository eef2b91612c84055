"""
Recorded answers in place of what is outside of a run: its actions, the workflows that it calls, and
those who answer its `wait_for` steps. What is asked for is noted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, RootModel

from runner.engine.calling import Child
from runner.engine.paths import own_id, without_indices
from runner.engine.resuming import Given as Reply
from runner.engine.runs import Status
from runner.values import Json
from runner.workbench.cases import Given

if TYPE_CHECKING:
    from runner.engine.calling import Asked, Children
    from runner.engine.calls import Prepared
    from runner.engine.runs import Event, Record, Run

NOTHING = Given()
OWN = "state."  # actions that reach nothing outside: they do what they do, in memory


class Answered(RootModel[Json]):
    """What a call gives: any JSON."""


@dataclass(frozen=True, slots=True)
class Called:
    """
    A call of *name* (an action, or a workflow's slug) by the step at *path*; `is_given` tells whether
    an answer was there for it.
    """

    name: str
    path: str
    is_given: bool


class Answers:
    """
    What stands in for one run's outside. *given* has answers by a step's path, with or without
    indices, by its id, or by what it calls: the first of these that is there.
    """

    def __init__(self, given: Mapping[str, Sequence[Given]]) -> None:
        self.calls: dict[str, Called] = {}  # the first attempt of each path, in order
        self.reach: Callable[[float], None] = lambda _moment: None  # lets the run's own time come to a moment
        self._given = given
        self._used: Counter[str] = Counter()

    async def __call__(self, prepared: Prepared) -> BaseModel | None:
        """As `runner.engine.turn.StandIn`: the answer, after its time."""
        name = prepared.action.name
        answer = self.next(prepared.path, name)
        is_own = answer is None and name.startswith(OWN)
        self.calls.setdefault(prepared.path, Called(name, prepared.path, is_own or answer is not None))
        if is_own:
            return None
        answer = answer or NOTHING
        await asyncio.sleep(answer.after_seconds)
        if answer.error:
            raise answer.error.raised()
        return Answered(answer.result)

    def next(self, path: str, name: str | None = None) -> Given | None:
        """The next answer for the step at *path*; None where none is given. The last one stays."""
        names = (path, without_indices(path), own_id(path), name)
        key = next((one for one in names if one in self._given), None)
        if key is None:
            return None
        answers = self._given[key]
        answer = answers[min(self._used[key], len(answers) - 1)]
        self._used[key] += 1
        return answer


class GivenCalling:
    """
    See `runner.engine.calling.Calling`: called workflows end at once with what is given for them. *keep*
    takes the record of the step that calls, which is written with the child.
    """

    def __init__(self, answers: Answers, keep: Callable[[Sequence[Record]], None]) -> None:
        self.answers = answers
        self._keep = keep
        self.children = cast("Children", None)  # nobody looks for a child that has ended

    async def start(
        self,
        run: Run,  # noqa: ARG002 - the port's
        event: Event,
        record: Record,
        asked: Asked,
        *,
        files: Collection[str],  # noqa: ARG002
    ) -> Child:
        """The child, after its time."""
        answer = self.answers.next(record.path, asked.workflow)
        called = Called(asked.workflow, record.path, answer is not None)
        self.answers.calls.setdefault(record.path, called)
        answer = answer or NOTHING
        await asyncio.sleep(answer.after_seconds)
        identity = f"{event.id}.{record.path}"
        if not asked.waits:  # what it gives is the run's id
            identity = answer.result if isinstance(answer.result, str) else identity
            record = replace(record, output=identity)
        self._keep([record])
        if answer.error:
            return Child(identity, event.id, Status.FAILED, answer.error.message)
        return Child(identity, event.id, Status.SUCCEEDED, output=answer.result)


class GivenReplies:
    """See `runner.engine.resuming.Heard`: what is given for `wait_for` steps, when its time has come."""

    def __init__(self, answers: Answers, clock: Callable[[], float]) -> None:
        self._answers = answers
        self._clock = clock
        self._coming: dict[str, tuple[float, Given] | None] = {}

    def next_at(self) -> float | None:
        """When the next of them comes."""
        times = [one[0] for one in self._coming.values() if one and one[0] > self._clock()]
        return min(times, default=None)

    async def given(self, run_id: str, path: str) -> Reply | None:
        """The answer to the step at *path*, if it has come."""
        if path not in self._coming:
            answer = self._answers.next(path)
            has_come = answer is not None and answer.error is None
            self._coming[path] = (
                (self._clock() + answer.after_seconds, answer) if answer and has_come else None
            )
        coming = self._coming[path]
        if coming is None or coming[0] > self._clock():
            return None
        return Reply(run_id, path, coming[1].result, "test", coming[0])

    async def close(self, run_id: str, path: str, *, now: float) -> Reply:
        """The time was over."""
        return await self.given(run_id, path) or Reply(run_id, path, None, None, now)
