"""`hookline verify`: whether a request would be accepted, and if not, why not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from runner.cli.options import When, asynchronous, example, json_option
from runner.cli.requests import headers_of
from runner.cli.showing import note, print_json, print_table, printable
from runner.errors import InboundError
from runner.inbound.verdict import Passed, Refused
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.verifying import Fetcher
    from runner.inbound.providers.provider import Identity, Provider, Trust
    from runner.inbound.request import Request
    from runner.inbound.verdict import Reply

NO_SECRET = Refused(
    "no_secret",
    "no secret was read from stdin, and without one everything is refused",
    "write it there, as in: hookline verify … < secret.txt",
)
ADDRESS = "https://hooks.example.com/hooks/token"  # where --url does not say
FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


class Moment(When):
    """As `When`, or unix seconds as a header has them."""

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As `click.ParamType.convert`."""
        if isinstance(value, str) and value.isdigit() and len(value) >= 9:
            return float(value)
        return super().convert(value, param, ctx)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the request: `handshake` where it is one, `identity` where it is an event."""

    verdict: Passed | Refused | None
    handshake: Reply | None = None
    identity: Identity | None = None
    unreadable: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether it would hear a 2xx."""
        is_answered = self.handshake is None or self.handshake.status < 400
        return is_answered and not isinstance(self.verdict, Refused) and not self.unreadable


@click.command(
    epilog=example(
        'hookline verify github --body event.json --header "X-Hub-Signature-256: sha256=…" < secret.txt',
        "hookline verify hmac --body event.json --option header=X-Signature --option encoding=base64 …",
    )
)
@click.argument("provider", required=False)
@click.option("--body", type=FILE, help="The raw bytes of the body, exactly as they came.")
@click.option(
    "--header", "headers", metavar="K:V", multiple=True, help="A header of the request; may be given again."
)
@click.option("--method", help="Its method; POST unless told otherwise, GET without a body.")
@click.option("--url", help="Its whole address as the sender knows it; some providers sign it.")
@click.option(
    "--at", type=Moment(), help="When it came: unix seconds, a time, or 2h for then; now by default."
)
@click.option(
    "--option",
    "options",
    metavar="K=V",
    multiple=True,
    help="What would stand under `verify` in the workflow; timestamp.header=… for a key in a key.",
)
@click.option("--vectors", type=FILE, help="Judge a whole file of vectors instead, without a network.")
@click.option("--list", "is_listing", is_flag=True, help="List the providers instead.")
@json_option
@asynchronous
async def verify(
    provider: str | None,
    body: Path | None,
    headers: tuple[str, ...],
    method: str | None,
    url: str | None,
    at: float | None,
    options: tuple[str, ...],
    vectors: Path | None,
    is_listing: bool,
    as_json: bool,
) -> None:
    """
    Say whether a request would be accepted, and if not, why not.

    PROVIDER is a provider's name, or hmac, token, basic or jwt with --option. Secrets are read from
    stdin, one a line; any may match. Exit status 1 if it would be refused.
    """
    if sum((provider is not None, vectors is not None, is_listing)) != 1:
        raise click.UsageError("give a PROVIDER, or --vectors, or --list: one of them")
    if is_listing:
        _print_providers(as_json=as_json)
        return
    if vectors is not None:
        from runner.cli.vectors import judge_file

        await judge_file(vectors, as_json=as_json)
        return
    await _verify_one(
        str(provider),
        _request(body, headers, method, url),
        options,
        at,
        is_url_known=bool(url),
        as_json=as_json,
    )


async def _verify_one(
    name: str,
    request: Request,
    options: tuple[str, ...],
    at: float | None,
    *,
    is_url_known: bool,
    as_json: bool,
) -> None:
    from runner.cli.trusting import trust_given

    secrets = _secrets()
    provider, trust = trust_given(name, options, secrets)
    now = time.time() if at is None else at
    outcome = await judge(request, provider, trust, now=now)
    cause = ""
    if isinstance(outcome.verdict, Refused):
        cause = _cause(request, provider, trust, outcome.verdict, now, is_url_known=is_url_known)
    if as_json:
        print_json(_as_json(provider, outcome, cause))
    else:
        _show(provider, outcome, cause, now)
    if not outcome.is_accepted:
        raise click.exceptions.Exit(1)


async def judge(request: Request, provider: Provider, trust: Trust, *, now: float) -> Outcome:
    """
    Go the way that a server goes with a request: handshakes that need no signature, verification with
    what it has to fetch, handshakes that need one, and what the event is.
    """
    from runner.engine import verifying
    from runner.inbound.bounds import Bounds
    from runner.inbound.decode import decode
    from runner.inbound.verify import shake_hands

    if provider.needs_secret and not any(trust.secrets):
        return Outcome(NO_SECRET)
    if reply := shake_hands(provider.unsigned, request, trust):
        return Outcome(None, reply)
    async with _keys() as keys:
        verdict = await verifying.judge(request, provider, trust, now=now, fetch=keys)
    if isinstance(verdict, Refused):
        return Outcome(verdict)
    if reply := shake_hands(provider.signed, request, trust):
        return Outcome(verdict, reply)
    try:
        decoded = decode(
            request.body,
            content_type=provider.reads_as or request.header("content-type"),
            content_encoding=request.header("content-encoding"),
            query=urlsplit(request.url).query,
            method=request.method,
            bounds=Bounds(),
        )
    except InboundError as error:
        return Outcome(verdict, unreadable=str(error))
    return Outcome(verdict, identity=provider.identify(request, decoded.payload))


