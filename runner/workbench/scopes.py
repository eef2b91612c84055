"""
What each step of a workflow sees: found by letting an event go its way as far as it goes, past what would
stop it, so that the names before any step are known while the text is still written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.engine.paths import steps_by_path, without_indices
from runner.engine.resuming import question_id, urls_of
from runner.errors import ExpressionError
from runner.language.awaited import paths_seen_from
from runner.language.scope import Scope
from runner.language.workflow import NO_RETRY, Action, Fail, Filter, ForEach, Repeat, Stop
from runner.workbench.altering import NOTHING, altered
from runner.workbench.bench import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.engine.turn import Frame
    from runner.language.outline import Outlined
    from runner.language.workflow import Step, Workflow
    from runner.values import Json


@dataclass(frozen=True, slots=True)
class Seen:
    """The names that one place sees, the path that it hangs under, and what `now()` gives there."""

    names: Mapping[str, Json]
    prefix: str
    now: float


@dataclass(slots=True)
class Scopes:
    """`before` has what each step saw before it did anything; `lists` what the end of each list sees."""

    before: dict[str, Seen] = field(default_factory=dict)
    lists: dict[str, Frame] = field(default_factory=dict)
    first: Seen | None = None

    def begin(self, step: Step, frame: Frame) -> None:
        """See `runner.engine.turn.Turn.begin`: of several rounds the first one counts."""
        path = without_indices(frame.prefix + step.key)
        seen = _seen(frame)
        self.first = self.first or seen
        self.before.setdefault(path, seen)
        self.lists.setdefault(without_indices(frame.prefix), frame)

    def at(self, path: str | None, steps: Sequence[Outlined], workflow: Workflow) -> Seen | None:
        """
        What the step at *path* (without indices; None: the first) sees. Of one that did not run: what
        the end of its list sees, else the step around it. None where no step ran at all.
        """
        if path is None:
            return self.first
        if path in self.before:
            return self.before[path]
        own = next((one for one in steps if one.path == path), None)
        if own is None:
            return self.first
        if own.prefix in self.lists:
            return _seen(self.lists[own.prefix])
        around = _around(own.prefix)
        seen = self.at(around, steps, workflow) if around else self.first
        body = steps_by_path(workflow)[around].body if around in steps_by_path(workflow) else None
        return _inside(seen, body, workflow) if seen else None


def passing(workflow: Workflow) -> Workflow:
    """*workflow* with nothing in it that ends a run before its last step, or waits for another attempt."""

    def passed(_path: str, step: Step) -> Step:
        if isinstance(step.body, Filter | Stop | Fail):
            return replace(step, body=NOTHING, condition=None)
        if isinstance(step.on_error, tuple):
            return step
        retry = NO_RETRY if isinstance(step.body, Action) else step.retry
        return replace(step, on_error="continue", retry=retry)

    return altered(workflow, passed)


def scope_of(seen: Seen, path: str, workflow: Workflow) -> Scope:
    """The scope of an expression at *path*."""
    paths = paths_seen_from(seen.prefix, workflow.awaited) if workflow.awaited else {}
    urls = urls_of("run", paths, question_id, ADDRESS)
    return Scope(dict(seen.names), seen.now, path, workflow.timezone, resume_urls=urls)


def _seen(frame: Frame) -> Seen:
    own = {"steps": dict(frame.names["steps"]), "outcomes": dict(frame.names["outcomes"])}
    return Seen({**frame.names, **own}, frame.prefix, frame.now)


def _around(prefix: str) -> str:
    """The path of the step around a list: `lines` of `lines.`, `kind` of `kind.case#1.`."""
    path = prefix.removesuffix(".").removesuffix("!error")
    head, _, last = path.rpartition(".")
    return head if last.startswith("case#") else path


def _inside(seen: Seen, body: object, workflow: Workflow) -> Seen:
    """*seen* with the names that a loop adds for its first item."""
    if isinstance(body, ForEach):
        try:
            items = body.items.evaluate(scope_of(seen, "", workflow))
        except ExpressionError:
            items = None
        item = items[0] if isinstance(items, list) and items else None
        return replace(seen, names={**seen.names, body.name: item, "index": 0})
    if isinstance(body, Repeat):
        return replace(seen, names={**seen.names, "previous": None, "index": 0})
    return seen
