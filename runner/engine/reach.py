"""Whether services elsewhere can reach an address, as far as it tells by itself."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

NEAR = (".local", ".internal", ".lan", ".home.arpa")  # names that only a network of one's own knows


def out_of_reach(url: str) -> str | None:
    """Why services elsewhere cannot reach *url*, in a sentence; None where nothing speaks against it."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return f"It starts with {host}, which only this computer can see."
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host.endswith(NEAR) or "." not in host:
            return f"It starts with {host}, which only your own network can see."
        return None
    if address.is_loopback or address.is_unspecified:
        return f"It starts with {host}, which only this computer can see."
    return None if address.is_global else f"It starts with {host}, which only your own network can see."
