"""
One operation of an OpenAPI document as an action of a connector's file: where each input goes in the
request, what the answer gives, and whether a call may be made twice.

Sources: OpenAPI 3.0.4 and 3.1.1, "Parameter Object", "Request Body Object", "Media Type Object",
"Encoding Object", "Responses Object"; RFC 9110, 9.2.2 (which methods may be repeated).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.openapi.document import Document, NotConverted
from runner.openapi.names import unique
from runner.openapi.shaping import PREFIX, Shaper, sentence_of
from runner.values import Json

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
STYLES = {
    "path": {"simple"},
    "query": {"form", "deepObject", "spaceDelimited", "pipeDelimited"},
    "header": {"simple"},
    "cookie": {"form"},
}
DEFAULT_STYLE = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
NO_PARAMETER = frozenset({"accept", "content-type", "authorization"})  # "shall be ignored"
CLIENTS_OWN = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
IDEMPOTENCY = re.compile(r"(?i)([\w-]+-)?idempoten(cy|ce)([_-]?(key|token|id))?")
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
JSON_TYPE = re.compile(r"(?i)(application|text)/(json|[\w.+-]+\+json)|\*/\*|application/\*")
ANY = frozenset({"*/*", "application/*"})  # taken as JSON
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MERGE_PATCH = "application/merge-patch+json"
MOST_INPUTS = 400
LONGEST_SUMMARY = 160


@dataclass(slots=True)
class Operation:
    """An operation as it stands in the document; `item` is what all of its path have in common."""

    method: str
    path: str
    item: Mapping[str, Json]
    given: Mapping[str, Json]
    tags: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        """What the document calls it, or its method and path."""
        said = self.given.get("operationId")
        return said if isinstance(said, str) and said.strip() else f"{self.method} {self.path}"

    @property
    def label(self) -> str:
        """`POST /pets (createPet)`, for messages."""
        said = self.given.get("operationId")
        return f"{self.method.upper()} {self.path}" + (f" ({said})" if isinstance(said, str) else "")


def operations(document: Document) -> list[Operation]:
    """
    All operations, in the order of the document.

    Raises:
        NotConverted: a path item refers to something that is not there.
    """
    found = []
    for path, item in document.root.get("paths", {}).items():
        item = document.follow(item)  # noqa: PLW2901 - the same item
        if not isinstance(item, dict) or not str(path).startswith("/"):
            continue
        for method, given in item.items():
            if method in (*METHODS, "trace") and isinstance(given, dict):
                tags = tuple(one for one in given.get("tags") or () if isinstance(one, str))
                found.append(Operation(method, path, item, given, tags))
    return found


def action_of(document: Document, shaper: Shaper, operation: Operation) -> dict[str, Json]:
    """
    The action's entry in the file, without what concerns connections and servers.

    Raises:
        NotConverted: it cannot be made; the message is the reason.
    """
    if operation.method == "trace":
        raise NotConverted("TRACE only shows what arrived, and no client may send credentials with it")
    if re.search(r"[\s#]", operation.path):
        raise NotConverted("its path holds a blank or a #, so that no address can be made of it")
    method = operation.method.upper()
    entry: dict[str, Json] = {"request": f"{method} {operation.path}"}
    summary = sentence_of(operation.given.get("summary"), LONGEST_SUMMARY)
    about = sentence_of(operation.given.get("description"), 2 * LONGEST_SUMMARY)
    summary, about = (summary, about) if summary else (about, "")
    entry["summary"] = _ended(summary or f"`{method} {operation.path}`")
    if about and about.rstrip(".") != summary.rstrip("."):
        entry["about"] = _ended(about)
    if operation.given.get("deprecated") is True:
        entry["deprecated"] = True
    reading = _Inputs(document, shaper)
    reading.parameters(operation)
    body = reading.body(operation.given.get("requestBody"))
    if len(reading.inputs) > MOST_INPUTS:
        raise NotConverted(f"it has more than {MOST_INPUTS} inputs")
    if reading.idempotency_header is not None:
        entry["idempotency_header"] = reading.idempotency_header
    entry["after_crash"], entry["why"] = crash_rule(method, reading.idempotency_header)
    if reading.inputs:
        entry["inputs"] = reading.inputs
    if body:
        entry["body"] = body
    entry["output"] = _output(document, shaper, operation.given.get("responses"))
    return entry


def crash_rule(method: str, idempotency_header: str | None) -> tuple[str, str]:
    """What is done with a call that was in flight when the process died, and the reason."""
    if method in REPEATABLE:
        return "repeat", f"{method} may be repeated (RFC 9110, 9.2.2)"
    if idempotency_header is not None:
        return "repeat", f"{idempotency_header} is the same for each attempt, so the service does it once"
    return "stop", f"{method} could do it twice, and the document names no idempotency key"


class _Inputs:
    """The inputs of one action, by their names, in the order of path, query, headers, cookies, body."""

    def __init__(self, document: Document, shaper: Shaper) -> None:
        self.document = document
        self.shaper = shaper
        self.inputs: dict[str, Json] = {}
        self.idempotency_header: str | None = None

    def parameters(self, operation: Operation) -> None:
        """Those outside of the body; of the same name and place the operation's own counts."""
        found: dict[tuple[str, str], Mapping[str, Json]] = {}
        for source in (operation.item, operation.given):
            for given in source.get("parameters") or ():
                one = self.document.follow(given)
                if isinstance(one, dict) and isinstance(one.get("name"), str):
                    found[str(one.get("in")), one["name"]] = one
        placeholders = PLACEHOLDER.findall(operation.path)
        for name in placeholders:
            given = found.get(("path", name)) or {"schema": {"type": "string"}}
            self.add(name, self.parameter("path", name, {**given, "required": True}))
        for (where, name), given in found.items():
            if where == "path":
                continue
            if where not in STYLES:
                raise NotConverted(f"the parameter {name} stands in {where!r}, which is no place")
            if where == "header" and name.lower() in NO_PARAMETER | CLIENTS_OWN:
                continue
            if where == "header" and IDEMPOTENCY.fullmatch(name):
                self.idempotency_header = name
                given = {**given, "required": False}  # noqa: PLW2901 - the step's own key stands in
            self.add(name, self.parameter(where, name, given))

    def parameter(self, where: str, name: str, given: Mapping[str, Json]) -> dict[str, Json]:
        """The entry of one parameter."""
        entry: dict[str, Json] = {"in": where}
        schema = given.get("schema", {})
        style = given.get("style") or DEFAULT_STYLE[where]
        if isinstance(given.get("content"), dict) and given["content"]:
            media, content = next(iter(given["content"].items()))
            schema = content.get("schema", {}) if isinstance(content, dict) else {}
            if JSON_TYPE.fullmatch(media):
                entry["style"] = "json"
        elif style not in STYLES[where]:
            raise NotConverted(
                f"the parameter {name} is written in the style {style!r}, which is not supported"
            )
        elif style != DEFAULT_STYLE[where]:
            entry["style"] = style
        explode = given.get("explode")
        if isinstance(explode, bool) and explode != (style in {"form", "deepObject"}):
            entry["explode"] = explode
        shaped = _described(self.shaper.shape(schema), sentence_of(given.get("description")))
        return self.entry(entry, shaped, is_required=given.get("required") is True)

    def entry(self, entry: dict[str, Json], schema: Json, *, is_required: bool) -> dict[str, Json]:
        """With its schema; what must be given and can be one value only is always sent."""
        if is_required:
            values = schema.get("enum", ())
            fixed = schema.get("const", values[0] if len(values) == 1 else schema.get("default"))
            if fixed is not None and entry["in"] != "path":
                entry["always"] = fixed
            else:
                entry["required"] = True
        entry["schema"] = schema
        return entry

    def add(self, name: str, entry: dict[str, Json]) -> None:
        """Under its own name, or `name_in_query` where that is taken."""
        free = name if name not in self.inputs else unique(f"{name}_in_{entry['in']}", self.inputs)
        if free != name:
            entry = {"name": name, **entry}
        self.inputs[free] = entry

    def body(self, given: Json) -> dict[str, Json] | None:
        """Read the request's body; how it is written."""
        body = self.document.follow(given)
        content = body.get("content") if isinstance(body, dict) else None
        if not isinstance(content, dict) or not content:
            return None
        media, others = chosen_media(list(content))
        found = content[media] if isinstance(content[media], dict) else {}
        entry: dict[str, Json] = {"media": "application/json" if bare_of(media) in ANY else media}
        is_required = body.get("required") is True
        if is_required:
            entry["required"] = True
        if others:
            entry["media_types"] = [media, *others]
        shaped = self.shaper.shape(found.get("schema", {}))
        is_json = JSON_TYPE.fullmatch(bare_of(media)) is not None
        if not is_json and bare_of(media) not in {FORM, MULTIPART}:
            about = shaped.get("description") or "What is sent: a text, or a file."
            raw = {"type": "string", "format": "binary", "description": about}
            self.add("body", self.entry({"in": "body"}, raw, is_required=is_required))
            return {**entry, "whole": True}
        if is_empty(self.followed(shaped)):
            return None
        fields = self.fields(shaped)
        if fields is None:
            shaped = _described(shaped, sentence_of(body.get("description")) or "What is sent.")
            self.add("body", self.entry({"in": "body"}, shaped, is_required=is_required))
            return {**entry, "whole": True}
        properties, required = fields
        said = found.get("encoding")
        encoding: Mapping[str, Json] = said if isinstance(said, dict) else {}
        for name, schema in properties.items():
            if self.is_read_only(schema):
                continue
            one = {"in": "body"} | (_encoded(encoding.get(name)) if not is_json else {})
            self.add(name, self.entry(one, schema, is_required=is_required and name in required))
        needed = [name for name in required if name in properties and not self.is_read_only(properties[name])]
        if needed and not is_required:
            entry["needs"] = needed  # where there is a body at all
        return entry

    def fields(self, schema: Json, depth: int = 0) -> tuple[dict[str, Json], list[str]] | None:
        """The properties of an object that has these alone, and which of them it needs; else None."""
        if depth > 10:
            return None
        schema = self.followed(schema)
        properties: dict[str, Json] = {}
        required: list[str] = []
        for one in schema.get("allOf", ()):
            inner = self.fields(one, depth + 1)
            if inner is None:
                return None
            properties |= inner[0]
            required += inner[1]
        is_object = schema.get("type", "object") == "object" or "object" in schema.get("type", ())
        if not is_object or schema.get("additionalProperties", False) is not False:
            return None
        properties |= schema.get("properties", {})
        required += schema.get("required", ())
        if depth == 0 and not properties:
            return None
        return properties, list(dict.fromkeys(required))

    def followed(self, schema: Json) -> dict[str, Json]:
        """What a reference among the shaped schemas leads to."""
        for _ in range(20):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            schema = self.shaper.schemas[schema["$ref"].removeprefix(PREFIX)]
        return schema if isinstance(schema, dict) else {}

    def is_read_only(self, schema: Json) -> bool:
        """Whether a field is the service's to set."""
        return schema.get("readOnly") is True or self.followed(schema).get("readOnly") is True


