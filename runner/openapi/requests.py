"""
How the inputs of a call are written into its request.

Sources: OpenAPI 3.1.1, "Style Values", "Encoding Object"; RFC 6570 (what the styles mean). `deepObject`
goes as deep as the value does, lists by their index (`items[0][price]`), which is what services do that
use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from runner.connector import FileInput, Part, Rejected
from runner.openapi.operations import FORM, JSON_TYPE, MULTIPART, PLACEHOLDER, bare_of
from runner.values import Json, dumps, is_file

JOINTS = {"spaceDelimited": " ", "pipeDelimited": "|"}
DEFAULT_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple", "body": "form"}
NO_COOKIE = re.compile(r"[\x00-\x20\x7f\",;\\]")


@dataclass(slots=True)
class Written:
    """A request's parts, as the client takes them."""

    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)  # the options of the client


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the file: its name in the request, where it goes and how it is written."""

    name: str
    where: str
    style: str
    explode: bool
    content_type: str | None
    always: Json = None

    @classmethod
    def of(cls, name: str, entry: Mapping[str, Json]) -> Input:
        """The input *name* by its entry."""
        style = entry.get("style") or DEFAULT_STYLES[entry["in"]]
        explode = entry.get("explode", style in {"form", "deepObject"})
        return cls(
            entry.get("name", name),
            entry["in"],
            style,
            explode,
            entry.get("content_type"),
            entry.get("always"),
        )


def written(
    request: str, values: Mapping[str, Json], inputs: Mapping[str, Input], body: Mapping[str, Json] | None
) -> Written:
    """
    The request `METHOD /path` with *values* by the inputs' names, files being `Part`s.

    Raises:
        Rejected: a value cannot stand where it belongs.
    """
    path = request.partition(" ")[2]
    found = Written(path)
    segments: dict[str, str] = {}
    cookies: list[str] = []
    fields: dict[str, tuple[Input, Json]] = {}
    for name, value in values.items():
        one = inputs[name]
        match one.where:
            case "path":
                segments[one.name] = _in_path(one, value)
            case "query":
                for key, text in _pairs(one, value):
                    found.query.setdefault(key, []).append(text)
            case "header":
                found.headers[one.name] = _simple(one, value)
            case "cookie":
                cookies += [_cookie(key, text) for key, text in _pairs(one, value)]
            case _:
                fields[one.name] = one, value
    found.path = _path(path, segments)
    if cookies:
        found.headers["Cookie"] = "; ".join(cookies)
    if body is not None:
        _body(found, fields, body)
    return found


def _path(template: str, segments: Mapping[str, str]) -> str:
    """The path, each value inside of its own segment."""
    path = PLACEHOLDER.sub(lambda name: segments[name[1]], template)
    for before, after in zip(template.split("/"), path.split("/"), strict=True):
        if before != after and after in {".", ".."}:
            raise Rejected(f"{after!r} cannot stand in an address; an id or a name is needed there")
    return path


def _in_path(one: Input, value: Json) -> str:
    texts = _flat(one, value)
    if not "".join(texts).strip():
        raise Rejected(f"`{one.name}` is empty, and it is a part of the address")
    return ",".join(quote(text, safe="") for text in texts)


def _flat(one: Input, value: Json) -> list[str]:
    """The texts of the style `simple`: of an object its keys and values in turn, or `key=value`."""
    if one.style == "json":
        return [dumps(value)]
    match value:
        case list():
            return [text_of(each) for each in value]
        case dict() if one.explode:
            return [f"{key}={text_of(each)}" for key, each in value.items()]
        case dict():
            return [text for key, each in value.items() for text in (str(key), text_of(each))]
    return [text_of(value)]


def _simple(one: Input, value: Json) -> str:
    return ",".join(_flat(one, value))


def _pairs(one: Input, value: Json) -> Iterator[tuple[str, str]]:
    """Names and texts in a query, a cookie or a form."""
    match one.style, value:
        case "json", _:
            yield one.name, dumps(value)
        case "deepObject", dict() | list():
            yield from deep(one.name, value)
        case _, list() if one.explode and one.style == "form":
            for each in value:
                yield one.name, text_of(each)
        case _, list():
            yield one.name, JOINTS.get(one.style, ",").join(map(text_of, value))
        case _, dict() if one.explode and one.style == "form":
            for key, each in value.items():
                yield str(key), text_of(each)
        case _, dict():
            flat = [text for key, each in value.items() for text in (str(key), text_of(each))]
            yield one.name, JOINTS.get(one.style, ",").join(flat)
        case _:
            yield one.name, text_of(value)


def deep(name: str, value: Json) -> Iterator[tuple[str, str]]:
    """The fields of a value in a value: `items[0][price]`; null leaves one out."""
    match value:
        case None:
            return
        case dict():
            for key, each in value.items():
                yield from deep(f"{name}[{key}]", each)
        case list():
            for index, each in enumerate(value):
                yield from deep(f"{name}[{index}]", each)
        case _:
            yield name, text_of(value)


def text_of(value: Json) -> str:
    """A text as it is; anything else as JSON (`true`, `12`)."""
    return value if isinstance(value, str) else dumps(value)


def _cookie(name: str, text: str) -> str:
    if NO_COOKIE.search(text):
        raise Rejected(f"the cookie {name} holds a character that no cookie may hold")
    return f"{name}={text}"


def _body(found: Written, fields: Mapping[str, tuple[Input, Json]], body: Mapping[str, Json]) -> None:
    """The body, where there is one."""
    media = str(body["media"])
    is_whole = body.get("whole") is True
    if not fields and not body.get("required"):
        return
    if is_whole and not fields:
        return
    value: Json = (
        next(iter(fields.values()))[1] if is_whole else {key: one for key, (_, one) in fields.items()}
    )
    bare = bare_of(media)
    if JSON_TYPE.fullmatch(bare):
        _checked_json(value)
        found.body = {"body": dumps(value).encode()}
        found.headers["Content-Type"] = media
    elif bare == FORM:
        pairs: dict[str, list[str]] = {}
        for one, each in _form_fields(fields, value, is_whole=is_whole):
            for key, text in _form_pairs(one, each):
                pairs.setdefault(key, []).append(text)
        found.body = {"form": pairs}
    elif bare == MULTIPART:
        found.body = {
            "multipart": {
                one.name: _parts(one, each) for one, each in _form_fields(fields, value, is_whole=is_whole)
            }
        }
    else:
        is_part = isinstance(value, Part)
        found.body = {"body": value.content if is_part else text_of(value)}
        found.headers["Content-Type"] = value.content_type if is_part and "*" in media else media


def _form_fields(
    fields: Mapping[str, tuple[Input, Json]], value: Json, *, is_whole: bool
) -> Iterator[tuple[Input, Json]]:
    if not is_whole:
        yield from fields.values()
    elif isinstance(value, dict):
        for key, each in value.items():
            yield Input(str(key), "body", "form", explode=True, content_type=None), each


def _form_pairs(one: Input, value: Json) -> Iterator[tuple[str, str]]:
    """Of a form: an object is JSON there, unless a style is said (Encoding Object, `contentType`)."""
    if isinstance(value, dict) and one.style == "form":
        yield one.name, dumps(value)
    else:
        yield from _pairs(one, value)


def _parts(one: Input, value: Json) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if any(isinstance(each, (dict, list)) for each in values):
        return [dumps(value)] if not isinstance(value, list) else [text_of(each) for each in values]
    return [
        Part(each.filename, one.content_type or each.content_type, each.content)
        if isinstance(each, Part)
        else each
        for each in values
    ]


def _checked_json(value: Json) -> None:
    """A file cannot stand in JSON: its bytes would not be there, only what names them."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, (Part, FileInput)) or is_file(one):
            raise Rejected("a file cannot stand in a JSON body; `base64(…)` makes a text of its content")
        rest += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
