"""`hookline login` and `hookline logout`: the token with which commands ask a server elsewhere."""

from __future__ import annotations

import ipaddress
import sys
from urllib.parse import urlsplit

import click

from runner.cli.options import asynchronous, example, json_option
from runner.cli.showing import note, print_json, printable, say_changed
from runner.errors import NotFound

server_argument = click.argument("server", metavar="URL", envvar="HOOKLINE_SERVER")


@click.command(
    epilog=example(
        "hookline login https://hookline.example.com",
        "hookline login https://hookline.example.com < token.txt",
    )
)
@server_argument
@json_option
@asynchronous
async def login(server: str, as_json: bool) -> None:
    """
    Keep an API token for a server, so that commands can ask it with --server.

    The token is read from stdin, or asked for; `hookline user token` makes one, on the server. It is tried,
    and then kept for your user alone.
    """
    from runner import __version__
    from runner.cli.api import open_api
    from runner.cli.logins import checked_token, keep, logins_file, server_address

    address = server_address(server)
    if _is_open(address):
        note(f"{address} is not encrypted: whoever listens on the way reads the token. Use https.")
    token = checked_token(_token(address))
    async with open_api(address, token) as api:
        found = await api.get("me")
    keep(address, token)
    theirs = found.get("version")
    if as_json:
        known = {name: found[name] for name in ("name", "role", "may_run", "rights")}
        print_json({"server": address, "version": theirs, **known})
        return
    may_run = ", may run" if found["role"] == "viewer" and found["may_run"] else ""
    click.echo(f"Logged in to {address} as {printable(found['name'])} ({found['role']}{may_run})")
    if theirs != __version__:
        note(f"It runs Hookline {theirs or 'of an older version'}; this is {__version__}.")
    note(f"The token is kept in {logins_file()}. Use it: hookline runs list --server {address}")


@click.command(epilog=example("hookline logout https://hookline.example.com"))
@server_argument
@json_option
def logout(server: str, as_json: bool) -> None:
    """
    Forget the token that is kept for a server.

    The server still knows it, until `hookline user remove` takes it back there.
    """
    from runner.cli.logins import forget, server_address

    address = server_address(server)
    if not forget(address):
        raise NotFound(f"no token is kept for {address}")
    say_changed(address, f"The token for {address} is forgotten here.", as_json=as_json)


def _token(address: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"API token for {address}", hide_input=True, err=True))
    return sys.stdin.buffer.read().decode(errors="replace")


def _is_open(address: str) -> bool:
    """Whether others on the way can read what is sent there."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not is_here
