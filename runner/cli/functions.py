"""`hookline functions`: the functions of expressions and templates."""

from __future__ import annotations

from itertools import groupby

import click

from runner.cli.options import example, json_option
from runner.cli.showing import print_json
from runner.errors import SettingsError
from runner.values import Json, dumps


@click.command(epilog=example("hookline functions truncate"))
@click.argument("name", required=False)
@json_option
def functions(name: str | None, as_json: bool) -> None:
    """Show the functions of expressions and templates, each with an example."""
    from runner.language.functions_reference import function_rows
    from runner.language.suggest import did_you_mean

    rows = function_rows()
    if name is not None:
        found = [one for one in rows if one["name"] == name]
        if not found:
            way_out = did_you_mean(name, [one["name"] for one in rows]) or "`hookline functions` lists them"
            raise SettingsError(f"there is no function {name}; {way_out}")
        rows = found
    if as_json:
        print_json({"items": rows, "next": None})
    elif name is not None:
        _show(rows[0])
    else:
        _list(rows)


def _list(rows: list[dict[str, Json]]) -> None:
    for group, members in groupby(rows, key=lambda one: one["group"]):
        click.secho(group, bold=True)
        for one in members:
            click.echo(f"  {one['signature']}")
            click.echo(f"    {one['about']}")
        click.echo()


def _show(row: dict[str, Json]) -> None:
    click.secho(row["signature"], bold=True)
    click.echo(f"  {row['about']}")
    for one in row["parameters"]:
        needed = "" if one["required"] else ", may be left out"
        click.echo(f"    {one['name']}: {one['type']}{needed}")
    for one in row["examples"]:
        click.echo(f"  in an expression:  {one['jmespath']}")
        click.echo(f"  in a template:     {one['jinja']}")
        click.echo(f"  gives:             {dumps(one['result'])}")
