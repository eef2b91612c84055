"""People by the API: who is asking, users, tokens, sessions, the audit log, the server's settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast, get_args

from runner import __version__
from runner.engine.audit import DeedsWanted
from runner.engine.people import (
    EMAIL,
    LEAST_PASSWORD,
    LONGEST_NAME,
    LONGEST_PASSWORD,
    Role,
    read_email,
    read_name,
    read_password,
)
from runner.values import Json, iso
from web.api.parameters import CURSOR, LIMIT, word_of
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import OBJECT, TEXT, TEXT_OR_NULL, TIME, TIME_OR_NULL, many, named, page_of, thing
from web.house import House
from web.people import (
    DAY_SECONDS,
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

MOST_DAYS = 3650
LONGEST_SEARCH = 200


async def me(house: House, asked: Asked) -> Json:
    """Who is asking, and what they may."""
    person = asked.person
    return {
        "key": person.key,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "may_run": person.may("run"),
        "rights": person.rights,
        "is_token": not person.is_user,
        "timezone": house.timezone,
        "version": __version__,
    }


async def set_my_password(house: House, asked: Asked) -> Json:
    """All of one's sessions end."""
    await change_password(house, asked.person, asked.given["current"], asked.given["new"])
    return {}


async def list_users(house: House, _asked: Asked) -> Json:
    """By name."""
    return {"items": [one.as_json() for one in await house.users.all()], "next": None}


async def show_user(house: House, asked: Asked) -> Json:
    """By their id."""
    return (await house.users.show(asked.id)).as_json()


async def new_user(house: House, asked: Asked) -> Json:
    """With the link for their password."""
    given = asked.given
    user, link = await add_user(
        house,
        asked.person,
        email=given["email"],
        name=given.get("name", given["email"].partition("@")[0]),
        role=given["role"],
        may_run=given.get("may_run", False),
    )
    return {"user": user.as_json(), "link": link}


async def set_user(house: House, asked: Asked) -> Json:
    """What is given alone is changed."""
    return (await change_user(house, asked.person, asked.id, **asked.given)).as_json()


async def delete_user(house: House, asked: Asked) -> Json:
    """Their sessions end."""
    await remove_user(house, asked.person, asked.id)
    return {}


async def new_link(house: House, asked: Asked) -> Json:
    """It works once."""
    return {"link": await link_for(house, asked.person, asked.id)}


async def list_tokens(house: House, _asked: Asked) -> Json:
    """Never their text."""
    return {"items": await house.people.tokens(), "next": None}


async def new_token(house: House, asked: Asked) -> Json:
    """Shown only here."""
    given = asked.given
    days = given.get("days")
    token = await create_token(
        house,
        asked.person,
        name=given["name"],
        role=given["role"],
        may_run=given.get("may_run", False),
        days=days,
    )
    return {"token": token, "expires_at": iso(house.clock() + days * DAY_SECONDS) if days else None}


async def delete_token(house: House, asked: Asked) -> Json:
    """Its sessions end."""
    await revoke_token(house, asked.person, asked.id)
    return {}


async def list_sessions(house: House, asked: Asked) -> Json:
    """One's own, or all."""
    is_all = asked.given.get("of") == "everyone"
    if is_all and not asked.person.may("admin"):
        raise Problem(403, "Your role does not allow this.")
    items = await house.people.sessions(None if is_all else asked.person.key)
    return {"items": [{**one, "is_this": one["id"] == asked.person.id} for one in items], "next": None}


async def delete_session(house: House, asked: Asked) -> Json:
    """One of one's own; an admin, anyone's."""
    await end_session(house, asked.person, asked.id)
    return {}


async def list_deeds(house: House, asked: Asked) -> Json:
    """Newest first."""
    given = {("text" if name == "q" else name): value for name, value in asked.given.items()}
    return (await house.audit_log.page(DeedsWanted(**given))).as_json()


async def list_settings(house: House, _asked: Asked) -> Json:
    """What people look up."""
    items = [
        {"key": one.key, "title": one.title, "value": one.value, "set_by": one.set_by or None}
        for one in house.settings
    ]
    return {"items": items, "next": None}


