"""What several commands share: their options, the folders they work in, and how they open a server's data."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import getpass
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from runner.errors import SettingsError
from runner.values import Json, duration_seconds

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.history import Page, Wanted
    from runner.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

LOOKING_SECONDS = 2.0  # for one page of a list: at a terminal one waits rather than asks again
HERE = ("data", "database", "workflows")  # options that name what is on this machine
FOLDER = click.Path(path_type=Path, file_okay=False)


class When(click.ParamType[float, str]):
    """A point in time as UTC seconds: `2h` or `7d` ago, a date, or a date and time (UTC unless it says)."""

    name = "when"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As `click.ParamType.convert`."""
        if isinstance(value, float):
            return value
        with contextlib.suppress(ValueError):
            return time.time() - duration_seconds(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            way_out = "write for example 2h, 7d, 2026-05-03 or 2026-05-03T14:00Z"
            self.fail(f'"{value}" is no time; {way_out}', param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


workflows_option = click.option(
    "--workflows",
    type=FOLDER,
    default=Path("workflows"),
    show_default=True,
    help="The folder of the workflow files.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
_data_option = click.option(
    "--data",
    type=FOLDER,
    default=Path(".hookline"),
    show_default=True,
    help="The folder of the database and the key.",
)
_database_option = click.option(
    "--database",
    metavar="URL",
    help="Another database than the one in the data folder: sqlite:///PATH or postgresql://….",
)
_server_option = click.option(
    "--server",
    metavar="URL",
    envvar="HOOKLINE_SERVER",
    help="Ask this running server instead of the data here; see: hookline login.",
)


def example(*lines: str) -> str:
    """The `epilog` of a command: how it is called, as it is typed."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--data` and `--database`; the command gets them, and `--workflows`, as its `place`."""

    @functools.wraps(command)
    def placed(*args: Any, data: Path, database: str | None, **options: Any) -> Any:
        workflows = options.pop("workflows", Path("workflows"))
        return command(*args, place=Place(data, database, workflows), **options)

    return _data_option(_database_option(placed))


def server_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """
    Add `--server`; the command gets the address, or None. A folder or a database that is named goes before
    HOOKLINE_SERVER.
    """

    @functools.wraps(command)
    def placed(*args: Any, server: str | None, **options: Any) -> Any:
        source = click.get_current_context().get_parameter_source
        named = [name for name in HERE if source(name) is ParameterSource.COMMANDLINE]
        if named and source("server") is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--server asks a running server, --{named[0]} is what is here: give one")
        return command(*args, server=None if named else server, **options)

    return _server_option(placed)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `data_options`, for what a server elsewhere can be asked too (`Place.ask`): add `--server`."""

    @functools.wraps(command)
    def placed(*args: Any, place: Place, server: str | None, **options: Any) -> Any:
        return command(*args, place=replace(place, server=server), **options)

    return data_options(server_option(placed))


def list_options(command: Command) -> Command:
    """Add what narrows a list; the command gets the options as `Wanted` names them."""
    for option in (
        click.option("--cursor", help="Go on where a page ended: its `next`."),
        click.option(
            "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many."
        ),
        click.option("--since", type=When(), help="From then on: 2h, 7d, a date or a time."),
        click.option("--workflow", metavar="SLUG", help="Only of this workflow."),
    ):
        command = option(command)
    return command


def where_option(*examples: str) -> Callable[[Command], Command]:
    """Add `--where`, which may be given several times: the command gets a tuple of texts."""
    return click.option(
        "--where",
        multiple=True,
        metavar="NAME=VALUE",
        help=f"Only where it is so; again for more conditions: {', '.join(examples)}.",
    )


def person() -> str:
    """Who is at the command line: the name of the system's user, for the record of what was done."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have a user without a name
        return "someone"


def asynchronous(command: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Make a command of an async function: it runs in an event loop of its own."""

    @functools.wraps(command)
    def run(*args: P.args, **options: P.kwargs) -> T:
        return asyncio.run(command(*args, **options))

    return run


def until_interrupted(command: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """As `asynchronous`, for a command that has no end of its own: Ctrl-C is its good one."""
    endless = asynchronous(command)

    @functools.wraps(command)
    def run(*args: P.args, **options: P.kwargs) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            endless(*args, **options)

    return run


@dataclass(frozen=True, slots=True)
class Place:
    """
    Which server's data a command means: the folders and the database that its options name, or the running
    server at the address *server*.
    """

    data: Path
    database: str | None
    workflows: Path
    server: str | None = None

    def settings(self, **flags: Any) -> Settings:
        """
        The settings of the current folder with this database; *flags* as `read_settings` takes
        them, `server__port` for `server.port`.

        Raises:
            SettingsError: a setting is wrong.
        """
        from runner.settings import read_settings

        given = {name.replace("__", "."): value for name, value in flags.items()}
        return read_settings(Path.cwd(), os.environ, {"store.url": self.database, **given})

    @contextlib.asynccontextmanager
    async def opened(self, *, may_make: bool = False) -> AsyncIterator[Rooms]:
        """
        The server's data, whether one runs on it or not; *may_make* lets a first use make it.

        Raises:
            SettingsError: there is none, or a setting is wrong.
            StoreUnavailable: it cannot be opened.
        """
        from runner.cli.house import database_path, open_rooms
        from runner.store.opening import is_postgres

        settings = self.settings()
        is_missing = not is_postgres(settings.store.url) and not database_path(settings, self.data).exists()
        if is_missing and not may_make:
            raise SettingsError(
                f"there is no database in {self.data}; `hookline serve` makes one, "
                "and `--data` names another folder"
            )
        async with open_rooms(settings, workflows=self.workflows, data=self.data, is_beside=True) as rooms:
            yield rooms

    async def ask(
        self,
        near: Callable[[Rooms], Awaitable[T]],
        far: Callable[[Api], Awaitable[T]],
        *,
        may_make: bool = False,
    ) -> T:
        """
        What *far* gives of the server that is named by its address, else what *near* gives of the data here.
        Both give the same form, so that a command is written once.

        Raises:
            SettingsError: as `opened`, or there is no token for the server.
            StoreUnavailable: as `opened`. HooklineError: as `runner.cli.api.Api.send`.
        """
        if self.server is not None:
            return await ask_server(self.server, far)
        async with self.opened(may_make=may_make) as rooms:
            return await near(rooms)

    async def page(self, read: Callable[[Wanted], Awaitable[Page]], narrowed: Mapping[str, Any]) -> Json:
        """
        A page of a list as JSON; *narrowed* has the options of `list_options`.

        Raises:
            SettingsError: the cursor is none of ours, or a condition of `where` is none.
        """
        return (await read(wanted_of(narrowed))).as_json()


async def ask_server(server: str, far: Callable[[Api], Awaitable[T]]) -> T:
    """
    What *far* gives of the server at that address.

    Raises:
        SettingsError: it is no address, or there is no token for it.
        HooklineError: as `runner.cli.api.Api.send`.
    """
    from runner.cli.api import open_api
    from runner.cli.logins import server_address, token_for

    address = server_address(server)
    async with open_api(address, token_for(address)) as api:
        return await far(api)


def wanted_of(narrowed: Mapping[str, Any]) -> Wanted:
    """What the options of `list_options` and `where_option` mean. Raises SettingsError."""
    from runner.engine.history import Wanted, read_cursor
    from runner.engine.where import read_where

    given = {name: value for name, value in narrowed.items() if name != "where"}
    try:
        asked = read_where(narrowed.get("where", ()))
    except ValueError as error:
        raise SettingsError(f"--where: {error}") from None
    if twice := [name for name in asked if given.get(name)]:
        raise SettingsError(f"--where: {twice[0]} is given by --{twice[0]} too")
    try:
        if narrowed.get("cursor"):
            read_cursor(narrowed["cursor"])
    except ValueError as error:
        raise SettingsError(f"--cursor: {error}") from None
    return Wanted(**{**given, **asked}, seconds=LOOKING_SECONDS)
