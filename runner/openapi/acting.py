"""
An action of a connector's file as any other action: pydantic models for its input and output, a function
that makes the call, and what the service's refusals mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import yaml
from pydantic import BaseModel, Field, GetJsonSchemaHandler, RootModel, create_model
from pydantic_core import core_schema

from runner.connector import (
    Action,
    Basic,
    Bearer,
    Call,
    Connection,
    ConnectionRejected,
    FileInput,
    GivenFile,
    Header,
    Input,
    OAuth2,
    OutcomeUnknown,
    Part,
    Query,
    Rejected,
    Reply,
    Unavailable,
    content_of,
)
from runner.openapi.connections import base_of
from runner.openapi.cutting import cut
from runner.openapi.judging import Judged
from runner.openapi.operations import FORM, JSON_TYPE, bare_of
from runner.openapi.requests import Input as Placed
from runner.openapi.requests import written
from runner.openapi.shaping import sentence_of
from runner.values import Json

if TYPE_CHECKING:
    from runner.openapi.files import ConnectorFile

INPUT_PARTS = 1500  # schemas of one action's inputs; what is deeper is the service's to judge
OUTPUT_PARTS = 160
ANY_SERVICE: tuple[type[Connection], ...] = (Basic, Bearer, Header, Query, OAuth2)
SET_NULL = "set_null"
MEDIA_TYPE = "media_type"
BINARY = "binary"
LONGEST_SAID = 300  # of a service's message
SAID = (
    "message", "error_description", "detail", "error_message", "description", "title", "reason", "error",
    "code",
)  # fmt: skip
REQUEST_ID = ("x-request-id", "request-id", "x-correlation-id")


class Answer(RootModel[Json]):
    """What the service answers."""

    described: ClassVar[dict[str, Json]] = {}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Pydantic's own name for the description: the file's, since pydantic knows of JSON alone."""
        return dict(cls.described)


