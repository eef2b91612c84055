"""`hookline user`: who may sign in, API tokens, and sign-in links."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from runner.cli.options import Place, asynchronous, example, json_option, server_options
from runner.cli.showing import moment, note, print_json, print_list, say_changed
from runner.engine.people import NewUser, Role, User, read_email, read_name
from runner.errors import HooklineError, NotFound
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.cli.api import Api
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
@server_options
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

    async def near(rooms: Rooms) -> str:
        added = await rooms.users.add(NewUser(address, called, cast("Role", role), may_run=may_run))
        await noted(rooms, "added", "user", added.email, role=role, may_run=may_run)
        return await user_link(rooms, added)

    async def far(api: Api) -> str:
        made = await api.post("users", email=address, name=called, role=role, may_run=may_run)
        return str(made["link"])

    _print_link(await place.ask(near, far, may_make=True), as_json=as_json)


@user.command(epilog=example("hookline user token --name deploy --role editor --days 90"))
@click.option("--name", default="command line", show_default=True, help="What it is for, as lists show it.")
@role_option
@may_run_option
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), help="How long it is valid; default: always."
)
@server_options
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

    async def near(rooms: Rooms) -> Json:
        ends = iso(time.time() + seconds) if seconds else None
        made = await rooms.people.issue(
            "api", name=name, role=cast("Role", role), may_run=may_run, seconds=seconds,
            provenance=Provenance(made_by=f"{person()} (command line)"),
        )  # fmt: skip
        await noted(rooms, "created", "token", name, role=role, expires_at=ends)
        return {"token": made, "expires_at": ends}

    made = await place.ask(
        near,
        lambda api: api.post("tokens", name=name, role=role, may_run=may_run, days=days),
        may_make=True,
    )
    if as_json:
        given = {"token": made["token"], "name": name, "role": role}
        print_json({**given, "expires_at": made["expires_at"]})
    else:
        click.echo(made["token"])


@user.command("list", epilog=example("hookline user list"))
@server_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the people and the API tokens, never their text."""

    async def near(rooms: Rooms) -> tuple[list[Json], list[Json]]:
        return [one.as_json() for one in await rooms.users.all()], await rooms.people.tokens()

    async def far(api: Api) -> tuple[list[Json], list[Json]]:
        return (await api.get("users"))["items"], (await api.get("tokens"))["items"]

    people, tokens = await place.ask(near, far)
    items = [{"kind": "user", **one} for one in people] + [{"kind": "token", **one} for one in tokens]
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
@server_options
@json_option
@asynchronous
async def role(place: Place, email: str, role: str, may_run: bool, as_json: bool) -> None:
    """Give a person another role; they sign in anew."""
    from runner.cli.house import noted

    async def near(rooms: Rooms) -> Json:
        was = await _user(rooms, email)
        now = await rooms.users.change(was.id, role=cast("Role", role), may_run=may_run)
        await noted(rooms, "changed", "user", was.email, role=now.role, may_run=now.may_run, was=was.role)
        return now.as_json()

    async def far(api: Api) -> Json:
        was = await _user_there(api, email)
        return await api.send("PATCH", "users", was["id"], body={"role": role, "may_run": may_run})

    now = await place.ask(near, far)
    say_changed(now["email"], f"{now['email']} is {now['role']} now", as_json=as_json)


@user.command(epilog=example("hookline user remove ada@example.com"))
@click.argument("email")
@server_options
@json_option
@asynchronous
async def remove(place: Place, email: str, as_json: bool) -> None:
    """Remove a person; their sessions end. A token's ID is taken too."""
    from runner.cli.house import noted

    async def near(rooms: Rooms) -> None:
        if "@" in email:
            gone = await rooms.users.remove((await _user(rooms, email)).id)
            await noted(rooms, "removed", "user", gone.email, role=gone.role)
        else:
            name = await rooms.people.revoke(email)
            await noted(rooms, "revoked", "token", name)

    async def far(api: Api) -> None:
        if "@" in email:
            await api.delete("users", (await _user_there(api, email))["id"])
        else:
            await api.delete("tokens", email)

    await place.ask(near, far)
    say_changed(email, f"{email} is removed", as_json=as_json)


@user.command(epilog=example("hookline user link ada@example.com"))
@click.argument("email", required=False)
@server_options
@json_option
@asynchronous
async def link(place: Place, email: str | None, as_json: bool) -> None:
    """
    Print a new sign-in link: of the person with EMAIL, else of the only admin.

    Where nobody can sign in yet, it is the link that creates the first admin.
    """
    from runner.cli.house import first_link, noted, user_link

    async def near(rooms: Rooms) -> str:
        if email is None and await rooms.users.is_empty():
            return await first_link(rooms)
        one = await _user(rooms, email) if email else await _only_admin(rooms)
        if one.is_disabled:
            raise HooklineError(f"{one.email} is disabled; an admin enables them under Settings, People")
        await noted(rooms, "made a sign-in link for", "user", one.email)
        return await user_link(rooms, one)

    async def far(api: Api) -> str:
        one = await _user_there(api, email)
        return str((await api.post("users", one["id"], "link"))["link"])

    _print_link(await place.ask(near, far, may_make=True), as_json=as_json)


async def _user(rooms: Rooms, email: str) -> User:
    try:
        found = await rooms.users.by_email(read_email(email))
    except ValueError:
        found = None
    if found is None:
        raise NotFound(_nobody(email))
    return found[0]


async def _only_admin(rooms: Rooms) -> User:
    admins = [one for one in await rooms.users.all() if one.role == "admin" and not one.is_disabled]
    if len(admins) == 1:
        return admins[0]
    raise HooklineError(_whose([one.email for one in admins]))


async def _user_there(api: Api, email: str | None) -> Json:
    """As `_user`, at a server elsewhere; None: the only admin."""
    people = (await api.get("users"))["items"]
    if email is None:
        admins = [one for one in people if one["role"] == "admin" and not one["is_disabled"]]
        if len(admins) == 1:
            return admins[0]
        if not admins:
            raise HooklineError(
                "nobody can sign in there yet; `hookline user link` on that machine makes a link"
            )
        raise HooklineError(_whose([one["email"] for one in admins]))
    try:
        wanted = read_email(email)
    except ValueError:
        wanted = ""
    found = [one for one in people if one["email"] == wanted]
    if not found:
        raise NotFound(_nobody(email))
    return found[0]


def _nobody(email: str) -> str:
    return f"there is nobody with the email {email}; `hookline user list` shows who is"


def _whose(emails: list[str]) -> str:
    return f"whose? Name one of {', '.join(emails)}"


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
