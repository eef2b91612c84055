"""
Properties as plain values: a text for a title, a list for a multi-select, true for a checkbox.

Sources: developers.notion.com, "Page properties", "Data source properties", "Filter data source
entries", "Request limits".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from connectors.notion.access import notion_id, text_of
from runner.connector import Json, Rejected, in_brief

MOST_TEXT = 2000  # characters in one piece of text
MOST_PIECES = 100  # pieces of text in a property or block
MOST_VALUES = 100  # options, people or relations in a property
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
LENGTHS = {"url": 2000, "email": 200, "phone_number": 200}
EQUAL = {
    "title", "rich_text", "url", "email", "phone_number", "number", "checkbox", "select", "status", "date",
    "created_time", "last_edited_time", "unique_id",
}  # fmt: skip
HOLDING = {"multi_select", "people", "relation", "created_by", "last_edited_by"}
FILTERS = {**dict.fromkeys(EQUAL, "equals"), **dict.fromkeys(HOLDING, "contains")}
"""How a property is compared with one value, by its type."""


def to_notion(schema: Mapping[str, Any], values: Mapping[str, Json]) -> dict[str, Json]:
    """
    *values* by name as Notion takes them, by the types of *schema* (name → {type, …}). A value that
    is already in Notion's form, such as {select: {name: Open}}, is sent as it is.

    Raises:
        Rejected: there is no such property, it cannot be written, or it does not take the value.
    """
    return {name: _property(name, _type(schema, name), value) for name, value in values.items()}


def where(schema: Mapping[str, Any], values: Mapping[str, Json]) -> dict[str, Json] | None:
    """A filter for pages that have all *values*; null is an empty property. Raises Rejected."""
    tests: list[Json] = []
    for name, value in values.items():
        kind = _type(schema, name)
        if value is None and kind != "checkbox":
            tests.append({"property": name, kind: {"is_empty": True}})
            continue
        if kind not in FILTERS:
            raise Rejected(f"{name} is of type {kind}, which `where` cannot compare; use `filter`")
        tests.append({"property": name, kind: {FILTERS[kind]: _compared(name, kind, value)}})
    if not tests:
        return None
    return {"and": tests} if len(tests) > 1 else tests[0]


def plain(properties: Mapping[str, Any]) -> dict[str, Json]:
    """The properties of a page by name, as plain values."""
    return {name: _plain(one) for name, one in properties.items()}


def rich_text(text: str, where_to: str = "the text") -> list[Json]:
    """
    *text* in pieces that Notion takes.

    Raises:
        Rejected: it is longer than all of them together.
    """
    if len(text) > MOST_TEXT * MOST_PIECES:
        raise Rejected(f"{where_to} is longer than the {MOST_TEXT * MOST_PIECES:,} characters Notion takes")
    return [
        {"type": "text", "text": {"content": text[start : start + MOST_TEXT]}}
        for start in range(0, len(text), MOST_TEXT)
    ]


def _type(schema: Mapping[str, Any], name: str) -> str:
    if name not in schema:
        near = get_close_matches(name, schema, 1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; there are {', '.join(sorted(schema))}"
        raise Rejected(f'the database has no property "{name}"{hint}')
    return str(schema[name].get("type"))


def _property(name: str, kind: str, value: Json) -> Json:
    if isinstance(value, dict) and kind in value:
        return value
    if kind not in WRITERS:
        raise Rejected(f"{name} is of type {kind}, which Notion works out itself; leave it out")
    return {kind: WRITERS[kind](name, value)}


def _compared(name: str, kind: str, value: Json) -> Json:
    if kind in {"people", "relation", "created_by", "last_edited_by"}:
        return notion_id(_text(name, value))
    match kind:
        case "number" | "unique_id":
            return _number(name, value)
        case "checkbox":
            return _checkbox(name, value)
    return _text(name, value)


def _text(name: str, value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise Rejected(f"{name} takes a text, not {_shape(value)}")


def _texts(name: str, value: Json) -> list[Json]:
    return [] if value is None else rich_text(_text(name, value), name)


def _number(name: str, value: Json) -> int | float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and NUMBER.fullmatch(text := value.strip()):
        return int(text) if text.lstrip("-").isdigit() else float(text)
    raise Rejected(f"{name} takes a number, such as 12.5, not {_shape(value)}")


def _checkbox(name: str, value: Json) -> bool:
    known: dict[Json, bool] = {True: True, False: False, None: False, "true": True, "false": False}
    if (isinstance(value, bool | str) or value is None) and value in known:
        return known[value]
    raise Rejected(f"{name} takes true or false, not {_shape(value)}")


def _option(name: str, value: Json) -> Json:
    return None if value is None or value == "" else {"name": _text(name, value)}


def _list(name: str, value: Json, *, commas: bool = False) -> list[Json]:
    """One value or several; *commas*: a text may hold several, because none has a comma in it."""
    if value is None or value == "":
        return []
    if isinstance(value, str) and commas:
        value = [part.strip() for part in value.split(",") if part.strip()]
    ones = value if isinstance(value, list) else [value]
    if len(ones) > MOST_VALUES:
        raise Rejected(f"{name} takes at most {MOST_VALUES} values, not {len(ones)}")
    return ones


def _options(name: str, value: Json) -> list[Json]:
    return [{"name": _text(name, one)} for one in _list(name, value, commas=True)]


def _ids(name: str, value: Json) -> list[Json]:
    ones = _list(name, value, commas=True)
    return [{"id": notion_id(_text(name, one.get("id") if isinstance(one, dict) else one))} for one in ones]


def _date(name: str, value: Json) -> Json:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return {"start": value}
    if isinstance(value, dict) and "start" in value and value.keys() <= {"start", "end", "time_zone"}:
        return value
    raise Rejected(f"{name} takes a date such as 2026-01-31, or {{start, end}}, not {_shape(value)}")


def _address(kind: str) -> Callable[[str, Json], Json]:
    def write(name: str, value: Json) -> Json:
        if value is None or value == "":
            return None
        text = _text(name, value)
        if len(text) > LENGTHS[kind]:
            raise Rejected(f"{name} takes at most {LENGTHS[kind]:,} characters, not {len(text):,}")
        return text

    return write


def _files(name: str, value: Json) -> list[Json]:
    files: list[Json] = []
    for one in _list(name, value):
        url = _text(name, one.get("url") if isinstance(one, dict) else one)
        label = one.get("name") if isinstance(one, dict) else None
        files.append({"name": str(label or url.rpartition("/")[2] or url)[:100], "external": {"url": url}})
    return files


WRITERS: dict[str, Callable[[str, Json], Json]] = {
    "title": _texts,
    "rich_text": _texts,
    "number": _number,
    "select": _option,
    "status": _option,
    "multi_select": _options,
    "date": _date,
    "checkbox": _checkbox,
    "url": _address("url"),
    "email": _address("email"),
    "phone_number": _address("phone_number"),
    "people": _ids,
    "relation": _ids,
    "files": _files,
}
"""How a plain value is written, by the property's type; the other types cannot be written."""


