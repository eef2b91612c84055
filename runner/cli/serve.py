"""
`hookline serve`: the server, in this process or in several under a supervisor.

What people need to know stands on stderr before the one line on stdout, `ready http://…`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import shlex
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from runner.cli.options import Place, data_options, example, workflows_option
from runner.cli.showing import note
from runner.errors import SettingsError

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.library import Live
    from runner.settings import Settings

# A file that the first worker to be ready takes away, and so says it alone; no setting, like the
# supervisor's own variable.
UNSAID = "_HOOKLINE_UNSAID"


@click.command(epilog=example("hookline serve --port 9000"))
@workflows_option
@data_options
@click.option("--host", help="Where to listen; 127.0.0.1 unless told otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="8000 unless told otherwise; 0: any free one.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes on one socket.")
@click.option("--no-execute", is_flag=True, help="Only receive: another process executes.")
@click.option("--verbose", is_flag=True, help="Log more.")
def serve(
    place: Place,
    host: str | None,
    port: int | None,
    workers: int | None,
    no_execute: bool,
    verbose: bool,
) -> None:
    """Run the server: inbound addresses, engine, pages and API, until SIGTERM or Ctrl-C."""
    from runner.cli import log
    from runner.store.opening import is_postgres
    from web.serve import install_loop, listen
    from web.supervisor import inherited, supervise

    settings = place.settings(server__host=host, server__port=port, server__workers=workers)
    log.set_up(is_verbose=verbose, is_json=settings.log.format == "json")
    if not place.workflows.is_dir() and not is_postgres(settings.store.url):
        raise SettingsError(
            f"there is no folder {place.workflows}; `hookline init` makes one, "
            "and `--workflows` names another"
        )
    worker = inherited()
    listening = worker.socket if worker else listen(settings.server.host, settings.server.port)
    settings = _with_port(settings, listening)
    if worker is None and settings.server.workers > 1:
        asyncio.run(_introduced(place, settings))
        command = [sys.executable, "-m", "runner.cli", *sys.argv[1:]]
        with _unsaid():
            sys.exit(
                supervise(
                    settings.server.workers, listening, command, grace_seconds=settings.server.grace_seconds
                )
            )
    install_loop()
    asyncio.run(_serve(place, settings, listening, worker, execute=not no_execute))


async def _serve(
    place: Place, settings: Settings, listening: socket.socket, worker: object, *, execute: bool
) -> None:
    from runner.cli.house import open_rooms
    from runner.cli.running import run_server

    async with open_rooms(
        settings, workflows=place.workflows, data=place.data, is_from_store=not place.workflows.is_dir()
    ) as rooms:
        await _read_first(rooms)
        if worker is None:
            await _introduce(rooms)
        await run_server(rooms, execute=execute, sockets=[listening], ready=_say_ready, worker=worker)


async def _introduced(place: Place, settings: Settings) -> None:
    """Before the workers start: the database and the key are made once, and people told once."""
    from runner.cli.house import open_rooms

    async with open_rooms(
        settings, workflows=place.workflows, data=place.data, is_from_store=not place.workflows.is_dir()
    ) as rooms:
        await _read_first(rooms)
        await _introduce(rooms)


async def _read_first(rooms: Rooms) -> None:
    """Read the workflows; their faults are told with their lines, once, and not by each worker's log too."""
    from runner.cli.log import silenced
    from runner.engine import library

    with silenced(library.__name__):
        await rooms.library.reload()


async def _introduce(rooms: Rooms) -> None:
    """Say on stderr what is live, what is wrong, how to sign in, and what to try."""
    from runner.cli.check import print_fault
    from runner.cli.house import first_link
    from runner.cli.overriding import overridden, unused_overrides

    live = rooms.library.all()
    slugs = ", ".join(one.workflow.slug for one in live)
    note(f"{len(live)} workflow{'s' if len(live) != 1 else ''} live{f': {slugs}' if slugs else ''}")
    workflows = [one.workflow for one in live]
    found = [fault for faults in rooms.library.faults.values() for fault in faults]
    found += unused_overrides(rooms.settings.vars, workflows, rooms.library.faults.keys())
    for fault in dict.fromkeys(found):  # those of the shared defaults stand with each workflow
        print_fault(fault, _text(Path(fault.path)), err=True)
    for sentence in overridden(rooms.settings.vars, workflows):
        note(sentence)
    address = rooms.settings.address
    note(f"Open {address}")
    if await rooms.users.is_empty():
        note(f"Create the first admin, once, within a day: {await first_link(rooms)}")
    note("Another sign-in link: hookline user link")
    if is_private(address):
        note(
            f"Services cannot reach {address} yet: only this machine or its network can. "
            "Set public_url in hookline.toml, or HOOKLINE_PUBLIC_URL, to the address at which they can."
        )
    first = first_to_try(live)
    if first:
        note(
            f"Try {first.workflow.slug}: {curl_line(first, rooms.url_of(first.token), rooms.library.folder)}"
        )


def is_private(address: str) -> bool:
    """Whether *address* is one that services elsewhere cannot reach: loopback or a private range."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def first_to_try(live: list[Live]) -> Live | None:
    """The first workflow that answers its caller with its result, or else the first."""
    reachable = [one for one in live if one.workflow.webhook]
    for one in reachable:
        if one.workflow.webhook and one.workflow.webhook.answer.mode == "result":
            return one
    return next(iter(reachable), None)


def curl_line(live: Live, address: str, folder: Path) -> str:
    """A command that fires the workflow, with its fixture where there is one."""
    assert live.workflow.webhook
    methods = live.workflow.webhook.methods
    words = ["curl"]
    if "POST" in methods:
        fixture = folder / "fixtures" / f"{live.workflow.slug}.json"
        words += ["-H", "content-type: application/json", "-d", f"@{fixture}" if fixture.is_file() else "{}"]
    elif methods[0] != "GET":
        words += ["-X", methods[0]]
    return shlex.join([*words, address])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _with_port(settings: Settings, listening: socket.socket) -> Settings:
    """The settings with the port that was given for 0."""
    port = listening.getsockname()[1]
    return replace(settings, server=replace(settings.server, port=port))


@contextlib.contextmanager
def _unsaid() -> Iterator[None]:
    """While inside, the workers share a file that says that nobody has said "ready" yet."""
    descriptor, path = tempfile.mkstemp(prefix="hookline-")
    os.close(descriptor)
    os.environ[UNSAID] = path
    try:
        yield
    finally:
        Path(path).unlink(missing_ok=True)


def _say_ready(address: str) -> None:
    """Say it once, however many workers there are and however often one is replaced."""
    path = os.environ.get(UNSAID)
    if path:
        try:
            Path(path).unlink()
        except FileNotFoundError:
            return
    click.echo(f"ready {address}")
    sys.stdout.flush()
