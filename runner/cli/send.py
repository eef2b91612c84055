"""`hookline events send`: a bundled sample event, signed, through the real door."""

from __future__ import annotations

import base64
import errno
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import click

from runner.cli.api import proxy_for, verifying
from runner.cli.options import Place, asynchronous, example, json_option, server_options, workflows_option
from runner.cli.showing import note, print_json, print_table, printable
from runner.errors import HooklineError, NotFound, SettingsError
from runner.values import Json, iso, loads

if TYPE_CHECKING:
    import aiohttp

    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.library import Live
    from runner.engine.sampling import Letter
    from runner.inbound.request import Request
    from runner.inbound.samples import Sample
    from runner.settings import Settings

MOST = 100
ANSWER_SECONDS = 90.0  # a workflow may let its callers wait for a minute
LONGEST_ANSWER = 2_000  # characters shown to people
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens → where to call it


@click.command(
    epilog=example(
        "hookline events send order-alerts --sample orders/create",
        "hookline events send --list github",
    )
)
@click.argument("slug", required=False)
@click.option("--sample", "event_type", metavar="TYPE", help="The type of event, such as orders/create.")
@click.option("--provider", metavar="NAME", help="Whose sample, where the workflow verifies no provider.")
@click.option("--count", type=click.IntRange(1, MOST), default=1, show_default=True, help="Send so many.")
@click.option(
    "--server-url", metavar="URL", help="Where the server answers; where it listens, unless told otherwise."
)
@click.option("--print", "is_printing", is_flag=True, help="Print the sample's body instead of sending it.")
@click.option("--list", "is_listing", is_flag=True, help="List the samples instead; SLUG is then a provider.")
@workflows_option
@server_options
@json_option
@asynchronous
async def send(
    place: Place,
    slug: str | None,
    event_type: str | None,
    provider: str | None,
    count: int,
    server_url: str | None,
    is_printing: bool,
    is_listing: bool,
    as_json: bool,
) -> None:
    """
    Send a bundled sample event to a workflow, as its provider would.

    It is signed with the workflow's own secret and goes through the door of the running server. Exit
    status 1 if it is refused.
    """
    if is_listing:
        _print_samples(slug or provider, as_json=as_json)
        return
    if slug is None:
        raise click.UsageError("name the workflow, or use --list")

    async def near(rooms: Rooms) -> list[Json]:
        live = await _live(rooms, slug)
        rooms.library.book.update(await rooms.addresses.all())
        letter = _letter(rooms, live, event_type, provider)
        if is_printing:
            _print_sample(_shown(_sample(letter)), as_json=as_json)
            return []
        base = server_url or _listening(place, rooms.settings)
        return await _send(rooms, live, letter, base, count=count, is_own=server_url is None)

    async def far(api: Api) -> list[Json]:
        if is_printing:
            letter = await api.post("workflows", slug, "letter", type=event_type, provider=provider)
            _print_sample(letter["unsigned"], as_json=as_json)
            return []
        return await send_far(api, slug, event_type, provider, base=server_url, count=count)

    sent = await place.ask(near, far, may_make=True)
    if is_printing:
        return
    if as_json:
        print_json({"items": sent, "next": None})
    else:
        for one in sent:
            _show(one)
    if any(one["status"] >= 400 for one in sent):
        raise click.exceptions.Exit(1)


async def made_letter(rooms: Rooms, slug: str, *, event_type: str | None, provider: str | None) -> Json:
    """As `web.house.MakeLetter` says. Raises SettingsError, NotFound, HooklineError."""
    live = await _live(rooms, slug)
    letter = _letter(rooms, live, event_type, provider)
    url = rooms.url_of(rooms.library.book.token(slug))
    request = _request(letter, slug, url)
    return {
        "provider": letter.provider,
        "type": letter.type,
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": base64.b64encode(request.body).decode(),
        "unsigned": _shown(_sample(letter)),
    }


