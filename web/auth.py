"""
Who is asking, and what they may: nothing is answered without a session or a token, but the short
list PUBLIC.

A session is a cookie, a token an `Authorization: Bearer`. Whatever changes something needs, beside
a cookie, proof that our own page sent it: the browser's word on where the request came from, and
JSON (the API) or the form's token (the pages).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from quart import Quart, Request, Response, g, redirect, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.history import People, Role
from web.cookies import session_cookie
from web.house import House
from web.problems import Problem, problem_response, speaks_json

PUBLIC = frozenset(
    {"static", "healthz", "readyz", "signin", "signin_form", "start", "start_form", "oauth_callback"}
)
"""Endpoints that answer anyone. Endpoints, not paths: no prefix or suffix of an address opens a door."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
RANK: Mapping[str, int] = {"viewer": 0, "editor": 1, "admin": 2}
SESSION_SECONDS = 14 * 86400.0
TOKEN_SESSION_SECONDS = 12 * 3600.0  # a token may be taken back; its sessions do not outlive it long
LONGEST_PATH = 2000  # characters of an address to come back to
OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")  # //host and /\host would lead elsewhere


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in; `session` is None for a token."""

    name: str
    role: Role
    session: str | None = None

    @property
    def form_token(self) -> str:
        """What a form of this session carries: it follows from the session and does not give it away."""
        return hashlib.sha256(f"form of {self.session}".encode()).hexdigest()

    def may(self, role: Role) -> bool:
        """Whether the person's role is *role* or a higher one."""
        return RANK[self.role] >= RANK[role]


def guard(app: Quart, house: House, roles: Mapping[str, Role]) -> None:
    """
    Admit to *app* only who may come in. *roles* has the least role by endpoint; an endpoint that is
    not named there needs admin.
    """

    @app.before_request
    async def admit() -> ResponseReturnValue | None:
        g.person = None
        has_token = "Authorization" in request.headers
        if request.method not in SAFE and not has_token and not _is_from_here(request, house.public_url):
            raise Problem(403, "This request came from another site, so we did nothing.")
        if request.endpoint in PUBLIC:
            return None
        g.person = person = await known(request, house)
        if person is None:
            return _unknown(has_token=has_token)
        if request.method not in SAFE and not has_token:
            await _check_own_form(person)
        # an address that does not exist is told to everyone who is signed in
        if request.endpoint and not person.may(roles.get(request.endpoint, "admin")):
            raise Problem(403, "Your role does not allow this.")
        return None

    @app.context_processor
    def names() -> dict[str, object]:
        return {"person": g.get("person")}


async def known(asking: Request, house: House) -> Person | None:
    """The person whose token or session the request carries; a wrong token never falls back."""
    header = asking.headers.get("Authorization")
    if header is not None:
        scheme, _space, token = header.partition(" ")
        found = await house.people.known("api", token.strip()) if scheme.lower() == "bearer" else None
        return Person(*found) if found else None
    session = asking.cookies.get(cookie_name(house))
    found = await house.people.known("session", session) if session else None
    return Person(*found, session) if found else None


async def sign_in(token: str, people: People) -> tuple[str, Role, float] | None:
    """Name, role and length of session for *token*: a link (which is used up) or an API token."""
    found = await people.spend_link(token)
    if found:
        return (*found, SESSION_SECONDS)
    found = await people.known("api", token)
    return (*found, TOKEN_SESSION_SECONDS) if found else None


async def open_session(
    response: Response, house: House, *, name: str, role: Role, seconds: float
) -> Response:
    """Give *response* a new session; the one that the browser had ends."""
    cookie = cookie_name(house)
    old = request.cookies.get(cookie)
    if old:
        await house.people.end(old)
    session = await house.people.issue("session", name=name, role=role, seconds=seconds)
    response.set_cookie(
        cookie, session, max_age=int(seconds), httponly=True, samesite="Lax", secure=is_secure(house)
    )
    return response


def close_session(response: Response, house: House) -> Response:
    """Take the cookie away."""
    response.delete_cookie(cookie_name(house), httponly=True, samesite="Lax", secure=is_secure(house))
    return response


def cookie_name(house: House) -> str:
    """The name of the session's cookie."""
    return session_cookie(house.public_url)


def is_secure(house: House) -> bool:
    """Whether people come by TLS."""
    return house.public_url.startswith("https://")


def own_path(path: str | None) -> str:
    """*path*, if it is one of this server's; else the home page."""
    return path if path and len(path) <= LONGEST_PATH and OWN_PATH.fullmatch(path) else "/"


def _unknown(*, has_token: bool) -> ResponseReturnValue:
    if speaks_json(request.path):
        error = ', error="invalid_token"' if has_token else ""
        detail = "This needs an API token: `Authorization: Bearer hl_…`; `hookline user token` makes one."
        headers = {"WWW-Authenticate": f'Bearer realm="Hookline"{error}'}
        return problem_response(Problem(401, detail, headers=headers))
    wanted = request.full_path.removesuffix("?") if request.method in SAFE else "/"
    wanted = own_path(wanted)
    return redirect(url_for("signin", next=wanted if wanted != "/" else None), 303)


def _is_from_here(asking: Request, public_url: str) -> bool:
    """The browser's word: Sec-Fetch-Site where it sends one (TLS, localhost), else Origin."""
    site = asking.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    host = asking.headers.get("Origin", "").partition("://")[2]
    return bool(host) and host in {asking.host, urlsplit(public_url).netloc}


async def _check_own_form(person: Person) -> None:
    """A form of another site can send neither JSON nor the token of our form."""
    if speaks_json(request.path):
        if request.mimetype != "application/json":
            raise Problem(415, "Send this as application/json.")
        return
    given = (await request.form).get("form_token", "")
    if not hmac.compare_digest(given.encode(), person.form_token.encode()):
        raise Problem(403, "This form is out of date, so we did nothing. Load the page again and repeat.")
