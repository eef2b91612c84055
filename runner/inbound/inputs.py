"""What a run is started with by hand, by a form or by a call: judged before anything starts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.inbound.schema_check import check_payload
from runner.language.schema_sentences import kind_of

if TYPE_CHECKING:
    from runner.inbound.schema_check import Mismatch
    from runner.language.workflow import Manual
    from runner.values import Json


def judged(manual: Manual, inputs: Json) -> tuple[Json, list[Mismatch]]:
    """
    *inputs* with the schema's defaults where an input is left out, and what keeps them from
    satisfying it, as `check_payload` says it. None stands for no inputs.
    """
    given = {} if inputs is None else inputs
    if not isinstance(given, dict):
        return given, [("payload", f"must be an object, and is {kind_of(given)}")]
    schema = manual.inputs.schema if manual.inputs else None
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    defaults = {
        name: one["default"]
        for name, one in properties.items()
        if isinstance(one, dict) and "default" in one and name not in given
    }
    filled = {**given, **defaults}
    return filled, check_payload(manual.inputs, filled) if manual.inputs else []


def in_words(mismatches: list[Mismatch]) -> str:
    """`email must be an e-mail address; age is missing`: as whoever gives the inputs calls them."""
    return "; ".join(f"{place_of(path)} {said}" for path, said in mismatches)


def place_of(path: str) -> str:
    """The path of a mismatch from the inputs on: `payload.lines[2].sku` → `lines[2].sku`."""
    return path.removeprefix("payload").removeprefix(".") or "the object of inputs"
