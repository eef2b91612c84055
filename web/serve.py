"""
The one way to serve: Hypercorn's protocols, lifespan and configuration under our own server loop.

Hypercorn's own worker manager loses requests in flight on SIGTERM, ends the server when a worker
dies, and shows no client certificate to the application; so it is not used, and this module is the
only importer of Hypercorn's inside (which is why its minor version is pinned). `web/supervisor.py`
runs several such processes on one socket.

An application finds in `scope["state"]`:

* `client_certificate`: `SSLSocket.getpeercert()` of the peer, with the whole as `der` (bytes) and
  `fingerprint` (its SHA-256, hex) added; None without one.
* `stopping`: an asyncio.Event, set when the server begins to stop. A response without an end of
  its own (server-sent events) has to watch it, or it is cut off after the grace period.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Updated
from hypercorn.utils import LifespanFailureError, LifespanTimeoutError

from runner.errors import HooklineError, SettingsError
from web.requests import Requests
from web.tls import Certificates, peer_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from hypercorn.events import Event
    from hypercorn.typing import Scope

log = logging.getLogger("hookline.web")

BACKLOG = 1024  # connections that wait in the kernel: a burst is queued there, not refused
SHUTDOWN_SECONDS = 10  # beyond the grace period, which running steps may need: to close the store
ABORT_SECONDS = 2  # what a connection gets to end in after it was cut off
FORGOTTEN_AFTER = 2  # times the seconds that an idle connection is kept: then Hypercorn has lost sight of it
KEEP_ALIVE_REQUESTS = 1_000_000  # after 1,000, Hypercorn's default, a busy sender would reconnect
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where and within which bounds to serve. TLS as soon as `certificate` and `key` are set."""

    host: str = "127.0.0.1"
    port: int = 8080  # 0: any free one
    certificate: Path | None = None  # PEM, with its chain; it and the key are read again on a change
    key: Path | None = None
    client_ca: Path | None = None  # PEM: peers may show a certificate, and one they show must verify
    grace_seconds: float = 20  # requests in flight get this long after `stop`
    max_connections: int = 1_000  # open at once, for each process; past it the answer is 503
    header_seconds: float = 15  # to send a request's headers in; also how long an idle one is kept
    body_seconds: float = 30  # to send a request's body in, counted from when it is asked for
    handshake_seconds: float = 10  # of TLS
    max_header_bytes: int = 16 << 10  # of one HTTP/1.1 request
    max_headers: int = 100  # of one request; browsers and providers send up to forty
    certificate_check_seconds: float = 5  # between two looks at the certificate's files

    @property
    def has_tls(self) -> bool:
        """Whether the server's own addresses are https."""
        return self.certificate is not None


def install_loop() -> None:
    """Make uvloop the event loop of this process where it is installed: twice the requests."""
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415 - optional

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def listen(host: str, port: int) -> socket.socket:
    """
    Open a listening socket; port 0 takes a free one; `::` takes IPv4 too where the system can.

    Raises:
        SettingsError: the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        dual_stack = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(  # sets SO_REUSEADDR where that is safe
            address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=dual_stack
        )
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "choose another address with --host and --port"
        ) from error


def stop_at_signals(stop: asyncio.Event) -> None:
    """Set *stop* on SIGTERM and SIGINT; a second one changes nothing."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def serve(
    app: Any,
    options: ServeOptions,
    *,
    stop: asyncio.Event,
    sockets: Sequence[socket.socket] | None = None,
    ready: Callable[[str], None],
) -> None:
    """
    Run the ASGI application *app*, its lifespan included, until *stop* is set and it has ended.

    Listens on *sockets*, which are closed at the end, or else where *options* say. *ready* is
    called once for each, with its address (`http://127.0.0.1:8080`), when the application has
    started. After *stop*: nothing new is accepted, idle connections are closed, requests in
    flight get `grace_seconds`, what is left is cut off, then the application shuts down.

    Raises:
        SettingsError: the address or the certificate cannot be used.
        HooklineError: the application refused to start.
    """
    certificates = Certificates(options.certificate, options.key, options.client_ca)
    with ExitStack() as held:
        listening = sockets or [listen(options.host, options.port)]
        for one in listening:
            held.enter_context(one)
        config = _configuration(options)
        state: dict[str, Any] = {"stopping": stop}
        wrapped = ASGIWrapper(app)
        connections = _Connections(wrapped, options, config, state)
        async with _lifespan(wrapped, config, state):
            servers = [
                await asyncio.start_server(
                    connections.serve,
                    sock=one,
                    backlog=BACKLOG,
                    ssl=certificates.context,
                    ssl_handshake_timeout=options.handshake_seconds if options.has_tls else None,
                )
                for one in listening
            ]
            watching = [
                asyncio.create_task(connections.requests.cut_slow_bodies()),
                asyncio.create_task(connections.cut_forgotten(options.header_seconds)),
                asyncio.create_task(certificates.keep_fresh(options.certificate_check_seconds)),
            ]
            for one in listening:
                ready(f"{'https' if options.has_tls else 'http'}://{_address(one)}")
            await stop.wait()
            for server in servers:
                server.close()
            await connections.drain(options.grace_seconds)
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


