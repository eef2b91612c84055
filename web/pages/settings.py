"""Settings: one's own look, password and sessions; for admins people, tokens, the audit log, the server."""

from __future__ import annotations

from typing import Any, cast, get_args

from quart import Response, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.audit import DeedsWanted
from runner.engine.history import read_cursor
from runner.engine.people import Role, read_email, read_name
from runner.errors import MoveRefused, as_sentence
from web.appearance import KEYS, THEME, THEMES
from web.auth import SESSION_SECONDS, is_secure, open_session
from web.house import House
from web.people import (
    add_user,
    change_password,
    change_user,
    create_token,
    end_session,
    link_for,
    remove_user,
    revoke_token,
)
from web.problems import Problem
from web.signing_in import holder_of

LOOK_SECONDS = 400 * 86400  # browsers keep no cookie longer
KINDS = (
    "workflow", "run", "replay", "problem", "approval", "connection", "secret", "user", "token", "session",
    "password", "settings",
)  # fmt: skip
MOST_DAYS = 3650


async def settings(house: House) -> ResponseReturnValue:
    """What is one's own."""
    return await _own(house)


async def set_look(house: House) -> ResponseReturnValue:
    """Keep the choice in cookies of this browser."""
    form = await request.form
    theme = form.get("theme", "auto")
    if theme not in THEMES:
        raise Problem(400, f"theme must be one of {', '.join(THEMES)}.", parameter="theme")
    response = redirect(url_for("settings"), 303)
    assert isinstance(response, Response)
    for name, value in ((THEME, theme), (KEYS, "on" if form.get("keys") else "off")):
        response.set_cookie(
            name, value, max_age=LOOK_SECONDS, httponly=True, samesite="Lax", secure=is_secure(house)
        )
    return response


async def set_own_password(house: House) -> ResponseReturnValue:
    """Change one's own password; the others of one's sessions end, and this browser gets a new one."""
    form = await request.form
    try:
        await change_password(house, g.person, form.get("current", ""), form.get("new", ""))
    except ValueError as error:
        return await _own(house, new=as_sentence(error)), 422
    except Problem as problem:
        if problem.status != 403:
            raise
        return await _own(house, current=str(problem)), 422
    user = await house.users.show(g.person.key)
    response = redirect(url_for("settings", done="password"), 303)
    assert isinstance(response, Response)
    await open_session(response, house, holder_of(user), seconds=SESSION_SECONDS)
    return response


async def end_one_session(house: House, session_id: str) -> ResponseReturnValue:
    """End a session, then show those that are left."""
    await end_session(house, g.person, session_id)
    back = (await request.form).get("back")
    return redirect(url_for("sessions" if back == "sessions" else "settings"), 303)


async def people(house: House) -> ResponseReturnValue:
    """Who may sign in."""
    return await _people(house)


async def add_person(house: House) -> ResponseReturnValue:
    """Add somebody, and show the link for their password."""
    form = await request.form
    given = {name: form.get(name, "") for name in ("name", "email")}
    faults = {}
    for name, read in (("email", read_email), ("name", read_name)):
        try:
            given[name] = read(given[name])
        except ValueError as error:
            faults[name] = as_sentence(error)
    if faults:
        return await _people(house, given=given, faults=faults), 422
    try:
        user, link = await add_user(
            house, g.person, **given, role=_role(form.get("role")), may_run=bool(form.get("may_run"))
        )
    except MoveRefused as error:
        return await _people(house, given=given, faults={"email": as_sentence(error)}), 409
    return await _people(house, link=link, linked=user)


async def person(house: House, user_id: str) -> ResponseReturnValue:
    """One person, and what can be changed of them."""
    return await _person(house, user_id)


async def change_person(house: House, user_id: str) -> ResponseReturnValue:
    """Change name, role and right."""
    form = await request.form
    try:
        name = read_name(form.get("name", ""))
        role, may_run = _role(form.get("role")), bool(form.get("may_run"))
        await change_user(house, g.person, user_id, name=name, role=role, may_run=may_run)
    except (ValueError, MoveRefused) as error:
        return await _person(house, user_id, fault=as_sentence(error)), 409
    return redirect(url_for("people"), 303)


