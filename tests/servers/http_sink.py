"""
A real HTTP peer on loopback: records what it is sent and answers what it is told.

    async with HttpSink() as sink:
        sink.reply(503, headers={"Retry-After": "2"})   # the next request; then 200 again
        ...
        await sink.wait_for(2)
        assert sink.requests[0].json() == {"a": 1}
"""

from __future__ import annotations

import asyncio
import json as json_text
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from aiohttp import web
from werkzeug.http import parse_options_header
from werkzeug.sansio import multipart
from werkzeug.sansio.multipart import Data, Epilogue, Field, MultipartDecoder

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

Handler: TypeAlias = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body; `filename` is None for a field, header names in lower case."""

    name: str
    filename: str | None
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    request: web.BaseRequest

    def json(self) -> Any:
        """The body as JSON."""
        return json_text.loads(self.body)

    def parts(self) -> list[Part]:
        """The parts of a multipart body, in order."""
        boundary = parse_options_header(self.headers["content-type"])[1]["boundary"]
        decoder = MultipartDecoder(boundary.encode())
        decoder.receive_data(self.body)
        decoder.receive_data(None)
        found: list[Part] = []
        while not isinstance(event := decoder.next_event(), Epilogue):
            match event:
                case multipart.File():
                    headers = {name.lower(): text for name, text in event.headers.items()}
                    found.append(Part(event.name, event.filename, headers, b""))
                case Field():
                    headers = {name.lower(): text for name, text in event.headers.items()}
                    found.append(Part(event.name, None, headers, b""))
                case Data():
                    found[-1] = replace(found[-1], content=found[-1].content + event.data)
        return found


class HttpSink:
    """
    Listens on 127.0.0.1 (or *host*) at a free port (or *port*) while entered. Without a reply set for it, a
    request gets 200 `{"ok": true}`; `handler` answers all that no reply was set for.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.handler: Handler | None = None
        self.port = port
        self._host = host
        self._tls = tls
        self._replies: deque[Callable[[], web.Response]] = deque()
        self._arrived = asyncio.Condition()
        self._runner: web.ServerRunner

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def keys(self) -> list[str]:
        """The Idempotency-Key of each request."""
        return [one.headers.get("idempotency-key", "") for one in self.requests]

    def reply(
        self,
        status: int = 200,
        *,
        body: bytes | str = b"",
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Set the answer of the next request that has none yet, *times* over."""

        def answer() -> web.Response:
            if json is not None:
                return web.json_response(json, status=status, headers=headers)
            if isinstance(body, str) and "Content-Type" not in (headers or {}):
                return web.Response(status=status, text=body, headers=headers)
            content = body.encode() if isinstance(body, str) else body
            return web.Response(status=status, body=content, headers=headers)

        self._replies.extend([answer] * times)

    async def wait_for(self, count: int, *, seconds: float = 10.0) -> list[Received]:
        """Wait until *count* requests have arrived; fails after *seconds*."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def __aenter__(self) -> Self:
        # made here: it belongs to the loop that runs when it is made
        server = web.Server(self._serve, request_factory=_request)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        received = Received(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            query_string=request.query_string,
            headers={name.lower(): text for name, text in request.headers.items()},
            body=await request.read(),
            request=request,
        )
        async with self._arrived:
            self.requests.append(received)
            self._arrived.notify_all()
        if self._replies:
            return self._replies.popleft()()
        if self.handler is not None:
            return await self.handler(received)
        return web.json_response({"ok": True})


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """A request that may be as long as uploads are; aiohttp's own bound is 1 MiB."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=64 * 1024 * 1024)