def _configuration(options: ServeOptions) -> Config:
    config = Config()
    config.errorlog = log
    config.accesslog = None  # with it a quarter fewer requests a second
    config.include_date_header = False  # with these two, 9 % fewer
    config.include_server_header = False
    config.keep_alive_timeout = options.header_seconds
    config.keep_alive_max_requests = KEEP_ALIVE_REQUESTS
    config.h11_max_incomplete_size = options.max_header_bytes
    config.shutdown_timeout = options.grace_seconds + SHUTDOWN_SECONDS
    return config


@asynccontextmanager
async def _lifespan(app: ASGIWrapper, config: Config, state: dict[str, Any]) -> AsyncIterator[None]:
    """Start the application, and shut it down at the end; one without a lifespan just runs."""
    lifespan = Lifespan(app, config, asyncio.get_running_loop(), state)
    running = asyncio.create_task(lifespan.handle_lifespan())
    try:
        try:
            await lifespan.wait_for_startup()
            if running.done():
                running.result()
        except (LifespanFailureError, LifespanTimeoutError) as error:
            raise HooklineError(f"the application did not start: {error}") from error
        try:
            yield
        finally:  # also when serving failed: what the application opened has to be closed
            with suppress(LifespanTimeoutError):
                await lifespan.wait_for_shutdown()
            if not lifespan.shutdown.is_set():
                log.warning("the application did not shut down in time", extra={"action": "late"})
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _address(one: socket.socket) -> str:
    host, port = one.getsockname()[:2]
    return f"[{host}]:{port}" if one.family == socket.AF_INET6 else f"{host}:{port}"


class _Connection:
    """One connection: its application, which counts the requests that are under way."""

    __slots__ = ("_app", "idle_since", "requests", "writer")

    def __init__(self, app: Requests, writer: asyncio.StreamWriter) -> None:
        self._app = app
        self.writer = writer
        self.requests = 0
        self.idle_since = time.monotonic()

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
        sync_spawn: Callable[..., Any],
        call_soon: Callable[..., Any],
    ) -> None:
        self.requests += 1
        try:
            await self._app(scope, receive, send, sync_spawn, call_soon)
        finally:
            self.requests -= 1
            self.idle_since = time.monotonic()


class _Server(TCPServer):
    """
    One connection's, which ends with its peer. Hypercorn's waits for its idle timer first: a sender that
    connects anew for each event would hold a place among the open ones for `header_seconds` each time.
    """

    has_left = False

    async def protocol_send(self, event: Event) -> None:
        if not (self.has_left and isinstance(event, Updated)):  # which sets the timer again
            await super().protocol_send(event)

    async def _read_data(self) -> None:
        await super()._read_data()
        self.has_left = True
        await self.idle_task.stop()


class _Connections:
    """The open connections of a process."""

    def __init__(
        self, app: ASGIWrapper, options: ServeOptions, config: Config, state: dict[str, Any]
    ) -> None:
        self.requests = Requests(app, body_seconds=options.body_seconds, max_headers=options.max_headers)
        self._max = options.max_connections
        self._config = config
        self._state = state
        self._context = WorkerContext(None)
        self._loop = asyncio.get_running_loop()
        self._open: dict[asyncio.Task[Any], _Connection] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        tls = writer.get_extra_info("ssl_object")
        if len(self._open) >= self._max:  # at once: a sender that is told to come back comes back
            if tls is None or tls.selected_alpn_protocol() != "h2":
                writer.write(BUSY)
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        connection = self._open[task] = _Connection(self.requests, writer)
        state = {**self._state, "client_certificate": tls and peer_certificate(tls)}
        try:
            await _Server(connection, self._loop, self._config, self._context, state, reader, writer)
        except Exception as error:  # noqa: BLE001 - the outermost line of a connection
            log.warning("a connection ended in %r", error, extra={"action": "connection_failed"})
        finally:
            del self._open[task]
            writer.close()

    async def cut_forgotten(self, idle_seconds: float) -> None:
        """
        Cut off connections without a request for twice *idle_seconds*, until cancelled.

        Hypercorn ends idle ones itself, except after a websocket's handshake that it refused and
        after HTTP/2 without TLS: a thousand of these would take all connections for good.
        """
        while True:
            await asyncio.sleep(idle_seconds / 2)
            latest = time.monotonic() - idle_seconds * FORGOTTEN_AFTER
            for connection in list(self._open.values()):
                if not connection.requests and connection.idle_since < latest:
                    connection.writer.transport.abort()

    async def drain(self, grace_seconds: float) -> None:
        """Let what is in flight end within *grace_seconds*, then cut it off."""
        await self._context.terminated.set()  # idle connections see this and close
        if self._open:
            await asyncio.wait(list(self._open), timeout=grace_seconds)
        for task, connection in list(self._open.items()):
            connection.writer.transport.abort()
            task.cancel()
        if self._open:
            log.warning(
                "%d connections were cut off after the grace period of %g s",
                len(self._open),
                grace_seconds,
                extra={"action": "connections_cut"},
            )
            await asyncio.wait(list(self._open), timeout=ABORT_SECONDS)
