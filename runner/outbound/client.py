"""
The one HTTP client: connections are shared by all calls, each hop passes the guard, answers are
bounded in size and time, and no exception of aiohttp gets out.

Redirects are followed by hand, because what may go along changes when the origin does.
"""

from __future__ import annotations

import asyncio
import io
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from runner.connector import Connection, OutgoingRequest, Places, goes_to
from runner.engine.bounds import NO_BOUNDS, Bounds, check_bounds
from runner.engine.exchanges import Exchange
from runner.errors import OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.outbound.body import checked_headers, encoded, fields
from runner.outbound.faults import action_error
from runner.outbound.guard import Guard, Resolve, getaddrinfo
from runner.outbound.reply import Answer
from runner.outbound.sessions import Sessions
from runner.outbound.tracing import begin_request

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import BaseModel

    from runner.engine.exchanges import Tape
    from runner.engine.tracing import Tracer
    from runner.engine.turn import Renew
    from runner.values import Json

MAX_REPLY_BYTES = 10 * 1024 * 1024
MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0  # a host that takes longer is down; waiting on would hold a worker
CONNECT_SHARE = 0.9  # of a short time: connecting ends first, so that we know that nothing was sent
KEEP_ALIVE_SECONDS = 4.0  # below Node's 5 s: a POST should not meet a connection just being closed
LONG_BODY_BYTES = 1024 * 1024
DNS_SECONDS = 10  # how long a looked-up name is believed
NO_ROUNDING = 10**9  # aiohttp rounds longer times up to whole seconds, past our own bound
REDIRECTS = frozenset({301, 302, 303, 307, 308})
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
METHOD = re.compile(r"[A-Za-z]{1,20}")
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1: they do nothing on the other side
# What may follow a redirect to another origin: nothing that anyone put a credential in.
FOREIGN_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


class Outbound:
    """
    The way out of one process. *allow*: networks (CIDR) that are reachable although they are not
    public. *proxy*, *no_proxy* and *ca_file* are those of `Sessions`. How many calls go to one
    destination at a time is for the places of each call to say.

    Close it: it holds connections and threads.
    """

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        proxy: str = "",
        no_proxy: Sequence[str] = (),
        ca_file: str = "",
        resolve: Resolve = getaddrinfo,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        secret_values: Callable[[], frozenset[str]] = frozenset,
        clock: Callable[[], float] = time.time,
        tracer: Tracer | None = None,
    ) -> None:
        """
        *secret_values* has all that no sentence of ours may hold, whoever sent it; *tracer* hears of the
        requests of runs.
        """
        self.tracer = tracer
        self.secret_values = secret_values
        self.max_reply_bytes = max_reply_bytes
        self.clock = clock
        self._guard = Guard(allow, resolve)
        self.sessions = Sessions(self._guard, proxy=proxy, no_proxy=no_proxy, ca_file=ca_file)

    def for_call(
        self,
        *,
        connection: Connection | None,
        idempotency_key: str | None,
        timeout_seconds: float,
        places: Places | None = None,
        renew: Renew | None = None,
        bounds: Bounds = NO_BOUNDS,
        tape: Tape | None = None,
    ) -> HttpClient:
        """
        The client of one call, whose requests take at most *timeout_seconds* each and a place of
        *places* at each destination (None: nothing is limited). A request that is answered 401 is sent
        once more with what *renew* gives. Nothing goes where *bounds* does not let the call's secrets go.
        What is sent and heard is noted on *tape*.
        """
        return HttpClient(self, connection, idempotency_key, timeout_seconds, places, renew, bounds, tape)

    async def connect(
        self, host: str, port: int, *, timeout_seconds: float, places: Places | None = None
    ) -> socket.socket:
        """
        A connected socket that does not block, for protocols other than HTTP.

        Raises:
            Rejected: the address is not allowed.
            Unavailable: no connection could be made.
            Parked: *places* has none for it now.
        """
        if places is not None:
            await places.enter(host.rstrip(".").lower(), port, acts=True)  # what is said over it is not ours
        return await self._guard.connect(host, port, timeout_seconds=timeout_seconds)

    def is_allowed(self, host: str) -> bool:
        """Whether *host* is an IP address in a network of *allow*."""
        return self._guard.is_allowed(host)

    async def close(self) -> None:
        """Close all connections; a call in flight ends with an error."""
        await self.sessions.close()
        self._guard.close()


