"""
The shared connections of the HTTP client: straight to the address that the guard checked, or by the
proxy of the configuration.

A proxy looks names up itself. What is asked of it is still judged here, as far as this machine can tell:
an address that is no public one, or a name that stands for such addresses alone, is not asked for.
"""

from __future__ import annotations

import contextlib
import ssl
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from runner.connector import goes_to
from runner.errors import SettingsError, Unavailable
from runner.outbound.guard import Guard, GuardedResolver

if TYPE_CHECKING:
    from collections.abc import Sequence

KEEP_ALIVE_SECONDS = 4.0  # below Node's 5 s: a POST should not meet a connection just being closed
DNS_SECONDS = 10  # how long a looked-up name is believed
NO_ROUNDING = 10**9  # aiohttp rounds longer times up to whole seconds, past our own bound
MOST_HEADER_BYTES = 32 * 1024  # of one header of an answer; a server's own bound on requests is 8 to 16 KiB


class Sessions:
    """
    *proxy*: the address of one, "" for none; *no_proxy*: hosts (`*.example.com`) and networks that are
    reached without it; *ca_file*: authorities that are trusted beside the system's (PEM).

    Raises:
        SettingsError: the proxy is no address, or *ca_file* cannot be read.
    """

    def __init__(self, guard: Guard, *, proxy: str, no_proxy: Sequence[str], ca_file: str) -> None:
        self._guard = guard
        self._proxy = URL(proxy) if proxy else None
        self._no_proxy = tuple(no_proxy)
        self._tls = _trusting(ca_file)
        self._straight: aiohttp.ClientSession | None = None
        self._by_proxy: aiohttp.ClientSession | None = None
        self._closed = False

    async def to(self, url: URL) -> tuple[aiohttp.ClientSession, URL | None]:
        """
        The session for *url* and the proxy that it goes by. They are opened by the first call and belong
        to the running loop.

        Raises:
            Unavailable: the server is stopping. Rejected: the proxy is not asked for this address.
        """
        if self._closed:
            raise Unavailable("the server is stopping")
        host = (url.host or "").rstrip(".")
        if self._proxy is None or self._goes_straight(host):
            if self._straight is None:
                resolver = GuardedResolver(self._guard)
                self._straight = self._opened(resolver=resolver, socket_factory=self._guard.open_socket)
            return self._straight, None
        with contextlib.suppress(OSError, UnicodeError):  # a name that only the proxy knows
            await self._guard.lookup(host, url.port or 443)
        if self._by_proxy is None:
            self._by_proxy = self._opened()
        return self._by_proxy, self._proxy

    async def close(self) -> None:
        """Close all connections; a call in flight ends with an error."""
        self._closed = True
        for one in (self._straight, self._by_proxy):
            if one is not None:
                await one.close()

    def _goes_straight(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return any("/" not in one and goes_to(host, one) for one in self._no_proxy)
        return any(_holds(one, address) for one in self._no_proxy)

    def _opened(self, **reaching: object) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            limit=0,  # a call waits for its place before it comes here, or not at all
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=DNS_SECONDS,
            timeout_ceil_threshold=NO_ROUNDING,
            **reaching,  # type: ignore[arg-type]  # a resolver and a socket factory, or nothing
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Hookline"},
            auto_decompress=True,
            max_line_size=MOST_HEADER_BYTES,
            max_field_size=MOST_HEADER_BYTES,
        )


def _holds(network: str, address: object) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _trusting(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()  # obeys SSL_CERT_FILE
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"network.ca_file: {ca_file} cannot be read as PEM: {error}") from None
    return context
