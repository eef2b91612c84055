"""Signing in with an account elsewhere: the way there, and back."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast

from quart import Response, redirect, request
from quart.typing import ResponseReturnValue

from runner.engine.audit import SIGN_IN_FAILED
from runner.engine.people import NewUser, Role, User, read_email, read_name
from runner.engine.single_sign_on import CALLBACK as OIDC_CALLBACK
from runner.errors import ActionError, MoveRefused, NotFound
from runner.values import dumps, loads
from web.auth import SESSION_SECONDS, is_secure, open_session, person_of, sign_in_page
from web.house import House
from web.paths import own_path
from web.signing_in import begin_attempt, end_attempt, holder_of

if TYPE_CHECKING:
    from runner.engine.single_sign_on import Account, SingleSignOn
    from runner.settings import Oidc

__all__ = ["OIDC_CALLBACK", "oidc_begin", "oidc_callback"]

UNDER_WAY_SECONDS = 600
PARTS = ("state", "nonce", "verifier", "next")


async def oidc_begin(house: House) -> ResponseReturnValue:
    """Send the browser to the provider, with what it has to come back with in a cookie."""
    way = _way(house)
    wanted = own_path(request.args.get("next"))
    try:
        begun = await way.begin()
    except ActionError as error:
        return await sign_in_page(house, wanted, wrong=_sentence(way, error)), 502
    response = redirect(begun.url, 303)
    assert isinstance(response, Response)
    text = dumps(
        {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "next": wanted}
    ).encode()
    response.set_cookie(
        _cookie(house), base64.urlsafe_b64encode(text).decode(), max_age=UNDER_WAY_SECONDS,
        httponly=True, samesite="Lax", secure=is_secure(house),
    )  # fmt: skip
    return response


async def oidc_callback(house: House) -> ResponseReturnValue:
    """Sign in whoever came back, if it is somebody who may."""
    way = _way(house)
    begun = _begun(request.cookies.get(_cookie(house), ""))
    wanted = own_path(begun["next"])
    begin_attempt(house)
    try:
        account = await way.finish(
            request.args.to_dict(), state=begun["state"], nonce=begun["nonce"], verifier=begun["verifier"]
        )
        user = await _user(house, way.settings, account)
    except (ActionError, MoveRefused) as error:
        await house.audit(
            None, SIGN_IN_FAILED, "user", "", provider=way.settings.name, why=str(error),
            address=request.remote_addr,
        )  # fmt: skip
        response = Response(await sign_in_page(house, wanted, wrong=_sentence(way, error)), 403)
    else:
        end_attempt(house)
        holder = holder_of(user)
        await house.audit(person_of(holder), "signed in", "user", user.email, provider=way.settings.name)
        found = redirect(wanted, 303)
        assert isinstance(found, Response)
        response = found
        await open_session(response, house, holder, seconds=SESSION_SECONDS)
    response.delete_cookie(_cookie(house), httponly=True, samesite="Lax", secure=is_secure(house))
    return response


async def _user(house: House, settings: Oidc, account: Account) -> User:
    """
    The user who is *account*: known by it, or by its email, or new where the email's domain is allowed.

    Raises:
        MoveRefused: nobody who may sign in.
    """
    user = await house.users.by_identity(account.identity)
    if user is None:
        user = await _by_email(house, settings, account)
    if user.is_disabled:
        raise MoveRefused(f"{user.email} may not sign in here; ask an admin")
    role = _role(settings, account)
    if settings.role_claim and role != user.role:
        was, user = user.role, await house.users.change(user.id, role=role)
        person = person_of(holder_of(user))
        await house.audit(person, "changed", "user", user.email, role=role, was=was, provider=settings.name)
    return user


async def _by_email(house: House, settings: Oidc, account: Account) -> User:
    try:
        email = read_email(account.email or "")
    except ValueError:
        raise MoveRefused("the account has no email that its provider has verified") from None
    found = await house.users.by_email(email)
    if found:
        if await house.users.set_identity(found[0].id, account.identity):
            return found[0]
        raise MoveRefused(f"{email} signs in with another account; ask an admin")
    domain = email.rpartition("@")[2]
    if domain not in {one.casefold().removeprefix("@") for one in settings.allowed_domains}:
        raise MoveRefused(f"{email} is not among the people of this server; ask an admin to add you")
    if await house.users.is_empty():
        raise MoveRefused("the first admin is created with the link that the server printed when it started")
    try:
        name = read_name(account.name)
    except ValueError:
        name = email.partition("@")[0]
    user = await house.users.add(NewUser(email, name, _role(settings, account), identity=account.identity))
    person = person_of(holder_of(user))
    await house.audit(person, "added", "user", user.email, role=user.role, provider=settings.name)
    return user


def _role(settings: Oidc, account: Account) -> Role:
    if account.values & set(settings.admins):
        return "admin"
    if account.values & set(settings.editors):
        return "editor"
    return cast("Role", settings.default_role)  # one of them: `runner.settings`


def _way(house: House) -> SingleSignOn:
    if house.single_sign_on is None:
        raise NotFound("nobody signs in elsewhere here")
    return house.single_sign_on


def _cookie(house: House) -> str:
    return "__Host-hookline-oidc" if is_secure(house) else "hookline-oidc"


def _begun(text: str) -> dict[str, str]:
    """What `oidc_begin` wrote into its cookie; empty texts where it is not that."""
    try:
        given = loads(base64.urlsafe_b64decode(text))
    except ValueError:
        given = None
    found = given if isinstance(given, dict) else {}
    return {name: one if isinstance(one := found.get(name), str) else "" for name in PARTS}


def _sentence(way: SingleSignOn, error: Exception) -> str:
    return f"Signing in with {way.settings.name} did not work: {str(error).rstrip('.')}."
