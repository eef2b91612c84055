"""
Tokens, sessions and first-start links in a store: the People port.

A token is 256 random bits, so its SHA-256 is looked up as it is: nothing can be guessed, and the
time of looking up a digest says nothing of the token.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from runner.engine.people import NOWHERE, Holder, Kind, Provenance, Role
from runner.errors import NotFound, StoreUnavailable
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import Json, iso

SQL = read("people.sql")
PREFIX = "hl_"  # so that a scanner for leaked secrets can know one
RANDOM_BYTES = 32
USED_SECONDS = 3600.0  # between two notes of a use: looking at a page shall not write each time
LONGEST_BROWSER = 300  # characters of a User-Agent


class StoredPeople:
    """See `runner.engine.people.People`. *clock* gives UTC seconds."""

    def __init__(self, store: Tables, clock: Callable[[], float]) -> None:
        self._tables = store
        self._clock = clock

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
        A new token of *kind*, valid for *seconds* (None: until deleted); shown only here.

        Those of the same kind whose time is over are cleared away. Raises StoreUnavailable.
        """
        token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        now = self._clock()
        row = {
            "digest": digest(token),
            "kind": kind,
            "name": name,
            "role": role,
            "created_at": now,
            "expires_at": None if seconds is None else now + seconds,
            "id": secrets.token_hex(8),
            "may_run": may_run,
            "user_id": provenance.user_id,
            "token_id": provenance.token_id,
            "made_by": provenance.made_by,
            "address": provenance.address,
            "browser": provenance.browser[:LONGEST_BROWSER],
        }

        async def member(transaction: Transaction) -> None:
            await transaction.execute(SQL["delete_over"], {"kind": kind, "now": now})
            await transaction.execute(SQL["insert_token"], row)

        await self._tables.write(member)
        return token

    async def known(self, kind: Kind, token: str) -> Holder | None:
        """Who holds *token*, or None. Raises StoreUnavailable."""
        now = self._clock()
        rows = await self._tables.read(SQL["token"], digest=digest(token), kind=kind, now=now)
        if not rows:
            return None
        holder, used_at = _holder(rows[0]), rows[0][6]
        if kind != "link" and (used_at is None or now - used_at >= USED_SECONDS):
            use = {"id": holder.id, "now": now}
            with contextlib.suppress(StoreUnavailable):  # whoever only looks need not wait for the disk
                await self._tables.write(
                    lambda transaction: transaction.execute(SQL["use_token"], use), is_quick=True
                )
        return holder

    async def spend_link(self, token: str) -> Holder | None:
        """As `known`, for a link that has not been used; it cannot be used again. Raises StoreUnavailable."""
        parameters = {"digest": digest(token), "kind": "link", "now": self._clock()}

        async def member(transaction: Transaction) -> Holder | None:
            row = await transaction.row(SQL["token"], parameters)
            if row is None or not await transaction.execute(SQL["delete_digest"], parameters):
                return None  # or another was quicker
            return _holder(row)

        return await self._tables.write(member)

    async def end(self, token: str) -> None:
        """Forget a token or session; one that is not known is forgotten already. Raises StoreUnavailable."""
        parameters = {"digest": digest(token)}
        await self._tables.execute(SQL["delete_digest"], **parameters)

    async def tokens(self) -> list[Json]:
        """API tokens, never their text. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["tokens"])
        return [
            {
                "id": identity,
                "name": name,
                "role": role,
                "may_run": bool(may_run) or role != "viewer",
                "created_at": iso(created_at),
                "made_by": made_by,
                "used_at": iso(used_at),
                "expires_at": iso(expires_at),
            }
            for identity, name, role, may_run, created_at, made_by, used_at, expires_at in rows
        ]

    async def sessions(self, key: str | None = None) -> list[Json]:
        """Sessions, the newest first. Raises StoreUnavailable."""
        names = ("id", "key", "name", "email", "role")
        times = ("created_at", "used_at", "expires_at")
        return [
            {
                **dict(zip(names, row[:5], strict=True)),
                **{name: iso(moment) for name, moment in zip(times, row[5:8], strict=True)},
                "address": row[8],
                "browser": row[9],
            }
            for row in await self._tables.read(SQL["sessions"], key=key, now=self._clock())
        ]

    async def revoke(self, token_id: str) -> str:
        """Take an API token back, with the sessions opened with it; its name. Raises NotFound."""

        async def member(transaction: Transaction) -> str:
            row = await transaction.row(SQL["delete_token"], {"id": token_id})
            if row is None:
                raise NotFound("there is no such token")
            await transaction.execute(SQL["delete_sessions_of_token"], {"id": token_id})
            return str(row[0])

        return await self._tables.write(member)

    async def end_session(self, session_id: str, *, key: str | None = None) -> str:
        """End a session (*key*: only one of this one); whose it was. Raises NotFound."""
        parameters = {"id": session_id, "key": key}

        async def member(transaction: Transaction) -> str:
            row = await transaction.row(SQL["delete_session"], parameters)
            if row is None:
                raise NotFound("there is no such session")
            return str(row[0])

        return await self._tables.write(member)


def digest(token: str) -> str:
    """What is kept of *token*."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _holder(row: Any) -> Holder:
    identity, key, name, role, may_run, email = row[:6]
    return Holder(key, name, role, may_run=bool(may_run), email=email, id=identity)