async def disable_person(house: House, user_id: str) -> ResponseReturnValue:
    """Keep somebody from signing in, or let them again."""
    is_disabled = (await request.form).get("is_disabled") == "yes"
    try:
        await change_user(house, g.person, user_id, is_disabled=is_disabled)
    except MoveRefused as error:
        return await _person(house, user_id, fault=as_sentence(error)), 409
    return redirect(url_for("people"), 303)


async def remove_person(house: House, user_id: str) -> ResponseReturnValue:
    """Remove somebody for good."""
    try:
        await remove_user(house, g.person, user_id)
    except MoveRefused as error:
        return await _person(house, user_id, fault=as_sentence(error)), 409
    return redirect(url_for("people"), 303)


async def link_person(house: House, user_id: str) -> ResponseReturnValue:
    """A new link for somebody, shown once."""
    try:
        link = await link_for(house, g.person, user_id)
    except MoveRefused as error:
        return await _person(house, user_id, fault=as_sentence(error)), 409
    return await _people(house, link=link, linked=await house.users.show(user_id))


async def tokens(house: House) -> ResponseReturnValue:
    """The API tokens."""
    return await _tokens(house)


async def add_token(house: House) -> ResponseReturnValue:
    """Make a token, and show it this once."""
    form = await request.form
    try:
        name, days = read_name(form.get("name", "")), _days(form.get("days", ""))
    except ValueError as error:
        field = "days" if form.get("name", "").strip() else "name"
        return await _tokens(house, given=dict(form), faults={field: as_sentence(error)}), 422
    token = await create_token(
        house, g.person, name=name, role=_role(form.get("role")), may_run=bool(form.get("may_run")), days=days
    )
    return await _tokens(house, token=token, named=name)


async def end_token(house: House, token_id: str) -> ResponseReturnValue:
    """Take a token back."""
    await revoke_token(house, g.person, token_id)
    return redirect(url_for("tokens"), 303)


async def sessions(house: House) -> ResponseReturnValue:
    """Where everybody is signed in."""
    return await render_template("settings_sessions.html", sessions=await house.people.sessions())


async def audit(house: House) -> ResponseReturnValue:
    """Who did what, newest first."""
    given = {name: request.args.get(name, "").strip()[:200] for name in ("q", "kind", "who", "cursor")}
    try:
        if given["cursor"]:
            read_cursor(given["cursor"])
    except ValueError as error:
        raise Problem(400, as_sentence(error), parameter="cursor") from None
    page = await house.audit_log.page(
        DeedsWanted(
            kind=given["kind"] or None,
            who=given["who"] or None,
            text=given["q"] or None,
            cursor=given["cursor"] or None,
        )
    )
    narrowed = {name: value for name, value in given.items() if value and name != "cursor"}
    return await render_template(
        "settings_audit.html", deeds=page.items, next=page.next, given=given, narrowed=narrowed, kinds=KINDS
    )


async def server(house: House) -> ResponseReturnValue:
    """Settings of the server: looked up here, set in its file."""
    return await render_template("settings_server.html", settings=house.settings)


async def _own(house: House, *, current: str = "", new: str = "") -> str:
    return await render_template(
        "settings.html",
        sessions=await house.people.sessions(g.person.key),
        faults={"current": current, "new": new},
        done=request.args.get("done", ""),
    )


async def _people(house: House, **shown: Any) -> str:
    names: dict[str, Any] = {"given": {"name": "", "email": ""}, "faults": {}, "link": "", "linked": None}
    users = [one.as_json() for one in await house.users.all()]
    return await render_template("settings_people.html", users=users, **{**names, **shown})


async def _person(house: House, user_id: str, fault: str = "") -> str:
    user = (await house.users.show(user_id)).as_json()
    return await render_template("settings_person.html", user=user, fault=fault)


async def _tokens(house: House, **shown: Any) -> str:
    names: dict[str, Any] = {"given": {}, "faults": {}, "token": "", "named": ""}
    return await render_template(
        "settings_tokens.html", tokens=await house.people.tokens(), **{**names, **shown}
    )


def _role(text: str | None) -> Role:
    if text not in get_args(Role):
        raise Problem(400, f"role must be one of {', '.join(get_args(Role))}.", parameter="role")
    return cast("Role", text)


def _days(text: str) -> float | None:
    """A whole number of days; nothing: for good."""
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not 0 < int(text) <= MOST_DAYS:
        raise ValueError(f"write a whole number of days, at most {MOST_DAYS:,}, or nothing")
    return float(int(text))
