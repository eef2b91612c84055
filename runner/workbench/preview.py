"""
A preview: what a text would do with an event, step by step, with each exact request, and nothing sent.

Where a step hangs on an answer that is invented here, it is said that this cannot be known yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.engine.filtered import did_not_hold
from runner.engine.paths import steps_by_path, without_indices
from runner.errors import as_sentence
from runner.language.secrets import MASK
from runner.language.workflow import (
    CallWorkflow,
    Filter,
    Group,
    Parallel,
    Step,
    Switch,
    TemplateStep,
    Transform,
    WaitFor,
)
from runner.values import Json
from runner.workbench.altering import NOTHING, altered
from runner.workbench.bench import Bench, Situation, answer_json, perform
from runner.workbench.cases import Given
from runner.workbench.cutting import cut
from runner.workbench.evaluating import used_by
from runner.workbench.rehearsal import secret_names
from runner.workbench.scopes import Scopes, scope_of
from runner.workbench.sending import Sendings, counted, destination_of, destinations, effect_of

if TYPE_CHECKING:
    from runner.connector import Action as Called
    from runner.connector import Connection
    from runner.engine.redact import Veil
    from runner.engine.runs import Event
    from runner.engine.turn import Evaluator, Outbound
    from runner.language.faults import Fault
    from runner.language.load import Loaded
    from runner.language.outline import Outlined
    from runner.language.workflow import Workflow
    from runner.settings_commands import Commands
    from runner.workbench.bench import Performance
    from runner.workbench.sending import Recorded, Sending

HIDDEN = "What came in is hidden: no version of this workflow can be read that says what may be shown."
MOST_TRIES = 8  # filters that hang on an invented answer and are passed over, one a try
DONE, STOPPED, SKIPPED, SENDS, FAILED, UNKNOWN, NOT_REACHED = (
    "passed", "stopped", "skipped", "would_send", "failed", "unknown", "not_reached",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """What previews have in common; `outbound` sends nothing, `connection(name)` holds no secret."""

    evaluator: Evaluator
    outbound: Outbound
    action: Callable[[str], Called | None]
    connection: Callable[[str], Connection | None]
    commands: Commands = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen: the answer as JSON, and what hides values in it (outputs by the ids of steps)."""

    answer: dict[str, Json]
    outputs: Sequence[tuple[str, Json]] = ()


@dataclass(slots=True)
class _Tried:
    """One performance, and what it was tried with."""

    performance: Performance
    sendings: Sendings
    scopes: Scopes
    unknown: frozenset[str]  # filters that were passed over


async def preview(
    desk: Desk,
    loaded: Loaded,
    steps: Sequence[Outlined],
    event: Event,
    recorded: Mapping[str, Recorded],
    *,
    upto: str | None = None,
) -> Looked:
    """
    What *loaded*, whose text has *steps*, would do with *event*, as far as the step *upto* (None: all). To
    be run on a `VirtualTimeLoop`; `desk.evaluator` is bounded by its process.
    """
    faults = [one.as_json() for one in loaded.faults]
    if loaded.draft is None:
        return Looked({**_nothing("The text cannot be read yet."), "faults": faults})
    broken = _broken(loaded.faults, steps)
    shown = _upto(steps, upto)
    workflow = _mendable(loaded.draft, broken, {one.path for one in shown})
    tried = await _tried(desk, workflow, event, recorded)
    maker = _Rows(workflow, tried, broken)
    rows = [maker.row(one) for one in shown]
    performance = tried.performance
    made = list(tried.sendings.made.values())
    outputs = [(path, value) for path, value in performance.steps.items()]
    reason = performance.reason
    if reason.code == "succeeded":
        reason = replace(reason, sentence="It goes to its end.")
    answer = {
        "status": performance.status,
        "reason": reason.as_json(),
        "title": performance.title,
        "runs": performance.runs,
        "steps": rows,
        "faults": faults,
        "answer": answer_json(performance.answer),
        "sends": [one.as_json() for one in destinations(made)],
    }
    return Looked(answer, outputs)


