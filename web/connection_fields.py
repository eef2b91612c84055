"""
The form of a connection's kind: its fields from its JSON Schema, and from what a browser sends back to the
values of a connection. Pure.

Secrets are written into it and never shown: their fields are always empty, whatever is known or was posted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.values import Json
from web.fields import PREFIX, Field, fields_of, read_fields

SECRET = "password"  # noqa: S105 - a format of JSON Schema
SEVERAL_LINES = "contentMediaType"  # of a text that is a file: a key, a certificate
LINES = "lines"  # how a list of texts is marked here: one a line
ANYWHERE = frozenset({"http", "mcp"})  # connectors that reach any service: they need its address
ADDRESSES = frozenset({"api_url", "hosts"})
SELDOM = frozenset(
    {
        "account", "authorize_parameters", "ca_certificate", "events_url", "organization", "previous_secret",
        "project", "refresh_token", "session_token", "subject", "token_parameters",
    }
)  # fmt: skip
CHOICE = "grant"  # a field with a default that people choose all the same
WORDS = {"api": "API", "id": "ID", "url": "address", "sid": "SID", "tls": "TLS", "ca": "CA"}
NO_ZONE = "UTC"  # no field of a connection is a time


@dataclass(frozen=True, slots=True)
class Form:
    """`main` are the fields that are always shown, `more` those that few need; `secrets` are names."""

    main: list[Field]
    more: list[Field]
    secrets: frozenset[str]


def form_of(
    kind: Json,
    *,
    known: Mapping[str, Json] | None = None,
    posted: Mapping[str, Json] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Form:
    """
    The form of a *kind* (`runner.engine.custody.Custody.kinds`), filled with the values *known* of a
    connection that there is (its secrets may be left empty then), or with what was *posted*.
    """
    schema = _plain(kind["fields"])
    properties = schema["properties"]
    for name, value in (known or {}).items():
        if name in properties and value is not None:
            properties[name]["default"] = "\n".join(value) if properties[name].get(LINES) else value
    secrets = frozenset(name for name, one in properties.items() if one.get("format") == SECRET)
    needed = set(schema.get("required", ()))
    if known is not None:
        schema["required"] = sorted(needed - secrets)
    main: list[Field] = []
    more: list[Field] = []
    for field in fields_of(schema, posted, faults):
        name = field.name.removeprefix(PREFIX)
        one = properties[name]
        shown = replace(field, label=_label(name))
        if name in secrets:
            control = "textarea" if SEVERAL_LINES in one else "text"
            attributes = _secretly(known is not None)
            shown = replace(shown, value="", control=control, type=SECRET, attributes=attributes)
        elif LINES in one:
            shown = replace(shown, attributes={"rows": "2"})
        is_main = name in needed or not _is_minor(kind, name)
        (main if is_main or field.fault else more).append(shown)
    return Form(sorted(main, key=lambda one: _place(one, needed)), more, secrets)


def _place(field: Field, needed: set[str]) -> int:
    """Those that are needed first, then the rest in its order, and the addresses last."""
    name = field.name.removeprefix(PREFIX)
    return 0 if name in needed else 2 if name in ADDRESSES else 1


def _is_minor(kind: Json, name: str) -> bool:
    """Whether few need the field: it has a default, or is one of those that are seldom given."""
    if name == CHOICE:
        return False
    if name in ADDRESSES or name == "scope":
        return kind["connector"] not in ANYWHERE
    default = kind["fields"]["properties"][name].get("default")
    return name in SELDOM or default not in (None, "", [], {})


def read_form(
    kind: Json, posted: Mapping[str, Json], *, is_replaced: bool
) -> tuple[dict[str, Json], dict[str, str]]:
    """
    The fields of a connection that were *posted* by the form of *kind*, and what is wrong by name.
    *is_replaced*: secrets that were left empty stay as they are, other fields are as they stand in the form.
    """
    schema = _plain(kind["fields"])
    properties = schema["properties"]
    if is_replaced:
        secrets = {name for name, one in properties.items() if one.get("format") == SECRET}
        schema["required"] = [one for one in schema.get("required", ()) if one not in secrets]
    values, faults = read_fields(schema, posted, NO_ZONE)
    for name, value in list(values.items()):
        if LINES in properties[name]:
            values[name] = [one for one in value.replace(",", "\n").split() if one]
    if is_replaced:
        for name, one in properties.items():
            if name not in values and one.get("format") != SECRET and name not in faults:
                values |= _emptied(kind["fields"]["properties"][name], name)
    return values, faults


def _emptied(one: Json, name: str) -> dict[str, Json]:
    """What a field that was emptied is from now on: its default, or nothing."""
    return {name: one["default"]} if "default" in one else {}


def _secretly(is_known: bool) -> dict[str, str]:
    """The attributes of a field that no browser fills in by itself."""
    shown = {"autocomplete": "new-password", "spellcheck": "false"}
    return {**shown, "placeholder": "Leave it empty to keep what is set"} if is_known else shown


def _plain(schema: Json) -> dict[str, Any]:
    """*schema* in the words of `web.fields`: null is nothing written, a list of texts is written in lines."""
    properties = {name: _one(one) for name, one in schema.get("properties", {}).items()}
    return {**schema, "properties": properties}


def _one(one: Json) -> dict[str, Any]:
    options = [each for each in one.get("anyOf", ()) if each.get("type") != "null"]
    found = {**(options[0] if len(options) == 1 else {}), **one}
    for name in ("anyOf", "title"):
        found.pop(name, None)
    if found.get("default") in (None, "", [], {}):
        found.pop("default", None)
    if found.get("type") == "array" and found.get("items", {}).get("type") == "string":
        found = {**found, "type": "string", "format": "textarea", LINES: True}
        found["examples"] = ["api.example.com"]
    elif SEVERAL_LINES in found and found.get("format") != SECRET:
        found["format"] = "textarea"
    return found


def _label(name: str) -> str:
    """`client_id` as "Client ID", `api_url` as "API address"."""
    words = " ".join(WORDS.get(one, one) for one in name.split("_"))
    return f"{words[:1].upper()}{words[1:]}"