class HttpClient:
    """An `Http` of runner.connector: the client of one call."""

    __slots__ = (
        "_acted", "_bounds", "_connection", "_idempotency_key", "_outbound", "_places", "_renew", "_tape",
        "_timeout_seconds",
    )  # fmt: skip

    def __init__(
        self,
        outbound: Outbound,
        connection: Connection | None,
        idempotency_key: str | None,
        timeout_seconds: float,
        places: Places | None,
        renew: Renew | None,
        bounds: Bounds,
        tape: Tape | None,
    ) -> None:
        self._outbound = outbound
        self._tape = tape
        self._renew = renew
        self._bounds = bounds
        self._connection = connection
        self._idempotency_key = idempotency_key
        self._acted = 0  # requests of this call that may have done something
        self._timeout_seconds = timeout_seconds
        self._places = places

    async def get(self, url: str, **options: Any) -> Answer:
        """`request("GET", …)`."""
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> Answer:
        """`request("POST", …)`."""
        return await self.request("POST", url, **options)

    async def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        json: Json | BaseModel = None,
        form: Mapping[str, Any] | None = None,
        multipart: Mapping[str, Any] | None = None,
        body: bytes | str | None = None,
        timeout_seconds: float | None = None,
        follow_redirects: bool = True,
        max_reply_bytes: int | None = None,
    ) -> Answer:
        """
        Send one request and read the answer, whatever its status. A shorter *timeout_seconds*
        than the call's holds, a longer one does not; so it is with *max_reply_bytes*.

        Raises:
            Rejected: the address is not allowed, the request cannot be formed, the answer is too
                big or redirects for ever.
            Unavailable: no connection could be made.
            OutcomeUnknown: the connection broke after the request was sent.
            TimedOut: no answer in time.
            Parked: its destination takes no call now; nothing was sent.
        """
        target = checked_url(url)
        check_host(self._connection, target)
        request, content = formed(
            method, url, query=query, headers=headers, json=json, form=form, multipart=multipart, body=body,
            idempotency_key=self._key_of(method.upper(), headers),
        )  # fmt: skip
        seconds = min(timeout_seconds or self._timeout_seconds, self._timeout_seconds)
        await take_place(self._places, request.method, target)  # no part of the time for an answer

        async def exchanged() -> Answer:
            return await _Exchange(
                self._outbound,
                self._connection,
                seconds,
                follow=follow_redirects,
                places=self._places,
                max_reply_bytes=max_reply_bytes,
                bounds=self._bounds,
                tape=self._tape,
            ).run(request, target, content)

        answer = await exchanged()
        if answer.status == 401 and await self._is_renewed(answer, target):
            answer = await exchanged()
        return answer

    def _key_of(self, method: str, headers: Mapping[str, Any] | None) -> str | None:
        """
        The call's key for its first effect, `KEY.2` for the second, and so on (`runner.connector.Call`): one
        key for all would make each later effect the repetition of the first. One with its own is not counted.
        """
        if self._idempotency_key is None or method in HARMLESS:
            return self._idempotency_key
        if any(name.lower() == "idempotency-key" for name in headers or {}):
            return None
        self._acted += 1
        return self._idempotency_key if self._acted == 1 else f"{self._idempotency_key}.{self._acted}"

    async def _is_renewed(self, answer: Answer, target: URL) -> bool:
        """Whether the refused connection has new tokens now: then the same request may be let in."""
        if self._renew is None or self._connection is None or URL(answer.url).origin() != target.origin():
            return False
        fresh = await self._renew(self._connection)
        if fresh is None:
            return False
        self._connection = fresh
        return True


