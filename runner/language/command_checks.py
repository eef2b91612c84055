"""Whether a step may run the command that it names, as far as the server's configuration is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.language.fixes import renamed, replaced
from runner.language.suggest import did_you_mean, nearest, one_of, surely
from runner.settings_commands import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.language.nodes import Node
    from runner.language.reading import Reader
    from runner.settings_commands import Command, Commands

ACTION = "command.run"


def allowed_inputs(commands: Commands | None) -> Mapping[str, Sequence[str]]:
    """The values that the configuration allows, by `connector.action.input`: the catalogue shows them."""
    return {f"{ACTION}.name": sorted(commands)} if commands else {}


def check_command(reader: Reader, node: Node, where: str) -> None:
    """Judge a step of ACTION: its command, where that runs, and its arguments. *node* is the step."""
    assert isinstance(node.value, dict)
    inputs = node.value.get("with")
    if inputs is None:
        return
    name = inputs.value.get("name") if isinstance(inputs.value, dict) else inputs
    if name is None or not isinstance(name.value, str):
        return  # which is said already
    if "{{" in name.value or "{%" in name.value:
        at = f"{where}.with" if name is inputs else f"{where}.with.name"
        message = "a command is named, it is not filled in: whoever sends the value would choose it"
        reader.fault(name.place, at, "command", message, "use a `switch` with a step for each")
        return
    commands = reader.catalogue.commands
    if commands is None or not isinstance(inputs.value, dict):
        return
    if name.value not in commands:
        _unknown(reader, name, commands, f"{where}.with.name")
        return
    connection = node.value.get("connection")
    over = connection.value if connection is not None and isinstance(connection.value, str) else None
    if why := refusal(commands, name.value, over):
        place = (connection or name).place
        reader.fault(place, f"{where}.connection", "command", why, "its `on` in hookline.toml says where")
    _arguments(reader, name, inputs.value.get("arguments"), commands[name.value], f"{where}.with.arguments")


def _unknown(reader: Reader, name: Node, commands: Commands, where: str) -> None:
    written = str(name.value)
    hint = did_you_mean(written, commands) or (
        one_of(sorted(commands)) if commands else "[commands] in its hookline.toml names those that may run"
    )
    message = f'this server allows no command "{written}"'
    reader.fault(name.place, where, "command", message, hint, fix=replaced(name, surely(written, commands)))


def _arguments(reader: Reader, name: Node, given: Node | None, command: Command, where: str) -> None:
    values = {} if given is None or given.value is None else given.value
    if not isinstance(values, dict):
        return  # a template, or a fault that is said already
    meant = {nearest(one, command.arguments) for one in values if one not in command.arguments}
    for one in command.arguments:
        if one not in values and one not in meant:
            place = name.place if given is None else given.place
            message = f"{command.name} needs the argument `{one}`"
            reader.fault(place, where, "command", message, f"it has to fit {command.arguments[one]}")
    for one, value in values.items():
        assert given is not None
        if one not in command.arguments:
            hint = did_you_mean(one, command.arguments) or (
                one_of(command.arguments) if command.arguments else "it takes no arguments"
            )
            fix = renamed(given, one, surely(one, command.arguments))
            message = f"{command.name} has no argument `{one}`"
            reader.fault(given.keys[one], f"{where}.{one}", "command", message, hint, fix=fix)
        elif (text := _constant(value)) is not None and (why := command.wrong(one, text)):
            reader.fault(value.place, f"{where}.{one}", "command", why)


def _constant(node: Node) -> str | None:
    """The argument as the command gets it, where that is known now."""
    if isinstance(node.value, str):
        return None if any(mark in node.value for mark in ("{{", "{%", "{#")) else node.value
    plain = node.plain()
    return json.dumps(plain) if isinstance(plain, bool | int | float) else None
