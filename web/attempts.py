"""
A bound on failed attempts to sign in, by address and by the email that was tried.

Tokens and links have 256 bits, so that guessing them only costs us; passwords are chosen by people.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

WINDOW_SECONDS = 60.0
PER_ADDRESS = 10  # a person mistypes three times, not ten
PER_EMAIL = 10  # from however many addresses; whose it is waits for a minute at most
IN_TOTAL = 200  # so that many addresses together do not keep the store's writer busy


class Attempts:
    """
    Attempts within the present minute; those that succeed are taken out again.

    Memory is bounded by IN_TOTAL: past it nothing is noted. *clock* gives UTC seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = 0.0
        self._total = 0
        self._by_address: dict[str, int] = {}
        self._by_email: dict[str, int] = {}

    def begin(self, address: str, email: str = "") -> float:
        """Note an attempt, with the *email* that is tried; 0, or the seconds to wait after too many."""
        now = self._clock()
        if not 0 <= now - self._began < WINDOW_SECONDS:  # also when the clock was set back
            self._began, self._total, self._by_address, self._by_email = now, 0, {}, {}
        key = _network(address)
        if (
            self._total >= IN_TOTAL
            or self._by_address.get(key, 0) >= PER_ADDRESS
            or self._by_email.get(email, 0) >= PER_EMAIL
        ):
            return self._began + WINDOW_SECONDS - now
        self._total += 1
        self._by_address[key] = self._by_address.get(key, 0) + 1
        if email:
            self._by_email[email] = self._by_email.get(email, 0) + 1
        return 0.0

    def succeeded(self, address: str, email: str = "") -> None:
        """Take the attempt out again: whoever may sign in is not limited."""
        key = _network(address)
        if self._by_address.get(key, 0) > 0:
            self._total -= 1
            self._by_address[key] -= 1
        if self._by_email.get(email, 0) > 0:
            self._by_email[email] -= 1


def _network(address: str) -> str:
    """An IPv6 address as its /64, since one person has all of that; any other as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
