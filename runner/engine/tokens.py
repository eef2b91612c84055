"""
The tokens of connections: had, renewed before they end, kept; and how each connection stands.

One renewal at a time goes out for a connection, from all processes on a store: services that give a
refresh token once take a second use of it for a theft. A renewal that has begun is brought to its end and
written down, though the call that needed it was broken off: the old token may be worth nothing by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.connector import Connection, TokenConnection, Tokens, hiding
from runner.errors import ConnectionRejected, StoreUnavailable, Unavailable
from runner.language.secrets import masked

if TYPE_CHECKING:
    from runner.engine.places import Destinations
    from runner.engine.standing import Standing
    from runner.engine.turn import Outbound

RENEWAL_SECONDS = 25.0  # within the lease: LEASE_SECONDS of runner/vault/notes.py
REFUSED_SECONDS = 30.0  # a refusal is believed for so long, unless the connection was changed
STORE_PAUSE_SECONDS = 1.0  # between tries while the store is away

log = logging.getLogger(__name__)


class TokenRows(Protocol):
    """Where tokens and standings are kept; the vault implements it. Raises StoreUnavailable."""

    def open_connection(self, name: str) -> Connection | None:
        """The connection as it is known here; None: there is none."""

    async def reopened(self, name: str) -> Connection | None:
        """The same with the tokens that are on disk."""

    def alone(self, name: str) -> AbstractAsyncContextManager[None]:
        """Nobody else on this store renews the tokens of *name* meanwhile."""

    async def keep_tokens(self, name: str, connection: TokenConnection, tokens: Tokens) -> None:
        """Keep what *connection* was given."""

    def standing(self, name: str) -> Standing:
        """How it stands."""

    async def stand(self, name: str, standing: Standing) -> None:
        """Remember how it stands."""

    def secret_values(self) -> frozenset[str]:
        """All that must be masked."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """That tokens were refused: why, when, and to a connection that looked so."""

    why: str
    at: float
    of: tuple[str, frozenset[str]]


class Keeper:
    """
    Keeps the tokens of one process's calls. *clock* gives UTC seconds.

    Close it: renewals may be under way.
    """

    def __init__(
        self, rows: TokenRows, outbound: Outbound, destinations: Destinations, clock: Callable[[], float]
    ) -> None:
        self.rows = rows
        self._outbound = outbound
        self._destinations = destinations
        self._clock = clock
        self._under_way: dict[str, asyncio.Task[Connection]] = {}
        self._refused: dict[str, _Refusal] = {}

    async def ready(self, name: str, connection: Connection) -> Connection:
        """
        *connection*, which is called *name*, with tokens that are good for a while.

        Raises:
            ActionError: none can be had; nothing was sent but to where tokens are given.
        """
        if not isinstance(connection, TokenConnection):
            return connection
        known = connection.tokens
        if known is not None and not known.is_due(self._clock()):
            return connection
        try:
            return await self._renewed(name, known)
        except Unavailable:
            if known is not None and not known.is_over(self._clock()):
                return connection  # it is for later that new ones were asked for
            raise

    async def after_refusal(self, name: str, connection: Connection) -> Connection | None:
        """
        New tokens for a *connection* whose tokens were refused before their end; None where it has none.

        Raises:
            ActionError: as `ready`.
        """
        if not isinstance(connection, TokenConnection) or connection.tokens is None:
            return None
        return await self._renewed(name, connection.tokens)

    async def note_works(self, name: str) -> None:
        """The service took the connection just now."""
        standing = self.rows.standing(name)
        if standing.works_since is None or standing.refused_since is not None:
            await self._stand(name, standing.now_works(self._clock()))

    async def note_refused(self, name: str, why: str) -> None:
        """The service refused the connection just now."""
        standing = self.rows.standing(name)
        if standing.refused_since is None or standing.refused_why != why:
            await self._stand(name, standing.now_refused(self._clock(), why))

    async def close(self) -> None:
        """Let what is under way come to its end: it is bounded."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _stand(self, name: str, standing: Standing) -> None:
        with contextlib.suppress(StoreUnavailable):  # the next call says it again
            await self.rows.stand(name, standing)

    async def _renewed(self, name: str, seen: Tokens | None) -> Connection:
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(self._renew(name, seen))
            task.add_done_callback(lambda done: self._ended(name, done))
        return await asyncio.shield(task)  # a caller who leaves does not take it from the others

    def _ended(self, name: str, task: asyncio.Task[Connection]) -> None:
        self._under_way.pop(name, None)
        if not task.cancelled():
            task.exception()  # looked at, also when every caller has left

    async def _renew(self, name: str, seen: Tokens | None) -> Connection:
        try:
            async with self.rows.alone(name):
                connection = await self.rows.reopened(name)
                if not isinstance(connection, TokenConnection):
                    raise ConnectionRejected(f'the connection "{name}" is not there any more')
                have = connection.tokens
                if have is not None and have != seen and not have.is_due(self._clock()):
                    return connection  # another process was faster
                self._refuse_what_was_refused(name, connection)
                fresh = await self._obtain(name, connection)
                await self._keep(name, connection, fresh)
                return connection.with_tokens(fresh)
        except StoreUnavailable as error:
            raise Unavailable(f"the tokens of {name} cannot be read now: {error}") from error

    async def _obtain(self, name: str, connection: TokenConnection) -> Tokens:
        # whoever waits for a token has a place where it goes: this one is not to be parked
        places = self._destinations.places(may_park=False)
        http = self._outbound.for_call(
            connection=None, idempotency_key=None, timeout_seconds=RENEWAL_SECONDS, places=places
        )
        hidden = connection.secret_texts() | self.rows.secret_values()
        try:
            with places, hiding(lambda: hidden):
                async with asyncio.timeout(RENEWAL_SECONDS):
                    return await connection.obtain(http, self._clock())
        except TimeoutError:
            raise Unavailable(f"no token for {name} within {RENEWAL_SECONDS:g} s") from None
        except ConnectionRejected as error:
            why = str(masked(str(error), hidden))
            of = (connection.grant_id(), connection.secret_texts())
            self._refused[name] = _Refusal(why, self._clock(), of)
            raise ConnectionRejected(why) from None

    def _refuse_what_was_refused(self, name: str, connection: TokenConnection) -> None:
        """A thousand runs that wait for one connection are no thousand requests."""
        known = self._refused.get(name)
        if known is None:
            return
        is_fresh = 0 <= self._clock() - known.at < REFUSED_SECONDS
        if is_fresh and known.of == (connection.grant_id(), connection.secret_texts()):
            raise ConnectionRejected(known.why)
        del self._refused[name]

    async def _keep(self, name: str, connection: TokenConnection, fresh: Tokens) -> None:
        while True:
            try:
                return await self.rows.keep_tokens(name, connection, fresh)
            except StoreUnavailable:
                log.warning("the new tokens of %s wait for the store", name, extra={"action": "tokens_wait"})
                await asyncio.sleep(STORE_PAUSE_SECONDS)
