"""
The people and programs that may look and act: roles, rights, and the ports that keep them.

A user signs in and gets a session; a program has an API token. Only digests of tokens and hashes of
passwords are kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from runner.values import Json, iso

Role = Literal["viewer", "editor", "admin"]
Right: TypeAlias = Literal["viewer", "run", "editor", "admin"]
"""What something asks of whoever does it: the least role, or the right to run that a viewer can be given."""

Kind = Literal["api", "session", "link"]

EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
LONGEST_NAME = 100
LEAST_PASSWORD = 12  # characters, and no other rule: length is what guessing cannot pay for
LONGEST_PASSWORD = 1000


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Who holds a token, session or link. `key` stays the same for the same one: a user's id, or
    `token:NAME` of an API token; `may_run` is the right that a viewer can be given; `id` is that of the
    token, session or link, which opens nothing.
    """

    key: str
    name: str
    role: Role
    may_run: bool = False
    email: str | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a token, session or link comes from, as lists show it; whose it is."""

    user_id: str | None = None
    token_id: str | None = None  # the API token with which a session was opened
    made_by: str = ""
    address: str = ""
    browser: str = ""


NOWHERE = Provenance()


class People(Protocol):
    """Tokens, sessions and first-start links. All methods raise StoreUnavailable."""

    async def issue(
        self,
        kind: Kind,
        *,
        name: str,
        role: Role,
        seconds: float | None,
        may_run: bool = False,
        provenance: Provenance = NOWHERE,
    ) -> str:
        """
        A new token of *kind*, valid for *seconds* (None: until deleted); shown only here. One of a user
        (`provenance.user_id`) has that user's name and role at each time, not those given here.
        """

    async def known(self, kind: Kind, token: str) -> Holder | None:
        """Who holds *token*, or None; nobody who is disabled does. A link is not used up by that."""

    async def spend_link(self, token: str) -> Holder | None:
        """As `known`, for a link that has not been used; it cannot be used again."""

    async def end(self, token: str) -> None:
        """Forget a token or session."""

    async def tokens(self) -> list[Json]:
        """API tokens: id, name, role, may_run, created_at, made_by, used_at, expires_at; never the token."""

    async def sessions(self, key: str | None = None) -> list[Json]:
        """
        Sessions, the newest first (*key*: of this one alone): id, key, name, email, role, created_at,
        used_at (to the hour), expires_at, address, browser.
        """

    async def revoke(self, token_id: str) -> str:
        """Take an API token back, with the sessions opened with it; its name. Raises NotFound."""

    async def end_session(self, session_id: str, *, key: str | None = None) -> str:
        """End a session (*key*: only one of this one); whose it was. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in. Times are UTC seconds."""

    id: str
    email: str
    name: str
    role: Role
    may_run: bool
    has_password: bool
    created_at: float
    signed_in_at: float | None = None
    disabled_at: float | None = None

    @property
    def is_disabled(self) -> bool:
        """Whether they may not sign in for now."""
        return self.disabled_at is not None

    def as_json(self) -> Json:
        """`{id, email, name, role, may_run, has_password, is_disabled, created_at, signed_in_at}`."""
        return {
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "role": self.role,
            "may_run": self.may_run or self.role != "viewer",
            "has_password": self.has_password,
            "is_disabled": self.is_disabled,
            "created_at": iso(self.created_at),
            "signed_in_at": iso(self.signed_in_at),
        }


@dataclass(frozen=True, slots=True)
class NewUser:
    """Someone who is about to become a user. `password` is a hash, never the password."""

    email: str
    name: str
    role: Role
    may_run: bool = False
    password: str | None = None
    identity: str | None = None  # issuer and subject, of whoever signs in elsewhere


class Users(Protocol):
    """
    The users. When a password, a role, the right to run or being disabled changes, all of the user's
    sessions and links end. There is always an admin who may sign in. All methods raise StoreUnavailable.
    """

    async def is_empty(self) -> bool:
        """Whether there is nobody yet."""

    async def all(self) -> list[User]:
        """Everybody, by name."""

    async def show(self, user_id: str) -> User:
        """One user. Raises NotFound."""

    async def by_email(self, email: str) -> tuple[User, str | None] | None:
        """The user with this case-folded *email* and the hash of their password."""

    async def by_identity(self, identity: str) -> User | None:
        """The user who signs in elsewhere as *identity*."""

    async def add(self, new: NewUser) -> User:
        """Add a user. Raises MoveRefused: the email has one already."""

    async def add_first(self, link: str, new: NewUser) -> User | None:
        """
        Add the first user, using up the first-start *link* (and all others of its kind); None where it
        is not valid, or there is somebody already.
        """

    async def change(
        self,
        user_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        may_run: bool | None = None,
        is_disabled: bool | None = None,
    ) -> User:
        """Change what is given. Raises NotFound, MoveRefused: nobody could administer any more."""

    async def set_password(self, user_id: str, password: str) -> None:
        """Set the hash of the password. Raises NotFound."""

    async def rehash(self, user_id: str, *, was: str, password: str) -> None:
        """The same password under another hash: no session ends, and nothing happens if it was changed."""

    async def set_identity(self, user_id: str, identity: str) -> bool:
        """From now on the user also signs in elsewhere as *identity*; False: they do so as another."""

    async def signed_in(self, user_id: str) -> None:
        """Note that they did."""

    async def remove(self, user_id: str) -> User:
        """Remove a user; who it was. Raises NotFound, MoveRefused: nobody could administer any more."""


def read_email(text: str) -> str:
    """
    An email address as users are known by: case-folded.

    Raises:
        ValueError: it is none.
    """
    email = unicodedata.normalize("NFC", text.strip()).casefold()
    if not EMAIL.fullmatch(email):
        raise ValueError("write an email address such as ada@example.com")
    return email


def read_name(text: str) -> str:
    """
    A name as lists show it.

    Raises:
        ValueError: it is empty, too long, or has a character that cannot be seen.
    """
    name = " ".join(text.split())
    if not name:
        raise ValueError("write a name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"at most {LONGEST_NAME} characters")
    if not name.isprintable():
        raise ValueError("a name has only characters that can be seen")
    return name


def read_password(text: str) -> str:
    """
    A password that may be set.

    Raises:
        ValueError: it is too short or too long.
    """
    if len(text) < LEAST_PASSWORD:
        raise ValueError(f"a password has at least {LEAST_PASSWORD} characters")
    if len(text) > LONGEST_PASSWORD:
        raise ValueError(f"at most {LONGEST_PASSWORD} characters")
    return text