async def _live(rooms: Rooms, slug: str) -> Live:
    from runner.cli.house import live_workflow

    live = await live_workflow(rooms.library, slug)
    if live.workflow.webhook is None:
        raise SettingsError(f"{slug} has no webhook, and so nothing can be sent to it")
    return live


def _letter(rooms: Rooms, live: Live, event_type: str | None, named: str | None) -> Letter:
    """
    What to send to *live*.

    Raises:
        SettingsError: it is not said which provider's sample, or which one.
    """
    from runner.engine.sampling import letter_of, missing_secret, verified_provider
    from runner.inbound.samples import samples_of

    webhook = live.workflow.webhook
    verification = webhook.verification if webhook else None
    verified = verified_provider(verification)
    provider = named or verified
    slug = live.workflow.slug
    if provider is None:
        raise SettingsError(f"{slug} names no provider; say whose sample with --provider, such as github")
    if named and verified and named != verified:
        raise SettingsError(f"{slug} takes events of {verified}; a sample of {named} would be refused")
    if event_type is None:
        known = ", ".join(samples_of(provider)) or "none"
        raise SettingsError(f"say which with --sample; of {provider} there are: {known}")
    held = rooms.safe.secrets()
    try:
        return letter_of(verification, provider, event_type, held)
    except HooklineError as error:
        missing = missing_secret(verification, held) if verification else ""
        raise HooklineError(f"{error}; set it with: hookline secrets set {missing}") from None


def _sample(letter: Letter) -> Sample:
    try:
        return letter.sample(time.time())
    except NotFound as error:
        raise NotFound(f"{error} (all of them: hookline events send --list)") from None


def _request(letter: Letter, slug: str, url: str) -> Request:
    """A new sample, signed."""
    try:
        return letter.request(url, time.time())
    except NotFound as error:
        raise NotFound(f"{error} (all of them: hookline events send --list)") from None
    except HooklineError as error:
        if letter.signer is None or "only it has" not in str(error):
            raise
        raise HooklineError(
            f"{error}; run the workflow on it instead: hookline events send {slug} --sample {letter.type} "
            "--print | hookline run "
            f"{slug} --payload -"
        ) from None


def _listening(place: Place, running: Settings) -> str:
    """Where the server of this data answers on this machine: its own address, not `public_url`'s."""
    settings = place.settings()
    address = replace(settings, public_url="").address if settings.public_url else running.address
    parts = urlsplit(address)
    host = ANYWHERE.get(parts.hostname or "", parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, "", "", ""))


async def _send(
    rooms: Rooms, live: Live, letter: Letter, base: str, *, count: int, is_own: bool
) -> list[Json]:
    import aiohttp

    token = rooms.library.book.token(live.workflow.slug)
    url = rooms.url_of(token)  # what a provider knows and signs, whatever way this one goes
    sent = []
    # on this machine the certificate is one for the public name
    tls = _unchecked() if is_own else True
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
        for _ in range(count):
            request = _request(letter, live.workflow.slug, url)
            began = time.time()
            status, answer, content_type = await _post(session, request, base, token)
            event = _event_in(answer) or await _newest(rooms, live.workflow.slug, began)
            sent.append(
                {
                    "event": event,
                    "status": status,
                    "answer": answer,
                    "content_type": content_type,
                    "provider": letter.provider,
                    "type": letter.type,
                }
            )
    return sent


