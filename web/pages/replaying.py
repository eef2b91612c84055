"""One replay of many runs: how far it is, why it paused, and the buttons that pause, stop and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from web.api import replays
from web.api.routes import Asked
from web.failing import bars, slower, state_of, step_of, time_left, title_of, without_path
from web.house import House
from web.pages.failures import read_rate

if TYPE_CHECKING:
    from runner.values import Json


async def replay(house: House, replay_id: str) -> str:
    """Its bar, and what can be done with it."""
    found = await house.replays.show(replay_id)
    problem = await house.problems.show(found["problem"]) if found["problem"] else None
    live = house.library.get(problem["workflow"]) if problem else None
    parts, at = [], 0.0
    for colour, count, word in bars(found):
        width = count / max(1, found["progress"]["included"]) * 100
        parts.append(
            {"colour": colour, "count": count, "word": word, "at": round(at, 2), "width": round(width, 2)}
        )
        at += width
    return await render_template(
        "replay.html",
        replay=found,
        problem=problem,
        why=without_path(found["why"] or "", problem["step"] if problem else ""),
        live=live,
        step=step_of(live, problem["step"]) if problem else None,
        problem_title=title_of(problem) if problem else None,
        problem_state=state_of(problem) if problem else None,
        parts=parts,
        seconds_left=time_left(found),
        slower=slower(found["rate"]),
    )


async def start_replay(house: House, replay_id: str) -> ResponseReturnValue:
    """Go on, at another speed where one is given."""
    rate = (await request.form).get("rate", "")
    await replays.start(house, _asked(replay_id, **({"rate": read_rate(rate)} if rate else {})))
    return _to(replay_id)


async def pause_replay(house: House, replay_id: str) -> ResponseReturnValue:
    """Start no more of its runs."""
    await replays.pause(house, _asked(replay_id))
    return _to(replay_id)


async def stop_replay(house: House, replay_id: str) -> ResponseReturnValue:
    """End it."""
    await replays.stop(house, _asked(replay_id))
    return _to(replay_id)


def _asked(replay_id: str, **given: Json) -> Asked:
    return Asked(replay_id, given, g.person)


def _to(replay_id: str) -> ResponseReturnValue:
    return redirect(url_for("replay", replay_id=replay_id), 303)
