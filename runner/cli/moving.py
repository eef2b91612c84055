"""What commands share that take all data elsewhere: their progress, who must not run meanwhile, the key."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.errors import HooklineError, SettingsError

if TYPE_CHECKING:
    from runner.cli.options import Place

SAID_SECONDS = 0.2  # between two lines of progress, which replace each other on a terminal
VERBS = {"copy": "Copying", "check": "Checking"}


class Said:
    """How far a copy is: on a terminal one line that changes; elsewhere nothing, so that logs stay short."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._at = 0.0
        self._width = 0

    def __call__(self, verb: str, table: str, rows: int, total: int) -> None:
        """As `runner.store.copying.Progress`."""
        now = time.monotonic()
        if self._is_terminal and now - self._at >= SAID_SECONDS:
            self._at = now
            self._show(f"{VERBS[verb]} {table}: {rows:,} of {total:,}")

    def over(self) -> None:
        """Take the line away."""
        if self._width:
            self._show("")
            click.echo("\r", nl=False, err=True)

    def _show(self, text: str) -> None:
        click.echo(f"\r{text.ljust(self._width)}", nl=False, err=True)
        self._width = len(text)


def existing_store(place: Place) -> tuple[str, Path]:
    """
    The address of the store of *place*, and the file where that is empty.

    Raises:
        SettingsError: there is no such file, or a setting is wrong.
    """
    from runner.cli.house import DATABASE
    from runner.store.opening import is_postgres, sqlite_path

    url, database = place.settings().store.url, place.data / DATABASE
    if not is_postgres(url) and not sqlite_path(url, database).exists():
        raise SettingsError(f"there is no database {sqlite_path(url, database)}; --data names another folder")
    return url, database


async def refuse_living(url: str, *, sqlite: Path, why: str) -> None:
    """
    Make sure that no server or worker lives on the store at *url*, or the file *sqlite* where that is empty.

    Raises:
        HooklineError: one does.
        StoreUnavailable: it cannot be opened.
    """
    from runner.store.opening import is_postgres, open_store

    store = await open_store(url, sqlite=sqlite)
    try:
        living = await store.living()
    finally:
        await store.close()
    if living:
        also = " (one that was killed counts as running for 15 s more)" if is_postgres(url) else ""
        who = next((f" at {address}" for address in living if address), "")
        raise HooklineError(
            f"a server or worker runs on it{who}: {why}; stop all of them, then try again{also}"
        )


def key_here(data: Path) -> bytes | None:
    """
    The root key that a server with the folder *data* has; None where it would make one.

    Raises:
        SettingsError: it is too short, or cannot be read.
    """
    from runner.vault import root_key

    if not os.environ.get("HOOKLINE_KEY", "").strip() and not (data / "key").exists():
        return None
    return root_key(os.environ, data)


def key_id(key: bytes) -> str:
    """What tells keys apart without telling the key: it stands beside all that is sealed with it, too."""
    from runner.vault import Seal

    return Seal(key).key_id.hex()


def things(sealed: Iterable[tuple[str, str, bytes]]) -> list[tuple[str, str, bytes]]:
    """The secrets and connections of *sealed*, which has notes about them, too."""
    return [one for one in sealed if one[0] in ("secret", "connection")]


def unopened(key: bytes | None, sealed: Iterable[tuple[str, str, bytes]]) -> list[str]:
    """What *key* does not open of *sealed*, which has kind, name and blob of each; as `secret NAME`."""
    from runner.vault import Seal

    if key is None:
        return [f"{kind} {name}" for kind, name, _blob in sealed]
    seal, found = Seal(key), []
    for kind, name, blob in sealed:
        try:
            seal.open(kind, name, blob)
        except SettingsError:
            found.append(f"{kind} {name}")
    return found
