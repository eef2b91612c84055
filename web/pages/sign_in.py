"""Signing in with a one-time link or an API token, and out again."""

from __future__ import annotations

import math
import re

from quart import Response, g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from web.attempts import Attempts
from web.auth import close_session, known, open_session, own_path, sign_in
from web.house import House
from web.problems import Problem

TOKEN = re.compile(r"hl_[A-Za-z0-9_-]{43}")  # also inside a pasted address
WRONG = "That link or token does not work: it was used, has ended, or is not complete."


async def signin(house: House) -> ResponseReturnValue:
    """The page that says how to sign in."""
    wanted = own_path(request.args.get("next"))
    if await known(request, house):
        return redirect(wanted, 303)
    return await render_template("signin.html", next=wanted, wrong="")


async def signin_form(house: House, attempts: Attempts) -> ResponseReturnValue:
    """Sign in with what was pasted: a link or a token."""
    form = await request.form
    wanted = own_path(form.get("next"))
    found = TOKEN.search(form.get("token", ""))
    opened = await _open(house, attempts, found[0] if found else "", wanted)
    return opened or (await render_template("signin.html", next=wanted, wrong=WRONG), 403)


async def start(token: str) -> ResponseReturnValue:
    """A button; looking spends nothing, since previews of links open them."""
    return await render_template("start.html", token=token, wrong="")


async def start_form(house: House, attempts: Attempts, token: str) -> ResponseReturnValue:
    """Sign in with the link."""
    opened = await _open(house, attempts, token, "/")
    return opened or (await render_template("start.html", token=token, wrong=WRONG), 403)


async def signout(house: House) -> ResponseReturnValue:
    """End the session, here and on the server."""
    if g.person.session:
        await house.people.end(g.person.session)
    return close_session(_to("/signin"), house)


async def _open(house: House, attempts: Attempts, token: str, wanted: str) -> Response | None:
    """
    The way into a new session; None when nobody holds *token*.

    Raises:
        Problem: 429, there were too many attempts.
    """
    address = request.remote_addr or ""
    wait = attempts.begin(address)
    if wait:
        seconds = math.ceil(wait)
        sentence = f"There were too many attempts to sign in. Wait {seconds} seconds, then try again."
        raise Problem(429, sentence, headers={"Retry-After": str(seconds)})
    found = await sign_in(token, house.people)
    if found is None:
        return None
    attempts.succeeded(address)
    name, role, seconds_open = found
    return await open_session(_to(wanted), house, name=name, role=role, seconds=seconds_open)


def _to(path: str) -> Response:
    response = redirect(path, 303)
    assert isinstance(response, Response)
    return response
