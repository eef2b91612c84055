"""
Tokens, sessions and first-start links in an SQLite store: the People port.

A token is 256 random bits, so its SHA-256 is looked up as it is: nothing can be guessed, and the
time of looking up a digest says nothing of the token.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from typing import Any, Literal

from runner.engine.history import Role
from runner.errors import StoreUnavailable
from runner.store.queries import SQL
from runner.store.sqlite import SQLiteStore
from runner.values import Json, iso

PREFIX = "hl_"  # so that a scanner for leaked secrets can know one
RANDOM_BYTES = 32


class SQLitePeople:
    """See `runner.engine.history.People`. *clock* gives UTC seconds."""

    def __init__(self, store: SQLiteStore, clock: Callable[[], float]) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store
        self._clock = clock

    async def issue(
        self, kind: Literal["api", "session", "link"], *, name: str, role: Role, seconds: float | None
    ) -> str:
        """
        A new token of *kind*, valid for *seconds* (None: until deleted); shown only here.

        Those of the same kind whose time is over are cleared away. Raises StoreUnavailable.
        """
        token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        now = self._clock()
        row = {
            "digest": _digest(token),
            "kind": kind,
            "name": name,
            "role": role,
            "created_at": now,
            "expires_at": None if seconds is None else now + seconds,
        }

        def member(connection: sqlite3.Connection) -> None:
            connection.execute(SQL["delete_tokens_of_kind"], {"kind": kind, "all": False, "now": now})
            connection.execute(SQL["insert_token"], row)

        await self._write(member)
        return token

    async def known(self, kind: Literal["api", "session"], token: str) -> tuple[str, Role] | None:
        """Name and role of whoever holds *token*, or None. Raises StoreUnavailable."""
        rows = await self._read("token", digest=_digest(token), kind=kind, now=self._clock())
        return (rows[0][0], rows[0][1]) if rows else None

    async def spend_link(self, token: str) -> tuple[str, Role] | None:
        """As `known`, for a link that has not been used; it cannot be used again. Raises StoreUnavailable."""
        return await self._take("link", token)

    async def end(self, token: str) -> None:
        """Forget a token or session; one that is not known is forgotten already. Raises StoreUnavailable."""
        for kind in ("session", "api"):
            await self._take(kind, token)

    async def tokens(self) -> list[Json]:
        """API tokens: name, role, created_at, expires_at; never the token. Raises StoreUnavailable."""
        return [
            {"name": name, "role": role, "created_at": iso(created_at), "expires_at": iso(expires_at)}
            for name, role, created_at, expires_at in await self._read("tokens")
        ]

    async def is_anyone_known(self) -> bool:
        """Whether a token, session or link was ever issued and is kept still. Raises StoreUnavailable."""
        return bool(await self._read("any_token"))

    async def _take(self, kind: str, token: str) -> tuple[str, Role] | None:
        """Delete a token that is still valid; whose it was."""
        parameters = {"digest": _digest(token), "kind": kind, "now": self._clock()}

        def member(connection: sqlite3.Connection) -> tuple[str, Role] | None:
            row = connection.execute(SQL["spend_token"], parameters).fetchone()
            return (row[0], row[1]) if row else None

        return await self._write(member)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
