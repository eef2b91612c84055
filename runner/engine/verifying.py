"""
Judge: verify a request (runner/inbound/verify.py), and fetch what the check asks for: a certificate
or the keys of an issuer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from runner.errors import ActionError
from runner.inbound.certificates import ROOTS
from runner.inbound.providers.provider import Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Fetch, Passed, Refused
from runner.inbound.verify import verify
from runner.language.verification import Verification

MAX_FETCHES = 3  # of one request: a set of keys, and the same anew


class Fetcher(Protocol):
    """What stands at an address, cached and guarded (runner/outbound/fetching.py)."""

    def roots(self) -> bytes:
        """The authorities that this machine trusts, as PEM; empty where it does not tell."""
        ...

    async def fetch(self, what: Fetch) -> bytes:
        """
        A copy that is at most `what.keep_seconds` old.

        Raises:
            ActionError: it cannot be had now.
        """
        ...

    async def visit(self, url: str) -> None:
        """
        GET an address once, and nothing more.

        Raises:
            ActionError: no 2xx came back.
        """
        ...


async def judge(
    request: Request, provider: Provider, trust: Trust, *, now: float, fetch: Fetcher
) -> Passed | Refused:
    """
    Whether *request* is from the sender that *trust* is about, *now* in unix seconds. What cannot be
    fetched is a refusal with the code `unavailable`: the sender should try again.
    """
    fetched: dict[str, bytes] = {}
    for _ in range(MAX_FETCHES):
        verdict = verify(request, provider, trust, now=now, fetched=fetched)
        if not isinstance(verdict, Fetch):
            return verdict
        try:
            copy = await fetch.fetch(verdict)
        except ActionError as error:
            return Refused("unavailable", f"a key that the check needs cannot be fetched: {error}")
        if verdict.otherwise is not None and fetched.get(verdict.url) == copy:
            return verdict.otherwise
        fetched |= {ROOTS: fetch.roots(), verdict.url: copy}
    verdict = verify(request, provider, trust, now=now, fetched=fetched)
    if not isinstance(verdict, Fetch):
        return verdict
    return verdict.otherwise or Refused("unavailable", "the check asks for ever more keys to be fetched")


def trust_of(verification: Verification, secrets: Mapping[str, str]) -> Trust:
    """
    What a workflow trusts on this server: the names in *verification* as the values that *secrets* has
    for them. A name that it has not is left out; where none is left, everything is refused.
    """
    options = {
        name: secrets.get(str(value)) if name in verification.secret_options else value
        for name, value in verification.options.items()
    }
    return Trust(
        secrets=tuple(secrets[name] for name in verification.secrets if name in secrets),
        options={name: value for name, value in options.items() if value is not None},
        tolerance_seconds=verification.tolerance_seconds,
    )


def lacks_secret(verification: Verification, trust: Trust) -> bool:
    """
    Whether a workflow names a secret that *trust* has not, and so must refuse everything: to a provider
    for which a secret is optional it would otherwise be as if none had been named. Of several under
    `secret` one is enough.
    """
    has_none = bool(verification.secrets) and not any(trust.secrets)
    return has_none or any(not trust.options.get(name) for name in verification.secret_options)
