"""The buttons of a run's page: cancel and replay."""

from __future__ import annotations

from typing import cast

from quart import redirect, request, url_for
from quart.typing import ResponseReturnValue

from web.house import House, Origin
from web.problems import Problem


async def cancel_run(house: House, run_id: str) -> ResponseReturnValue:
    """Cancel the run, then show it."""
    await house.store.cancel(run_id, now=house.clock())
    return redirect(url_for("run", run_id=run_id), 303)


async def replay_run(house: House, run_id: str) -> ResponseReturnValue:
    """Replay the run on the live version, then show the run that goes on."""
    origin = (await request.form).get("from", "")
    if origin not in ("failed", "start"):
        raise Problem(400, "Say from where: the failed step or the start.", parameter="from")
    started = await house.start_replay(run_id, origin=cast("Origin", origin), version="live")
    return redirect(url_for("run", run_id=started["id"]), 303)
