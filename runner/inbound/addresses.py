"""
Where a request comes from, behind proxies or not, and whether it may. Pure.

Only what a trusted proxy says of the way before it counts; what anybody else writes into
`X-Forwarded-For` or `Forwarded` (RFC 7239) is text. Both are read from the right, where the
nearest proxy wrote: past those that are trusted, the first that is not is the sender.

A proxy that writes one of the two commonly lets the other pass as the sender wrote it. Where both
are there and do not name the same sender, neither is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from runner.inbound.quoted import split_quoted, unquoted

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

X_FORWARDED_FOR = "x-forwarded-for"
FORWARDED = "forwarded"
MAPPED_BITS = 96  # ::ffff:0:0/96 is IPv4 (RFC 4291 section 2.5.5.2); a shorter prefix is more than that
WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a request comes from: the sender's `address` in its normal form, or that of the nearest
    host that is known. `doubt` says in a sentence why the sender may be somebody else; it is empty
    where there is none.
    """

    address: str
    doubt: str = ""


def find_origin(peer: str, headers: Mapping[str, str], trusted: Sequence[Network]) -> Origin:
    """
    Find who sent a request that *peer*, the address of the connection's other end, handed to us.

    *headers* has lower-case names, repeated ones joined by ", ". Where the way back ends in
    something that is no address (`unknown`, an obfuscated name, garbage), the last trusted proxy
    stands for the sender, with a doubt.
    """
    address = read_address(peer)
    if address is None:
        return Origin(peer, "the connection has no network address")
    forwarded = [name for name in (FORWARDED, X_FORWARDED_FOR) if headers.get(name, "").strip()]
    if not _is_in(address, trusted):
        # A proxy in front of us that nobody told us of would make everybody a local sender.
        doubt = (
            f"{address} says by {forwarded[0]} that it forwards for another, and [server] "
            "trusted_proxies does not name it"
            if forwarded and not address.is_global
            else ""
        )
        return Origin(str(address), doubt)
    if not forwarded:
        return Origin(str(address), f"the trusted proxy {address} does not say for whom it forwards")
    found = [_before(address, _hops(name, headers[name]), trusted) for name in forwarded]
    if found[-1] != found[0]:
        doubt = (
            f"Forwarded says {found[0].address} and X-Forwarded-For says {found[-1].address}; "
            "let the proxy remove the one that it does not write"
        )
        return Origin(str(address), doubt)
    return found[0]


def refusal(origin: Origin, networks: Sequence[Network]) -> str | None:
    """
    Say why a request from *origin* may not come in where *networks* may, or give None.

    A doubt refuses: behind a proxy that does not say for whom it speaks, every sender would have
    the proxy's address, which is often in a range that is allowed.
    """
    if not is_allowed(origin.address, networks):
        return f"{origin.address or 'an unknown address'} is not among the addresses that may send here"
    return origin.doubt or None


def is_allowed(address: str, networks: Iterable[Network]) -> bool:
    """Whether *address* is in one of *networks*. What is no address (a socket file) is in none."""
    found = read_address(address)
    return found is not None and _is_in(found, networks)


@lru_cache(maxsize=4096)  # a sender's connections come from a few addresses
def read_address(text: str) -> Address | None:
    """
    Read an address without a port; None where it is none. An IPv4 address inside of IPv6 is given
    as IPv4, and a zone (`fe80::1%eth0`) is left out.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    if not networks:
        return False
    mapped = IPv6Address(f"::ffff:{address}") if isinstance(address, IPv4Address) else address
    return any(
        address in network or (network.prefixlen >= MAPPED_BITS and mapped in network) for network in networks
    )


def _before(nearest: Address, hops: list[str] | None, trusted: Sequence[Network]) -> Origin:
    """Go back from the trusted proxy *nearest*; the hops stand in the order of the way, None is garbage."""
    if hops is None:
        return Origin(str(nearest), f"what the trusted proxy {nearest} forwards cannot be read")
    for hop in reversed(hops):
        address = _read_hop(hop)
        if address is None:
            return Origin(str(nearest), f"the trusted proxy {nearest} does not say for whom it forwards")
        nearest = address
        if not _is_in(address, trusted):
            break
    return Origin(str(nearest))


def _read_hop(text: str) -> Address | None:
    """Read one hop: an address, with a port or not. A zone means nothing on another host."""
    text = text.strip().strip('"')
    with_port = WITH_PORT.fullmatch(text)
    if with_port:
        text = with_port[1] or with_port[2]
    return None if "%" in text else read_address(text)


def _hops(name: str, value: str) -> list[str] | None:
    """The hops as texts, in the order of the way; None where the header cannot be read."""
    if name == X_FORWARDED_FOR:
        return [hop for hop in value.split(",") if hop.strip()]
    elements = split_quoted(value, ",")
    return None if elements is None else [_for_of(element) for element in elements]


def _for_of(element: str) -> str:
    """The `for` of one element of Forwarded; empty where there is none, or more than one."""
    pairs = [pair.partition("=") for pair in split_quoted(element, ";") or ()]
    found = [value for name, _, value in pairs if name.strip().lower() == "for"]
    return unquoted(found[0].strip()) if len(found) == 1 else ""
