"""
The users in a store: the Users port.

What is decided by what stands there (the first one, the last admin) is decided inside the writing
transaction, so that two that come at once cannot both be it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runner.engine.people import NewUser, Role, User
from runner.errors import MoveRefused, NotFound
from runner.store.people import digest
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import random_bytes, sortable_id

SQL = read("people.sql")

USERS = "users"  # the lock of who decides by what the others are


class StoredUsers:
    """See `runner.engine.people.Users`. *clock* gives UTC seconds."""

    def __init__(self, store: Tables, clock: Callable[[], float]) -> None:
        self._tables = store
        self._clock = clock

    async def is_empty(self) -> bool:
        """Whether there is nobody yet. Raises StoreUnavailable."""
        return not await self._tables.read(SQL["any_user"])

    async def all(self) -> list[User]:
        """Everybody, by name. Raises StoreUnavailable."""
        return [_user(row) for row in await self._tables.read(SQL["users"])]

    async def show(self, user_id: str) -> User:
        """One user. Raises NotFound, StoreUnavailable."""
        rows = await self._tables.read(SQL["user"], id=user_id)
        if not rows:
            raise NotFound("there is no such user")
        return _user(rows[0])

    async def by_email(self, email: str) -> tuple[User, str | None] | None:
        """The user with this case-folded *email* and the hash of their password. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["user_by_email"], email=email)
        return (_user(rows[0]), rows[0][9]) if rows else None

    async def by_identity(self, identity: str) -> User | None:
        """The user who signs in elsewhere as *identity*. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["user_by_identity"], identity=identity)
        return _user(rows[0]) if rows else None

    async def add(self, new: NewUser) -> User:
        """Add a user. Raises MoveRefused, StoreUnavailable."""
        return await self._tables.write(lambda transaction: self._insert(transaction, new))

    async def add_first(self, link: str, new: NewUser) -> User | None:
        """Add the first user, using up *link*; None where that cannot be. Raises StoreUnavailable."""
        parameters = {"digest": digest(link), "kind": "link", "now": self._clock()}

        async def member(transaction: Transaction) -> User | None:
            await transaction.lock(USERS)
            if await transaction.row(SQL["any_user"]):
                return None
            if await transaction.row(SQL["token"], parameters) is None:
                return None
            await transaction.execute(SQL["delete_links_of_nobody"])
            return await self._insert(transaction, new)

        return await self._tables.write(member)

    async def change(
        self,
        user_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        may_run: bool | None = None,
        is_disabled: bool | None = None,
    ) -> User:
        """Change what is given. Raises NotFound, MoveRefused, StoreUnavailable."""
        now = self._clock()

        async def member(transaction: Transaction) -> User:
            await transaction.lock(USERS)
            was = await _existing(transaction, user_id)
            disabled_at = was.disabled_at
            if is_disabled is not None:
                disabled_at = (was.disabled_at or now) if is_disabled else None
            user = replace(
                was,
                name=was.name if name is None else name,
                role=was.role if role is None else role,
                may_run=was.may_run if may_run is None else may_run,
                disabled_at=disabled_at,
            )
            if _administers(was) and not _administers(user):
                await _need_other_admin(transaction, user_id)
            row = {"id": user.id, "name": user.name, "role": user.role, "may_run": user.may_run}
            await transaction.execute(SQL["update_user"], {**row, "disabled_at": user.disabled_at})
            if (was.role, was.may_run, was.disabled_at) != (user.role, user.may_run, user.disabled_at):
                await transaction.execute(SQL["delete_of_user"], {"id": user_id})
            return user

        return await self._tables.write(member)

    async def set_password(self, user_id: str, password: str) -> None:
        """Set the hash of the password; all sessions and links end. Raises NotFound, StoreUnavailable."""

        async def member(transaction: Transaction) -> None:
            await _existing(transaction, user_id)
            await transaction.execute(SQL["set_password"], {"id": user_id, "password": password})
            await transaction.execute(SQL["delete_of_user"], {"id": user_id})

        await self._tables.write(member)

    async def rehash(self, user_id: str, *, was: str, password: str) -> None:
        """The same password under another hash. Raises StoreUnavailable."""
        await self._do("rehash", id=user_id, was=was, password=password)

    async def set_identity(self, user_id: str, identity: str) -> bool:
        """From now on the user also signs in elsewhere as *identity*. Raises StoreUnavailable."""
        parameters = {"id": user_id, "identity": identity}
        return bool(await self._tables.execute(SQL["set_identity"], **parameters))

    async def signed_in(self, user_id: str) -> None:
        """Note that they did. Raises StoreUnavailable."""
        await self._do("signed_in", id=user_id, now=self._clock())

    async def remove(self, user_id: str) -> User:
        """Remove a user with all sessions; who it was. Raises NotFound, MoveRefused, StoreUnavailable."""

        async def member(transaction: Transaction) -> User:
            await transaction.lock(USERS)
            user = await _existing(transaction, user_id)
            if _administers(user):
                await _need_other_admin(transaction, user_id)
            await transaction.execute(SQL["delete_user"], {"id": user_id})
            return user

        return await self._tables.write(member)

    async def _insert(self, transaction: Transaction, new: NewUser) -> User:
        now = self._clock()
        row = {
            "id": sortable_id(now, random_bytes(10)),
            "email": new.email,
            "name": new.name,
            "role": new.role,
            "may_run": new.may_run,
            "password": new.password,
            "identity": new.identity,
            "created_at": now,
        }
        if not await transaction.execute(SQL["insert_user"], row):
            raise MoveRefused(f"{new.email} is somebody's already")
        return await _existing(transaction, str(row["id"]))

    async def _do(self, statement: str, **parameters: Any) -> None:
        await self._tables.execute(SQL[statement], **parameters)


async def _existing(transaction: Transaction, user_id: str) -> User:
    row = await transaction.row(SQL["user"], {"id": user_id})
    if row is None:
        raise NotFound("there is no such user")
    return _user(row)


def _administers(user: User) -> bool:
    return user.role == "admin" and not user.is_disabled


async def _need_other_admin(transaction: Transaction, user_id: str) -> None:
    if await transaction.row(SQL["other_admin"], {"id": user_id}) is None:
        raise MoveRefused("this is the only admin; make somebody else one first")


def _user(row: Any) -> User:
    identity, email, name, role, may_run, has_password, created_at, signed_in_at, disabled_at = row[:9]
    return User(
        identity, email, name, role, may_run=bool(may_run), has_password=bool(has_password),
        created_at=created_at, signed_in_at=signed_in_at, disabled_at=disabled_at,
    )  # fmt: skip
