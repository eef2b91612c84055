"""
The form of a JSON Schema: its fields, and from what a browser sends back to inputs. Pure.

An object's properties are its fields, in their order; `title` is the label, `description` the help. Text
is a line, several with `format: textarea`; `enum` a list to choose from; a list of an `enum` boxes to
tick; `format: file` an upload. What no field of a browser fits (objects, other lists, anything) is
written as JSON. Of a text that is not required nothing written means that it is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from runner.values import Json, dumps, is_file, loads

PREFIX = "input."  # of the fields' names, apart from those of the form itself
INPUT_TYPES = {"email": "email", "idn-email": "email", "uri": "url", "iri": "url", "date": "date",
               "date-time": "datetime-local"}  # fmt: skip
BOUNDS = {"minimum": "min", "maximum": "max", "minLength": "minlength", "maxLength": "maxlength"}
MOST_REFERENCES = 8  # followed for one field
FEW_OPTIONS = 1  # a list with fewer is none to choose from
CHOSEN = "yes"


@dataclass(frozen=True, slots=True)
class Option:
    """One of a list: what is sent, what is read, and whether it is chosen."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field. `control` is text, textarea, json, number, checkbox, select, choices or file; `value` is
    the text in it; `attributes` are those of the `input` beside; `fault` is what is wrong with it.
    """

    name: str
    label: str
    control: str
    type: str = "text"
    is_required: bool = False
    help: str = ""
    value: str = ""
    is_checked: bool = False
    options: tuple[Option, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


def fields_of(
    schema: Json, posted: Mapping[str, Json] | None = None, faults: Mapping[str, str] | None = None
) -> list[Field]:
    """
    The fields of *schema*, filled with its defaults, or with what was *posted*, and with the *faults* of
    inputs by name.
    """
    properties, required = _properties(schema)
    return [
        _field(name, _resolved(one, schema), name in required, schema, posted, (faults or {}).get(name, ""))
        for name, one in properties.items()
    ]


def has_files(schema: Json) -> bool:
    """Whether a field of the form is an upload."""
    return any(one.control == "file" for one in fields_of(schema))


def read_fields(
    schema: Json, posted: Mapping[str, Json], zone: str
) -> tuple[dict[str, Json], dict[str, str]]:
    """
    The inputs that were *posted* by the form of *schema*, times being those of *zone* (IANA), and what is
    wrong by name: with what cannot be read, nothing else.
    """
    inputs: dict[str, Json] = {}
    faults: dict[str, str] = {}
    properties, required = _properties(schema)
    for name, one in properties.items():
        resolved = _resolved(one, schema)
        try:
            value = _value(resolved, posted.get(PREFIX + name), zone, schema)
        except ValueError as error:
            faults[name] = str(error)
            continue
        if value is not None:
            inputs[name] = value
        elif name in required and "default" not in resolved:
            faults[name] = "is needed"
    return inputs, faults


def type_of_input(schema: Json, name: str) -> str | None:
    """The JSON type of an input's values; None where there are several, or it is not told."""
    properties, _ = _properties(schema)
    return _type(_resolved(properties.get(name), schema))


def _properties(schema: Json) -> tuple[dict[str, Json], frozenset[str]]:
    if not isinstance(schema, dict):
        return {}, frozenset()
    properties = schema.get("properties", {})
    return {name: one for name, one in properties.items() if one is not False}, frozenset(
        schema.get("required", ())
    )