def _plain(one: Any) -> Json:
    kind = one.get("type")
    value = one.get(kind)
    match kind:
        case "title" | "rich_text":
            return text_of(value)
        case "select" | "status":
            return value["name"] if value else None
        case "multi_select":
            return [option["name"] for option in value or []]
        case "date":
            return _plain_date(value)
        case "people":
            return [_who(person) for person in value or []]
        case "created_by" | "last_edited_by":
            return _who(value) if value else None
        case "relation":
            return [page["id"] for page in value or []]
        case "files":
            return [_file(file) for file in value or []]
        case "formula":
            return _plain_date(value["date"]) if value.get("type") == "date" else value.get(value.get("type"))
        case "rollup":
            return _rollup(value)
        case "unique_id":
            prefix = value.get("prefix")
            return f"{prefix}-{value['number']}" if prefix else value.get("number")
    return value  # number, checkbox, url, email, phone_number, times, and types yet to come


def _rollup(value: Any) -> Json:
    match value.get("type"):
        case "array":
            return [_plain(one) for one in value["array"]]
        case "date":
            return _plain_date(value["date"])
    return value.get(value.get("type"))


def _plain_date(value: Any) -> Json:
    if not value:
        return None
    return {"start": value["start"], "end": value["end"]} if value.get("end") else value["start"]


def _who(person: Any) -> Json:
    return {"id": person.get("id"), "name": person.get("name")}


def _file(file: Any) -> Json:
    kind = file.get("type") or ("external" if "external" in file else "file")
    return {"name": file.get("name"), "url": (file.get(kind) or {}).get("url")}


def _shape(value: Json) -> str:
    match value:
        case list():
            return "a list"
        case dict():
            return "an object"
        case str():
            return f"the text {in_brief(value, 40)!r}"
    return str(value)
