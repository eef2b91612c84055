"""Text of a workflow file → a checked, compiled `Workflow`, or all of its faults."""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.language.check import check_references
from runner.language.faults import Fault
from runner.language.formerly import check_formerly
from runner.language.keys import BLOCKS, SLUG_PATTERN
from runner.language.redact import check_redact
from runner.language.scalars import MAX_FAULTS, TooManyFaults
from runner.language.source import compose
from runner.language.steps import StepReader, retry_of
from runner.language.visibility import Level, View
from runner.language.webhook import BEFORE_RUN, read_webhook
from runner.language.workflow import RUN_SECONDS, Concurrency, Place, Retention, Retry, Webhook, Workflow

if TYPE_CHECKING:
    from runner.language.catalogue import Catalogue
    from runner.language.nodes import Node

START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The workflow (None if a fault is an error) and all faults, in the order of the file."""

    workflow: Workflow | None
    faults: tuple[Fault, ...]


def load(text: str, *, path: str, slug: str, catalogue: Catalogue) -> Loaded:
    """
    Read, compile and check a workflow. Never raises for a bad text: every fault is returned.

    *path* is the file's name as the faults show it; *slug* is the workflow's id.
    """
    source = compose(text, path=path)
    reader = StepReader(path, catalogue)
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
    try:
        if source.root is not None:
            workflow = _workflow(reader, source.root, text, slug)
    except TooManyFaults:
        last = max(reader.faults, key=lambda one: (one.line, one.column))
        message = f"there are more than {MAX_FAULTS:,} faults"
        more = Fault(
            path, last.line, last.column, "", "too-many-faults", "error", message, "begin with the first"
        )
        reader.faults.append(more)
    faults = tuple(sorted(dict.fromkeys(reader.faults), key=lambda one: (one.line, one.column)))
    is_bad = any(one.severity == "error" for one in faults)
    return Loaded(None if is_bad else workflow, faults)


def _workflow(reader: StepReader, root: Node, text: str, slug: str) -> Workflow | None:
    top = Level({})
    ended = View(((top, sys.maxsize),))
    reader.view = BEFORE_RUN
    values = reader.block(root, BLOCKS["workflow"], "", {"output": ended})
    if not isinstance(root.value, dict):
        return None
    webhook = read_webhook(reader, values)
    steps = (
        reader.steps(values["steps"], "steps", View(), level=top, may_respond=True)
        if "steps" in values
        else ()
    )
    failing = View(ended.levels, frozenset({"error"}))
    on_failure = reader.steps(values["on_failure"], "on_failure", failing) if "on_failure" in values else ()
    _check_answer(reader, root, webhook)
    constants = values.get("vars", {})
    check_references(reader, reader.declared, constants)
    return Workflow(
        slug=slug,
        name=values.get("name", slug),
        digest=hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(),
        steps=steps,
        webhook=webhook,
        description=values.get("description", ""),
        title=values.get("title"),
        tags=values.get("tags", ()),
        timezone=values.get("timezone", "UTC"),
        vars=constants,
        retry=retry_of(values.get("retry")) or Retry(),
        timeout_seconds=values.get("timeout", RUN_SECONDS),
        enabled=values.get("enabled", True),
        concurrency=_concurrency(values.get("concurrency")),
        on_failure=on_failure,
        output=values.get("output"),
        retention=_retention(reader, values),
        redact=check_redact(reader, values.get("redact", ()), reader.declared),
        formerly=check_formerly(reader, root, slug) if "formerly" in values else (),
    )


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


def _check_answer(reader: StepReader, root: Node, webhook: Webhook | None) -> None:
    """Steps are left out only where the answer is fixed; `respond` needs somebody who waits."""
    mode = webhook.answer.mode if webhook else "accepted"
    if "steps" not in root.keys and webhook is not None and mode != "fixed":
        reader.fault(
            root.place,
            "",
            "missing-key",
            "`steps` is missing in a workflow",
            "only a webhook with a fixed `answer` may do without",
        )
    if webhook is not None and mode != "result":
        for node, where in reader.responds:
            reader.fault(
                node.place,
                where,
                "respond",
                f"nobody waits for this answer: `trigger.webhook.answer` is {mode}",
                "write `answer: result` under `webhook`",
                severity="warning",
            )
