"""Answering an approval as a person who is signed in: the same for the page and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.resuming import closed, decision, may_answer
from web.problems import Problem

if TYPE_CHECKING:
    from runner.engine.resuming import Question
    from runner.values import Json
    from web.auth import Person
    from web.house import House


def may_person_answer(question: Question, person: Person) -> bool:
    """Whether *person* may answer: see `runner.engine.resuming.may_answer`."""
    approval = question.body.approval
    if approval is None:
        return False
    may_run, is_admin = person.may("run"), person.may("admin")
    return any(
        may_answer(approval, one, may_run=may_run, is_admin=is_admin) for one in {person.name, person.label}
    )


async def answered(house: House, person: Person, approval_id: str, choice: str, comment: str) -> Json:
    """
    The decision `{choice, by, comment}`, taken.

    Raises:
        Problem: 422 no such choice, 403, 409 or 410 with who answered first.
        NotFound, StoreUnavailable.
    """
    question = await house.resuming.by_id(approval_id)
    approval = question.body.approval
    assert approval is not None  # `by_id` gives nothing else
    if not may_person_answer(question, person):
        asked = f"; this is asked of {', '.join(approval.assignees)}" if approval.assignees else ""
        raise Problem(403, f"Your role does not allow this{asked}.")
    try:
        value = decision(approval, choice, comment, by=person.name)
    except ValueError as error:
        parameter = "comment" if choice in approval.choices else "choice"
        raise Problem(422, f"{parameter}: {error}.", parameter=parameter) from None
    told = question.told
    if told.verdict == "accepted":
        told = await house.resuming.answer(question, value, by=person.name)
    late = closed(told)
    if late:
        raise Problem(410 if late.is_over else 409, late.sentence, **late.facts)
    await house.audit(person, "answered", "approval", approval_id, choice=choice)
    return value