@asynccontextmanager
async def _keys() -> AsyncIterator[Fetcher]:
    """The way to the certificates and keys that a provider names: the server's own, with its settings."""
    from runner.cli.late import open_keys
    from runner.settings import read_settings

    async with open_keys(read_settings(Path.cwd(), os.environ)) as keys:
        yield keys


def _secrets() -> tuple[str, ...]:
    """The lines of stdin; they are waited for on a terminal too, with a word about it."""
    if sys.stdin.isatty():
        note("The secret, or one a line, then Ctrl-D:")
    lines = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").splitlines()
    return tuple(line for line in lines if line)


def _request(body: Path | None, headers: tuple[str, ...], method: str | None, url: str | None) -> Request:
    from runner.inbound.media import type_by_name
    from runner.inbound.request import Request

    given = headers_of(headers)
    content = body.read_bytes() if body else b""
    if body and "content-type" not in given and (guessed := type_by_name(body.name)):
        given["content-type"] = guessed
    return Request((method or ("POST" if body else "GET")).upper(), url or ADDRESS, given, content)


def _cause(
    request: Request, provider: Provider, trust: Trust, verdict: Refused, now: float, *, is_url_known: bool
) -> str:
    """The likely mistake and its mend."""
    from runner.inbound.diagnosis import diagnose

    if verdict is NO_SECRET:
        return verdict.hint
    if verdict.code == "mismatch" and not is_url_known and covers_url(request, provider, trust, now):
        return f"{provider.title} signs the address too: give the one that is entered there with --url"
    return diagnose(request, provider, trust, now) or verdict.hint


def covers_url(request: Request, provider: Provider, trust: Trust, now: float) -> bool:
    """Whether the provider's signature is another one at another address."""
    try:
        signed = [
            dict(provider.schemes[0].sign(replace(request, url=url), trust, now=now).headers)
            for url in ("https://a.example.com/", "https://b.example.com/")
        ]
    except (NotImplementedError, ValueError):
        return False
    return signed[0] != signed[1]


def _as_json(provider: Provider, outcome: Outcome, cause: str) -> Json:

    verdict, reply, identity = outcome.verdict, outcome.handshake, outcome.identity
    return {
        "provider": provider.name,
        "accepted": outcome.is_accepted,
        "reason": _sentence(outcome),
        "code": verdict.code if isinstance(verdict, Refused) else None,
        "likely": cause or None,
        "by": verdict.by if isinstance(verdict, Passed) else None,
        "type": identity.type if identity else None,
        "also": list(identity.also) if identity else [],
        "delivery_id": identity.delivery_id if identity else None,
        "handshake": reply
        and {
            "about": reply.about,
            "status": reply.status,
            "headers": dict(reply.headers),
            "body": reply.body.decode("utf-8", "replace"),
            "visit": reply.visit,
        },
    }


def _sentence(outcome: Outcome) -> str:

    if outcome.handshake:
        return outcome.handshake.about
    if isinstance(outcome.verdict, Refused):
        return outcome.verdict.reason
    if outcome.unreadable:
        return f"the sender is the right one, but the body cannot be read: {outcome.unreadable}"
    return f"proved by {outcome.verdict.by}" if outcome.verdict else ""


def _show(provider: Provider, outcome: Outcome, cause: str, now: float) -> None:
    word, colour = ("accepted", "green") if outcome.is_accepted else ("refused", "red")
    click.echo(f"{click.style(word, fg=colour)}: {printable(_sentence(outcome))}")
    if reply := outcome.handshake:
        click.echo("\nThis is a handshake, and nothing runs. It is answered:")
        click.echo(f"  status {reply.status}")
        for name, value in reply.headers.items():
            click.echo(f"  {printable(f'{name}: {value}')}")
        click.echo(f"  {printable(reply.body.decode('utf-8', 'replace'))}")
        if reply.visit:
            click.echo(f"  and {printable(reply.visit)} is visited")
    elif outcome.identity:
        click.echo(f"type: {printable(outcome.identity.type or 'none: this event has none')}")
        also = ", ".join(outcome.identity.also)
        if also:
            click.echo(f"found by `events` as well as: {printable(also)}")
        missing = "none: a repeated delivery would run again unless `deduplicate` has a key"
        click.echo(f"delivery id: {printable(outcome.identity.delivery_id or missing)}")
    if not outcome.is_accepted:
        if cause:
            click.echo(f"likely: {printable(cause)}")
        click.echo(f"judged at {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC")
        click.echo(f"see also: {provider.page}")


def _print_providers(*, as_json: bool) -> None:
    from runner.inbound.providers.table import provider_table

    rows = provider_table()
    if as_json:
        print_json({"items": rows, "next": None})
        return
    print_table(
        ("NAME", "PROVIDER", "PROOF", "TIMED", "EVENT TYPE", "DELIVERY ID", "HANDSHAKE", "WAITS", "PAGE"),
        [_row(row) for row in rows],
    )


def _row(row: Mapping[str, Json]) -> tuple[str, ...]:
    def word(name: str) -> str:
        return "yes" if row[name] else "no"

    waits = f"{row['timeout_seconds']:g} s" if row["timeout_seconds"] else ""
    return (
        row["name"],
        row["title"],
        row["scheme"],
        word("timed"),
        row["event_type"] or "",
        word("delivery_id"),
        word("handshake"),
        waits,
        row["page"],
    )
