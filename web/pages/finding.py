"""Finding without scripts, and putting the banner away: what stands around every page."""

from __future__ import annotations

from quart import Response, g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from web.api.parameters import LONGEST_SEARCH
from web.auth import is_secure
from web.finding import found
from web.frame import LOCAL_SEEN
from web.house import House
from web.paths import own_path

SEEN_SECONDS = 30 * 86400


async def find(house: House) -> str:
    """The palette as a page."""
    text = request.args.get("q", "")[:LONGEST_SEARCH]
    return await render_template("find.html", text=text, items=await found(house, g.person, text))


async def put_away(house: House) -> ResponseReturnValue:
    """Keep the banner on the server's local address away from this browser for a month."""
    response = redirect(own_path((await request.form).get("next", "").removesuffix("?")), 303)
    assert isinstance(response, Response)
    response.set_cookie(
        LOCAL_SEEN, "seen", max_age=SEEN_SECONDS, httponly=True, samesite="Lax", secure=is_secure(house)
    )
    return response
