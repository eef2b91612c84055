"""Where a service sends a person back to who has allowed a connection, or has not."""

from __future__ import annotations

from quart import render_template, request

from runner.engine.connecting import CALLBACK
from runner.errors import ActionError, NotFound
from web.house import House

__all__ = ["CALLBACK", "oauth_callback"]


async def oauth_callback(house: House) -> tuple[str, int]:
    """
    The end of a consent. Anyone may come: what comes is believed for its `state`, which this server
    made a moment ago, gave to one person and takes once.
    """
    assert house.connections is not None
    try:
        name = await house.connections.connected(request.args.to_dict())
    except (ActionError, NotFound) as error:
        return await _page("Not connected", f"{error}."), 400
    return await _page("Connected", f"{name} works now; you can close this page."), 200


async def _page(heading: str, sentence: str) -> str:
    return await render_template("form_said.html", heading=heading, sentence=sentence, flow=None)
