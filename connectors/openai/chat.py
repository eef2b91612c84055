"""
`openai.chat`.

Sources: platform.openai.com/docs: API reference "Chat: create"; guides "Structured Outputs", "Images and
vision".
"""

from __future__ import annotations

import base64
import json
import re
from typing import Annotated, Any, Literal, Self

from jsonschema_rs import Draft202012Validator, ReferencingError, RegexOptions, ValidationError
from pydantic import AfterValidator, BaseModel, Field, model_validator

from connectors.openai.access import OpenAiConnection, Usage, ask, first_of, line, object_of, openai, usage_of
from runner.connector import (
    Call,
    FileInput,
    GivenFile,
    Input,
    Json,
    OutcomeUnknown,
    Output,
    Rejected,
    TimedOut,
    in_brief,
)

MOST_IMAGE_BYTES = 20 * 1024 * 1024
MAX_PATTERN_BYTES = 1024 * 1024  # of one compiled pattern of a schema
SCHEMA_NAME = "^[A-Za-z0-9_-]{1,64}$"


def _judge(schema: dict[str, Any]) -> Draft202012Validator:
    """What judges by *schema*, in linear time, and fetches nothing. Raises ValueError: it is no schema."""
    pattern = RegexOptions(size_limit=MAX_PATTERN_BYTES)
    try:
        return Draft202012Validator(schema, pattern_options=pattern, offline=True)
    except (ValidationError, ReferencingError, ValueError) as error:
        said = getattr(error, "message", str(error))
        raise ValueError(f"is no JSON Schema (2020-12): {in_brief(said, 200)}") from None


def _schema(given: dict[str, Any]) -> dict[str, Any]:
    _judge(given)
    if given.get("type") != "object":
        raise ValueError("must be of type object at its root; put a list into a property of it")
    return given


