"""Approvals by the API: what waits for a person's answer, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.history import read_cursor, write_cursor
from runner.engine.resuming import LONGEST_COMMENT
from web.api.parameters import CURSOR, DEFAULT_ITEMS, LIMIT
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import named, page_of
from web.approving import answered

if TYPE_CHECKING:
    from runner.values import Json
    from web.house import House


async def list_approvals(house: House, asked: Asked) -> Json:
    """Those that wait longest first."""
    after = read_cursor(asked.given["cursor"]) if "cursor" in asked.given else 0
    found, rest = await house.resuming.open(after=after, limit=asked.given.get("limit", DEFAULT_ITEMS))
    items = [one.as_json(house.public_url) for one in found]
    return {"items": items, "next": write_cursor(rest) if rest is not None else None}


async def answer_approval(house: House, asked: Asked) -> Json:
    """The decision as the step gives it."""
    comment = asked.given.get("comment", "")
    return await answered(house, asked.person, asked.id, asked.given["choice"], comment)


def _text(text: str, _now: float) -> str:
    return text


def _comment(text: str, _now: float) -> str:
    if len(text) > LONGEST_COMMENT:
        raise ValueError(f"a comment has at most {LONGEST_COMMENT:,} characters")
    return text


ROUTES = (
    Route(
        "GET", "/approvals", "list_approvals",
        "What waits for a person's answer, the oldest runs first.",
        list_approvals, page_of("Approval"), query=(CURSOR, LIMIT),
    ),
    Route(
        "POST", "/approvals/{id}", "answer_approval",
        "Answer an approval: the first answer counts. Those whom it is asked of may, and admins; where "
        "nobody is named, whoever may replay a run.",
        answer_approval, named("Answer"), errors=(404, 409, 410),
        body=(
            Parameter("choice", "One of its choices.", {"type": "string"}, _text, is_required=True),
            Parameter(
                "comment", "What else is to be said.",
                {"type": "string", "maxLength": LONGEST_COMMENT}, _comment,
            ),
        ),
    ),
)  # fmt: skip
