"""
The JSON Schema of a workflow file, for editors: built from the table of keys and the catalogue.

Source: JSON Schema 2020-12. It says what an editor can complete and underline; what no schema
can say (references, expressions, where a `respond` may stand) is the checker's alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.language.keys import BLOCKS, DEFAULTS_BLOCK, MODIFIERS, STEP_KINDS
from runner.language.verification import GENERIC
from runner.language.verify_keys import provider_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.language.catalogue import ActionInfo, Catalogue
    from runner.language.kinds import Block, Key
    from runner.language.verification import ProviderInfo
    from runner.values import Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILLED_IN = {"type": "string", "pattern": r"\{[{%]"}  # a template may stand for any value
BLOCK_DEFINITIONS = (
    "trigger",
    "webhook",
    "manual",
    "hookline",
    "schedule",
    "poll",
    "deduplicate",
    "concurrency",
    "wait",
    "reply",
    "retry",
    "case",
    "wait_until",
    "wait_for",
    "callback",
    "approval",
    "repeat",
    "retention",
    "hmac",
    "timestamp",
    "signed_id",
    "token",
    "basic",
    "jwt",
    "client_certificate",
)


def workflow_schema(catalogue: Catalogue) -> Json:
    """The schema of a whole file, with the inputs of every action of *catalogue*."""
    definitions: dict[str, Json] = {name: _block(name) for name in BLOCK_DEFINITIONS}
    definitions |= _verification(catalogue.providers)
    definitions["steps"] = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}
    definitions["step"] = {"oneOf": [{"$ref": f"#/$defs/step.{kind}"} for kind in STEP_KINDS]}
    for kind, keys in STEP_KINDS.items():
        definitions[f"step.{kind}"] = _step(kind, keys)
    if catalogue.actions:
        definitions["step.action"] |= _actions(catalogue.actions)
        definitions["step.action"]["properties"]["action"]["enum"] = sorted(catalogue.actions)
    for name, info in catalogue.actions.items():
        definitions[f"inputs.{name}"] = _inputs(info)
    return {
        "$schema": DIALECT,
        "title": "Hookline workflow",
        **_block("workflow"),
        "$defs": definitions,
    }


def defaults_schema(catalogue: Catalogue) -> Json:
    """The schema of a `_defaults.yaml`."""
    return {
        "$schema": DIALECT,
        "title": "Hookline defaults",
        **_mapping(DEFAULTS_BLOCK.keys.values()),
        "$defs": workflow_schema(catalogue)["$defs"],
    }


def _block(name: str) -> dict[str, Json]:
    block = BLOCKS[name]
    return _mapping(block.keys.values())


def block_schema(block: Block) -> dict[str, Json]:
    """The schema of one block alone, of another kind of file than a workflow."""
    return _mapping(block.keys.values())


def _mapping(keys: Iterable[Key]) -> dict[str, Json]:
    keys = list(keys)
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {one.name: _key(one) for one in keys},
        "additionalProperties": False,
    }
    if required := [one.name for one in keys if one.required]:
        schema["required"] = required
    return schema


def _key(key: Key) -> dict[str, Json]:
    schema = (
        dict(key.kinds[0].schema)
        if len(key.kinds) == 1
        else {"anyOf": [dict(one.schema) for one in key.kinds]}
    )
    described = {**schema, "description": key.about}
    return described if key.example is None else {**described, "examples": [key.example]}


def _verification(providers: Mapping[str, ProviderInfo] | None) -> dict[str, Json]:
    """What stands under `verify`: a name, a provider with its own options, or one generic scheme."""
    keys = BLOCKS["verify"].keys
    generic = _mapping(keys[one] for one in GENERIC)
    either: dict[str, Json] = {"required": ["provider"]}
    verify = _mapping(keys.values()) | {"oneOf": [either, {"$ref": "#/$defs/verify.generic"}]}
    del verify["additionalProperties"]  # a provider has its own, which only its own schema knows
    name: Json = {"type": "string"}
    definitions: dict[str, Json] = {"verify.generic": generic, "verify": verify}
    if providers is not None:
        bare = [one.name for one in providers.values() if not _needs_more(one)]
        name = {"enum": ["none", *sorted(bare)]}
        verify["properties"]["provider"]["enum"] = sorted(providers)
        verify["allOf"] = [
            {
                "if": {"properties": {"provider": {"const": one}}, "required": ["provider"]},
                "then": {"$ref": f"#/$defs/verify.{one}"},
            }
            for one in providers
        ]
        definitions |= {
            f"verify.{one}": _mapping(provider_block(info).keys.values()) for one, info in providers.items()
        }
    return definitions | {"verification": {"anyOf": [name, {"$ref": "#/$defs/verify"}]}}


def _needs_more(info: ProviderInfo) -> bool:
    return info.needs_secret or any(one.is_required for one in info.options)


def _step(kind: str, keys: tuple[Key, ...]) -> dict[str, Json]:
    schema = _mapping((*keys, *MODIFIERS))
    schema["required"] = [kind, *(one for one in schema.get("required", ()) if one != kind)]
    schema["description"] = keys[0].about
    return schema


def _actions(actions: Mapping[str, ActionInfo]) -> dict[str, Json]:
    """For each action: what its `with` holds, and whether a connection stands beside it."""
    return {"allOf": [{"if": _is_action(name), "then": _then(info)} for name, info in actions.items()]}


def _is_action(name: str) -> Json:
    return {"properties": {"action": {"const": name}}, "required": ["action"]}


def _then(info: ActionInfo) -> Json:
    properties: dict[str, Json] = {
        "action": {"description": info.summary},
        "with": {"anyOf": [{"$ref": f"#/$defs/inputs.{info.name}"}, FILLED_IN]},
    }
    if not info.connection_kinds:
        properties["connection"] = False
    required = ["connection"] if info.connection_required else []
    return {"properties": properties, "required": [*required, *(["with"] if info.required else [])]}


def _inputs(info: ActionInfo) -> Json:
    """The inputs of an action; each may be a template, which gives its value at run time."""
    definitions: dict[str, Json] = {}
    properties: dict[str, Json] = {}
    for name, given in info.inputs.items():
        own = {key: value for key, value in given.items() if key != "$defs"}
        definitions |= given.get("$defs", {})
        words = {key: own.pop(key) for key in ("title", "description", "examples", "default") if key in own}
        properties[name] = {"anyOf": [own, FILLED_IN, {"type": "null"}], **words}
    prefix = f"#/$defs/inputs.{info.name}/$defs/"
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": sorted(info.required),
    }
    if definitions:
        schema["$defs"] = definitions
    moved: Json = _moved(schema, prefix)
    return moved


def _moved(schema: Json, prefix: str) -> Json:
    """*schema* with its references to definitions pointing to where they stand now."""
    if isinstance(schema, dict):
        return {
            key: prefix + value.removeprefix("#/$defs/")
            if key == "$ref" and isinstance(value, str)
            else _moved(value, prefix)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_moved(one, prefix) for one in schema]
    return schema