def is_empty(schema: Mapping[str, Json]) -> bool:
    """Whether *schema* is that of an object without any field: such a body says nothing."""
    is_closed = schema.get("additionalProperties") is False and not schema.get("properties")
    return is_closed and schema.get("type") == "object"


def chosen_media(given: list[str]) -> tuple[str, list[str]]:
    """The media type that a body is sent in, and others of JSON that a caller may name instead."""
    bare = {one: bare_of(one) for one in given}
    json_types = [one for one in given if JSON_TYPE.fullmatch(bare[one])]
    if json_types:
        order = ["application/json", MERGE_PATCH]
        json_types.sort(key=lambda one: order.index(bare[one]) if bare[one] in order else len(order))
        return json_types[0], [one for one in json_types[1:] if "*" not in one]
    for wanted in (FORM, MULTIPART):
        if fitting := [one for one in given if bare[one] == wanted]:
            return fitting[0], []
    return next((one for one in given if bare[one].startswith("text/")), given[0]), []


def bare_of(media: str) -> str:
    """A media type without its parameters."""
    return media.partition(";")[0].strip().lower()


def _encoded(given: Json) -> dict[str, Json]:
    """How a form's field is written, where the document says so."""
    entry: dict[str, Json] = {}
    if not isinstance(given, dict):
        return entry
    if isinstance(given.get("style"), str):
        if given["style"] not in STYLES["query"]:
            raise NotConverted(f"a field of its form is written in the style {given['style']!r}")
        entry["style"] = given["style"]
    if isinstance(given.get("explode"), bool) and given["explode"] != (
        given.get("style", "form") in {"form", "deepObject"}
    ):
        entry["explode"] = given["explode"]
    if isinstance(given.get("contentType"), str):
        entry["content_type"] = given["contentType"].partition(",")[0].strip()
    return entry


