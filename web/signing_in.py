"""Ways to show who one is: a password, a one-time link, an API token. Attempts are limited and noted."""

from __future__ import annotations

import math

from quart import request

from runner.engine.audit import SIGN_IN_FAILED
from runner.engine.people import LONGEST_PASSWORD, Holder, User, read_email
from web.house import House
from web.problems import Problem


def begin_attempt(house: House, email: str = "") -> None:
    """
    Note that somebody tries to sign in, or tries a password.

    Raises:
        Problem: 429, there were too many attempts from this address or with this *email*.
    """
    wait = house.attempts.begin(request.remote_addr or "", email)
    if wait:
        seconds = math.ceil(wait)
        sentence = f"There were too many attempts to sign in. Wait {seconds} seconds, then try again."
        raise Problem(429, sentence, headers={"Retry-After": str(seconds)})


def end_attempt(house: House, email: str = "") -> None:
    """It succeeded, and so does not count."""
    house.attempts.succeeded(request.remote_addr or "", email)


async def by_password(house: House, text: str, password: str) -> Holder | None:
    """
    The user with the email *text* and this *password*. None, alike and after the same time: a wrong
    password, an email that nobody has, and somebody who is disabled.

    Raises:
        Problem: 429. StoreUnavailable.
    """
    try:
        email = read_email(text)
    except ValueError:
        email = text.strip()[:100]
    begin_attempt(house, email)
    user, kept = await house.users.by_email(email) or (None, None)
    match = await house.passwords.check(password[:LONGEST_PASSWORD], kept)
    if user is None or not match.is_right or user.is_disabled:
        # an email that nobody has is not written down: it may be a password in the wrong field
        await house.audit(None, SIGN_IN_FAILED, "user", user.email if user else "", address=_address())
        return None
    if match.better and kept:
        await house.users.rehash(user.id, was=kept, password=match.better)
    end_attempt(house, email)
    return holder_of(user)


async def by_token(house: House, token: str) -> tuple[Holder, bool] | None:
    """
    Who holds the API token *token*, and whether it is a link instead, which is not used up.

    Raises:
        Problem: 429. StoreUnavailable.
    """
    begin_attempt(house)
    holder = await house.people.known("api", token)
    link = None if holder else await _of_link(house, token)
    found = holder or link
    if found is None:
        await house.audit(None, SIGN_IN_FAILED, "token", "", address=_address())
        return None
    end_attempt(house)
    return found, link is not None


async def by_link(house: House, link: str) -> Holder | None:
    """
    Whose *link* this is, which is not used up: a user's; or, while there are no users, the first one's
    (`is_first`). None where it cannot be used.

    Raises:
        Problem: 429. StoreUnavailable.
    """
    begin_attempt(house)
    holder = await _of_link(house, link)
    if holder:
        end_attempt(house)
    return holder


async def _of_link(house: House, link: str) -> Holder | None:
    holder = await house.people.known("link", link)
    return None if holder and is_first(holder) and not await house.users.is_empty() else holder


def is_first(holder: Holder) -> bool:
    """Whether a link is nobody's: whoever opens it becomes the first user."""
    return holder.email is None


def holder_of(user: User) -> Holder:
    """The user as the holder of what is issued to them."""
    return Holder(user.id, user.name, user.role, may_run=user.may_run, email=user.email)


def _address() -> str:
    return request.remote_addr or ""
