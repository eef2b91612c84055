"""Text of a workflow file → a checked, compiled `Workflow`, or all of its faults."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.language.awaited import awaited_paths
from runner.language.basis import NO_BASIS, Basis, check_overrides
from runner.language.calls import CallSite
from runner.language.certainty import check_certainty
from runner.language.check import check_references
from runner.language.defaults import Defaults
from runner.language.faults import Fault
from runner.language.formerly import check_formerly
from runner.language.keys import BLOCKS, SLUG_PATTERN
from runner.language.known_shapes import check_lists
from runner.language.manual import read_manual, read_own_events
from runner.language.outputs import check_outputs
from runner.language.poll import read_poll
from runner.language.redact import check_redact
from runner.language.scalars import MAX_FAULTS, TooManyFaults
from runner.language.schedule import read_schedule
from runner.language.source import compose
from runner.language.steps import StepReader, retry_of
from runner.language.visibility import Level, View
from runner.language.webhook import BEFORE_RUN, read_webhook
from runner.language.workflow import RUN_SECONDS, Concurrency, Place, Retention, Retry, Webhook, Workflow

if TYPE_CHECKING:
    from runner.language.catalogue import Catalogue
    from runner.language.nodes import Node
    from runner.language.visibility import Use
    from runner.language.workflow import Manual, Step
    from runner.values import Json

START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    The workflow (None if a fault is an error) and all faults, in the order of the file. `basis` is
    what it took of the one that it was read with: what a version has to carry. `draft` is what could be
    read, faults or not, for those who look on while it is written: it is never run for real.
    """

    workflow: Workflow | None
    faults: tuple[Fault, ...]
    basis: Basis = NO_BASIS
    calls: tuple[CallSite, ...] = ()
    uses: tuple[Use, ...] = ()  # every expression and template of the file itself, with what it follows
    draft: Workflow | None = None


