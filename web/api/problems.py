"""What the API shows of problems, and does about them: seen, dismiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.api.parameters import CURSOR, LIMIT, OF_WORKFLOW, word_of
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import named, page_of
from web.problems import Problem

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


async def dismiss(house: House, asked: Asked) -> Json:
    """The problem as it is afterwards."""
    if "note" not in asked.given:
        raise Problem(400, "note is missing: say why its runs need nothing more.", parameter="note")
    note, now = asked.given["note"], house.clock()
    return await house.problems.dismiss(asked.id, by=asked.person.name, note=note, now=now)


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
        "POST", "/problems/{id}/dismiss", "dismiss_problem",
        "Close a problem although runs are left.",
        dismiss, named("ProblemOfRuns"), role="editor", errors=(404, 409),
        body=(
            Parameter(
                "note", "Why its runs need nothing more.",
                {"type": "string", "minLength": 1, "maxLength": LONGEST_NOTE}, _note,
            ),
        ),
    ),
)  # fmt: skip