def _checked(read: Callable[[str], str]) -> Callable[[str, float], str]:
    return lambda text, _now: read(text)


def _days(value: Any, _now: float) -> float:
    if not 0 < value <= MOST_DAYS:
        raise ValueError(f"a number of days, at most {MOST_DAYS}")
    return float(value)


def _search(text: str, _now: float) -> str:
    if len(text) > LONGEST_SEARCH:
        raise ValueError(f"at most {LONGEST_SEARCH} characters")
    return text


def _flag(name: str, summary: str) -> Parameter:
    return Parameter(name, summary, {"type": "boolean"}, lambda value, _now: cast("bool", value), (bool,))


_NAME = Parameter(
    "name",
    "As lists show it.",
    {"type": "string", "pattern": r"\S", "maxLength": LONGEST_NAME},
    _checked(read_name),
)
_ROLE = Parameter(
    "role", "What they may do.", {"type": "string", "enum": list(get_args(Role))}, word_of(get_args(Role))
)
_MAY_RUN = _flag("may_run", "Whether a viewer may run and replay too; the other roles may anyway.")
_PASSWORD = {"type": "string", "minLength": LEAST_PASSWORD, "maxLength": LONGEST_PASSWORD}
_DONE = thing({})

ROUTES = (
    Route("GET", "/me", "me", "Who is asking, and what they may.", me, named("Me")),
    Route(
        "POST", "/me/password", "set_my_password",
        "Change one's own password. All of one's sessions end, the one that asks too.",
        set_my_password, _DONE, errors=(403, 409, 429),
        body=(
            Parameter(
                "current", "The password until now.", {"type": "string"}, lambda text, _now: text,
                is_required=True,
            ),
            Parameter(
                "new", f"At least {LEAST_PASSWORD} characters.", _PASSWORD, _checked(read_password),
                is_required=True,
            ),
        ),
    ),
    Route(
        "GET", "/users", "list_users", "Everybody who may sign in, by name.",
        list_users, page_of("User"), role="admin", errors=(403,),
    ),
    Route(
        "POST", "/users", "add_user",
        "Add a person. `link` is where they set their password, once, within three days.",
        new_user, thing({"user": named("User"), "link": TEXT}), role="admin", errors=(409,),
        body=(
            Parameter(
                "email", "With which they sign in.",
                {"type": "string", "pattern": rf"^\s*{EMAIL.pattern}\s*$"}, _checked(read_email),
                is_required=True,
            ),
            _NAME, replace(_ROLE, is_required=True), _MAY_RUN,
        ),
    ),
    Route(
        "GET", "/users/{id}", "show_user", "One person.",
        show_user, named("User"), role="admin", errors=(403, 404),
    ),
    Route(
        "PATCH", "/users/{id}", "change_user",
        "Change what is given of a person. With another role, right or standing their sessions end.",
        set_user, named("User"), role="admin", errors=(404, 409),
        body=(_NAME, _ROLE, _MAY_RUN, _flag("is_disabled", "Whether they may not sign in for now.")),
    ),
    Route(
        "DELETE", "/users/{id}", "remove_user", "Remove a person; their sessions end.",
        delete_user, _DONE, role="admin", errors=(404, 409),
    ),
    Route(
        "POST", "/users/{id}/link", "link_user",
        "A new link at which a person signs in or sets a password, once, within three days.",
        new_link, thing({"link": TEXT}), role="admin", errors=(404, 409),
    ),
    Route(
        "GET", "/tokens", "list_tokens", "The API tokens, never their text.",
        list_tokens, page_of("Token"), role="admin", errors=(403,),
    ),
    Route(
        "POST", "/tokens", "create_token", "A new API token. It is shown this once.",
        new_token, thing({"token": TEXT, "expires_at": TIME_OR_NULL}), role="admin",
        body=(
            replace(_NAME, is_required=True), replace(_ROLE, is_required=True), _MAY_RUN,
            Parameter(
                "days", "How long it is valid; without: until it is revoked.",
                {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_DAYS}, _days, (int, float),
            ),
        ),
    ),
    Route(
        "DELETE", "/tokens/{id}", "revoke_token", "Take a token back; sessions opened with it end.",
        delete_token, _DONE, role="admin", errors=(404,),
    ),
    Route(
        "GET", "/sessions", "list_sessions", "Where one is signed in; an admin can ask for everyone's.",
        list_sessions, page_of("Session"), errors=(403,),
        query=(
            Parameter(
                "of", "`me`, or `everyone` (admins).",
                {"type": "string", "enum": ["me", "everyone"], "default": "me"}, word_of(("me", "everyone")),
            ),
        ),
    ),
    Route(
        "DELETE", "/sessions/{id}", "end_session", "End a session: one of one's own, an admin anyone's.",
        delete_session, _DONE, errors=(404,),
    ),
    Route(
        "GET", "/audit", "list_audit", "Who did what, newest first.",
        list_deeds, page_of("Deed"), role="admin", errors=(403,),
        query=(
            Parameter(
                "q", "Only where this is part of who, verb, kind or name.",
                {"type": "string", "maxLength": LONGEST_SEARCH}, _search,
            ),
            Parameter("kind", "Only what was done to such a thing: `workflow`.", TEXT, _search),
            Parameter("who", "Only what was done by the one with this key.", TEXT, _search),
            CURSOR, LIMIT,
        ),
    ),
    Route(
        "GET", "/settings", "list_settings", "Settings of the server, and by what each is set.",
        list_settings, page_of("Setting"), role="admin", errors=(403,),
    ),
)  # fmt: skip

