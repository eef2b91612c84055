"""One case tried: its event goes its way, and what comes of it is judged."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.engine.names import bounds_of, event_names, payload_of
from runner.engine.paths import own_id
from runner.engine.redact import Redaction, Seen, Veil
from runner.errors import InboundError
from runner.workbench.answers import Answers
from runner.workbench.bench import Situation, perform
from runner.workbench.events import event_of
from runner.workbench.judging import judge
from runner.workbench.matching import MISSING

if TYPE_CHECKING:
    from runner.engine.runs import Event
    from runner.language.workflow import Workflow
    from runner.workbench.bench import Bench, Performance
    from runner.workbench.cases import Case
    from runner.workbench.events import Found
    from runner.workbench.judging import Finding


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a case: it passed if there are no `findings`. `seconds` are those of the wall."""

    case: Case
    performance: Performance
    findings: tuple[Finding, ...]
    seconds: float


async def try_case(bench: Bench, workflow: Workflow, case: Case, found: Found) -> Tried:
    """Try *case*; *found* has what it refers to. To be run on a `VirtualTimeLoop`."""
    began = time.perf_counter()
    workflow = replace(workflow, vars={**workflow.vars, **case.vars}, mode="live")
    performance = await perform(
        bench,
        workflow,
        event_of(case, workflow, found),
        Answers(case.given),
        Situation(case.secrets, case.state, case.event.type, case.event.delivery_id, case.event.item),
    )
    findings = judge(case, performance)
    if workflow.redact and (recorded := found.events.get(case.event.recorded or "")):
        findings = _veiled(findings, workflow, recorded, performance)
    return Tried(case, performance, tuple(findings), time.perf_counter() - began)


def _veiled(
    findings: list[Finding], workflow: Workflow, event: Event, performance: Performance
) -> list[Finding]:
    """What differs, without the values of a recorded event that are not to be seen."""
    try:
        payload, has_payload = payload_of(event, bounds_of(workflow)).payload, True
    except InboundError:
        payload, has_payload = None, False
    outputs = [(own_id(path) or "", value) for path, value in performance.steps.items()]
    veil = Veil(Redaction(workflow.redact), Seen(payload, has_payload, event_names(event), outputs))
    return [one if one.got is MISSING else replace(one, got=veil.value(one.got)) for one in findings]