class _Exchange:
    """One request through all its redirects, under one time bound."""

    def __init__(
        self,
        outbound: Outbound,
        connection: Connection | None,
        seconds: float,
        *,
        follow: bool,
        places: Places | None,
        max_reply_bytes: int | None,
        bounds: Bounds,
        tape: Tape | None,
    ) -> None:
        self._outbound = outbound
        self._tape = tape
        self._added: frozenset[str] = frozenset()  # what the connection puts into the request
        self._bounds = bounds
        self._places = places
        self._connection = connection
        self._seconds = seconds
        bound = outbound.max_reply_bytes
        self._max_reply_bytes = bound if max_reply_bytes is None else min(bound, max_reply_bytes)
        self._follow = follow
        # A later hop that fails does not undo what an earlier one did: POST, 303, GET.
        self._happened = False
        self._what = "the request"  # then method and host: a path or query may hold a secret

    async def run(self, request: OutgoingRequest, target: URL, content: bytes | None) -> Answer:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._hops(request, target, content)
        except TimeoutError:
            raise TimedOut(f"{self._what} did not answer within {self._seconds:g} s") from None
        except Unavailable as error:
            if self._happened:
                raise OutcomeUnknown(f"{error}; it was redirected to after the request") from error
            raise

    async def _hops(self, request: OutgoingRequest, target: URL, content: bytes | None) -> Answer:
        origin, foreign = target.origin(), False
        plain = dict(request.headers)  # without the credentials, which each hop of the origin gets
        url = target.extend_query(request.query) if request.query else target
        for hop in range(MAX_REDIRECTS + 1):
            # Once away, always away: a stranger must not choose what our credentials are used for.
            foreign = foreign or url.origin() != origin
            if not foreign:
                request, url = with_credentials(self._connection, request, url, plain)
                self._added = _added(request, plain)
            else:
                self._added = frozenset()
                request.headers = {
                    name: text for name, text in plain.items() if name.lower() in FOREIGN_HEADERS
                }
            check_bounds(self._bounds, url.host or "")
            if hop:  # the first has its place already
                await take_place(self._places, request.method, url)
            answer, location = await self._send(request, url, content)
            if location is None:
                return answer
            method = redirected_method(answer.status, request.method)
            if method != request.method:
                self._happened = self._happened or request.method not in {"GET", "HEAD"}
                content = None
                plain = {k: v for k, v in plain.items() if not k.lower().startswith("content-")}
            url = redirected_url(url, location, self._what)
            request = OutgoingRequest(method, str(url))
        raise Rejected(f"{self._what} redirects more than {MAX_REDIRECTS} times")

    async def _send(
        self, request: OutgoingRequest, url: URL, content: bytes | None
    ) -> tuple[Answer, str | None]:
        """The answer, and where it redirects to when that is to be followed."""
        self._what = f"{request.method} {url.host_port_subcomponent}"
        sent = begin_request(self._outbound.tracer, request, url, now=self._outbound.clock())
        session, proxy = await self._outbound.sessions.to(url)
        noted = None
        if self._tape is not None:
            now = self._outbound.clock()
            noted = Exchange(now, request.method, str(url), request.headers, content, self._added)
            self._tape.note(noted)
        try:
            async with session.request(
                request.method,
                url,
                proxy=proxy,
                data=in_pieces(content),
                headers=request.headers,
                # aiohttp would send application/octet-stream for a body without a type of its own
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
                timeout=_connecting_within(self._seconds),
            ) as response:
                location = response.headers.get("Location")
                if not (self._follow and response.status in REDIRECTS):
                    location = None
                body = b"" if location is not None else await self._read(response)
                answer = self._answer(response, body)
                if sent is not None:
                    sent.answered(response.status)
                if noted is not None:
                    noted.ended_at, noted.status = answer.received_at, answer.status
                    noted.answer_headers, noted.answer = answer.headers, body
                return answer, location
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise action_error(error, self._what) from error
        finally:
            if sent is not None:
                sent.end(self._outbound.clock())

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The body as it comes, unpacked; a small one without a copy."""
        bound = self._max_reply_bytes
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > bound:
                response.close()
                raise Rejected(
                    f"{self._what} answered {response.status} with more than {bound} bytes, which "
                    "is the most that is read; it may have done what was asked"
                )
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _answer(self, response: aiohttp.ClientResponse, body: bytes) -> Answer:
        headers: dict[str, str] = {}
        for name, text in response.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return Answer(
            status=response.status,
            headers=headers,
            content=body,
            url=str(response.url),
            what=self._what,
            received_at=self._outbound.clock(),
            connection=self._connection,
            secret_values=self._outbound.secret_values,
        )


def formed(
    method: str,
    url: str,
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
    json: Json | BaseModel = None,
    form: Mapping[str, Any] | None = None,
    multipart: Mapping[str, Any] | None = None,
    body: bytes | str | None = None,
    idempotency_key: str | None = None,
) -> tuple[OutgoingRequest, bytes | None]:
    """
    The request as it is going to be sent, still without credentials, and its body.

    Raises:
        Rejected: it cannot be formed.
    """
    if not METHOD.fullmatch(method):
        raise Rejected(f"{method!r} is not an HTTP method")
    try:
        content, content_type = encoded(json=json, form=form, multipart=multipart, body=body)
    except UnicodeEncodeError:
        raise Rejected("the body holds half a character (a lone surrogate)") from None
    request = OutgoingRequest(method.upper(), url, checked_headers(headers), fields(query))
    given = {name.lower() for name in request.headers}
    if content_type is not None and "content-type" not in given:
        request.headers["Content-Type"] = content_type
    if idempotency_key is not None and "idempotency-key" not in given:
        request.headers["Idempotency-Key"] = idempotency_key
    return request, content


def with_credentials(
    connection: Connection | None, request: OutgoingRequest, url: URL, plain: Mapping[str, str]
) -> tuple[OutgoingRequest, URL]:
    """*request* to *url* with the headers *plain* and what *connection* adds."""
    signed = OutgoingRequest(request.method, str(url), dict(plain))
    if connection is not None:
        connection.apply(signed)
        url = url.extend_query(signed.query) if signed.query else url
    return signed, url


def _added(request: OutgoingRequest, plain: Mapping[str, str]) -> frozenset[str]:
    """The lower-case names of headers and parameters that *request* has beside or other than *plain*."""
    if request.headers == plain and not request.query:
        return frozenset()
    names = {name.lower() for name, value in request.headers.items() if plain.get(name) != value}
    return frozenset(names.union(name.lower() for name, _value in request.query))


def check_host(connection: Connection | None, target: URL) -> None:
    """Raises Rejected: the credentials of *connection* may not go to *target*."""
    bound = None if connection is None else connection.bound_hosts()
    host = (target.host or "").rstrip(".").lower()
    if bound is not None and not any(goes_to(host, one) for one in bound):
        raise Rejected(
            f"this connection's credentials may go to {', '.join(bound)} only, not to {host}; "
            "add it to the connection's hosts, or call it without the connection"
        )


def in_pieces(content: bytes | None) -> bytes | io.BytesIO | None:
    """A long body so that it is written piece by piece: in one go it would hold up all other calls."""
    return content if content is None or len(content) <= LONG_BODY_BYTES else io.BytesIO(content)


@lru_cache(maxsize=64)
def _connecting_within(seconds: float) -> aiohttp.ClientTimeout:
    """The bound on connecting, of a request that may take *seconds* in all."""
    connect = min(CONNECT_SECONDS, seconds * CONNECT_SHARE)
    return aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect)


async def take_place(places: Places | None, method: str, url: URL) -> None:
    """
    Take a place at the host and port of *url* before it is called.

    Raises:
        Parked: there is none now.
    """
    if places is not None:
        host = (url.host or "").rstrip(".").lower()
        port = url.port or (443 if url.scheme == "https" else 80)
        await places.enter(f"[{host}]" if ":" in host else host, port, acts=method not in HARMLESS)


@lru_cache(maxsize=1024)
def checked_url(url: str) -> URL:
    """
    Read an address.

    Raises:
        Rejected: it is not an absolute http or https address, or it carries a user or password.
    """
    text = url.strip()
    if CONTROL.search(text):
        raise Rejected(
            "url holds a line break or another control character; `| urlencode` in the template "
            "makes a text fit for it"
        )
    try:
        target = URL(text)
        host = target.host or ""
        usable = target.scheme in {"http", "https"} and host != "" and not re.search(r"\s", host)
        credentials = target.raw_user is not None or target.raw_password is not None
        usable = usable and target.port is not None
    except ValueError:
        usable, credentials = False, False
    if not usable:
        raise Rejected("url is not an address that starts with http:// or https:// and a host")
    if credentials:
        raise Rejected("url carries a user or a password; put them into a connection")
    return target


def redirected_method(status: int, method: str) -> str:
    """The method after a redirect, as browsers do it (RFC 9110, 15.4)."""
    if (status == 303 and method != "HEAD") or (status in {301, 302} and method == "POST"):
        return "GET"
    return method


def redirected_url(current: URL, location: str, what: str) -> URL:
    """
    Where *location* leads from *current*.

    Raises:
        Rejected: nowhere that we go.
    """
    try:
        return checked_url(str(current.join(URL(location))))
    except (ValueError, Rejected):
        raise Rejected(f"{what} redirects to what is not an http or https address") from None