def _output(document: Document, shaper: Shaper, responses: Json) -> dict[str, Json]:
    """The schema of what the action gives: the body of the success answer."""
    found = {str(status): one for status, one in (responses or {}).items()} if responses else {}
    good = [
        found[status] for status in sorted(found) if re.fullmatch("2([0-9]{2}|XX)", status, re.IGNORECASE)
    ]
    if not good:
        good = [found["default"]] if "default" in found and len(found) == 1 else []
    if not good:
        return {}  # redirects, such as of downloads: whatever is there
    schemas: list[Json] = []
    for given in good:
        try:
            schema = _answer(document, shaper, document.follow(given))
        except NotConverted:
            return {}  # of what comes back, no knowledge is needed
        if schema not in schemas:
            schemas.append(schema)
    if len(schemas) > 1:
        return {"anyOf": schemas}
    only: dict[str, Json] = schemas[0]
    return only


def _answer(document: Document, shaper: Shaper, response: Json) -> dict[str, Json]:
    content = response.get("content") if isinstance(response, dict) else None
    if not isinstance(content, dict) or not content:
        return {"type": "null"}
    json_types = [one for one in content if JSON_TYPE.fullmatch(one.partition(";")[0].strip())]
    media = json_types[0] if json_types else next(iter(content))
    found = document.follow(content[media])
    if json_types:
        schema: dict[str, Json] = shaper.shape(found.get("schema", {}) if isinstance(found, dict) else {})
        return schema
    if media.startswith("text/") or media.endswith(("/xml", "+xml")):
        return {"type": "string"}
    return {"type": "object", "format": "file", "description": "A file of the run."}


def _described(schema: Json, about: str) -> dict[str, Json]:
    """*schema* with *about* as its description, where there is one."""
    found: dict[str, Any] = dict(schema)
    if about:
        found.pop("description", None)
        found = {"description": about, **found}
    return found


def _ended(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
