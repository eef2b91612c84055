"""
Keys: what a check of a signature needs from outside, fetched through the guarded client.

Whoever sends a request may choose what is fetched here, within the addresses that a provider's page
allows. So a flood of forged requests must not become a flood of fetches: one fetch at a time goes to
an address, what was fetched is kept, what failed is not tried again for half a minute, and a host with
several failures is asked for nothing new meanwhile. What was had from it before is still renewed.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

from runner.errors import ActionError, Rejected, Unavailable
from runner.inbound.verdict import Fetch
from runner.outbound.client import checked_url

if TYPE_CHECKING:
    from runner.outbound.client import Outbound
    from runner.outbound.reply import Answer

FETCH_SECONDS = 5.0  # PayPal waits 30 s for our answer, SNS 15 s
MAX_REMEMBERED = 64  # addresses; a server knows a handful of certificates and issuers
FAILURE_SECONDS = 30.0
MAX_DOUBTFUL = 8  # addresses of one host that failed or are under way, before new ones are refused unasked
MAX_VISIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Copy:
    """What stood at an address, and when it was fetched."""

    content: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an address could not be fetched, and when."""

    reason: str
    host: str
    at: float


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A fetch that has not ended."""

    task: asyncio.Task[bytes]
    host: str


class Keys:
    """
    A `Fetcher` of runner/engine/verifying.py. https alone; plain http only to addresses (IP) that the
    configuration lets actions reach. *clock* gives seconds that never go back.

    Close it: fetches may be under way.
    """

    def __init__(self, outbound: Outbound, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._outbound = outbound
        self._clock = clock
        self._copies: OrderedDict[str, Copy] = OrderedDict()  # the least lately asked for first
        self._failures: OrderedDict[str, Failure] = OrderedDict()  # the oldest first
        self._under_way: dict[str, UnderWay] = {}

    def roots(self) -> bytes:
        """The authorities of this machine, as PEM; SSL_CERT_FILE names others."""
        return self._roots

    @cached_property
    def _roots(self) -> bytes:
        found = ssl.create_default_context().get_ca_certs(binary_form=True)
        return "".join(map(ssl.DER_cert_to_PEM_cert, found)).encode()

    async def fetch(self, what: Fetch) -> bytes:
        """
        A copy that is at most `what.keep_seconds` old, of at most `what.max_bytes`.

        Raises:
            Rejected: the address may not be fetched, or answers with what is too large.
            Unavailable: it cannot be had now, or could not a moment ago.
        """
        url, _fragment = urldefrag(what.url)
        copy = self._copies.get(url)
        if copy is not None and self._clock() - copy.at <= what.keep_seconds:
            self._copies.move_to_end(url)
            return copy.content
        if (fetch := self._under_way.get(url)) is None:
            host = self._checked_host(url)
            self._refuse_what_fails(url, host, is_known=copy is not None)
            fetch = UnderWay(asyncio.create_task(self._get(url, host, what.max_bytes)), host)
            self._under_way[url] = fetch
            fetch.task.add_done_callback(lambda task: self._ended(url, task))
        return await asyncio.shield(fetch.task)  # a caller who leaves does not take it from the others

    async def visit(self, url: str) -> None:
        """
        GET *url* once; redirects are not followed and the answer's body is not used.

        Raises:
            Rejected: the address may not be reached, or refuses.
            Unavailable: no connection, or no 2xx.
            OutcomeUnknown: it was asked, and no clear answer came.
        """
        self._checked_host(url)
        answer = await self._ask(url, MAX_VISIT_BYTES)
        if not 200 <= answer.status < 300:
            raise Unavailable(f"{answer.what} answered {answer.status}")

    async def close(self) -> None:
        """End the fetches that are under way."""
        tasks = [one.task for one in self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _checked_host(self, url: str) -> str:
        target = checked_url(url)
        host = target.host or ""
        if target.scheme != "https" and not self._outbound.is_allowed(host):
            raise Rejected(f"the address on {host} begins with http://, and only https:// is fetched")
        return host

    def _refuse_what_fails(self, url: str, host: str, *, is_known: bool) -> None:
        now = self._clock()
        while self._failures and now - next(iter(self._failures.values())).at > FAILURE_SECONDS:
            self._failures.popitem(last=False)
        if (failure := self._failures.get(url)) is not None:
            raise Unavailable(f"{failure.reason} (a moment ago; not tried again yet)")
        hosts = [one.host for one in self._failures.values()] + [one.host for one in self._under_way.values()]
        if not is_known and hosts.count(host) >= MAX_DOUBTFUL:
            raise Unavailable(
                f"too many addresses on {host} fail or are under way; nothing new is asked of it"
            )

    def _ended(self, url: str, task: asyncio.Task[bytes]) -> None:
        self._under_way.pop(url, None)
        if not task.cancelled():
            task.exception()  # looked at, also when every caller has left

    async def _get(self, url: str, host: str, max_bytes: int) -> bytes:
        try:
            answer = await self._ask(url, max_bytes)
            if answer.status != 200:  # a redirect is none of the provider's addresses
                raise Unavailable(f"{answer.what} answered {answer.status}")
        except ActionError as error:
            self._failures[url] = Failure(str(error), host, self._clock())
            self._failures.move_to_end(url)
            if len(self._failures) > MAX_REMEMBERED:
                self._failures.popitem(last=False)
            raise
        self._copies[url] = Copy(answer.content, self._clock())
        self._copies.move_to_end(url)
        if len(self._copies) > MAX_REMEMBERED:
            self._copies.popitem(last=False)
        return answer.content

    async def _ask(self, url: str, max_bytes: int) -> Answer:
        client = self._outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=FETCH_SECONDS)
        return await client.request("GET", url, follow_redirects=False, max_reply_bytes=max_bytes)
