"""The inputs of a run on the command line: `--input K=V`, and a payload that is an object of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.errors import SettingsError
from runner.values import Json, loads

if TYPE_CHECKING:
    from runner.engine.library import Live

input_option = click.option(
    "--input",
    "inputs",
    metavar="K=V",
    multiple=True,
    help="An input of the `manual` trigger; what is no text is written as JSON. May be given again.",
)


def inputs_of(live: Live, body: bytes, given: tuple[str, ...]) -> Json:
    """
    What the run is started with: the object in *body* with those *given* as `K=V` over it; None where
    the run is not started by hand, which is so without any `K=V` where there is a webhook.

    Raises:
        SettingsError: these are no inputs.
    """
    manual = live.workflow.manual
    if manual is None:
        if given:
            raise SettingsError(f"--input: {live.workflow.slug} has no `manual` trigger; give a --payload")
        return None
    if not given and live.workflow.webhook is not None and body:
        return None
    return read_inputs(body, given, manual.inputs.schema if manual.inputs else {})


def read_inputs(body: bytes, given: tuple[str, ...], schema: Json) -> dict[str, Json]:
    """
    The object in *body* with those *given* as `K=V` over it; *schema* is the JSON Schema of the inputs.

    Raises:
        SettingsError: these are no inputs.
    """
    from web.fields import type_of_input

    inputs = _object(body)
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise SettingsError(f"--input: write NAME=VALUE, not {one}")
        inputs[name] = _value(text, type_of_input(schema, name))
    return inputs


def _object(body: bytes) -> dict[str, Json]:
    if not body.strip():
        return {}
    try:
        value = loads(body)
    except ValueError as error:
        raise SettingsError(f"--payload: it holds the inputs as JSON, and it is none: {error}") from None
    if not isinstance(value, dict):
        raise SettingsError("--payload: it holds the inputs, which are a JSON object")
    return value


def _value(text: str, kind: str | None) -> Json:
    """A text where the schema wants one, else what the text is as JSON; a text where it is none."""
    if kind == "string":
        return text
    try:
        return loads(text.encode())
    except ValueError:
        return text
