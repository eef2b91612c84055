"""
What stands between the server and the application for each request: a bound on the time that its
body takes and on its number of headers; no HTTP/2 without TLS, no websockets, no target but a path;
and that an answer given before the body was read arrives.
Called for every request, so it counts microseconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import FIRST_COMPLETED
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hypercorn.app_wrappers import ASGIWrapper
    from hypercorn.typing import HTTPScope, Scope

log = logging.getLogger("hookline.web")

PLAIN_VERSIONS = ("1.1", "1.0")  # what is spoken without TLS
LEFT_BYTES = 4 << 20  # of a body that nobody wants, read after its answer
LEFT_SECONDS = 2.0  # and for how long
SWEEPS = 10  # in the time that a body has: so a slow one is cut at most a tenth late


class Requests:
    """
    The application as the server sees it.

    A body is timed from when the application first asks for it. One sweeper looks at all that are
    under way: a timer for each request would cost more than all else here.
    """

    def __init__(self, app: ASGIWrapper, *, body_seconds: float, max_headers: int) -> None:
        self._app = app
        self._body_seconds = body_seconds
        self._max_headers = max_headers
        self._reading: dict[_Request, float] = {}  # → when it began; the oldest comes first

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
        sync_spawn: Callable[..., Any],
        call_soon: Callable[..., Any],
    ) -> None:
        """Hand one request (or websocket) to the application."""
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close"})  # which is 403
        elif scope["type"] != "http":
            await self._app(scope, receive, send, sync_spawn, call_soon)
        elif scope["scheme"] == "http" and scope["http_version"] not in PLAIN_VERSIONS:
            # An upgrade to h2c carries requests past the rules of a proxy in front of us.
            await answer(send, 505)
        elif not scope["path"].startswith("/"):
            # "*", or a whole URL, whose host may be another than the one that a proxy judged by
            await answer(send, 400)
        elif len(scope["headers"]) > self._max_headers:  # type: ignore[arg-type]  # it is a list
            await answer(send, 431)
        else:
            request = _Request(self._reading, receive, send, may_be_left=_may_be_left(scope))
            try:
                await self._app(scope, request.receive, request.send, sync_spawn, call_soon)
            finally:
                self._reading.pop(request, None)

    async def cut_slow_bodies(self) -> None:
        """Answer 408 to requests whose bodies take too long, until cancelled."""
        while True:
            await asyncio.sleep(self._body_seconds / SWEEPS)
            latest = time.monotonic() - self._body_seconds
            late = [request for request, began in self._reading.items() if began < latest]
            if late:
                for request in late:
                    del self._reading[request]
                log.info("%d slow requests are cut off", len(late), extra={"action": "slow_body"})
                cuts = [asyncio.create_task(request.cut()) for request in late]
                await asyncio.wait(cuts, timeout=1)  # one that does not read must not hold others


async def answer(send: Callable[[Any], Awaitable[None]], status: int) -> None:
    """Answer with a status alone and close the connection."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _may_be_left(scope: HTTPScope) -> bool:
    """Whether there is a body to read to its end after an early answer; HTTP/2 has no need of that."""
    if scope["http_version"] not in PLAIN_VERSIONS:
        return False
    for name, value in scope["headers"]:
        if name == b"content-length":
            return value.isdigit() and 0 < int(value) <= LEFT_BYTES
        if name == b"transfer-encoding":
            return True
    return False


class _Request:
    """One request: notes when its body is under way and when its answer has begun."""

    __slots__ = ("_began", "_cut", "_end", "_may_be_left", "_reading", "_receive", "_send", "_whole")

    def __init__(
        self,
        reading: dict[_Request, float],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
        *,
        may_be_left: bool,
    ) -> None:
        self._reading = reading
        self._receive = receive
        self._send = send
        self._may_be_left = may_be_left
        self._whole = False
        self._began = False
        self._cut = False
        self._end: asyncio.Future[None] | None = None  # of the body, once it is only waited for

    async def receive(self) -> Any:
        """Give the next part of the body; `http.disconnect` when it was cut off."""
        if self._whole:
            return await self._receive()
        if not self._cut and self not in self._reading:
            self._reading[self] = time.monotonic()
        message = await self._receive()
        if not message.get("more_body"):
            self._whole = True
            self._reading.pop(self, None)
            if self._end and not self._end.done():
                self._end.set_result(None)
        return message

    async def send(self, message: Any) -> None:
        """Pass a part of the answer on; nothing more once the request was cut off."""
        if self._cut:
            return
        self._began = True
        is_end = message["type"] == "http.response.body" and not message.get("more_body")
        if is_end and self._may_be_left and not self._whole:
            await self._send({**message, "more_body": True})
            await self._leave()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _leave(self) -> None:
        """
        Read what is left of the body, and throw it away. With the answer's end the connection would be
        closed while its sender still writes, who then meets a reset and may never see the answer.
        Source: RFC 9112, section 9.6.
        """
        # Quart reads a body whether it is wanted or not, and may be the one that meets its end
        self._end = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(self._read_rest())
        try:
            await asyncio.wait({reading, self._end}, timeout=LEFT_SECONDS, return_when=FIRST_COMPLETED)
        finally:
            reading.cancel()

    async def _read_rest(self) -> None:
        size = 0
        while not self._whole and size < LEFT_BYTES:
            message = await self.receive()
            size += len(message.get("body", b""))

    async def cut(self) -> None:
        """Answer 408 and end the request, unless its answer has begun: its end closes it too."""
        if not self._began:
            self._cut = True
            await answer(self._send, 408)
