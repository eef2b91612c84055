"""`hookline connections export`: what there is without its values, and reading that back filled in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from runner.errors import SettingsError
from runner.values import Json, loads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.vault import Vault

EMPTY = ""
HEAD = """\
# Connections without their values. Fill in what is empty, then:
# hookline connections set --from FILE
"""


def exported(vault: Vault, *, plain: bool) -> list[Json]:
    """
    Each connection as `{name, kind, fields}`, by name. The fields are those that it has, empty; with
    *plain*, those that are no secrets have their values.
    """
    return [
        {"name": name, "kind": kind, "fields": _fields(vault, name, plain=plain)}
        for name, kind in sorted(vault.connection_kinds().items())
    ]


def exported_far(connections: Sequence[Json], *, plain: bool) -> list[Json]:
    """The same of what the API of a server says of its connections."""
    return [
        {
            "name": one["name"],
            "kind": one["kind"],
            "fields": {field: one["values"].get(field, EMPTY) if plain else EMPTY for field in one["fields"]},
        }
        for one in connections
    ]


def _fields(vault: Vault, name: str, *, plain: bool) -> dict[str, Json]:
    given, model = vault.connection(name), vault.open_connection(name)
    assert given is not None
    if model is None:  # of no kind that is known here: anything may be a secret
        return {field: EMPTY for field in given if field != "kind"}
    # by what the model made of it: a secret is a SecretStr, alone or deeper in
    made = {info.alias or own: getattr(model, own) for own, info in type(model).model_fields.items()}
    return {
        field: value if plain and field in made and not _has_secret(made[field]) else EMPTY
        for field, value in given.items()
        if field != "kind"
    }


def _has_secret(value: object) -> bool:
    return isinstance(value, SecretStr) or "SecretStr(" in repr(value)


def toml_of(items: Sequence[Json]) -> str:
    """What `exported` gives as TOML that `read_connections` reads."""
    parts = [HEAD]
    for one in items:
        lines = [f"[{one['name']}]", f"kind = {_toml(one['kind'])}"]
        lines += [f"{name} = {_toml(value)}" for name, value in one["fields"].items()]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _toml(value: Json) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)  # its texts, numbers and booleans are TOML's too


def read_connections(path: Path) -> dict[str, dict[str, Json]]:
    """
    The connections of a file (TOML, or JSON as `--json` gives it) by name: `kind` and the fields that are
    filled in.

    Raises:
        SettingsError: it cannot be read, or is no such file.
    """
    try:
        data = path.read_bytes()
        found = _of_json(loads(data)) if data.lstrip()[:1] == b"{" else tomllib.loads(data.decode())
    except (OSError, ValueError, LookupError, TypeError) as error:  # never quoted: it holds credentials
        reason = error.strerror if isinstance(error, OSError) else "it is neither TOML nor JSON"
        raise SettingsError(f"{path}: {reason}") from None
    for name, fields in found.items():
        if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
            raise SettingsError(f'{path}: {name} has no kind; write [{name}] and kind = "…" below it')
    return {name: {key: one for key, one in fields.items() if one != EMPTY} for name, fields in found.items()}


def _of_json(value: Json) -> dict[str, Json]:
    match value:
        case {"items": [*items]}:
            return {one["name"]: {"kind": one["kind"], **one.get("fields", {})} for one in items}
    raise ValueError("no items")
