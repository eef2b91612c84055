"""`hookline doctor`: what is wrong with this installation, and how it is mended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import (
    Place,
    ask_server,
    asynchronous,
    example,
    json_option,
    server_options,
    workflows_option,
)
from runner.cli.showing import note, print_json, printable
from runner.errors import HooklineError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.findings import Finding, State
    from runner.settings import Settings

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}
CHECK_SECONDS = 10.0
SERVER_CHECK_SECONDS = 1.0  # of a server that is asked: it has other things to do


@click.command(epilog=example("hookline doctor", "hookline doctor --json --data /var/lib/hookline"))
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=CHECK_SECONDS,
    show_default=True,
    help="How long the database is looked through at most.",
)
@click.option("--all", "is_all", is_flag=True, help="Show what is well, too.")
@workflows_option
@server_options
@json_option
@asynchronous
async def doctor(place: Place, seconds: float, is_all: bool, as_json: bool) -> None:
    """
    Look for what is wrong here: settings, key, disk, database, workflows, connections, who runs.

    Nothing is changed. Exit status 1 if there is an error; warnings alone are 0.
    """
    from runner.engine.findings import counted

    if place.server is None:
        findings = await _examined(place, seconds)
    else:
        findings = await ask_server(place.server, _examined_there)
    counts = counted(findings)
    if as_json:
        print_json({**counts, "findings": [one.as_json() for one in findings]})
    else:
        _print(findings, is_all=is_all)
        note(_summary(counts))
    if counts["error"]:
        raise click.exceptions.Exit(1)


async def _examined(place: Place, seconds: float) -> Sequence[Finding]:
    """As `examined`, of the data that *place* names; what cannot be opened is a finding too."""
    from runner.engine.findings import error

    try:
        settings = place.settings()
    except SettingsError as problem:
        return [
            error("Settings", _sentence(line), "hookline.toml, or the environment")
            for line in str(problem).splitlines()
        ]
    findings, can_be_opened = await examine_outside(settings, place.data, seconds=seconds)
    if any(one.name == "Key" and one.state == "error" for one in findings) or not can_be_opened:
        return findings
    from runner.cli.doctor_work import examine_work

    try:
        async with place.opened() as rooms:
            return [*findings, *await examine_work(rooms)]
    except HooklineError as problem:
        return [*findings, error("Store", _sentence(str(problem)), "See what is said of it above.")]


async def _examined_there(api: Api) -> Sequence[Finding]:
    """What a server elsewhere finds; it looks through its database for a second."""
    from runner.engine.findings import Finding

    found = await api.get("doctor")
    return [Finding(**{**one, "mend": one["mend"] or ""}) for one in found["findings"]]


async def examined(rooms: Rooms) -> Sequence[Finding]:
    """What a server finds that runs on *rooms*. Raises StoreUnavailable."""
    from runner.cli.doctor_work import examine_work

    findings, _can_be_opened = await examine_outside(rooms.settings, rooms.data, seconds=SERVER_CHECK_SECONDS)
    return [*findings, *await examine_work(rooms)]


async def examine_outside(
    settings: Settings, data: Path, *, seconds: float
) -> tuple[Sequence[Finding], bool]:
    """All that needs no opened store, and whether the store can be opened as it is."""
    import asyncio

    from runner.cli.doctor_machine import examine_machine
    from runner.cli.doctor_settings import examine_settings
    from runner.cli.doctor_store import examine_file, examine_postgres
    from runner.cli.house import database_path
    from runner.engine.findings import ok

    url = settings.store.url
    is_embedded = not url.startswith(("postgres:", "postgresql:"))
    findings = [
        ok("Settings", "They can be read."),
        *examine_settings(settings, os.environ, data),
        *examine_machine(settings, data, is_embedded=is_embedded),
    ]
    if not is_embedded:
        found = await examine_postgres(url)
        return [*findings, *found], all(one.state != "error" for one in found)
    path = database_path(settings, data)
    of_store, can_be_opened = await asyncio.to_thread(examine_file, path, settings, seconds=seconds)
    return [*findings, *of_store], can_be_opened


def _print(findings: Sequence[Finding], *, is_all: bool) -> None:
    shown = [one for one in findings if is_all or one.state != "ok"]
    width = max((len(one.name) for one in shown), default=0)
    for one in sorted(shown, key=lambda one: ("error", "warning", "ok").index(one.state)):
        state = click.style(f"{one.state:<7}", fg=COLOURS[one.state])
        click.echo(f"{state}  {one.name:<{width}}  {printable(one.sentence)}")
        if one.mend:
            click.echo(f"{'':<7}  {'':<{width}}  → {printable(one.mend)}")


def _summary(counts: Mapping[State, int]) -> str:
    words = [
        f"{count} {state}{'' if count == 1 else 's'}"
        for state, count in reversed(list(counts.items()))
        if state != "ok" and count
    ]
    well = f"{counts['ok']} {'is' if counts['ok'] == 1 else 'are'} well"
    return f"{', '.join(words)}; {well} (--all shows them)" if words else f"All {counts['ok']} are well."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
