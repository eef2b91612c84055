"""Where a service sends a person back to who has allowed a connection, or has not."""

from __future__ import annotations

from quart import Response, redirect, render_template, request
from quart.typing import ResponseReturnValue

from runner.engine.connecting import CALLBACK
from runner.errors import ActionError, NotFound
from web.auth import is_secure
from web.house import House
from web.paths import own_path

__all__ = ["BACK", "BACK_SECONDS", "CALLBACK", "oauth_callback"]

BACK = "hookline_back"  # the cookie with the page that the person came from
BACK_SECONDS = 900


async def oauth_callback(house: House) -> ResponseReturnValue:
    """
    The end of a consent. Anyone may come: what comes is believed for its `state`, which this server
    made a moment ago, gave to one person and takes once. Whoever began it in this browser gets back to
    where they were.
    """
    assert house.connections is not None
    wanted = request.cookies.get(BACK)
    try:
        name = await house.connections.connected(request.args.to_dict())
    except (ActionError, NotFound) as error:
        return await render_template("connected.html", name="", sentence=f"{error}.", back=_back(wanted)), 400
    if wanted is None:
        sentence = f"{name} works now; you can close this page."
        return await render_template("connected.html", name=name, sentence=sentence, back="/connections")
    response = redirect(own_path(wanted), 303)
    assert isinstance(response, Response)
    response.delete_cookie(BACK, httponly=True, samesite="Lax", secure=is_secure(house))
    return response


def _back(wanted: str | None) -> str:
    return own_path(wanted) if wanted else "/connections"
