"""`hookline worker`: a process that only executes, of as many as the work needs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from runner.cli.options import FOLDER, Place, data_options, example
from runner.cli.showing import note
from runner.errors import SettingsError


@click.command(
    epilog=example(
        "hookline worker --database postgresql://hookline@db.example/hookline",
        "hookline worker --data .hookline      # beside a `hookline serve --no-execute` on this machine",
    )
)
@click.option(
    "--workflows",
    "folder",
    type=FOLDER,
    help="Read the workflow files of this folder; without it, the versions that a server made live.",
)
@data_options
@click.option("--metrics", metavar="HOST:PORT", help="Let Prometheus read /metrics of this process there.")
@click.option("--verbose", is_flag=True, help="Log more.")
def worker(place: Place, folder: Path | None, metrics: str | None, verbose: bool) -> None:
    """
    Execute the runs of a store, and nothing else. Ends with SIGTERM or Ctrl-C.

    No address is open but that of --metrics, which asks for an API token as /metrics of a server does.
    """
    from runner.cli import log
    from web.serve import install_loop

    settings = place.settings()
    log.set_up(is_verbose=verbose, is_json=settings.log.format == "json")
    if folder is not None and not folder.is_dir():
        raise SettingsError(f"there is no folder {folder}")
    address = _address(metrics) if metrics is not None else None
    install_loop()
    asyncio.run(_work(place, folder, address))


def _address(text: str) -> tuple[str, int]:
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f'--metrics: "{text}" is no address; write for example 127.0.0.1:9464')
    return host.strip("[]"), int(port)


async def _work(place: Place, folder: Path | None, metrics: tuple[str, int] | None) -> None:
    from runner.cli.house import open_rooms
    from runner.cli.running import run_worker

    async with open_rooms(
        place.settings(),
        workflows=folder or place.workflows,
        data=place.data,
        is_from_store=folder is None,
    ) as rooms:
        await run_worker(rooms, ready=_say_ready, metrics=metrics)


def _say_ready(node: str) -> None:
    note(f"{node} executes what is due")
    click.echo("ready worker")