_ROLES = {"type": "string", "enum": list(get_args(Role))}
SCHEMAS: dict[str, Json] = {
    "Me": thing(
        {
            "key": {**TEXT, "description": "Stays the same: a user's id, or `token:NAME`."},
            "name": TEXT,
            "email": TEXT_OR_NULL,
            "role": _ROLES,
            "may_run": {"type": "boolean"},
            "rights": many({"enum": ["view", "run", "edit", "administer"]}),
            "is_token": {"type": "boolean"},
            "timezone": {**TEXT, "description": "Of the times on the pages (IANA)."},
            "version": {**TEXT, "description": "Of Hookline, as this server runs it."},
        }
    ),
    "User": thing(
        {
            "id": TEXT,
            "email": TEXT,
            "name": TEXT,
            "role": _ROLES,
            "may_run": {"type": "boolean"},
            "has_password": {"type": "boolean"},
            "is_disabled": {"type": "boolean"},
            "created_at": TIME,
            "signed_in_at": TIME_OR_NULL,
        }
    ),
    "Token": thing(
        {
            "id": {**TEXT, "description": "Names it; opens nothing."},
            "name": TEXT,
            "role": _ROLES,
            "may_run": {"type": "boolean"},
            "created_at": TIME,
            "made_by": TEXT,
            "used_at": {**TIME_OR_NULL, "description": "To the hour."},
            "expires_at": TIME_OR_NULL,
        }
    ),
    "Session": thing(
        {
            "id": {**TEXT, "description": "Names it; opens nothing."},
            "key": TEXT,
            "name": TEXT,
            "email": TEXT_OR_NULL,
            "role": _ROLES,
            "created_at": TIME,
            "used_at": {**TIME_OR_NULL, "description": "To the hour."},
            "expires_at": TIME,
            "address": TEXT,
            "browser": TEXT,
            "is_this": {"type": "boolean", "description": "Whether it is the one that asks."},
        }
    ),
    "Deed": thing(
        {
            "at": TIME,
            "who": thing({"key": TEXT, "name": TEXT}),
            "verb": TEXT,
            "kind": TEXT,
            "name": TEXT,
            "facts": OBJECT,
        }
    ),
    "Setting": thing(
        {
            "key": TEXT,
            "title": TEXT,
            "value": TEXT,
            "set_by": {**TEXT_OR_NULL, "description": "A variable or the file; null: nothing set it."},
        }
    ),
}