@dataclass(frozen=True)
class FileAction:
    """An action of *file*, whose kinds of connections are *models*."""

    file: ConnectorFile
    verb: str
    entry: Mapping[str, Json]
    models: Mapping[str, type[Connection]]

    def action(self) -> Action:
        """As the engine, the checker and the pages take it."""
        entry = self.entry
        name = f"{self.file.name}.{self.verb}"
        own = entry.get("connections", list(self.models))
        kinds = tuple(self.models[one] for one in own)
        needed = bool(own) and entry.get("connection_required", True) is True
        input_model = self._input(name)
        return Action(
            name=name,
            summary=self._summary(),
            function=self._call,
            input=input_model,
            output=self._output(),
            connections=kinds if self.models else ANY_SERVICE,
            connection_required=needed,
            after_crash=entry.get("after_crash", "stop"),
            example=self._example(name, needed=needed, kinds=kinds),
        )

    def _summary(self) -> str:
        entry = self.entry
        first = str(entry.get("summary") or entry["request"])
        if entry.get("deprecated"):
            first = f"Deprecated: {first[:1].lower()}{first[1:]}"
        more = [str(entry["about"])] if entry.get("about") else []
        reason = f" ({entry['why']})" if entry.get("why") else ""
        again = "made again" if entry.get("after_crash") == "repeat" else "left to a person"
        more.append(f"`{entry['request']}`. After a crash it is {again}{reason}.")
        return "\n\n".join([first, *more])

    # --- inputs and output --------------------------------------------------------------------

    @cached_property
    def _schemas(self) -> dict[str, dict[str, Json]]:
        """Of each input what stands alone."""
        given = self.entry.get("inputs", {})
        share = max(20, INPUT_PARTS // max(1, len(given)))
        return {
            name: cut(one["schema"], self.file.schema, way="in", parts=share) for name, one in given.items()
        }

    @cached_property
    def _placed(self) -> dict[str, Placed]:
        return {name: Placed.of(name, one) for name, one in self.entry.get("inputs", {}).items()}

    @cached_property
    def _extras(self) -> dict[str, tuple[Any, Any]]:
        """Inputs that say how others are sent."""
        found: dict[str, tuple[Any, Any]] = {}
        body, given = self.entry.get("body", {}), self.entry.get("inputs", {})
        nullable = tuple(
            one.get("name", name)
            for name, one in given.items()
            if one["in"] == "body" and not body.get("whole") and takes_null(self._schemas[name])
        )
        is_json = JSON_TYPE.fullmatch(bare_of(str(body.get("media", "")))) is not None
        if nullable and is_json and SET_NULL not in given:
            about = "Fields of the body that are sent as null; an input that is null is left out."
            found[SET_NULL] = (list[Literal[nullable]], Field(None, description=about))  # type: ignore[valid-type]
        if "media_types" in body and MEDIA_TYPE not in given:
            options = tuple(body["media_types"])
            about = "How the service shall read the body."
            found[MEDIA_TYPE] = (Literal[options], Field(options[0], description=about))
        return found

    def _input(self, name: str) -> type[Input]:
        fields: dict[str, Any] = {}
        # fields have names of our own: those of a document may be any text
        for index, (given, one) in enumerate(self.entry.get("inputs", {}).items()):
            schema = self._schemas[given]
            is_needed = one.get("required") is True
            about = schema.get("description") or f"{given}, in the {one['in']}."
            if "always" in one:
                about = f"{about} Left out: {one['always']}."
            annotation: Any = Annotated[Any, Judged(schema)]
            if self._is_file(given):
                annotation = list[GivenFile] if schema.get("type") == "array" else GivenFile
            default = ... if is_needed else None
            fields[f"f{index}"] = (annotation, Field(default, alias=given, description=about))
        fields |= self._extras
        about = f"The inputs of `{name}`."
        return create_model(_title(name), __base__=Input, __module__=__name__, __doc__=about, **fields)

    def _is_file(self, name: str) -> bool:
        """Whether an input's bytes are sent: of JSON and plain forms, a text stands for them."""
        media = bare_of(str(self.entry.get("body", {}).get("media", "")))
        in_body = self._placed[name].where == "body"
        can_hold_bytes = media != FORM and JSON_TYPE.fullmatch(media) is None
        return in_body and can_hold_bytes and _is_binary(self._schemas[name])

    def _output(self) -> type[BaseModel]:
        made: Any = type(
            f"{_title(f'{self.file.name}.{self.verb}')}Answer", (Answer,), {"__module__": __name__}
        )
        made.described = cut(self.entry.get("output", {}), self.file.schema, way="out", parts=OUTPUT_PARTS)
        found: type[BaseModel] = made
        return found

    def _example(self, name: str, *, needed: bool, kinds: Sequence[type[Connection]]) -> str:
        step: dict[str, Json] = {"action": name}
        if needed and kinds:
            step["connection"] = kinds[0].kind.replace("_", "-")
        inputs = {
            given: _sample(given, self._schemas[given])
            for given, one in self.entry.get("inputs", {}).items()
            if one.get("required") is True
        }
        if inputs:
            step["with"] = inputs
        return str(yaml.safe_dump(step, sort_keys=False, allow_unicode=True, width=1000))

    # --- the call -----------------------------------------------------------------------------

    async def _call(self, call: Call, connection: Connection | None, input: Input) -> Answer:  # noqa: A002 - the contract of an action
        entry = self.entry
        values = await self._values(call, input)
        body = dict(entry.get("body", {}))
        if (media := getattr(input, MEDIA_TYPE, None)) and MEDIA_TYPE in self._extras:
            body["media"] = media
        self._check_needs(values)
        placed = dict(self._placed)
        for field in getattr(input, SET_NULL, None) or () if SET_NULL in self._extras else ():
            known = next(name for name, one in placed.items() if one.where == "body" and one.name == field)
            values.setdefault(known, None)
        request = written(str(entry["request"]), values, placed, body or None)
        headers: dict[str, str] = {"Accept": "application/json, */*;q=0.5", **request.headers}
        key = entry.get("idempotency_header")
        if key and call.idempotency_key and key.lower() not in {one.lower() for one in request.headers}:
            headers[key] = call.idempotency_key
        base = base_of(connection, self.file.head, entry.get("url"))
        method = str(entry["request"]).partition(" ")[0]
        reply = await call.http.request(
            method, base + request.path, query=request.query, headers=headers, **request.body
        )
        accepted(reply, has_connection=connection is not None)
        return Answer(None if method == "HEAD" else await content_of(call, reply))

    async def _values(self, call: Call, given: Input) -> dict[str, Json]:
        """What is sent, by the inputs' names: files with their bytes, and what is always sent."""
        values: dict[str, Json] = {}
        for field, info in type(given).model_fields.items():
            name = info.alias or field
            if name in self._extras:
                continue
            value = getattr(given, field)
            if value is None:
                value = self._placed[name].always
            if value is None:
                continue
            if self._is_file(name):
                ones = value if isinstance(value, list) else [value]
                parts = [await _part(call, name, one) for one in ones]
                value = parts if isinstance(value, list) else parts[0]
            values[name] = value
        return values

    def _check_needs(self, values: Mapping[str, Json]) -> None:
        """A body that may be left out has fields that it needs once it is there."""
        sent = {self._placed[name].name for name in values if self._placed[name].where == "body"}
        missing = [one for one in self.entry.get("body", {}).get("needs", ()) if one not in sent]
        if sent and missing:
            raise Rejected(f"{self.file.name}.{self.verb}: `{missing[0]}` is missing, which the others need")


async def _part(call: Call, name: str, value: Any) -> Part | str:
    match value:
        case FileInput():
            return Part(value.filename, value.content_type, await call.files.read(value))
        case dict():
            return Part(str(value["filename"]), str(value["content_type"]), await call.files.read(value))
    return Part(name, "text/plain; charset=utf-8", str(value).encode())


def accepted(reply: Reply, *, has_connection: bool) -> None:
    """
    Let a good answer pass.

    Raises:
        ActionError: as `Reply.accept`, with the service's own words out of its JSON.
    """
    said = message_of(reply) if reply.status >= 400 else ""
    if not said:
        reply.accept()
        return
    sentence = f"the service answered {reply.status}: {said}"
    if (number := next((reply.headers[one] for one in REQUEST_ID if one in reply.headers), "")) != "":
        sentence += f" (request {sentence_of(number, 60)})"
    status = reply.status
    if status == 401 or (status == 403 and has_connection):
        raise ConnectionRejected(sentence)
    if status in {429, 503}:
        raise Unavailable(sentence, retry_after_seconds=reply.retry_after(), cause=str(status))
    if status == 408 or status >= 500:
        raise OutcomeUnknown(sentence, cause=str(status))
    raise Rejected(sentence)


def message_of(reply: Reply) -> str:
    """What a service says in the JSON of a refusal, in one of the ways in which services do; or nothing."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return ""
    return sentence_of("; ".join(dict.fromkeys(_said(answer, 0))), LONGEST_SAID)


def _said(answer: Json, depth: int) -> list[str]:
    if depth > 3:
        return []
    if isinstance(answer, str):
        return [answer] if answer.strip() else []
    if isinstance(answer, list):
        return [text for one in answer[:3] for text in _said(one, depth + 1)]
    if not isinstance(answer, dict):
        return []
    found: list[str] = []
    for word in SAID:
        if found := _said(answer.get(word), depth + 1):
            break
    errors = _said(answer.get("errors"), depth + 1)
    return [*found, *errors]


def takes_null(schema: Mapping[str, Any]) -> bool:
    """Whether null is a value of *schema*."""
    kinds = schema.get("type", ())
    return ("null" in kinds if isinstance(kinds, list) else kinds == "null") or any(
        isinstance(one, dict) and takes_null(one) for one in schema.get("anyOf", ())
    )


def _is_binary(schema: Mapping[str, Any]) -> bool:
    items = schema.get("items")
    one = items if schema.get("type") == "array" and isinstance(items, dict) else schema
    return bool(one.get("type") == "string" and one.get("format") == BINARY)


def _sample(name: str, schema: Mapping[str, Any]) -> Json:
    """A value for an example that the checker finds good: filled in from the payload where that is a text."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("anyOf") and "type" not in schema:
        return _sample(name, schema["anyOf"][0])
    kinds = schema.get("type", "string")
    kind = next((one for one in kinds if one != "null"), "string") if isinstance(kinds, list) else kinds
    match kind:
        case "boolean":
            return True
        case "array":
            least = schema.get("minItems", 1)
            items = schema.get("items")
            one = _sample(name, items if isinstance(items, dict) else {})
            return [one for _ in range(min(least, 3) or 1)]
        case "object":
            either = schema.get("anyOf", ())
            needed = schema.get("required") or (either[0].get("required", ()) if either else ())
            fields = schema.get("properties", {})
            return {one: _sample(one, fields.get(one, {})) for one in needed}
    plain = "".join(one if one.isalnum() and one.isascii() else "_" for one in name).strip("_").lower()
    return f"{{{{ payload.{plain if plain[:1].isalpha() else f'a_{plain}'} }}}}"


def _title(name: str) -> str:
    return "".join(one.capitalize() for one in name.replace(".", "_").split("_"))
