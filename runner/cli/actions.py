"""`hookline actions` and `hookline schema`: what a workflow file may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from runner.cli.options import ask_server, asynchronous, example, json_option, server_option, workflows_option
from runner.cli.showing import print_json
from runner.errors import SettingsError
from runner.values import Json


@click.command(epilog=example("hookline actions slack"))
@click.argument("connector", required=False)
@workflows_option
@server_option
@json_option
@asynchronous
async def actions(connector: str | None, workflows: Path, server: str | None, as_json: bool) -> None:
    """
    Show the actions, with inputs, output and an example.

    Those of connectors that stand as files beside the workflows are among them.
    """
    found = _here(connector, workflows) if server is None else await _there(connector, server)
    if as_json:
        print_json({"items": found, "next": None})
        return
    for one in found:
        _show(one)


@click.command(epilog=example("hookline schema workflow > workflow.schema.json"))
@click.argument("kind", type=click.Choice(["workflow", "test", "defaults"]), default="workflow")
@workflows_option
@json_option
def schema(kind: str, workflows: Path, as_json: bool) -> None:  # noqa: ARG001 - it is JSON in any case
    """
    Print the JSON Schema of a workflow file, for editors.

    `test` is that of a <slug>.test.yaml, `defaults` that of a _defaults.yaml.
    """
    from connectors.shelf import Shelf
    from runner.inbound.providers import provider_infos
    from runner.language.catalogue import Catalogue
    from runner.language.schema import defaults_schema, workflow_schema
    from runner.workbench.case_keys import cases_schema

    catalogue = Catalogue(Shelf(workflows).catalogue_actions(_allowed()), providers=provider_infos())
    schemas = {"test": cases_schema, "defaults": defaults_schema, "workflow": workflow_schema}
    print_json(schemas[kind](catalogue))


def _here(connector: str | None, workflows: Path) -> list[Json]:
    from connectors.shelf import Shelf

    try:
        return Shelf(workflows).described(connector, allowed=_allowed())
    except LookupError as error:
        raise SettingsError(str(error)) from None


async def _there(connector: str | None, server: str) -> list[Json]:
    """Those of a server elsewhere."""
    page = await ask_server(server, lambda api: api.get("actions"))
    if connector is None:
        return list(page["items"])
    found = [one for one in page["items"] if one["name"].rpartition(".")[0] == connector]
    if not found:
        known = sorted({one["name"].rpartition(".")[0] for one in page["items"]})
        raise SettingsError(f'no connector "{connector}"; there are {", ".join(known)}')
    return found


def _allowed() -> Mapping[str, Sequence[str]]:
    """What the settings of this folder allow."""
    from runner.language.command_checks import allowed_inputs
    from runner.settings import commands_in

    return allowed_inputs(commands_in(Path.cwd()))


def _show(action: Json) -> None:
    click.secho(action["name"], bold=True)
    for line in action["summary"].splitlines():
        click.echo(f"  {line}" if line else "")
    if action["connection_kinds"]:
        need = "" if action["connection_required"] else ", if any"
        click.echo(f"  connection: of kind {' or '.join(action['connection_kinds'])}{need}")
    click.echo("  with:")
    show_fields(action["inputs"])
    click.echo("  gives:")
    show_fields(action["output"])
    click.echo(f"  after a crash during the call: {action['after_crash']}")
    if action["example"]:
        click.echo("  example:")
        for line in action["example"].rstrip().splitlines():
            click.echo(f"    {line}" if line else "")
    click.echo()


def show_fields(schema: Json) -> None:
    """Print the fields of a JSON Schema, one a line."""
    fields = schema.get("properties", {})
    needed = schema.get("required", ())
    width = max(map(len, fields), default=0)
    for name, field in fields.items():
        words = [_type(field)]
        if name in needed and "default" not in field:
            words.append("needed")
        elif field.get("default") is not None:
            words.append(f"default {field['default']}")
        about = field.get("description", "")
        click.echo(f"    {name.ljust(width)}  {', '.join(words)}{f': {about}' if about else ''}")


def _type(field: Json) -> str:
    """The types of a field in a few words."""
    if "enum" in field:
        return " / ".join(str(one) if one != "" else '""' for one in field["enum"])
    if "const" in field:
        return str(field["const"])
    kinds = dict.fromkeys(_type(one) for one in field.get("anyOf", ()) if one.get("type") != "null")
    if kinds:
        return " or ".join(kinds)
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    kind = field.get("type", "anything")
    return " or ".join(one for one in kind if one != "null") if isinstance(kind, list) else str(kind)
