"""
What a server imports only after it answers: the pages' framework and the HTTP client, which take a
fifth of a second, while senders wait for the first answer.

Both are made by whoever needs them first; `warm` sees to it that this is seldom a sender or a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from runner.errors import Unavailable

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

    from runner.connector import Places
    from runner.engine.tracing import Tracer
    from runner.inbound.verdict import Fetch
    from runner.outbound.client import HttpClient, Outbound
    from runner.outbound.fetching import Keys
    from runner.settings import Network, Settings
    from web.exchange import Application, Receive, Scope, Send


class LatePages:
    """The application of the pages and the API, made by *make* for its first request."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._app: Application | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application; its own lifespan holds nothing."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await self.app()(scope, receive, send)

    def app(self) -> Application:
        """What was made, or is made now."""
        if self._app is None:
            self._app = self._make()
        return self._app


class LateOutbound:
    """The way out, made by its first call."""

    def __init__(
        self,
        network: Network,
        *,
        max_reply_bytes: int,
        secret_values: Callable[[], frozenset[str]] = frozenset,
        tracer: Tracer | None = None,
    ) -> None:
        """As `runner.outbound.Outbound`."""
        self._tracer = tracer
        self._network = network
        self._secret_values = secret_values
        self._max_reply_bytes = max_reply_bytes
        self._made: Outbound | None = None
        self._closed = False

    def made(self) -> Outbound:
        """
        What was made, or is made now.

        Raises:
            Unavailable: the server is stopping.
        """
        if self._made is None:
            if self._closed:
                raise Unavailable("the server is stopping")
            from runner.outbound import Outbound

            self._made = Outbound(
                **asdict(self._network),
                max_reply_bytes=self._max_reply_bytes,
                secret_values=self._secret_values,
                tracer=self._tracer,
            )
        return self._made

    def for_call(self, **parts: Any) -> HttpClient:
        """As `Outbound.for_call`."""
        return self.made().for_call(**parts)

    async def connect(
        self, host: str, port: int, *, timeout_seconds: float, places: Places | None = None
    ) -> socket.socket:
        """As `Outbound.connect`."""
        return await self.made().connect(host, port, timeout_seconds=timeout_seconds, places=places)

    async def close(self) -> None:
        """Close what was made; what is closed makes nothing any more."""
        self._closed = True
        if self._made is not None:
            await self._made.close()


class LateKeys:
    """What signatures are checked with, fetched by *outbound*; made by the first check that fetches."""

    def __init__(self, outbound: LateOutbound) -> None:
        self._outbound = outbound
        self._keys: Keys | None = None

    def made(self) -> Keys:
        """What was made, or is made now."""
        if self._keys is None:
            from runner.outbound.fetching import Keys

            self._keys = Keys(self._outbound.made())
        return self._keys

    def roots(self) -> bytes:
        """As `Keys.roots`."""
        return self.made().roots()

    async def fetch(self, what: Fetch) -> bytes:
        """As `Keys.fetch`."""
        return await self.made().fetch(what)

    async def visit(self, url: str) -> None:
        """As `Keys.visit`."""
        await self.made().visit(url)

    async def close(self) -> None:
        """Close what was made."""
        if self._keys is not None:
            await self._keys.close()


@contextlib.asynccontextmanager
async def open_keys(settings: Settings) -> AsyncIterator[LateKeys]:
    """What checks of signatures fetch: certificates, and the keys of issuers."""
    outbound = LateOutbound(settings.network, max_reply_bytes=settings.limits.answer_bytes)
    keys = LateKeys(outbound)
    try:
        yield keys
    finally:
        await keys.close()
        await outbound.close()


async def warm(pages: LatePages, tune: Callable[[], None]) -> None:
    """Import both in a thread, so that requests are answered meanwhile; then *tune* once more."""
    for name in ("aiohttp", "runner.outbound", "web.app"):
        await asyncio.to_thread(importlib.import_module, name)
    pages.app()
    tune()


async def _lifespan(receive: Callable[[], Any], send: Callable[[dict[str, Any]], Any]) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
