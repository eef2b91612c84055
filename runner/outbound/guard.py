"""
Which addresses an action may reach, and the lookups and sockets that hold to it.

The address that is checked is the one that is connected to: names are resolved once, and the
socket is made only for an address that passed. Sources of the ranges: the IANA registries of
special-purpose IPv4 and IPv6 addresses. `ipaddress.is_global` of Python 3.11 is not enough: it
passes multicast, NAT64, 6to4 and IPv4-compatible addresses.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias, cast

from aiohttp.abc import AbstractResolver, ResolveResult

from runner.errors import Rejected, SettingsError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

Address: TypeAlias = IPv4Address | IPv6Address
AddressInfo: TypeAlias = tuple[
    socket.AddressFamily | int, socket.SocketKind | int, int, str, tuple[str | int, ...]
]

Resolve: TypeAlias = Callable[[str, int], list[AddressInfo]]

# A name server that hangs holds a thread for seconds; sixteen of them do not stop the others.
LOOKUP_THREADS = 16

IPV4_RANGES = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
IPV6_RANGES = tuple(
    (ip_network(network), what)
    for network, what in (
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
    )
)
IPV6_GLOBAL = ip_network("2000::/3")  # all that IANA has given out; the rest is for special purposes
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052; how an IPv6-only network reaches IPv4


class Guard:
    """
    The policy. *allow* lists networks (CIDR) that may be reached although they are not public;
    *resolve(host, port)*, called in a thread, looks names up (the system's way unless given).

    Raises:
        SettingsError: an entry of *allow* is not a network.
    """

    def __init__(self, allow: Sequence[str] = (), resolve: Resolve | None = None) -> None:
        self._resolve = resolve or getaddrinfo
        try:
            self._allowed = tuple(ip_network(one.strip(), strict=False) for one in allow)
        except ValueError as error:
            raise SettingsError(
                f"HOOKLINE_NETWORK_ALLOW: {error}; write networks such as 10.0.0.0/8,::1/128"
            ) from None
        self._lookups = ThreadPoolExecutor(LOOKUP_THREADS, "lookup")

    def is_allowed(self, host: str) -> bool:
        """Whether *host* is an IP address in one of the allowed networks; a name is not looked up."""
        try:
            given = ip_address(host)
        except ValueError:
            return False
        return any(given in network for network in self._allowed)

    def refusal(self, address: str) -> str | None:
        """What kind of address *address* is when it may not be reached, else None."""
        given = ip_address(address)
        reached = embedded(given)
        if any(one in network for network in self._allowed for one in (given, reached)):
            return None
        return kind_of(reached)

    def check(self, host: str, address: str) -> None:
        """
        Let *address*, which *host* stands for, pass.

        Raises:
            Rejected: it may not be reached; the message names the way out.
        """
        if (kind := self.refusal(address)) is not None:
            raise forbidden(host, [address], kind)

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """
        Make the socket for one address: the last gate before a connection, whoever chose it.

        Raises:
            Rejected: the address may not be reached.
        """
        family, kind, protocol, _, address = info
        self.check(str(address[0]), str(address[0]))
        return socket.socket(family, kind, protocol)

    async def lookup(self, host: str, port: int) -> list[AddressInfo]:
        """
        Resolve *host* to the addresses that may be reached.

        Raises:
            Rejected: it has none that may.
            OSError: it has none at all.
        """
        found = await asyncio.get_running_loop().run_in_executor(self._lookups, self._resolve, host, port)
        passed = [info for info in found if self.refusal(str(info[4][0])) is None]
        if not passed:
            addresses = [str(info[4][0]) for info in found]
            raise forbidden(host, addresses, self.refusal(addresses[0]) or "")
        return passed

    async def connect(self, host: str, port: int, *, timeout_seconds: float) -> socket.socket:
        """
        Connect to the first address of *host* that answers; the socket does not block.

        Raises:
            Rejected: no address of it may be reached.
            Unavailable: none could be reached in time.
        """
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._first(await self.lookup(host, port))
        except TimeoutError:
            raise Unavailable(f"no connection to {where} within {timeout_seconds:g} s") from None
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Unavailable(f"no connection to {where}: {reason}") from error

    async def _first(self, infos: Sequence[AddressInfo]) -> socket.socket:
        loop = asyncio.get_running_loop()
        failure = OSError("no address")
        for info in infos:
            sock = self.open_socket(info)
            try:
                sock.setblocking(False)
                await loop.sock_connect(sock, info[4])
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:  # cancelled: the socket is ours to close
                sock.close()
                raise
            else:
                return sock
        raise failure

    def close(self) -> None:
        """Let go of the lookup threads; a lookup in flight is not waited for."""
        self._lookups.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """aiohttp's lookups through the guard, so that a forbidden name is refused by its name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the port asks for it
    ) -> list[ResolveResult]:
        """The addresses of *host* that may be reached, in aiohttp's form."""
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=int(kind),
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in await self._guard.lookup(host, port)
        ]

    async def close(self) -> None:
        """Nothing to close: the guard is closed by its owner."""


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to (mapped, NAT64), else itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def kind_of(address: Address) -> str | None:
    """What an address that is not public is for; None for a public one."""
    ranges = IPV4_RANGES if isinstance(address, IPv4Address) else IPV6_RANGES
    for network, what in ranges:
        if address in network:
            return what
    if isinstance(address, IPv6Address) and address not in IPV6_GLOBAL:
        return "not public"
    return None


def forbidden(host: str, addresses: Sequence[str], kind: str) -> Rejected:
    """The refusal of *host*, with the setting that would let it pass."""
    first = embedded(ip_address(addresses[0]))
    network = f"{str(first).partition('%')[0]}/{first.max_prefixlen}"
    what = host if host == addresses[0] else f"{host} is {addresses[0]}, which"
    return Rejected(
        f"{what} is not a public address ({kind}), and actions may not reach it; to allow it, "
        f"the server needs HOOKLINE_NETWORK_ALLOW={network}, or allow under [network] in "
        "hookline.toml"
    )


def getaddrinfo(host: str, port: int) -> list[AddressInfo]:
    """The addresses that the system knows for *host*. Raises OSError."""
    # AI_ADDRCONFIG: no IPv6 addresses on a machine that has no IPv6
    kind, flags = socket.SOCK_STREAM, socket.AI_ADDRCONFIG
    found = cast("list[AddressInfo]", socket.getaddrinfo(host, port, type=kind, flags=flags))
    if not found:
        raise OSError(socket.EAI_NONAME, "no address for this name")
    return found