def _field(
    name: str,
    one: dict[str, Json],
    is_required: bool,
    schema: Json,
    posted: Mapping[str, Json] | None,
    fault: str,
) -> Field:
    control = _control(one, schema)
    given = posted.get(PREFIX + name) if posted is not None else None
    default = one.get("default")
    is_posted = posted is not None
    made = Field(
        name=PREFIX + name,
        label=str(one.get("title") or _label(name)),
        control=control,
        is_required=is_required and control not in ("checkbox", "choices"),
        help=str(one.get("description", "")),
        fault=fault,
    )
    match control:
        case "checkbox":
            return replace(made, is_checked=given == CHOSEN if is_posted else default is True)
        case "select" | "choices":
            several = control == "choices"
            options = _resolved(one["items"], schema)["enum"] if several else one["enum"]
            chosen = (
                _texts(given) if is_posted else [_text(x) for x in (default or [] if several else [default])]
            )
            return replace(
                made,
                options=tuple(
                    Option(_text(each), _shown(each), _text(each) in chosen)
                    for each in options
                    if each is not None
                ),
            )
        case "file":
            accept = str(one.get("contentMediaType", ""))
            return replace(made, type="file", attributes={"accept": accept} if accept else {})
        case "json":
            value = _texts(given)[:1] if is_posted else [] if default is None else [_pretty(default)]
            return replace(made, value="".join(value))
    value = _texts(given)[:1] if is_posted else [] if default is None else [_text(default)]
    attributes = {ours: _text(one[theirs]) for theirs, ours in BOUNDS.items() if theirs in one}
    if one.get("examples"):
        attributes["placeholder"] = _text(one["examples"][0])
    if control == "number":
        attributes["step"] = "1" if _type(one) == "integer" else "any"
        return replace(made, type="number", value="".join(value), attributes=attributes)
    kind = INPUT_TYPES.get(str(one.get("format")), "text")
    return replace(made, type=kind, value="".join(value), attributes=attributes)


def _control(one: dict[str, Json], schema: Json) -> str:
    if one.get("format") == "file":
        return "file"
    if isinstance(one.get("enum"), list) and len(one["enum"]) >= FEW_OPTIONS:
        return "select"
    match _type(one):
        case "string":
            return "textarea" if one.get("format") == "textarea" else "text"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "checkbox"
        case "array" if isinstance(_resolved(one.get("items"), schema).get("enum"), list):
            return "choices"
    return "json"


def _type(one: Mapping[str, Json]) -> str | None:
    """The type of its values, null apart; None where there are several or any."""
    given = one.get("type")
    types = [each for each in (given if isinstance(given, list) else [given]) if each != "null"]
    return types[0] if len(types) == 1 else None


def _value(one: dict[str, Json], given: Json, zone: str, schema: Json) -> Json:
    """
    The input that a field's text stands for; None where nothing was given.

    Raises:
        ValueError: it is none; a sentence without its subject.
    """
    control = _control(one, schema)
    if control == "file":
        return given if is_file(given) else None
    if control == "checkbox":
        return given == CHOSEN
    texts = _texts(given)
    if control == "choices":
        options = {_text(each): each for each in _resolved(one["items"], schema)["enum"]}
        if unknown := [each for each in texts if each not in options]:
            raise ValueError(f"has no choice {unknown[0][:40]}")
        return [options[each] for each in texts]
    text = texts[0] if texts else ""
    if not text.strip():
        return None
    if control == "select":
        options = {_text(each): each for each in one["enum"]}
        if text not in options:
            raise ValueError("must be one of the list")
        return options[text]
    if control == "number":
        return _number(text, one)
    if control == "json":
        try:
            return loads(text.encode(errors="surrogatepass"))
        except ValueError as error:
            raise ValueError(f"must be JSON: {error}") from None
    if one.get("format") == "date-time":
        return _moment(text, zone)
    return text.replace("\r\n", "\n")


def _number(text: str, one: Mapping[str, Json]) -> Json:
    try:
        value = loads(text.strip().encode())
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 - of a text that somebody wrote
            "must be a whole number" if _type(one) == "integer" else "must be a number"
        )
    return value


def _moment(text: str, zone: str) -> str:
    """A time of a `datetime-local` field, which has no zone, as RFC 3339 has it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date and time such as 2026-05-03T10:40") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).isoformat()


def _resolved(one: Json, schema: Json) -> dict[str, Json]:
    """*one* with what its `$ref` into the same schema leads to; empty for `true` and what is not found."""
    for _ in range(MOST_REFERENCES):
        if not isinstance(one, dict) or not str(one.get("$ref", "")).startswith("#/"):
            break
        found = schema
        for part in str(one["$ref"])[2:].split("/"):
            found = found.get(part) if isinstance(found, dict) else None
        one = {**(found if isinstance(found, dict) else {}), **{k: v for k, v in one.items() if k != "$ref"}}
    return one if isinstance(one, dict) else {}


def _texts(given: Json) -> list[str]:
    """The texts of one field, of which a browser may send several."""
    if isinstance(given, list):
        return [one for one in given if isinstance(one, str)]
    return [given] if isinstance(given, str) else []


def _text(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return _text(value)


def _pretty(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _label(name: str) -> str:
    """`first_name` as "First name"."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] if words else name
