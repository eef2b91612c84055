"""`hookline state`: what workflows keep between their runs, looked at and mended by hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options import Place, asynchronous, example, json_option, server_options
from runner.cli.pause import Duration
from runner.cli.showing import moment, print_json, print_list, printable, say_changed, value_text
from runner.errors import HooklineError, NotFound, Rejected, SettingsError
from runner.values import Json, loads

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms

COLUMNS = ("KEY", "VALUE", "CHANGED", "UNTIL")


def space_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add whose state is meant: a workflow's, by its slug, or, with `--shared`, that of all."""
    shared = click.option("--shared", is_flag=True, help="Instead of a workflow's: what all workflows share.")
    return shared(command)


@click.group(epilog=example("hookline state list order-alerts"))
def state() -> None:
    """What workflows keep between their runs, by key."""


@state.command("list", epilog=example("hookline state list order-alerts"))
@click.argument("words", metavar="[SLUG]", nargs=-1)
@space_options
@click.option("--cursor", help="Go on where a page ended: its `next`.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@server_options
@json_option
@asynchronous
async def list_(
    place: Place, words: tuple[str, ...], shared: bool, cursor: str | None, limit: int, as_json: bool
) -> None:
    """List the keys of a workflow with their values."""
    from runner.engine.state import entries_page
    from runner.store.state import StoredStates

    (space,) = _named(words, "", shared=shared)

    async def near(rooms: Rooms) -> Json:
        states = StoredStates(rooms.store)
        found = await states.entries(space, now=time.time(), after=cursor or "", limit=limit)
        return entries_page(found, limit)

    page = await place.ask(
        near, lambda api: api.page("state", limit=limit, cursor=cursor, workflow=space or None)
    )
    if as_json:
        print_json(page)
        return
    rows = [
        (one["key"], value_text(one["value"]), moment(one["changed_at"]), moment(one["expires_at"]) or "-")
        for one in page["items"]
    ]
    print_list(page, COLUMNS, rows)


@state.command(epilog=example("hookline state get order-alerts orders"))
@click.argument("words", metavar="[SLUG] KEY", nargs=-1)
@space_options
@server_options
@json_option
@asynchronous
async def get(place: Place, words: tuple[str, ...], shared: bool, as_json: bool) -> None:
    """Show what is kept under a key, as JSON alone; with --json also since when and until when."""
    from runner.store.state import StoredStates

    space, key = _named(words, "KEY", shared=shared)

    async def near(rooms: Rooms) -> Json:
        entry = await StoredStates(rooms.store).entry(space, key, now=time.time())
        if entry is None:
            raise NotFound(_nothing(space, key))
        return entry.as_json()

    entry = await place.ask(near, lambda api: api.get("state", "entry", workflow=space or None, key=key))
    print_json(entry if as_json else entry["value"])


@state.command("set", epilog=example("hookline state set order-alerts orders 0"))
@click.argument("words", metavar="[SLUG] KEY VALUE", nargs=-1)
@space_options
@click.option("--ttl", type=Duration(), help="How long it is kept: 10m, 1d; forever if left out.")
@server_options
@json_option
@asynchronous
async def set_(place: Place, words: tuple[str, ...], shared: bool, ttl: float | None, as_json: bool) -> None:
    """
    Keep a value under a key, in place of what was there.

    VALUE is JSON, such as 0 or '{"a": 1}'; - reads it from stdin.
    """
    from runner.engine.state import LONGEST_KEY, Set
    from runner.store.state import StoredStates

    space, key, text = _named(words, "KEY VALUE", shared=shared)
    if not 0 < len(key) <= LONGEST_KEY:
        raise SettingsError(f"a key has 1 to {LONGEST_KEY} characters")
    value = _value(sys.stdin.read() if text == "-" else text)

    async def near(rooms: Rooms) -> None:
        try:
            await StoredStates(rooms.store).change(space, key, Set(value, ttl), now=time.time())
        except Rejected as error:
            raise HooklineError(str(error)) from None

    async def far(api: Api) -> None:
        kept: dict[str, Json] = {"key": key, "value": value}
        kept |= {"workflow": space} if space else {}
        kept |= {"ttl": f"{ttl:g}s"} if ttl is not None else {}
        await api.send("PUT", "state", "entry", body=kept)

    await place.ask(near, far)
    say_changed(key, f"The state {printable(key)} is kept.", as_json=as_json)


@state.command(epilog=example("hookline state delete order-alerts orders"))
@click.argument("words", metavar="[SLUG] KEY", nargs=-1)
@space_options
@server_options
@json_option
@asynchronous
async def delete(place: Place, words: tuple[str, ...], shared: bool, as_json: bool) -> None:
    """Take a key away."""
    from runner.engine.state import Delete
    from runner.store.state import StoredStates

    space, key = _named(words, "KEY", shared=shared)

    async def near(rooms: Rooms) -> None:
        if not await StoredStates(rooms.store).change(space, key, Delete(), now=time.time()):
            raise NotFound(_nothing(space, key))

    await place.ask(near, lambda api: api.delete("state", "entry", workflow=space or None, key=key))
    say_changed(key, f"The state {printable(key)} is deleted.", as_json=as_json)


def _named(words: tuple[str, ...], rest: str, *, shared: bool) -> tuple[str, ...]:
    """The space, and what *rest* names behind it."""
    from runner.engine.state import SHARED

    wanted = rest.split() if shared else ["SLUG", *rest.split()]
    if len(words) != len(wanted):
        say = " ".join(wanted) or "nothing"
        raise click.UsageError(
            f"name {say}{' beside --shared' if shared else ', or use --shared without SLUG'}"
        )
    return (SHARED, *words) if shared else words


def _value(text: str) -> Json:
    try:
        return loads(text.encode())
    except ValueError:
        hint = "quote a text twice, as in '\"text\"'"
        raise SettingsError(f"the value is not JSON; {hint}") from None


def _nothing(space: str, key: str) -> str:
    from runner.engine.state import nothing_under

    return f"{printable(nothing_under(space, key))}; `hookline state list` shows those there are"