def veiled(answer: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    """What `preview` gives, with what *veil* hides masked."""
    if veil.is_all:
        return {**_nothing(HIDDEN), "faults": answer["faults"]}
    reason = answer["reason"]
    shown_reason = {**reason, "sentence": veil.text(reason["sentence"]), "facts": veil.value(reason["facts"])}
    return {
        **answer,
        "reason": shown_reason,
        "title": veil.text(answer["title"]),
        "steps": [_veiled_row(one, veil) for one in answer["steps"]],
        "answer": veil.value(answer["answer"]),
        "sends": [
            {**one, "destination": veil.text(one["destination"]), "sentence": veil.text(one["sentence"])}
            for one in answer["sends"]
        ],
    }


def _veiled_row(row: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    at = ("steps", row["id"]) if row["id"] else ()
    used = [{**one, "value": veil.at(one["path"].split("."), one["value"])} for one in row["used"]]
    return {
        **row,
        "input": veil.value(row["input"]),
        "output": veil.at(at, row["output"]) if at else veil.value(row["output"]),
        "error": veil.value(row["error"]),
        "sentence": veil.text(row["sentence"]),
        "used": used,
        "request": veil.value(row["request"]),
    }


def _nothing(sentence: str) -> dict[str, Json]:
    reason = {"code": "unreadable", "sentence": sentence, "facts": {}}
    return {
        "status": "unreadable", "reason": reason, "title": "", "runs": 0, "steps": [], "faults": [],
        "answer": None, "sends": [],
    }  # fmt: skip


def bench_of(desk: Desk, sendings: Sendings) -> Bench:
    """The bench at which *sendings* take place."""
    return Bench(desk.evaluator, sendings.action, desk.outbound, desk.connection, desk.commands)


async def _tried(desk: Desk, workflow: Workflow, event: Event, recorded: Mapping[str, Recorded]) -> _Tried:
    """The performance in which no filter stops it whose value hangs on an invented answer."""
    passed: set[str] = set()
    while True:
        sendings = Sendings(desk.action, recorded, _given(workflow))
        scopes = Scopes()
        bench = bench_of(desk, sendings)
        situation = Situation(
            secrets=dict.fromkeys(secret_names(workflow), MASK), event_type=event.type,
            delivery_id=event.delivery_id,
        )  # fmt: skip
        tried = replace(workflow, mode="live")
        if passed:
            tried = altered(tried, lambda path, step: replace(step, body=NOTHING) if path in passed else step)
        performance = await perform(bench, tried, event, sendings, situation, begin=scopes.begin)
        stopped = performance.reason.facts.get("step") if performance.status == "filtered" else None
        found = _Tried(performance, sendings, scopes, frozenset(passed))
        if not isinstance(stopped, str) or len(passed) >= MOST_TRIES:
            return found
        stopped = without_indices(stopped)
        if stopped in passed or stopped not in _hanging(workflow, _invented(sendings)):
            return found
        passed.add(stopped)


def _given(workflow: Workflow) -> dict[str, list[Given]]:
    """What stands in place of answers that people give: an approval's first choice."""
    given = {}
    for path, step in steps_by_path(workflow).items():
        if isinstance(step.body, WaitFor):
            asked = step.body.approval
            answer = {"choice": asked.choices[0], "by": "someone", "comment": None} if asked else {}
            given[path] = [Given(answer)]
    return given


def _invented(sendings: Sendings) -> frozenset[str]:
    return frozenset(without_indices(path) for path, one in sendings.made.items() if one.is_invented)


def _hanging(workflow: Workflow, invented: frozenset[str]) -> frozenset[str]:
    """The steps whose result hangs on what *invented* steps gave, by way of others too."""
    by_path = steps_by_path(workflow)
    ids = {
        step.id for path, step in by_path.items()
        if step.id and (path in invented or isinstance(step.body, WaitFor | CallWorkflow))
    }  # fmt: skip
    hanging: set[str] = set()
    for path, step in by_path.items():  # in the order of the file
        if ids & _reads(step):
            hanging.add(path)
            if step.id:
                ids.add(step.id)
    return frozenset(hanging)


def _reads(step: Step) -> frozenset[str]:
    """The ids of steps that what *step* does hangs on."""
    read = step.condition.step_ids if step.condition else frozenset()
    match step.body:
        case Filter(test):
            return read | test.step_ids
        case Transform(shape) | TemplateStep(shape):
            return read | shape.step_ids
        case Switch(cases):
            return read.union(*(one.when.step_ids for one in cases if one.when))
        case _:
            items = getattr(step.body, "items", None)
            return read | items.step_ids if items is not None else read


def _broken(faults: Sequence[Fault], steps: Sequence[Outlined]) -> dict[str, Fault]:
    """The first error of each step of its own, by its path."""
    found: dict[str, Fault] = {}
    for fault in faults:
        if fault.severity != "error":
            continue
        own = [one for one in steps if fault.where == one.where or fault.where.startswith((f"{one.where}.",))]
        if own:
            found.setdefault(max(own, key=lambda one: len(one.where)).path, fault)
    return found


def _upto(steps: Sequence[Outlined], upto: str | None) -> Sequence[Outlined]:
    last = next((index for index, one in enumerate(steps) if one.path == upto), None)
    return steps if last is None else steps[: last + 1]


def _mendable(workflow: Workflow, broken: Mapping[str, Fault], wanted: set[str]) -> Workflow:
    """*workflow* with only the *wanted* steps, those that are broken doing nothing."""

    def changed(path: str, step: Step) -> Step | None:
        if path not in wanted:
            return None
        # what holds steps is run for their sake, as far as it was read
        is_run = path not in broken or isinstance(step.body, Group | Switch | Parallel)
        return step if is_run else replace(step, body=NOTHING, condition=None)

    return altered(workflow, changed)


@dataclass(slots=True)
class _Rows:
    """Makes what is shown of each step."""

    workflow: Workflow
    tried: _Tried
    broken: Mapping[str, Fault]
    traced: dict[str, list[Json]] = field(default_factory=dict)
    hanging: frozenset[str] = frozenset()
    by_path: Mapping[str, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        last = {entry["path"]: entry for entry in self.tried.performance.trace if "path" in entry}
        for path, entry in last.items():  # of several turns the last one counts
            self.traced.setdefault(without_indices(path), []).append(entry)
        self.hanging = _hanging(self.workflow, _invented(self.tried.sendings))
        self.by_path = steps_by_path(self.workflow)

    def row(self, one: Outlined) -> dict[str, Json]:
        """The step *one*: of several rounds the one that tells most."""
        entries = self.traced.get(one.path, [])
        entry = min(entries, key=_telling, default=None)
        path = entry["path"] if entry else one.path
        sending = self.tried.sendings.made.get(path)
        status, sentence = self._status(one, entry, sending)
        performance = self.tried.performance
        made = next((call for call in performance.calls if call.path == path), None)
        given, is_cut = cut(made.inputs if made else None)
        output, is_output_cut = cut(performance.steps.get(path))
        is_invented = bool(sending and sending.is_invented) or (
            entry is not None and one.kind in ("wait_for", "call")
        )
        return {
            "path": one.path, "id": one.id, "name": one.name, "kind": one.kind, "status": status,
            "times": len(entries), "input": given, "output": output, "is_invented": is_invented,
            "is_cut": is_cut or is_output_cut,
            "error": self._error(one, entry), "sentence": sentence,
            "used": self._used(one, path) if entry else [],
            "request": _request(sending) if sending else None,
            "place": {"line": one.line},
        }  # fmt: skip

    def _status(self, one: Outlined, entry: Json, sending: Sending | None) -> tuple[str, str]:
        fault = self.broken.get(one.path)
        if fault is not None:
            return FAILED, f"{as_sentence(fault.message)} {as_sentence(fault.hint)}".strip()
        if one.path in self.tried.unknown:
            return UNKNOWN, "Whether it goes on here hangs on an answer that nobody has given yet."
        if entry is None:
            return NOT_REACHED, ""
        if one.path in self.hanging and entry["status"] in ("skipped", "filtered"):
            return UNKNOWN, "Whether it runs hangs on an answer that nobody has given yet."
        match entry["status"]:
            case "skipped":
                return SKIPPED, f"Passed over: {entry['test']} does not hold."
            case "filtered":
                facts = {"step": one.path, "test": entry["test"], "seen": entry["seen"]}
                return STOPPED, did_not_hold(facts)
            case "failed" if sending is None or "error" in entry:
                return FAILED, f"{entry['error']['message'].rstrip('.')}."
            case "waiting":
                return UNKNOWN, "It waits here."
        step = self.by_path.get(one.path)
        if sending is not None and sending.lacks_connection:
            return UNKNOWN, f"{counted(effect_of(sending), 1)[:-1]}, once it has a connection."
        if sending is not None:
            return SENDS, counted(effect_of(sending), 1)
        if step is not None and isinstance(step.body, CallWorkflow):
            return SENDS, f"Starts a run of {step.body.workflow}."
        if step is not None and isinstance(step.body, WaitFor):
            return DONE, "It waits for an answer; one is taken as given here."
        return DONE, ""

    def _error(self, one: Outlined, entry: Json) -> Json:
        if (fault := self.broken.get(one.path)) is not None:
            return {"type": "fault", "message": fault.message, "code": fault.code}
        return entry.get("error") if entry else None

    def _used(self, one: Outlined, path: str) -> Json:
        """What the step's conditions saw."""
        step, seen = self.by_path.get(one.path), self.tried.scopes.before.get(one.path)
        if step is None or seen is None:
            return []
        scope = scope_of(seen, path, self.workflow)
        tests = [step.condition] if step.condition else []
        if isinstance(step.body, Filter):
            tests.append(step.body.test)
        elif isinstance(step.body, Switch):
            tests += [case.when for case in step.body.cases if case.when]
        found: dict[str, Json] = {}
        for test in tests:
            found |= {each["path"]: each["value"] for each in used_by(test, scope)}
        return [{"path": name, "value": value} for name, value in found.items()]


def _telling(entry: Json) -> int:
    """Failures first, then what stops, then what runs."""
    order = ("failed", "filtered", "waiting", "succeeded", "skipped")
    return order.index(entry["status"]) if entry["status"] in order else len(order)


def _request(sending: Sending) -> dict[str, Json]:
    """
    `{method, url, headers, body, curl}`, all null where no request of HTTP is known, with
    `destination, effect, is_first` (it only asks; what follows hangs on the answer) and `why`.
    """
    none: dict[str, Json] = dict.fromkeys(("method", "url", "headers", "body", "curl"))
    shown = sending.request.as_json() if sending.request else none
    return {
        **shown,
        "destination": destination_of(sending),
        "effect": counted(effect_of(sending), 1),
        "is_read": sending.is_read,
        "why": sending.why or None,
    }
