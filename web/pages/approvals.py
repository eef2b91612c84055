"""What waits for a person's answer, and the buttons that give it."""

from __future__ import annotations

from quart import g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from web.approving import answered, may_person_answer
from web.house import House

MOST_SHOWN = 100  # on one page; when those are answered the next stand there


async def approvals(house: House) -> str:
    """All that waits, the oldest first."""
    found, rest = await house.resuming.open(limit=MOST_SHOWN)
    items = [
        {**one.as_json(house.public_url), "may_answer": may_person_answer(one, g.person)} for one in found
    ]
    return await render_template("approvals.html", items=items, has_more=rest is not None)


async def answer_approval(house: House, approval_id: str) -> ResponseReturnValue:
    """Answer, then show what is left."""
    form = await request.form
    await answered(house, g.person, approval_id, form.get("choice", ""), form.get("comment", ""))
    return redirect(url_for("approvals"), 303)
