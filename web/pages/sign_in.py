"""Signing in with a password, a one-time link or an API token, and out again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from quart import Response, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.people import Holder, NewUser, read_email, read_name, read_password
from runner.errors import as_sentence
from web.auth import (
    SESSION_SECONDS,
    TOKEN_SESSION_SECONDS,
    close_session,
    known,
    open_session,
    person_of,
    sign_in_page,
)
from web.house import House
from web.paths import own_path
from web.signing_in import by_link, by_password, by_token, holder_of, is_first
from web.unsent import read_kept

TOKEN = re.compile(r"hl_[A-Za-z0-9_-]{43}")  # also inside a pasted address
WRONG_PASSWORD = "This email and password do not go together."  # noqa: S105 - a sentence
WRONG_TOKEN = "That link or token does not work: it was used, has ended, or is not complete."  # noqa: S105


@dataclass
class Filled:
    """A form as it was filled in, and what is wrong with it by field."""

    name: str = ""
    email: str = ""
    faults: dict[str, str] = field(default_factory=dict)


async def signin(house: House) -> ResponseReturnValue:
    """The page that says how to sign in."""
    wanted = own_path(request.args.get("next"))
    if await known(request, house):
        return redirect(wanted, 303)
    return await sign_in_page(house, wanted)


async def signin_form(house: House) -> ResponseReturnValue:
    """Sign in with an email and its password, or with what was pasted: a token, or a link to go on with."""
    form = await request.form
    wanted, kept = own_path(form.get("next")), form.get("kept", "")
    if "token" in form:
        found = TOKEN.search(form["token"])
        token = found[0] if found else ""
        holder, is_link = await by_token(house, token) or (None, False)
        if is_link:
            return redirect(url_for("start", token=token, next=wanted if wanted != "/" else None), 303)
        wrong, seconds = WRONG_TOKEN, TOKEN_SESSION_SECONDS
    else:
        holder = await by_password(house, form.get("email", ""), form.get("password", ""))
        wrong, seconds = WRONG_PASSWORD, SESSION_SECONDS
    if holder is None:
        page = await sign_in_page(house, wanted, kept=kept, wrong=wrong, email=form.get("email", ""))
        return page, 403
    return await _opened(house, holder, seconds, wanted, kept)


async def start(house: House, token: str) -> ResponseReturnValue:
    """What a link is for; looking spends nothing, since previews of links open them."""
    holder = await by_link(house, token)
    if holder is None:
        return await render_template("start_wrong.html"), 403
    if is_first(holder):
        return await render_template("start_first.html", token=token, filled=Filled())
    return await _page_of_link(house, token, holder)


async def start_form(house: House, token: str) -> ResponseReturnValue:
    """Create the first user, or sign in with a user's link, perhaps with a new password."""
    holder = await by_link(house, token)
    if holder is None:
        return await render_template("start_wrong.html"), 403
    if is_first(holder):
        return await _create_first(house, token)
    return await _use_link(house, token, holder)


async def signout(house: House) -> ResponseReturnValue:
    """End the session, here and on the server."""
    if g.person.session:
        await house.people.end(g.person.session)
        await house.audit(g.person, "signed out", "user" if g.person.is_user else "token", g.person.label)
    return close_session(_to("/signin"), house)


async def _create_first(house: House, token: str) -> ResponseReturnValue:
    form = await request.form
    filled = Filled(form.get("name", ""), form.get("email", ""))
    values = {}
    for name, read in (("name", read_name), ("email", read_email), ("password", read_password)):
        try:
            values[name] = read(form.get(name, ""))
        except ValueError as error:
            filled.faults[name] = as_sentence(error)
    if filled.faults:
        return await render_template("start_first.html", token=token, filled=filled), 422
    kept = await house.passwords.hash(values["password"])
    new = NewUser(values["email"], values["name"], "admin", password=kept)
    user = await house.users.add_first(token, new)
    if user is None:  # somebody else was faster
        return await render_template("start_wrong.html"), 403
    holder = holder_of(user)
    await house.audit(person_of(holder), "added", "user", user.email, role=user.role)
    return await _opened(house, holder, SESSION_SECONDS, "/")


async def _use_link(house: House, token: str, holder: Holder) -> ResponseReturnValue:
    password = (await request.form).get("password", "")
    user = await house.users.show(holder.key)
    if password or not user.has_password:
        try:
            kept = await house.passwords.hash(read_password(password))
        except ValueError as error:
            sentence = as_sentence(error)
            return await _page_of_link(house, token, holder, fault=sentence), 422
        if await house.people.spend_link(token) is None:
            return await render_template("start_wrong.html"), 403
        await house.users.set_password(user.id, kept)
        await house.audit(person_of(holder), "set", "password", user.email)
    elif await house.people.spend_link(token) is None:
        return await render_template("start_wrong.html"), 403
    return await _opened(house, holder, SESSION_SECONDS, own_path(request.args.get("next")))


async def _page_of_link(house: House, token: str, holder: Holder, fault: str = "") -> str:
    user = await house.users.show(holder.key)
    wanted = own_path(request.args.get("next"))
    return await render_template("start.html", token=token, user=user, fault=fault, wanted=wanted)


async def _opened(
    house: House, holder: Holder, seconds: float, wanted: str, kept: str = ""
) -> ResponseReturnValue:
    """A new session, and on to *wanted*, or to the form that was not sent."""
    person = person_of(holder)
    await house.audit(person, "signed in", "user" if person.is_user else "token", person.label)
    unsent = read_kept(kept)
    if unsent is None:
        response = _to(wanted)
        await open_session(response, house, holder, seconds=seconds)
        return response
    response = Response("", content_type="text/html; charset=utf-8")
    g.person = await open_session(response, house, holder, seconds=seconds)
    response.set_data(await render_template("unsent.html", unsent=unsent, wanted=wanted))
    return response


def _to(path: str) -> Response:
    response = redirect(path, 303)
    assert isinstance(response, Response)
    return response