def load(text: str, *, path: str, slug: str, catalogue: Catalogue, basis: Basis = NO_BASIS) -> Loaded:
    """
    Read, compile and check a workflow. Never raises for a bad text: every fault is returned.

    *path* is the file's name as the faults show it; *slug* is the workflow's id; *basis* is what
    stands beside the text, whose faults are of its own path and come behind those of the file.
    """
    source = compose(text, path=path)
    reader = StepReader(path, catalogue)
    reader.slug = slug
    errors_first = sorted(source.faults, key=lambda one: one.severity != "error")
    reader.faults.extend(errors_first[: MAX_FAULTS // 2])
    if not re.fullmatch(SLUG_PATTERN, slug):
        better = re.sub("[^a-z0-9]+", "-", slug.lower()).strip("-")[:63] or "order-alerts"
        reader.fault(
            START,
            "",
            "slug",
            f'"{slug}" cannot be the id of a workflow: it has a-z, 0-9 and -, and at most 63 of them',
            f"name the file {better}.yaml",
        )
    workflow = None
    own = source.root.keys if source.root is not None else {}
    shared = (
        Defaults(basis.defaults, basis.path, catalogue, slug=slug, own=own)
        if basis.defaults.strip()
        else None
    )
    basis = _taken(basis, shared, source.root)
    try:
        if source.root is not None:
            workflow = _workflow(reader, source.root, text, slug, shared, basis)
    except TooManyFaults:
        last = max(reader.faults, key=lambda one: (one.line, one.column))
        message = f"there are more than {MAX_FAULTS:,} faults"
        more = Fault(
            path, last.line, last.column, "", "too-many-faults", "error", message, "begin with the first"
        )
        reader.faults.append(more)
    faults = _in_order(reader.faults) + (_in_order(shared.reader.faults) if shared else ())
    is_bad = any(one.severity == "error" for one in faults)
    calls = (*reader.calls, *(shared.reader.calls if shared else ()))
    return Loaded(None if is_bad else workflow, faults, basis, calls, tuple(reader.uses), workflow)


def _in_order(faults: list[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(dict.fromkeys(faults), key=lambda one: (one.line, one.column)))


def _taken(basis: Basis, shared: Defaults | None, root: Node | None) -> Basis:
    """What a file takes of *basis*: none of the defaults where it has all their keys, and its own vars."""
    declared = root.value.get("vars") if root is not None and isinstance(root.value, dict) else None
    names = declared.keys if declared is not None else {}
    overrides = {name: value for name, value in basis.overrides.items() if name in names}
    return replace(basis, defaults=basis.defaults if shared and shared.values else "", overrides=overrides)


def _workflow(
    reader: StepReader, root: Node, text: str, slug: str, shared: Defaults | None, basis: Basis
) -> Workflow | None:
    top = Level({})
    ended = View(((top, sys.maxsize),))
    reader.view = BEFORE_RUN
    values = reader.block(root, BLOCKS["workflow"], "", {"output": ended})
    if not isinstance(root.value, dict):
        return None
    taken = shared.values if shared else {}
    values |= taken
    webhook = read_webhook(reader, values)
    triggers = values["trigger"][2] if "trigger" in values else {}
    manual = read_manual(reader, triggers)
    schedule, poll = read_schedule(reader, values), read_poll(reader, values)
    steps = (
        reader.steps(values["steps"], "steps", View(), level=top, may_respond=True)
        if "steps" in values
        else ()
    )
    failing = View(ended.levels, frozenset({"error"}))
    on_failure: tuple[Step, ...] = ()
    if shared and "on_failure" in taken:
        on_failure = shared.on_failure()
    elif "on_failure" in values:
        on_failure = reader.steps(values["on_failure"], "on_failure", failing)
    _check_answer(reader, root, webhook, has_form=manual is not None and manual.is_public)
    constants = values.get("vars", {})
    check_references(reader, reader.declared, constants)
    check_certainty(reader, reader.declared)
    check_outputs(reader, reader.declared)
    check_lists(reader, reader.declared, constants, _payload_schema(triggers, webhook, manual))
    if shared:
        shared.check(slug, reader.declared, constants)
    check_overrides(reader, root, basis.overrides)
    redacting = shared.reader if shared and "redact" in taken else reader
    return Workflow(
        slug=slug,
        name=values.get("name", slug),
        digest=basis.digest(text),
        steps=steps,
        webhook=webhook,
        manual=manual,
        hookline=read_own_events(triggers),
        schedule=schedule,
        poll=poll,
        description=values.get("description", ""),
        title=values.get("title"),
        tags=values.get("tags", ()),
        timezone=values.get("timezone", "UTC"),
        vars={**constants, **basis.overrides},
        retry=retry_of(values.get("retry")) or Retry(),
        timeout_seconds=values.get("timeout", RUN_SECONDS),
        enabled=values.get("enabled", True),
        concurrency=_concurrency(values.get("concurrency")),
        on_failure=on_failure,
        output=values.get("output"),
        retention=_retention(shared.reader if shared and "retention" in taken else reader, values),
        redact=check_redact(redacting, values.get("redact", ()), redacting.declared),
        formerly=check_formerly(reader, root, slug) if "formerly" in values else (),
        mode=values.get("mode", "live"),
        overridden={name: constants.get(name) for name in basis.overrides},
        awaited=awaited_paths(steps, on_failure),
    )


def _payload_schema(triggers: dict[str, Any], webhook: Webhook | None, manual: Manual | None) -> Json:
    """What is known of the payload, where one trigger alone makes it and says so; else null."""
    if len(triggers) != 1:
        return None
    if webhook is not None and webhook.schema is not None and webhook.split is None:
        return webhook.schema.schema
    return manual.inputs.schema if manual is not None and manual.inputs is not None else None


def _retention(reader: StepReader, values: dict[str, Any]) -> Retention:
    if "retention" not in values:
        return Retention()
    _, node, given = values["retention"]
    retention = Retention(given.get("events"), given.get("runs"))
    if (retention.events_seconds or 0) < (retention.runs_seconds or 0) and retention.events_seconds:
        reader.fault(
            node.place,
            "retention.events",
            "retention",
            "an event is kept as long as a run of it, and runs are kept longer here",
            "keep runs as long as events, or less",
            severity="warning",
        )
    return retention


def _concurrency(given: Any) -> Concurrency | None:
    """None where there is no block, or no limit in it, which is a fault already."""
    values: dict[str, Any] = given[2] if given else {}
    if "limit" not in values:
        return None
    return Concurrency(values["limit"], values.get("key"), values.get("when_full", "queue"))


def _check_answer(reader: StepReader, root: Node, webhook: Webhook | None, *, has_form: bool) -> None:
    """Steps are left out only where the answer is fixed; `respond` needs somebody who waits."""
    mode = webhook.answer.mode if webhook else "accepted"
    trigger = root.value.get("trigger") if isinstance(root.value, dict) else None
    kinds = {one for one in BLOCKS["trigger"].keys if trigger is not None and one in trigger.keys}
    if "steps" not in root.keys and (kinds - {"webhook"} or (webhook is not None and mode != "fixed")):
        reader.fault(
            root.place,
            "",
            "missing-key",
            "`steps` is missing in a workflow",
            "only a webhook with a fixed `answer` may do without",
        )
    if webhook is not None and mode != "result" and not has_form:
        for node, where in reader.responds:
            reader.fault(
                node.place,
                where,
                "respond",
                f"nobody waits for this answer: `trigger.webhook.answer` is {mode}",
                "write `answer: result` under `webhook`",
                severity="warning",
            )
