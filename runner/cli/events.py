"""`hookline events`: what was received, and what was made of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from runner.cli.far import follow_live, page_of
from runner.cli.follow import follow
from runner.cli.forget import forget
from runner.cli.options import (
    Place,
    When,
    asynchronous,
    example,
    json_option,
    list_options,
    server_options,
    until_interrupted,
    where_option,
)
from runner.cli.recheck import recheck
from runner.cli.release import release
from runner.cli.send import send
from runner.cli.showing import (
    moment,
    print_json,
    print_json_line,
    print_list,
    printable,
    status_word,
)
from runner.engine.history import Wanted
from runner.engine.runs import Disposition
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms

COLUMNS = ("EVENT", "RECEIVED", "WORKFLOW", "STATUS", "REQUEST")
MOST_LINES = 200  # of a payload, for people; --json has all of it


@click.group(epilog=example("hookline events list --status rejected"))
def events() -> None:
    """Events: what was received, and what was made of it."""


events.add_command(forget)
events.add_command(recheck)
events.add_command(release)
events.add_command(send)


@events.command("list", epilog=example("hookline events list --workflow order-alerts --since 2h"))
@list_options
@where_option("payload.order=1042", "type=orders/create", "delivery_id=…")
@click.option("--status", type=click.Choice([one.value for one in Disposition]), help="Only these.")
@server_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool, **narrowed: object) -> None:
    """List events, the newest first."""
    page = await place.ask(
        lambda rooms: place.page(rooms.history.events, narrowed), lambda api: page_of(api, "events", narrowed)
    )
    if as_json:
        print_json(page)
    else:
        print_list(page, COLUMNS, [_row(one) for one in page["items"]])


@events.command(epilog=example("hookline events show 01kz2v3nd8z5rjq0v6a7t4m9xe"))
@click.argument("event_id", metavar="ID")
@server_options
@json_option
@asynchronous
async def show(place: Place, event_id: str, as_json: bool) -> None:
    """Show one event: what became of it and why, then the request."""
    event = await place.ask(
        lambda rooms: rooms.history.event(event_id), lambda api: api.get("events", event_id)
    )
    if as_json:
        print_json(event)
    else:
        _show(event)


@events.command(epilog=example("hookline events tail --workflow order-alerts"))
@click.option("--workflow", metavar="SLUG", help="Only of this workflow.")
@click.option("--since", type=When(), help="Begin there, not now: 2h, 7d, a date or a time.")
@server_options
@json_option
@until_interrupted
async def tail(place: Place, workflow: str | None, since: float | None, as_json: bool) -> None:
    """Show events as they come, until Ctrl-C."""

    async def near(rooms: Rooms) -> None:
        wanted = Wanted(workflow=workflow, since=time.time() if since is None else since)
        async for event in follow(rooms.history.events, wanted, state=_disposition):
            _tell(event, as_json=as_json)

    async def far(api: Api) -> None:
        async for event in follow_live(api, "event", workflow, since, state=_disposition):
            _tell(event, as_json=as_json)

    await place.ask(near, far)


def _disposition(event: Json) -> str:
    return str(event["disposition"])


def _tell(event: Json, *, as_json: bool) -> None:
    if as_json:
        print_json_line(event)
        return
    words = (
        moment(event["received_at"]),
        event["id"],
        event["workflow"],
        status_word(event["disposition"]),
        printable(event["reason"] or _request(event)),
    )
    click.echo("  ".join(words))


def _row(event: Json) -> tuple[str, ...]:
    disposition = event["disposition"]
    return event["id"], moment(event["received_at"]), event["workflow"], disposition, _request(event)


def _request(event: Json) -> str:
    """The request in a few words."""
    path = f"/{event['path']}" if event["path"] else ""
    kind = event["type"] or event["content_type"].partition(";")[0] or "no body"
    return f"{event['method']}{path} {kind}, {event['size']:,} bytes"


def _show(event: Json) -> None:
    runs = event["runs"]
    reason = event["reason"] or (f"{len(runs)} run{'s' if len(runs) != 1 else ''} of {event['workflow']}")
    click.echo(f"{status_word(event['disposition'])}: {printable(reason)}\n")
    click.echo(f"event {event['id']}, received {moment(event['received_at'])} UTC")
    click.echo(f"from {event['source_ip'] or 'here'}: {printable(_request(event))}")
    for run in runs:
        click.echo(f"run {run['id']} {status_word(run['status'])}: {printable(run['title'])}")
    click.echo("\ngates:")
    for gate in event["gates"]:
        reason = f": {gate['reason']}" if gate["reason"] else ""
        click.echo(f"  {gate['name']} {gate['verdict']}{printable(reason)}")
    click.echo("\nheaders:")
    for name, value in event["headers"].items():
        click.echo(f"  {printable(f'{name}: {value}')}")
    if event["query"]:
        click.echo(f"\nquery: {printable(event['query'])}")
    if "payload" in event:
        for sentence in event["notes"]:
            click.echo(f"\nnote: {printable(sentence)}")
        click.echo("\npayload:")
        text = json.dumps(event["payload"], indent=2, ensure_ascii=False)
    else:
        click.echo(f"\nbody, which cannot be read: {printable(event['unreadable'])}")
        text = event["body"]
    lines = text.splitlines()
    for line in lines[:MOST_LINES]:
        click.echo(f"  {printable(line)}")
    if len(lines) > MOST_LINES:
        click.echo(f"  … {len(lines) - MOST_LINES} more lines (--json shows all)")
