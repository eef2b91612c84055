"""What the API shows of problems, and does about them: seen, dismiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.api.parameters import CURSOR, LIMIT, OF_WORKFLOW, word_of
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import named, page_of
from web.failing import destination_of

if TYPE_CHECKING:
    from runner.values import Json
    from web.house import House

LONGEST_NOTE = 1000  # characters
STATUSES = ("open", "closed")


async def list_problems(house: House, asked: Asked) -> Json:
    """Newest first."""
    return (await house.problems.page(**asked.given)).as_json()


async def show(house: House, asked: Asked) -> Json:
    """With its counts; its runs are at /runs?problem=<id>."""
    return await house.problems.show(asked.id)


async def seen(house: House, asked: Asked) -> Json:
    """The problem as it is afterwards; the first who saw it stands."""
    return await house.problems.seen(asked.id, by=asked.person.name, now=house.clock())


async def try_now(house: House, asked: Asked) -> Json:
    """The problem; the next call of what it waits for goes at once, whatever held it back."""
    problem = await house.problems.show(asked.id)
    if problem["status"] == "open" and problem["runs"]["waiting"]:
        found = destination_of(house, problem)
        if found and found.waits and house.vitals:
            house.vitals.destinations.try_now(found.waits)
        await house.problems.hasten(asked.id, now=house.clock())
        await house.audit(asked.person, "tried", "problem", asked.id)
    return problem


async def dismiss(house: House, asked: Asked) -> Json:
    """The problem as it is afterwards."""
    note, now = asked.given["note"], house.clock()
    dismissed = await house.problems.dismiss(asked.id, by=asked.person.name, note=note, now=now)
    await house.audit(asked.person, "dismissed", "problem", asked.id, note=note)
    return dismissed


def _note(text: str, _now: float) -> str:
    if not text.strip() or len(text) > LONGEST_NOTE:
        raise ValueError(f"from 1 to {LONGEST_NOTE:,} characters")
    return text.strip()


ROUTES = (
    Route(
        "GET", "/problems", "list_problems",
        "Problems, newest first: runs that failed, or wait for what does not answer, by workflow, "
        "step and cause.",
        list_problems, page_of("ProblemOfRuns"),
        query=(
            OF_WORKFLOW,
            Parameter(
                "status", "Only with this status.", {"type": "string", "enum": list(STATUSES)},
                word_of(STATUSES),
            ),
            CURSOR, LIMIT,
        ),
    ),
    Route(
        "GET", "/problems/{id}", "show_problem",
        "One problem; its runs are listed by `/runs?problem=<id>`.",
        show, named("ProblemOfRuns"), errors=(404,),
    ),
    Route(
        "POST", "/problems/{id}/seen", "see_problem",
        "Say that you have seen an open problem.",
        seen, named("ProblemOfRuns"), role="editor", errors=(404, 409),
    ),
    Route(
        "POST", "/problems/{id}/try", "try_problem",
        "Try what its runs wait for now, instead of at the next time; the runs go on if it answers.",
        try_now, named("ProblemOfRuns"), role="run", errors=(404,),
    ),
    Route(
        "POST", "/problems/{id}/dismiss", "dismiss_problem",
        "Close a problem although runs are left.",
        dismiss, named("ProblemOfRuns"), role="editor", errors=(404, 409),
        body=(
            Parameter(
                "note", "Why its runs need nothing more.",
                {"type": "string", "pattern": r"\S", "maxLength": LONGEST_NOTE}, _note, is_required=True,
            ),
        ),
    ),
)  # fmt: skip
