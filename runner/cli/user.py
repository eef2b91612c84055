"""`hookline user`: who may sign in, API tokens, and sign-in links."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option
from runner.cli.showing import moment, note, print_json, print_list, say_changed
from runner.engine.people import NewUser, Role, User, read_email, read_name
from runner.errors import HooklineError, NotFound
from runner.values import iso

if TYPE_CHECKING:
    from runner.cli.house import Rooms

DAY_SECONDS = 86400.0

role_option = click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    default="admin",
    show_default=True,
    help="What its holder may do.",
)
may_run_option = click.option(
    "--may-run", is_flag=True, help="A viewer who may run and replay too; the other roles may anyway."
)


@click.group(epilog=example("hookline user link"))
def user() -> None:
    """People: who may sign in, API tokens and sign-in links."""


@user.command(epilog=example("hookline user add ada@example.com --role editor"))
@click.argument("email")
@click.option("--role", type=click.Choice(get_args(Role)), required=True, help="What they may do.")
@may_run_option
@click.option("--name", help="As lists show it; default: what stands before the @.")
@data_options
@json_option
@asynchronous
async def add(place: Place, email: str, role: str, may_run: bool, name: str | None, as_json: bool) -> None:
    """Add a person, and print the link at which they set their password: once, within three days."""
    from runner.cli.house import noted, user_link

    try:
        address = read_email(email)
        called = read_name(name or address.partition("@")[0])
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None
    async with place.opened(may_make=True) as rooms:
        added = await rooms.users.add(NewUser(address, called, cast("Role", role), may_run=may_run))
        await noted(rooms, "added", "user", added.email, role=role, may_run=may_run)
        url = await user_link(rooms, added)
    _print_link(url, as_json=as_json)


@user.command(epilog=example("hookline user token --name deploy --role editor --days 90"))
@click.option("--name", default="command line", show_default=True, help="What it is for, as lists show it.")
@role_option
@may_run_option
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), help="How long it is valid; default: always."
)
@data_options
@json_option
@asynchronous
async def token(place: Place, name: str, role: str, may_run: bool, days: float | None, as_json: bool) -> None:
    """
    Make an API token and print it alone on stdout.

    It is shown this once: only its digest is kept. Programs send it as `Authorization: Bearer`.
    """
    from runner.cli.house import noted
    from runner.cli.options import person
    from runner.engine.people import Provenance

    seconds = days * DAY_SECONDS if days else None
    async with place.opened(may_make=True) as rooms:
        now = time.time()
        made = await rooms.people.issue(
            "api", name=name, role=cast("Role", role), may_run=may_run, seconds=seconds,
            provenance=Provenance(made_by=f"{person()} (command line)"),
        )  # fmt: skip
        await noted(rooms, "created", "token", name, role=role, expires_at=iso(seconds and now + seconds))
    if as_json:
        ends = iso(now + seconds) if seconds else None
        print_json({"token": made, "name": name, "role": role, "expires_at": ends})
    else:
        click.echo(made)


@user.command("list", epilog=example("hookline user list"))
@data_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the people and the API tokens, never their text."""
    async with place.opened() as rooms:
        people = [{"kind": "user", **one.as_json()} for one in await rooms.users.all()]
        tokens = [{"kind": "token", **one} for one in await rooms.people.tokens()]
    items = people + tokens
    page = {"items": items, "next": None}
    if as_json:
        print_json(page)
        return
    rows = [_row(one) for one in items]
    print_list(page, ("KIND", "NAME", "EMAIL", "ROLE", "MADE", "LAST USED", "ENDS"), rows)


@user.command(epilog=example("hookline user role ada@example.com viewer --may-run"))
@click.argument("email")
@click.argument("role", type=click.Choice(get_args(Role)))
@may_run_option
@data_options
@json_option
@asynchronous
async def role(place: Place, email: str, role: str, may_run: bool, as_json: bool) -> None:
    """Give a person another role; they sign in anew."""
    from runner.cli.house import noted

    async with place.opened() as rooms:
        was = await _user(rooms, email)
        now = await rooms.users.change(was.id, role=cast("Role", role), may_run=may_run)
        await noted(rooms, "changed", "user", was.email, role=now.role, may_run=now.may_run, was=was.role)
    say_changed(was.email, f"{was.email} is {now.role} now", as_json=as_json)


@user.command(epilog=example("hookline user remove ada@example.com"))
@click.argument("email")
@data_options
@json_option
@asynchronous
async def remove(place: Place, email: str, as_json: bool) -> None:
    """Remove a person; their sessions end. A token's ID is taken too."""
    from runner.cli.house import noted

    async with place.opened() as rooms:
        if "@" in email:
            gone = await rooms.users.remove((await _user(rooms, email)).id)
            await noted(rooms, "removed", "user", gone.email, role=gone.role)
        else:
            name = await rooms.people.revoke(email)
            await noted(rooms, "revoked", "token", name)
    say_changed(email, f"{email} is removed", as_json=as_json)


@user.command(epilog=example("hookline user link ada@example.com"))
@click.argument("email", required=False)
@data_options
@json_option
@asynchronous
async def link(place: Place, email: str | None, as_json: bool) -> None:
    """
    Print a new sign-in link: of the person with EMAIL, else of the only admin.

    Where nobody can sign in yet, it is the link that creates the first admin.
    """
    from runner.cli.house import first_link, noted, user_link

    async with place.opened(may_make=True) as rooms:
        if email is None and await rooms.users.is_empty():
            url = await first_link(rooms)
        else:
            one = await _user(rooms, email) if email else await _only_admin(rooms)
            if one.is_disabled:
                raise HooklineError(f"{one.email} is disabled; an admin enables them under Settings, People")
            url = await user_link(rooms, one)
            await noted(rooms, "made a sign-in link for", "user", one.email)
    _print_link(url, as_json=as_json)


async def _user(rooms: Rooms, email: str) -> User:
    try:
        found = await rooms.users.by_email(read_email(email))
    except ValueError:
        found = None
    if found is None:
        raise NotFound(f"there is nobody with the email {email}; `hookline user list` shows who is")
    return found[0]


async def _only_admin(rooms: Rooms) -> User:
    admins = [one for one in await rooms.users.all() if one.role == "admin" and not one.is_disabled]
    if len(admins) == 1:
        return admins[0]
    raise HooklineError(f"whose? Name one of {', '.join(one.email for one in admins)}")


def _print_link(url: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url})
    else:
        click.echo(url)
    note("Open it in a browser: it works once, within its days.")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    is_user = one["kind"] == "user"
    role = f"{one['role']}, may run" if one["role"] == "viewer" and one["may_run"] else one["role"]
    used = one["signed_in_at"] if is_user else one["used_at"]
    ends = ("disabled" if one["is_disabled"] else "") if is_user else moment(one["expires_at"]) or "never"
    name = one["name"] if is_user else f"{one['name']} ({one['id']})"
    made, used = moment(one["created_at"]), moment(used) or "never"
    return one["kind"], name, one.get("email", ""), role, made, used, ends
