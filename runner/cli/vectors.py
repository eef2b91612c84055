"""
`hookline verify --vectors`: signature vectors against our verdicts, without a network.

What a vector hands along stands in for what would be fetched: its `certificate` or `jwks` is found at
whatever address the check asks for, once the address itself has passed.

A vector without `now` tests no tolerance: there no timestamp is too old, and a certificate or token is
judged at the time that the request itself names (a PayPal or SNS message of 2022 with its certificate
of 2022), or else now.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from runner.cli.showing import note, print_json, print_table
from runner.engine import verifying
from runner.errors import SettingsError, Unavailable
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Fetch, Passed
from runner.language.suggest import did_you_mean
from runner.values import Json, dumps, loads

OPTIONS = ("public_key", "webhook_id", "audience", "service_account")
COLUMNS = ("PROVIDER", "VECTORS", "AGREE", "DIFFER")
BODIES: Mapping[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "base64": base64.b64decode,
    "hex": bytes.fromhex,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """Our verdict on one vector, and the one that it expects (None: it expects none)."""

    id: str
    provider: str
    accepted: bool
    reason: str
    expect: bool | None

    @property
    def agrees(self) -> bool:
        """Whether the vector's expectation is met."""
        return self.expect is None or self.expect is self.accepted


async def judge_file(file: Path, *, as_json: bool) -> None:
    """
    Judge all vectors of *file* and print the verdicts; those that differ are named on stderr.

    Raises:
        SettingsError: the file is no list of vectors, or one names a provider that we do not have.
        click.exceptions.Exit: 1, a verdict is not the expected one.
    """
    judged = [await judge(one) for one in read_vectors(file)]
    if as_json:
        print_json([{"id": one.id, "accepted": one.accepted, "reason": one.reason} for one in judged])
    else:
        _print_totals(judged)
    differing = [one for one in judged if not one.agrees]
    for one in differing:
        expected = "accepted" if one.expect else "refused"
        ours = "accepted" if one.accepted else "refused"
        note(f"{one.id}: {ours}, but {expected} is expected: {one.reason}")
    if differing:
        raise click.exceptions.Exit(1)


def read_vectors(file: Path) -> list[Mapping[str, Json]]:
    """
    Read a file of vectors: a JSON list of objects with at least `id` and `provider`.

    Raises:
        SettingsError: it is none.
    """
    try:
        found = loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: {error}") from None
    if not isinstance(found, list):
        raise SettingsError(f"{file}: this is no list of vectors")
    for position, one in enumerate(found):
        if not isinstance(one, dict) or not isinstance(one.get("id"), str) or not one.get("provider"):
            raise SettingsError(f"{file}: item {position} is no vector: it has no id or provider")
    return found


async def judge(vector: Mapping[str, Json]) -> Judged:
    """
    Judge one vector.

    Raises:
        SettingsError: its provider is none of ours, or its body cannot be read.
    """
    verdict = await verifying.judge(
        request_of(vector),
        provider_named(vector["provider"]),
        trust_of(vector),
        now=moment_of(vector),
        fetch=stand_in(vector),
    )
    accepted = isinstance(verdict, Passed)
    reason = f"proved by {verdict.by}" if isinstance(verdict, Passed) else verdict.reason
    return Judged(vector["id"], vector["provider"], accepted, reason, vector.get("expect"))


def provider_named(name: str) -> Provider:
    """
    The provider of that name.

    Raises:
        SettingsError: there is none.
    """
    if found := PROVIDERS.get(name):
        return found
    hint = did_you_mean(name, PROVIDERS) or "`hookline verify --list` shows all of them"
    raise SettingsError(f'there is no provider "{name}"; {hint}')


def request_of(vector: Mapping[str, Json]) -> Request:
    """The request of a vector; a `body_encoding` other than utf-8 is base64 or hex."""
    decoder = BODIES.get(vector.get("body_encoding", "utf-8"))
    if decoder is None:
        raise SettingsError(f"{vector['id']}: the body_encoding is none of {', '.join(BODIES)}")
    try:
        body = decoder(vector.get("body", ""))
    except ValueError as error:
        raise SettingsError(f"{vector['id']}: the body is not {vector['body_encoding']}: {error}") from None
    headers = {name.lower(): value for name, value in vector.get("headers", {}).items()}
    return Request(vector.get("method", "POST"), vector.get("url", ""), headers, body)


def trust_of(vector: Mapping[str, Json]) -> Trust:
    """What a vector says that is trusted; without `now` no timestamp is too old."""
    secret = vector.get("secret")
    secrets = tuple(secret) if isinstance(secret, list) else () if secret is None else (secret,)
    tolerance = vector.get("tolerance", None if "now" in vector else math.inf)
    return Trust(secrets, {name: vector[name] for name in OPTIONS if name in vector}, tolerance)


def moment_of(vector: Mapping[str, Json]) -> float:
    """When a vector's request is judged, in unix seconds."""
    if "now" in vector:
        return float(vector["now"])
    request = request_of(vector)
    inside = request.json.get("Timestamp") if isinstance(request.json, dict) else None
    try:
        return datetime.fromisoformat(
            request.header("paypal-transmission-time") or str(inside or "")
        ).timestamp()
    except ValueError:
        return time.time()


@dataclass(frozen=True, slots=True)
class StandIn:
    """A `Fetcher` that has one thing, at whatever address."""

    content: bytes | None

    def roots(self) -> bytes:
        """None: a vector's certificate may be by itself."""
        return b""

    async def fetch(self, what: Fetch) -> bytes:
        """What it has. Raises Unavailable where it has nothing."""
        if self.content is None:
            raise Unavailable(f"the vector has nothing to stand in for {what.url}")
        return self.content

    async def visit(self, url: str) -> None:
        """Nothing is visited."""


def stand_in(vector: Mapping[str, Json]) -> StandIn:
    """What a vector hands along of what would be fetched."""
    if "certificate" in vector:
        return StandIn(str(vector["certificate"]).encode())
    return StandIn(dumps(vector["jwks"]).encode() if "jwks" in vector else None)


def _print_totals(judged: Sequence[Judged]) -> None:
    names = sorted({one.provider for one in judged})
    rows = [_totals(name, [one for one in judged if one.provider == name]) for name in names]
    print_table(COLUMNS, [*rows, _totals("all", judged)])


def _totals(name: str, judged: Iterable[Judged]) -> tuple[str, str, str, str]:
    verdicts = [one.agrees for one in judged]
    return name, str(len(verdicts)), str(sum(verdicts)), str(len(verdicts) - sum(verdicts))
