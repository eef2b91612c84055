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
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from quart import Quart, Request, Response, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.people import Holder, Provenance, Right, Role
from web.cookies import session_cookie
from web.house import House
from web.paths import own_path
from web.problems import Problem, problem_response, speaks_json
from web.unsent import kept_form

PUBLIC = frozenset(
    {
        "static",
        "healthz",
        "readyz",
        "oauth_callback",
        "signin",
        "signin_form",
        "start",
        "start_form",
        "oidc_begin",
        "oidc_callback",
    }
)
"""Endpoints that answer anyone. Endpoints, not paths: no prefix or suffix of an address opens a door."""

RIGHTS_OF = "rights"  # among an application's extensions: what each endpoint asks for
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
RANK: Mapping[Right, int] = {"viewer": 0, "run": 1, "editor": 2, "admin": 3}
RIGHTS: tuple[tuple[str, Right], ...] = (
    ("view", "viewer"), ("run", "run"), ("edit", "editor"), ("administer", "admin"),
)  # fmt: skip
SESSION_SECONDS = 14 * 86400.0
TOKEN_SESSION_SECONDS = 12 * 3600.0  # a token may be taken back; its sessions do not outlive it long


@dataclass(frozen=True, slots=True)
class Person:
    """
    Who is signed in. `key` stays the same for the same person: a user's id, or `token:NAME` for an
    API token; `id` names the session or token in lists; `session` is None for a token.
    """

    key: str
    name: str
    role: Role
    may_run: bool = False
    email: str | None = None
    id: str = ""
    session: str | None = None

    @property
    def label(self) -> str:
        """What the audit log calls them, where something is done to them: it is the only one of that name."""
        return self.email or self.name

    @property
    def is_user(self) -> bool:
        """Whether it is a user: not an API token, nor a session opened with one."""
        return self.email is not None

    @property
    def form_token(self) -> str:
        """What a form of this session carries: it follows from the session and does not give it away."""
        return hashlib.sha256(f"form of {self.session}".encode()).hexdigest()

    def may(self, right: Right) -> bool:
        """Whether the person has *right*: by a role that is so high, or given to a viewer (`run`)."""
        return RANK[self.role] >= RANK[right] or (right == "run" and self.may_run)

    @property
    def rights(self) -> list[str]:
        """What the person may do, the least first."""
        return [name for name, right in RIGHTS if self.may(right)]


def guard(app: Quart, house: House, rights: Mapping[str, Right]) -> None:
    """
    Admit to *app* only who may come in. *rights* has what each endpoint asks for; one that is not
    named there needs admin.
    """
    app.extensions[RIGHTS_OF] = dict(rights)

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
            return await _unknown(house, has_token=has_token)
        if request.method not in SAFE and not has_token:
            await _check_own_form(person)
        # an address that does not exist is told to everyone who is signed in
        if request.endpoint and not person.may(rights.get(request.endpoint, "admin")):
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
        return person_of(found) if found else None
    session = asking.cookies.get(cookie_name(house))
    found = await house.people.known("session", session) if session else None
    return person_of(found, session) if found else None


def person_of(holder: Holder, session: str | None = None) -> Person:
    """Who that is, signed in with *session*."""
    return Person(
        holder.key,
        holder.name,
        holder.role,
        may_run=holder.may_run,
        email=holder.email,
        id=holder.id,
        session=session,
    )


async def open_session(response: Response, house: House, holder: Holder, *, seconds: float) -> Person:
    """
    Give *response* a new session of *holder*, a user or an API token; the one that the browser had ends.
    Who is signed in with it.
    """
    cookie = cookie_name(house)
    old = request.cookies.get(cookie)
    if old:
        await house.people.end(old)
    is_user = holder.email is not None
    provenance = Provenance(
        user_id=holder.key if is_user else None,
        token_id=None if is_user else holder.id,
        address=request.remote_addr or "",
        browser=request.headers.get("User-Agent", ""),
    )
    session = await house.people.issue(
        "session",
        name=holder.name,
        role=holder.role,
        may_run=holder.may_run,
        seconds=seconds,
        provenance=provenance,
    )
    if is_user:
        await house.users.signed_in(holder.key)
    response.set_cookie(
        cookie, session, max_age=int(seconds), httponly=True, samesite="Lax", secure=is_secure(house)
    )
    return person_of(holder, session)


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


async def _unknown(house: House, *, has_token: bool) -> ResponseReturnValue:
    if speaks_json(request.path):
        error = ', error="invalid_token"' if has_token else ""
        detail = "This needs an API token: `Authorization: Bearer hl_…`; `hookline user token` makes one."
        headers = {"WWW-Authenticate": f'Bearer realm="Hookline"{error}'}
        return problem_response(Problem(401, detail, headers=headers))
    if request.method in SAFE:
        wanted = own_path(request.full_path.removesuffix("?"))
    else:
        wanted = _page_of_form()
        if cookie_name(house) in request.cookies and (kept := await kept_form()):
            return (
                await sign_in_page(house, wanted, kept=kept),
                401,
                {"WWW-Authenticate": 'Bearer realm="Hookline"'},
            )
    return redirect(url_for("signin", next=wanted if wanted != "/" else None), 303)


async def sign_in_page(house: House, wanted: str, *, kept: str = "", wrong: str = "", email: str = "") -> str:
    """
    The page that says how to sign in, and then goes on at *wanted*; *kept* is a form that was not sent
    (`web.unsent`), *wrong* what was wrong with the last attempt, made with *email*.
    """
    return await render_template(
        "signin.html",
        wanted=wanted,
        kept=kept,
        wrong=wrong,
        email=email,
        is_empty=await house.users.is_empty(),
        elsewhere=house.single_sign_on.settings.name if house.single_sign_on else "",
    )


def _page_of_form() -> str:
    """The page whose form was sent, by the browser's word; only ever one of ours."""
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.host:
        return "/"
    return own_path(page.path + (f"?{page.query}" if page.query else ""))


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
