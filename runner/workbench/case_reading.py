"""Text of a test file → its cases, or all of its faults, each with its place and the way out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from runner.language.faults import Fault
from runner.language.scalars import MAX_FAULTS, NOT_A_DURATION, TooManyFaults, at, described
from runner.language.source import compose
from runner.language.suggest import did_you_mean, nearest, one_of
from runner.language.workflow import WaitFor
from runner.values import Json, duration_seconds
from runner.workbench.case_expecting import ExpectReader, Steps
from runner.workbench.case_keys import ANSWER_KEYS, CASE, ERROR_KEYS, ERRORS, EVENT_KEYS, FILE
from runner.workbench.cases import Case, Given, GivenError, GivenEvent
from runner.workbench.rehearsal import secret_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.language.catalogue import Catalogue
    from runner.language.nodes import Node
    from runner.language.workflow import Workflow

GIVES = frozenset({"action", "wait_for", "call"})  # kinds of step that get something from outside
BODIES = ("file", "payload", "body", "id")


@dataclass(frozen=True, slots=True)
class LoadedCases:
    """The cases that can be run, and all faults, in the order of the file."""

    cases: tuple[Case, ...]
    faults: tuple[Fault, ...]

    @property
    def is_bad(self) -> bool:
        """Whether a fault is an error."""
        return any(one.severity == "error" for one in self.faults)


def load_cases(text: str, *, path: str, workflow: Workflow, catalogue: Catalogue) -> LoadedCases:
    """
    Read the test file of *workflow*. Never raises for a bad text: every fault is returned.

    *path* is the file's name as the faults show it.
    """
    source = compose(text, path=path)
    reader = CaseReader(path, catalogue, workflow)
    reader.faults.extend(source.faults[: MAX_FAULTS // 2])
    cases: list[Case] = []
    try:
        if source.root is not None:
            cases = reader.file(source.root)
    except TooManyFaults:
        pass  # nobody reads more
    faults = sorted(dict.fromkeys(reader.faults), key=lambda one: (one.line, one.column))
    return LoadedCases(tuple(cases), tuple(faults))


class CaseReader(ExpectReader):
    """Reads cases of *workflow*; `faults` has all that is wrong."""

    def __init__(self, path: str, catalogue: Catalogue, workflow: Workflow) -> None:
        super().__init__(path, catalogue, Steps.of(workflow))
        self.workflow = workflow

    def file(self, root: Node) -> list[Case]:
        """The cases, without those that cannot be read."""
        values = self.block(root, FILE, "")
        nodes = values["cases"].value if "cases" in values else []
        cases: list[Case] = []
        seen: dict[str, int] = {}
        for index, node in enumerate(nodes):
            where = f"cases[{index}]"
            before = len(self.errors())
            case = self.case(node, where)
            if case.name in seen:
                first = f"the case in line {seen[case.name]} has this name too"
                self.fault(node.place, f"{where}.name", "duplicate-case", first, "give each its own")
            if case.name:
                seen[case.name] = node.place.line
            if len(self.errors()) == before:
                cases.append(case)
        return cases

    def errors(self) -> list[Fault]:
        """The faults that keep a case from being run."""
        return [one for one in self.faults if one.severity == "error"]

    def case(self, node: Node, where: str) -> Case:
        """One case; what cannot be read of it is left out."""
        values = self.block(node, CASE, where)
        expected: Node | None = values.get("expect")
        return Case(
            name=values.get("name", ""),
            place=node.place,
            node=node,
            event=self.event(values["event"], at(where, "event")) if "event" in values else GivenEvent(),
            given=self.given(values["given"], at(where, "given")) if "given" in values else {},
            expect=self.expect(expected, at(where, "expect")) if expected else {},
            expected=expected,
            is_strict=values.get("strict", False),
            now=self.moment(values["now"], at(where, "now")) if "now" in values else None,
            vars=self.vars(node, values.get("vars", {}), at(where, "vars")),
            state=values.get("state", {}),
            secrets=self.secrets_given(values["secrets"], at(where, "secrets"))
            if "secrets" in values
            else {},
        )

    def moment(self, node: Node, where: str) -> float | None:
        """A date and time, as UTC seconds; without a zone it is UTC."""
        try:
            found = datetime.fromisoformat(str(node.value))
        except ValueError:
            self.fault(
                node.place, where, "moment", f"{node.raw or described(node)} is no date and time",
                "write for example 2026-05-03T09:00:00Z",
            )  # fmt: skip
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

    def vars(self, node: Node, given: Mapping[str, Json], where: str) -> Mapping[str, Json]:
        """Other values for constants that the workflow has."""
        declared = self.workflow.vars
        for name in given.keys() - declared.keys():
            place = node.value["vars"].keys[name]  # type: ignore[index,union-attr,call-overload]  # a mapping
            hint = did_you_mean(name, declared) or (one_of(declared) if declared else "it has none")
            self.fault(place, at(where, name), "unknown-var", f"the workflow has no var `{name}`", hint)
        return given

    def secrets_given(self, node: Node, where: str) -> Mapping[str, str]:
        """Values of secrets that the workflow names."""
        found: dict[str, str] = {}
        known = secret_names(self.workflow)
        for name, one in self.entries(node, where):
            if name not in known:
                hint = did_you_mean(name, known) or (one_of(sorted(known)) if known else "it names none")
                message = f"no step of the workflow names the secret {name}"
                self.fault(node.keys[name], at(where, name), "unknown-secret", message, hint)
            elif self.is_text(one, at(where, name)):
                found[name] = str(one.value)
        return found

    def entries(self, node: Node, where: str) -> list[tuple[str, Node]]:
        """The entries of a mapping; none, and a fault, where it is another value."""
        if isinstance(node.value, dict):
            return list(node.value.items())
        self.fault(node.place, where, "type", f"this must be a mapping; it is {described(node)}")
        return []

    def event(self, node: Node, where: str) -> GivenEvent:
        """What comes in."""
        if isinstance(node.value, str):
            return GivenEvent(recorded=node.value)
        if not isinstance(node.value, dict):
            hint = "write {payload: …}, {file: …} or the id of a recorded event"
            self.fault(node.place, where, "type", f"this must be an event; it is {described(node)}", hint)
            return GivenEvent()
        if node.keys and not node.keys.keys() & {*EVENT_KEYS.keys, *EVENT_KEYS.elsewhere}:
            hint = "if this is the payload itself, write `event: {payload: {…}}`"
            self.fault(node.place, where, "event", "no key of an event is among these", hint)
            return GivenEvent()
        values = self.block(node, EVENT_KEYS, where)
        bodies = [one for one in BODIES if one in node.keys]
        for name in bodies[1:]:
            message = f"`{bodies[0]}` and `{name}` cannot both be the body"
            self.fault(node.keys[name], at(where, name), "event", message, "keep one of them")
        trigger = values.get("trigger")
        if trigger and trigger != "call" and getattr(self.workflow, trigger, None) is None:
            message = f"the workflow has no trigger `{trigger}`"
            self.fault(node.keys["trigger"], at(where, "trigger"), "event", message, self._triggers())
        return GivenEvent(
            file=values.get("file"),
            payload=values["payload"].plain() if "payload" in values else None,
            has_payload="payload" in values,
            body=self._text(values, "body", where),
            recorded=values.get("id"),
            trigger=trigger,
            method=values.get("method"),
            path=self._text(values, "path", where),
            query=self._query(values["query"], at(where, "query")) if "query" in values else None,
            headers=self._headers(values["headers"], at(where, "headers")) if "headers" in values else {},
            type=values.get("type"),
            delivery_id=values.get("delivery_id"),
            source_ip=values.get("source_ip"),
            item=self._index(values["item"], at(where, "item")) if "item" in values else 0,
        )

    def _triggers(self) -> str:
        kinds = [
            one for one in ("webhook", "schedule", "poll", "manual") if getattr(self.workflow, one, None)
        ]
        return f"it has {', '.join(kinds)}" if kinds else ""

    def _text(self, values: Mapping[str, Any], name: str, where: str) -> str | None:
        node = values.get(name)
        return str(node.value) if node is not None and self.is_text(node, at(where, name)) else None

    def _index(self, node: Node, where: str) -> int:
        if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value >= 0:
            return node.value
        self.fault(node.place, where, "value", f"{node.raw or described(node)} is not a whole number from 0")
        return 0

    def _query(self, node: Node, where: str) -> str:
        if isinstance(node.value, dict):
            pairs = [(name, one.plain()) for name, one in self.entries(node, where)]
            return urlencode([(name, _written(value)) for name, value in pairs], doseq=True)
        return str(node.value) if self.is_text(node, where) else ""

    def _headers(self, node: Node, where: str) -> dict[str, str]:
        found = {}
        for name, one in self.entries(node, where):
            if isinstance(one.value, list | dict) or one.value is None:
                self.fault(
                    one.place, at(where, name), "type", f"a header is a text; this is {described(one)}"
                )
            else:
                found[name.lower()] = _written(one.plain())
        return found

    def given(self, node: Node, where: str) -> dict[str, tuple[Given, ...]]:
        """What actions and steps get from outside, by their names."""
        found = {}
        for name, one in self.entries(node, where):
            self.named(name, node.keys[name], at(where, name))
            many = one.value if isinstance(one.value, list) else None
            if many is not None and not many:
                self.fault(one.place, at(where, name), "value", "the list is empty", "give an answer")
                continue
            places = [one] if many is None else many
            found[name] = tuple(
                self.reply(each, at(where, name) + (f"[{index}]" if many is not None else ""), name)
                for index, each in enumerate(places)
            )
        return found

    def named(self, name: str, place: Any, where: str) -> None:
        """Judge a name in `given`: an action that a step calls, or a step that gets something."""
        if name in self.steps.actions or name in self.steps.workflows:
            return
        step = self.steps.named(name)
        if step is None:
            self.unknown_name(name, place, where)
        elif step.kind not in GIVES:
            message = f"`{name}` is a step with `{step.kind}`, which is computed: nothing is given to it"
            hint = f"say under `expect: {{steps: {{{name}: …}}}}` what it gives"
            self.fault(place, where, "given", message, hint)

    def reply(self, node: Node, where: str, name: str) -> Given:
        """As `answer`; to an approval it is a decision, with whoever decided where that is not said."""
        given = self.answer(node, where, name)
        step = self.steps.named(name)
        if step is None or not isinstance(step.body, WaitFor) or step.body.approval is None or given.error:
            return given
        result, choices = given.result, step.body.approval.choices
        if not isinstance(result, dict) or "choice" not in result:
            message, hint = "an approval gives a decision", f"write {{choice: {choices[0]}}}"
            self.fault(node.place, where, "approval", message, hint)
        elif result["choice"] not in choices:
            hint = did_you_mean(str(result["choice"]), choices) or one_of(choices)
            self.fault(node.place, where, "approval", f"`{name}` has no choice {result['choice']}", hint)
        else:
            return replace(given, result={"by": "test", "comment": None, **result})
        return given

    def answer(self, node: Node, where: str, name: str) -> Given:
        """One answer: a result, or a mapping of nothing but `error`, `after` and `result`."""
        if not isinstance(node.value, dict) or not node.keys:
            return Given(node.plain())
        if not node.keys.keys() <= {*ANSWER_KEYS}:
            if "after" in node.keys and _is_duration(node.value["after"].value):
                hint = "for an answer that takes so long write {after: …, result: {…}}"
                self.fault(
                    node.keys["after"], at(where, "after"), "given",
                    "`after` is a field of the result here", hint, severity="warning",
                )  # fmt: skip
            return Given(node.plain())
        if "error" in node.keys and "result" in node.keys:
            message = "a call gives a result or an error, not both"
            self.fault(node.keys["result"], at(where, "result"), "given", message, "keep one of them")
        after = node.value.get("after")
        result = node.value.get("result")
        seconds = self._seconds(after, at(where, "after")) if after else 0.0
        error = self.error(node.value["error"], at(where, "error"), name) if "error" in node.keys else None
        return Given(result.plain() if result else None, error, seconds)

    def _seconds(self, node: Node, where: str) -> float:
        if _is_duration(node.value):
            return duration_seconds(str(node.value))
        self.fault(
            node.place, where, "duration", f"{node.raw or described(node)} is not a duration", NOT_A_DURATION
        )
        return 0.0

    def error(self, node: Node, where: str, name: str) -> GivenError | None:
        """`timeout`, a message, or `{type, message, status, retry_after}`."""
        if isinstance(node.value, str):
            word = node.value.strip()
            if word in ERRORS:
                return GivenError(word, _said(name, word, None))
            if " " not in word and (better := nearest(word, ERRORS)):
                message = f'"{word}" is no type of error'
                self.fault(node.place, where, "error-type", message, f'did you mean "{better}"?')
                return None
            return GivenError("rejected", word)
        if not isinstance(node.value, dict):
            hint = f"write one of {', '.join(ERRORS)}, a message, or {{type, message, status}}"
            self.fault(node.place, where, "type", f"this must be an error; it is {described(node)}", hint)
            return None
        for key in node.keys.keys() - {*ERROR_KEYS}:
            hint = did_you_mean(key, ERROR_KEYS) or one_of(ERROR_KEYS)
            self.fault(node.keys[key], at(where, key), "unknown-key", f"`{key}` is not known here", hint)
        values = {key: one.plain() for key, one in node.value.items()}
        status = values.get("status")
        if status is not None and not (isinstance(status, int) and 400 <= status <= 599):
            self.fault(
                node.value["status"].place,
                at(where, "status"),
                "value",
                "a status of an error is from 400 to 599",
            )
            status = None
        kind = values.get("type") or (_type_of(status) if status else "rejected")
        if kind not in ERRORS:
            hint = did_you_mean(str(kind), ERRORS) or one_of(ERRORS)
            place = node.value["type"].place
            self.fault(place, at(where, "type"), "error-type", f'"{kind}" is no type of error', hint)
            return None
        wait = node.value.get("retry_after")
        return GivenError(
            kind,
            str(values.get("message") or _said(name, kind, status)),
            status,
            self._seconds(wait, at(where, "retry_after")) if wait else None,
        )


def _type_of(status: int) -> str:
    """As `runner.connector.Reply.accept` judges it."""
    if status == 401:
        return "connection_rejected"
    if status in (429, 503):
        return "unavailable"
    return "outcome_unknown" if status == 408 or status >= 500 else "rejected"


def _said(name: str, kind: str, status: int | None) -> str:
    words = {
        "rejected": "refused the call",
        "connection_rejected": "refused the connection",
        "unavailable": "could not be reached",
        "outcome_unknown": "gave no clear answer",
        "timeout": "gave no answer in time",
    }
    return f"{name} answered {status}" if status else f"{name} {words[kind]}"


def _is_duration(value: object) -> bool:
    try:
        return isinstance(value, str) and duration_seconds(value) >= 0
    except ValueError:
        return False


def _written(value: Json) -> Any:
    """A value as it stands in a query or a header."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return [_written(one) for one in value]
    return "" if value is None else str(value)
