"""
An OpenAPI document: read from JSON or YAML, and its references followed.

Sources: the OpenAPI Specification 3.0.4 and 3.1.1 (spec.openapis.org), JSON Pointer (RFC 6901). Nothing
is fetched: a reference to another document is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import yaml

from runner.errors import SettingsError
from runner.language.nodes import scalar
from runner.values import Json, dumps, loads

MOST_BYTES = 32 * 1024 * 1024  # GitHub's has 13 MiB
MOST_DEPTH = 200
MOST_HOPS = 20  # references that lead to references
LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
BUNDLE = "bundle it into one document first (for example: npx @redocly/cli bundle)"


class NotConverted(Exception):
    """A part of the document that no action can be made of; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Document:
    """The document's object; `version` is (3, 0), (3, 1) or later ones of 3."""

    root: dict[str, Any]
    version: tuple[int, int]

    def follow(self, value: Json) -> Json:
        """
        *value*, or what its `$ref` leads to in the end.

        Raises:
            NotConverted: it leads nowhere, in a circle, or out of the document.
        """
        for _ in range(MOST_HOPS):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return value
            value = self.at(value["$ref"])
        raise NotConverted(f"the reference {value['$ref']} leads in a circle")

    def at(self, reference: str) -> Json:
        """What *reference* names. Raises NotConverted."""
        if not reference.startswith("#"):
            raise NotConverted(f"{reference} stands in another document, and nothing is fetched; {BUNDLE}")
        if reference[1:2] not in ("", "/"):
            raise NotConverted(f"{reference} names an anchor; references begin with #/")
        found: Any = self.root
        for part in reference[2:].split("/") if reference[1:] else ():
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise NotConverted(f"{reference} leads to nothing")
        return found


def read_document(content: bytes) -> Document:
    """
    Read an OpenAPI document of version 3.

    Raises:
        SettingsError: it is none, or not one that can be read.
    """
    if len(content) > MOST_BYTES:
        raise SettingsError(f"the document has more than {MOST_BYTES // 1024**2} MiB; cut it down first")
    root = _parsed(content)
    if not isinstance(root, dict) or not isinstance(root.get("paths", {}), dict):
        raise SettingsError("this is no OpenAPI document: it is no object with `openapi` and `paths`")
    said = root.get("openapi")
    found = re.match(r"3\.(\d+)(\.\d+)?", said) if isinstance(said, str) else None
    if found is None:
        if "swagger" in root:
            raise SettingsError(
                "this is Swagger 2.0; bring it to OpenAPI 3 first (for example: npx swagger2openapi)"
            )
        raise SettingsError(f"this is no OpenAPI 3 document: `openapi` is {said!r}")
    return Document(root, (3, int(found[1])))


def _parsed(content: bytes) -> Json:
    text = content.removeprefix(b"\xef\xbb\xbf")
    json_fault = ""
    if text.lstrip()[:1] == b"{":
        try:
            return loads(text)
        except ValueError as error:  # a flow mapping of YAML begins with a brace, too
            json_fault = f"the document is not JSON: {error}"
    try:
        return _composed(text.decode())
    except (yaml.YAMLError, ValueError) as error:
        place = getattr(error, "problem_mark", None)
        where = f", line {place.line + 1}" if place is not None else ""
        why = getattr(error, "problem", None) or str(error)
        raise SettingsError(json_fault or f"the document is neither JSON nor YAML{where}: {why}") from None


def _composed(text: str) -> Json:
    """
    YAML as YAML 1.2 means it: no dates, and `no` is a text. Built of the parser's events, so that
    nothing recurses. Raises YAMLError, ValueError.
    """
    loader = LOADER(text)
    root: list[Json] = []
    stack: list[tuple[Json, list[Json]]] = [(root, [])]  # a collection, and the key that waits for its value
    anchors: dict[str, Json] = {}
    try:
        while loader.check_event():
            event = loader.get_event()
            match event:
                case yaml.ScalarEvent():
                    is_plain = not event.style and event.implicit[0]
                    value: Json = scalar(event.value) if is_plain else event.value
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    value = {} if isinstance(event, yaml.MappingStartEvent) else []
                case yaml.AliasEvent():
                    if event.anchor not in anchors:
                        raise ValueError(f"*{event.anchor} names nothing above it")
                    value = anchors[event.anchor]
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    stack.pop()
                    continue
                case _:
                    continue
            if len(stack) > MOST_DEPTH:
                raise ValueError(f"it is nested deeper than {MOST_DEPTH} levels")
            if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
                anchors[str(event.anchor)] = value
            _put(stack[-1], value)
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                stack.append((value, []))
    finally:
        loader.dispose()
    return root[0] if root else None


def _put(inside: tuple[Json, list[Json]], value: Json) -> None:
    """Add *value* to a collection: to a mapping in turn a key and its value."""
    collection, waiting = inside
    if isinstance(collection, list):
        collection.append(value)
    elif waiting:
        collection[waiting.pop()] = value
    else:  # a status such as 200 is a number to YAML
        waiting.append(value if isinstance(value, str) else dumps(value))
