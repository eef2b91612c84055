"""
`openai.embed`, and the models that both actions can name.

Sources: platform.openai.com/docs: API reference "Embeddings: create", "Models: list".
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from connectors.openai.access import OpenAiConnection, Usage, ask, list_of, listed_models, openai, usage_of
from runner.connector import Call, Choice, Choices, Input, Json, OutcomeUnknown, Output

MOST_TEXTS = 100  # of one call: a vector has about 30 KB as JSON, and an output 1 MiB


class Embed(Input):
    """The inputs of `openai.embed`."""

    model: str = Field(description="The model.", examples=["text-embedding-3-small"], min_length=1)
    texts: str | list[str] = Field(
        description=f"A text, or a list of at most {MOST_TEXTS}; none may be empty.", min_length=1
    )
    dimensions: int | None = Field(
        None, description="How many numbers a vector has; left out: as many as the model's.", ge=1
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        texts = [self.texts] if isinstance(self.texts, str) else self.texts
        if len(texts) > MOST_TEXTS:
            raise ValueError(f"{len(texts)} texts; at most {MOST_TEXTS} at once: `chunk` them for a for_each")
        if not all(one.strip() for one in texts):
            raise ValueError("one of the texts is empty")
        return self


class Embedded(Output):
    """The vectors."""

    vectors: list[list[float]] = Field(description="One for each text, in the order of the texts.")
    model: str | None = Field(description="The very model.")
    usage: Usage = Field(description="What it is charged for.")


@openai.action(
    after_crash="repeat",  # as chat
    example="""\
action: openai.embed
connection: openai
with:
  model: text-embedding-3-small
  texts: "{{ payload.title }}"
""",
)
async def embed(call: Call, connection: OpenAiConnection, input: Embed) -> Embedded:  # noqa: A002 - the contract of an action
    """Turn texts into vectors, of which those of like texts are close to each other."""
    body: dict[str, Json] = {"model": input.model, "input": input.texts, "encoding_format": "float"}
    if input.dimensions is not None:
        body["dimensions"] = input.dimensions
    found = await ask(call, connection, "/embeddings", body)
    rows = [one for one in list_of(found.get("data")) if isinstance(one, dict)]
    rows.sort(key=lambda one: one["index"] if isinstance(one.get("index"), int) else 0)
    vectors = [one["embedding"] for one in rows if isinstance(one.get("embedding"), list)]
    if len(vectors) != (1 if isinstance(input.texts, str) else len(input.texts)):
        raise OutcomeUnknown("the server answered with another number of vectors than of texts")
    return Embedded(vectors=vectors, model=found.get("model"), usage=usage_of(found))


@openai.choices("chat.model", "embed.model")
async def models(
    call: Call, connection: OpenAiConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The server's models, by name; it gives all of them at once."""
    del given, cursor
    wanted = search.strip().lower()
    found = [one for one in await listed_models(call, connection) if wanted in str(one["id"]).lower()]
    found.sort(key=lambda one: str(one["id"]))
    items = [
        Choice(value=one["id"], label=str(one["id"]), note=str(one.get("owned_by") or "")) for one in found
    ]
    return Choices(items=items)