class Message(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"] = Field("user", description="Who says it.")
    content: str | list[dict[str, Any]] = Field(description="What: a text, or parts as OpenAI has them.")


class Chat(Input):
    """The inputs of `openai.chat`."""

    model: str = Field(description="The model.", examples=["gpt-5-mini"], min_length=1)
    instructions: str | None = Field(None, description="What the model is to do, and how.")
    prompt: str | None = Field(
        None, description="What it is given. Texts from outside belong here; the model may still obey them."
    )
    images: list[GivenFile] | None = Field(
        None, description="Pictures that go with `prompt`, for a model that can see; 20 MiB in all."
    )
    messages: list[Message] | None = Field(
        None, description="A whole conversation, in place of `prompt`.", min_length=1
    )
    schema_: Annotated[dict[str, Any], AfterValidator(_schema)] | None = Field(
        None,
        alias="schema",
        description="A JSON Schema of the answer, which is then `json`, and is checked here as well.",
    )
    schema_name: str = Field("answer", description="What the answer is, for the model.", pattern=SCHEMA_NAME)
    strict: bool = Field(
        True,
        description="Have the server hold the model to `schema`: each object in it must list all properties "
        "as `required` and say `additionalProperties: false`.",
    )
    as_json: bool = Field(
        False,
        description="An object of any shape as answer; `prompt` must speak of JSON. Better is `schema`.",
    )
    max_tokens: int | None = Field(
        None, description="The most that it may write, in tokens; what reasoning models think counts.", ge=1
    )
    temperature: float | None = Field(
        None, description="0 for the likeliest words; some models take no temperature.", ge=0, le=2
    )
    seed: int | None = Field(
        None, description="The same seed gives the same answer, as far as the server can."
    )
    stop: list[str] | None = Field(
        None, description="Texts before which it stops, at most four.", max_length=4
    )
    reasoning_effort: str | None = Field(
        None, description="How long a reasoning model thinks, such as low, medium or high.", max_length=20
    )
    more: dict[str, Any] | None = Field(
        None, description="Other fields of the request, as the server has them."
    )
    timeout_seconds: float | None = Field(
        None,
        gt=0,
        description="How long to wait for the answer, at most the step's `timeout` (30 s unless it says "
        "otherwise, which is little for long answers).",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt or messages")
        if self.images and self.prompt is None:
            raise ValueError("images go with prompt; in messages they are parts")
        if self.schema_ is not None and self.as_json:
            raise ValueError("give either schema or as_json")
        if taken := (self.more or {}).keys() & {"model", "messages", "stream", "n"}:
            raise ValueError(f"more: {min(taken)} is set here already")
        return self


class Answered(Output):
    """What the model wrote."""

    text: str = Field(description="The answer.")
    parsed: Json = Field(
        alias="json", description="The answer as data, with `schema` or `as_json`; else null."
    )
    finish_reason: str | None = Field(description="stop; or length: it was cut off at `max_tokens`.")
    model: str | None = Field(description="The very model that answered.")
    usage: Usage = Field(description="What it is charged for.")


@openai.action(
    after_crash="repeat",  # nothing changes there; what is asked again is charged again
    example="""\
action: openai.chat
connection: openai
timeout: 2m
with:
  model: gpt-5-mini
  instructions: Sort this support request.
  prompt: "{{ payload.text }}"
  schema:
    type: object
    properties:
      topic: {enum: [billing, delivery, other]}
      urgent: {type: boolean}
    required: [topic, urgent]
    additionalProperties: false
""",
)
async def chat(call: Call, connection: OpenAiConnection, input: Chat) -> Answered:  # noqa: A002 - the contract of an action
    """
    Have a model answer, with `schema` as data of that shape.

    What a model writes is not to be trusted more than what it was given: with `schema` it cannot leave
    the shape, but a prompt from outside can still choose what stands in it.
    """
    body: dict[str, Json] = {"model": input.model, "messages": await _messages(call, input)}
    if input.schema_ is not None:
        named = {"name": input.schema_name, "schema": input.schema_, "strict": input.strict}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif input.as_json:
        body["response_format"] = {"type": "json_object"}
    if input.max_tokens is not None:
        body[connection.bound_by] = input.max_tokens
    names = ("temperature", "seed", "stop", "reasoning_effort")
    body |= {name: value for name in names if (value := getattr(input, name)) is not None}
    body |= input.more or {}
    try:
        found = await ask(call, connection, "/chat/completions", body, seconds=input.timeout_seconds)
    except TimedOut as error:
        raise TimedOut(f"{error}; a long answer takes a while: give the step a longer `timeout`") from None
    choice = object_of(first_of(found.get("choices")))
    message = object_of(choice.get("message"))
    if refusal := message.get("refusal"):
        raise Rejected(f"the model refuses: {line(refusal)}")
    text, reason = message.get("content"), choice.get("finish_reason")
    if reason == "content_filter":
        raise Rejected("the server's content filter stopped the answer")
    if not isinstance(text, str):
        raise OutcomeUnknown("the server answered without a text")
    return Answered.model_validate(
        {
            "text": text,
            "json": _parsed(input, text, reason),
            "finish_reason": reason,
            "model": found.get("model"),
            "usage": usage_of(found),
        }
    )


async def _messages(call: Call, given: Chat) -> list[Json]:
    messages: list[Json] = []
    if given.instructions:
        messages.append({"role": "system", "content": given.instructions})
    if given.messages is not None:
        return messages + [one.model_dump() for one in given.messages]
    content: Json = given.prompt
    if given.images:
        content = [{"type": "text", "text": given.prompt}, *(await _pictures(call, given.images))]
    return [*messages, {"role": "user", "content": content}]


async def _pictures(call: Call, images: list[GivenFile]) -> list[Json]:
    parts: list[Json] = []
    size = 0
    for one in images:
        if isinstance(one, str):
            raise Rejected("openai.chat: images: a text is no picture; give files of the run")
        kind = one.content_type if isinstance(one, FileInput) else str(one["content_type"])
        if not re.fullmatch(r"image/[a-z0-9.+-]+", kind):
            raise Rejected(f"openai.chat: images: {in_brief(kind, 60)} is no picture")
        content = await call.files.read(one)
        size += len(content)
        if size > MOST_IMAGE_BYTES:
            raise Rejected("openai.chat: images: more than 20 MiB in all")
        url = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def _parsed(given: Chat, text: str, reason: object) -> Json:
    """The answer as data, which a compatible server may not have held to the schema."""
    if given.schema_ is None and not given.as_json:
        return None
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        if reason == "length":
            raise Rejected("the answer was cut off at max_tokens; allow more") from None
        raise Rejected("the answer is no JSON; does this model know `response_format`?") from None
    if given.schema_ is not None:
        error = next(_judge(given.schema_).iter_errors(found), None)
        if error is not None:
            place = ".".join(str(one) for one in error.instance_path) or "the whole"
            raise Rejected(f"the answer is not as the schema wants it: {place}: {line(error.message)}")
    return found