async def send_far(
    api: Api, slug: str, event_type: str | None, provider: str | None, *, base: str | None, count: int
) -> list[Json]:
    """
    Send samples that a server elsewhere signed to its own door (*base*: where that is reached, if not at the
    address of its API). Raises as `Api.send`; HooklineError: the door does not answer.
    """
    import aiohttp

    from runner.inbound.request import Request

    sent = []
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(connector=verifying(), timeout=timeout, trust_env=False) as session:
        for _ in range(count):
            letter = await api.post("workflows", slug, "letter", type=event_type, provider=provider)
            body = base64.b64decode(letter["body"])
            request = Request(letter["method"], letter["url"], letter["headers"], body)
            token = urlsplit(letter["url"]).path.rpartition("/")[2]
            began = time.time()
            to = base or api.server
            status, answer, kind = await _post(session, request, to, token, proxy=proxy_for(to))
            event = _event_in(answer)
            if event is None:
                page = await api.page("events", limit=1, workflow=slug, since=iso(began))
                event = page["items"][0]["id"] if page["items"] else None
            sent.append(
                {
                    "event": event,
                    "status": status,
                    "answer": answer,
                    "content_type": kind,
                    "provider": letter["provider"],
                    "type": letter["type"],
                }
            )
    return sent


async def _post(
    session: aiohttp.ClientSession, request: Request, base: str, token: str, *, proxy: str | None = None
) -> tuple[int, str, str]:
    """
    Status, body and type of the answer.

    Raises:
        HooklineError: nobody answers at *base*.
    """
    import aiohttp
    import yarl

    query = urlsplit(request.url).query
    target = f"{base.rstrip('/')}/hooks/{token}{f'?{query}' if query else ''}"
    try:
        async with session.request(
            request.method,
            yarl.URL(target, encoded=True),
            data=request.body,
            headers=dict(request.headers),
            allow_redirects=False,
            proxy=proxy,
        ) as answer:
            return answer.status, await answer.text(errors="replace"), answer.headers.get("content-type", "")
    except (aiohttp.ClientConnectionError, OSError) as error:
        is_refused = isinstance(error, OSError) and error.errno == errno.ECONNREFUSED
        raise HooklineError(
            f"no server answers at {base}{'' if is_refused else f' ({error})'}; start it with "
            "`hookline serve`, or say with --server-url where it is"
        ) from None
    except TimeoutError:
        raise HooklineError(f"{base} gave no answer in {ANSWER_SECONDS:.0f} s") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise SettingsError(f"--server-url {base}: {error}") from None


def _event_in(answer: str) -> str | None:
    try:
        found = loads(answer.encode())
    except ValueError:
        return None
    event = found.get("event") if isinstance(found, dict) else None
    return event if isinstance(event, str) else None


async def _newest(rooms: Rooms, slug: str, since: float) -> str | None:
    """The event that was received last: an answer in the provider's own form does not name it."""
    from runner.engine.history import Wanted

    page = await rooms.history.events(Wanted(workflow=slug, since=since, limit=1))
    return page.items[0]["id"] if page.items else None


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _show(sent: Json) -> None:
    colour = "green" if sent["status"] < 300 else "red"
    answer = printable(sent["answer"][:LONGEST_ANSWER])
    click.echo(f"{click.style(str(sent['status']), fg=colour)} {answer}".rstrip())
    if sent["event"]:
        click.echo(f"event {sent['event']}")


def _shown(sample: Sample) -> Json:
    return {"method": sample.method, "headers": dict(sample.headers), "body": sample.body.decode()}


def _print_sample(sample: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(sample)
        return
    click.echo(sample["body"])
    for name, value in sample["headers"].items():
        note(f"{name}: {value}")


def _print_samples(provider: str | None, *, as_json: bool) -> None:
    from runner.inbound.samples import providers_with_samples, samples_of
    from runner.language.suggest import did_you_mean

    known = providers_with_samples()
    if provider is not None and provider not in known:
        hint = did_you_mean(provider, known) or "`hookline events send --list` shows all"
        raise NotFound(f'there are no samples of "{provider}"; {hint}')
    rows = [(name, one) for name in ([provider] if provider else known) for one in samples_of(name)]
    if as_json:
        print_json({"items": [{"provider": name, "type": one} for name, one in rows], "next": None})
    else:
        print_table(("PROVIDER", "SAMPLE"), rows)
