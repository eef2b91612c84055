"""A workflow in one line: from where to where, such as `Shopify → Slack, Google Sheets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.paths import ON_FAILURE, steps_by_path
from runner.engine.silence import in_words
from runner.language import cron
from runner.language.workflow import Action, CallWorkflow, Respond

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.language.workflow import Workflow

WITHIN = frozenset({"state"})  # connectors whose effects stay on this server
MOST_NAMED = 3


def sentence_of(
    workflow: Workflow, *, provider: Callable[[str], str | None], service: Callable[[str], str]
) -> str:
    """
    Its triggers, an arrow, and the services that its steps act on in the order of the file. `provider`
    gives the title of a provider of webhooks (None: it is a general scheme), `service` that of a connector.
    """
    first, *others = starts(workflow, provider=provider, service=service) or ["Nothing"]
    start = " or ".join([first, *(_within(one) for one in others)])
    ends = reached(workflow, service=service)
    if len(ends) > MOST_NAMED + 1:
        ends = [*ends[:MOST_NAMED], f"{len(ends) - MOST_NAMED} more"]
    return f"{start} → {', '.join(ends)}" if ends else start


def starts(
    workflow: Workflow, *, provider: Callable[[str], str | None], service: Callable[[str], str]
) -> list[str]:
    """What starts it, each in a word or some."""
    return list(_starts(workflow, provider, service))


def reached(workflow: Workflow, *, service: Callable[[str], str]) -> list[str]:
    """What it acts on when all goes well: titles of services, workflows that it calls, and its answer."""
    found: dict[str, None] = {}
    for path, step in steps_by_path(workflow).items():
        if path.startswith(ON_FAILURE) or "!" in path:
            continue
        body = step.body
        if isinstance(body, Action) and (name := body.action.partition(".")[0]) not in WITHIN:
            found[service(name)] = None
        elif isinstance(body, CallWorkflow):
            found[body.workflow] = None
        elif isinstance(body, Respond):
            found["an answer"] = None
    return list(found)


def _within(words: str) -> str:
    """*words* as they stand within a sentence: `At 18:00` as `at 18:00`, names as they are."""
    return words[0].lower() + words[1:] if words.startswith(("At ", "Every ", "By ")) else words


def _starts(
    workflow: Workflow, provider: Callable[[str], str | None], service: Callable[[str], str]
) -> Iterator[str]:
    if workflow.webhook:
        verification = workflow.webhook.verification
        yield (provider(verification.provider) if verification else None) or "Webhook"
    if workflow.poll:
        yield service(workflow.poll.call.action.partition(".")[0])
    if workflow.schedule:
        seconds = workflow.schedule.every_seconds
        yield (
            cron.in_words(workflow.schedule.cron)
            if workflow.schedule.cron
            else f"Every {in_words(seconds or 0)}"
        )
    if workflow.manual:
        yield "Form" if workflow.manual.is_public else "By hand"
    if workflow.hookline:
        yield "Hookline"
