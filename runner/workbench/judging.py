"""A performance against what its case expects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engine.paths import own_id, without_indices
from runner.engine.runs import Status
from runner.values import Json
from runner.workbench.bench import answer_json
from runner.workbench.case_keys import EXACTLY
from runner.workbench.matching import MISSING, Difference, Path, differences, is_exact

if TYPE_CHECKING:
    from runner.workbench.bench import Made, Performance
    from runner.workbench.cases import Case


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Something that is not as expected. `where` is its path as it is shown, such as
    `steps.order.total`; `written` that of the expectation under `expect`, empty where none was
    written. `got` is MISSING where there is nothing. A `sentence` says what two values do not.
    """

    where: str
    written: Path
    expected: Json
    got: Json
    sentence: str = ""
    around: Json = MISSING  # as of `Difference`


def judge(case: Case, performance: Performance) -> list[Finding]:
    """All that differs, in the order of the case."""
    found = [*_unwanted_end(case, performance)]
    for key, expected in case.expect.items():
        found += _of_key(key, expected, performance)
    if case.is_strict:
        missing = dict.fromkeys(one.name for one in performance.calls if not one.is_given)
        for name in missing:
            sentence = f"{name} was called, and `given` does not say what it gives back"
            found.append(Finding("given", (), MISSING, MISSING, sentence))
    return found


def value_of(key: str, performance: Performance) -> Json:
    """What came under *key* of `expect`, whole; of `steps` and `outcomes` by path."""
    match key:
        case "status":
            return performance.status
        case "title":
            return performance.title
        case "output":
            return performance.output
        case "runs":
            return performance.runs
        case "state":
            return performance.state
        case "answer":
            return answer_json(performance.answer)
        case "reason":
            return performance.reason.as_json()
        case "notes":
            return list(performance.notes)
        case "steps":
            return performance.steps
        case "outcomes":
            return performance.outcomes
    return [{one.name: one.inputs} for one in performance.calls]


def _unwanted_end(case: Case, performance: Performance) -> Iterator[Finding]:
    """Without `status`, a run that failed is not what anybody wants unnoticed."""
    if "status" not in case.expect and performance.status == Status.FAILED:
        sentence = "the run failed; `status: failed` expects it"
        yield Finding("status", (), MISSING, performance.status, sentence)


def _of_key(key: str, expected: Json, performance: Performance) -> Iterator[Finding]:
    if key in ("steps", "outcomes"):
        if isinstance(expected, dict):
            for name, one in expected.items():
                yield from _of_step(key, name, one, value_of(key, performance))
    elif key == "actions":
        yield from _of_actions(expected, performance.calls)
    elif key == "reason" and isinstance(expected, str):
        sentence = performance.reason.sentence
        if expected not in (performance.reason.code, sentence) and expected not in sentence:
            yield Finding("reason", ("reason",), expected, sentence)
    elif key == "notes" and isinstance(expected, list):
        for index, text in enumerate(expected):
            if not any(str(text) in note for note in performance.notes):
                yield Finding(f"notes[{index}]", ("notes", index), text, list(performance.notes) or MISSING)
    else:
        if key == "answer":
            expected = _with_lower_headers(expected)
        yield from _shown(differences(expected, value_of(key, performance)), (key,), key)


def _of_step(key: str, name: str, expected: Json, values: dict[str, Json]) -> Iterator[Finding]:
    """What one step gave: *name* is its path, or its id where it ran once."""
    paths = [name] if name in values else [path for path in values if _is(path, name)]
    where, written = f"{key}.{name}", (key, name)
    if len(paths) > 1:
        sentence = f"it ran {len(paths)} times; name one of them, such as {paths[0]}"
        yield Finding(where, (), MISSING, MISSING, sentence)
        return
    got = values[paths[0]] if paths else MISSING
    if got is MISSING and expected is not None:
        yield Finding(where, written, expected, MISSING, "it was not reached")
        return
    yield from _shown(differences(expected, got), written, where)


def _is(path: str, name: str) -> bool:
    return own_id(path) == name or without_indices(path) == name


def _of_actions(expected: Json, calls: Sequence[Made]) -> Iterator[Finding]:
    """Each expected call behind the one before; with `exactly`, or where none is expected, no others."""
    written: Path = ("actions",)
    is_whole = is_exact(expected)
    if is_whole:
        expected, written = expected[EXACTLY], (*written, EXACTLY)
    wanted = [_named(one) for one in expected] if isinstance(expected, list) else []
    if is_whole or not wanted:
        yield from _each_call(wanted, calls, written)
        return
    at = 0
    for index, (name, inputs) in enumerate(wanted):
        behind = [number for number in range(at, len(calls)) if _is_call(calls[number], name)]
        match = next((one for one in behind if not any(differences(inputs, calls[one].inputs))), None)
        if match is not None:
            at = match + 1
            continue
        where, place = f"actions[{index}].{name}", (*written, index, name)
        if not behind:
            names = [one.name for one in calls]
            sentence = f"there is no such call{' behind the one before' if at else ''}; calls made: "
            yield Finding(where, (), MISSING, MISSING, sentence + (", ".join(names) or "none"))
            continue
        at = behind[0] + 1  # the nearest that could be meant
        yield from _shown(differences(inputs, calls[behind[0]].inputs), place, where)


def _each_call(wanted: Sequence[tuple[str, Json]], calls: Sequence[Made], written: Path) -> Iterator[Finding]:
    for index, (name, inputs) in enumerate(wanted):
        where = f"actions[{index}].{name}"
        if index >= len(calls):
            yield Finding(where, (), MISSING, MISSING, f"there are only {len(calls)} calls")
        elif not _is_call(calls[index], name):
            yield Finding(where, (), MISSING, MISSING, f"this call is one of {calls[index].name}")
        else:
            place = (*written, index, name)
            yield from _shown(differences(inputs, calls[index].inputs), place, where)
    for index, call in enumerate(calls[len(wanted) :], start=len(wanted)):
        where = f"actions[{index}].{call.name}"
        yield Finding(where, (), MISSING, call.inputs, "this call was not expected")


def _named(expected: Json) -> tuple[str, Json]:
    """The name and the inputs of an expected call."""
    if isinstance(expected, str):
        return expected, {}
    name, inputs = next(iter(expected.items()))
    return name, {} if inputs is None else inputs


def _is_call(call: Made, name: str) -> bool:
    return name in (call.name, call.path, without_indices(call.path), own_id(call.path))


def _with_lower_headers(expected: Json) -> Json:
    """Names of headers are lower-case in what came."""
    if not isinstance(expected, dict) or not isinstance(expected.get("headers"), dict):
        return expected
    return {**expected, "headers": {name.lower(): one for name, one in expected["headers"].items()}}


def _shown(found: Iterator[Difference], written: Path, where: str) -> Iterator[Finding]:
    for one in found:
        path = where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in one.path)
        yield Finding(path, (*written, *one.written), one.expected, one.got, around=one.around)
