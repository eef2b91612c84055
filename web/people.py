"""What is done with people, tokens and sessions: the same for the pages and the API, and written down."""

from __future__ import annotations

from runner.engine.people import LONGEST_PASSWORD, NewUser, Provenance, Role, User, read_password
from runner.errors import MoveRefused
from web.auth import Person
from web.house import House
from web.problems import Problem
from web.signing_in import begin_attempt, end_attempt

DAY_SECONDS = 86400.0
LINK_DAYS = 3  # whoever is invited on a Friday reads it on Monday


async def add_user(
    house: House, by: Person, *, email: str, name: str, role: Role, may_run: bool
) -> tuple[User, str]:
    """
    A new user, and the link at which they set their password.

    Raises:
        MoveRefused: the email is somebody's. StoreUnavailable.
    """
    user = await house.users.add(NewUser(email, name, role, may_run=may_run))
    await house.audit(by, "added", "user", user.email, role=user.role, may_run=user.may_run)
    return user, await _link(house, user)


async def link_for(house: House, by: Person, user_id: str) -> str:
    """
    A new link at which the user signs in or sets a password, once.

    Raises:
        NotFound, MoveRefused: they are disabled. StoreUnavailable.
    """
    user = await house.users.show(user_id)
    if user.is_disabled:
        raise MoveRefused(f"{user.email} is disabled; enable them first")
    await house.audit(by, "made a sign-in link for", "user", user.email)
    return await _link(house, user)


async def change_user(
    house: House,
    by: Person,
    user_id: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    may_run: bool | None = None,
    is_disabled: bool | None = None,
) -> User:
    """
    Change what is given; but for the name, the user's sessions end.

    Raises:
        NotFound, MoveRefused: nobody could administer any more. StoreUnavailable.
    """
    was = await house.users.show(user_id)
    user = await house.users.change(user_id, name=name, role=role, may_run=may_run, is_disabled=is_disabled)
    changed = {
        key: value
        for key, value in user.as_json().items()
        if key in {"name", "role", "may_run", "is_disabled"} and value != was.as_json()[key]
    }
    if changed:
        await house.audit(by, "changed", "user", user.email, **changed)
    return user


async def remove_user(house: House, by: Person, user_id: str) -> User:
    """
    Remove a user; who it was.

    Raises:
        NotFound, MoveRefused: nobody could administer any more. StoreUnavailable.
    """
    user = await house.users.remove(user_id)
    await house.audit(by, "removed", "user", user.email, role=user.role)
    return user


async def create_token(
    house: House, by: Person, *, name: str, role: Role, may_run: bool, days: float | None
) -> str:
    """
    A new API token, which is shown only here.

    Raises:
        StoreUnavailable.
    """
    token = await house.people.issue(
        "api",
        name=name,
        role=role,
        may_run=may_run,
        seconds=days * DAY_SECONDS if days else None,
        provenance=Provenance(made_by=by.label),
    )
    await house.audit(by, "created", "token", name, role=role, may_run=may_run, days=days)
    return token


async def revoke_token(house: House, by: Person, token_id: str) -> None:
    """
    Take an API token back, with the sessions that were opened with it.

    Raises:
        NotFound, StoreUnavailable.
    """
    name = await house.people.revoke(token_id)
    await house.audit(by, "revoked", "token", name)


async def end_session(house: House, by: Person, session_id: str) -> None:
    """
    End a session: one of one's own, an admin anyone's.

    Raises:
        NotFound, StoreUnavailable.
    """
    whose = await house.people.end_session(session_id, key=None if by.may("admin") else by.key)
    await house.audit(by, "ended", "session", whose)


async def change_password(house: House, by: Person, current: str, new: str) -> None:
    """
    Change one's own password; all of one's sessions end, this one too.

    Raises:
        MoveRefused: it is no user who asks. Problem: 403 the current one is wrong, 429.
        ValueError: the new one cannot be one. StoreUnavailable.
    """
    if by.email is None:
        raise MoveRefused("an API token has no password")
    read_password(new)
    begin_attempt(house, by.email)
    user, kept = await house.users.by_email(by.email) or (None, None)
    match = await house.passwords.check(current[:LONGEST_PASSWORD], kept)
    if user is None or not match.is_right:
        await house.audit(by, "could not change", "password", by.email)
        raise Problem(403, "The current password is another one, so we did nothing.", parameter="current")
    end_attempt(house, by.email)
    await house.users.set_password(user.id, await house.passwords.hash(new))
    await house.audit(by, "changed", "password", user.email)


async def _link(house: House, user: User) -> str:
    token = await house.people.issue(
        "link",
        name=user.name,
        role=user.role,
        seconds=LINK_DAYS * DAY_SECONDS,
        provenance=Provenance(user_id=user.id),
    )
    return f"{house.public_url}/start/{token}"
