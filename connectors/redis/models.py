"""The inputs and outputs of `redis.*`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from connectors.redis.commands import Name
from connectors.redis.values import ReadAs
from runner.connector import Input, Json, Output, duration_seconds

MOST_AT_ONCE = 1_000


def _text(value: object) -> object:
    """An id of a payload may be a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _positive(text: str) -> str:
    if duration_seconds(text) <= 0:
        raise ValueError("must be longer than nothing; write for example 10m")
    return text


Key = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=1024)]
Ttl = Annotated[str, AfterValidator(_positive)]
Side = Literal["left", "right"]


class Keyed(Input):
    """What all actions on a key have."""

    key: Key = Field(description="The key, such as `orders` or `order:{{ payload.id }}`.")


class Reading(Keyed):
    """What all actions have that read values."""

    read_as: ReadAs = Field(
        "text", description="What the values are: text; json, which is read; or bytes, given as base64."
    )


class Set(Keyed):
    """The inputs of `redis.set`."""

    value: Json = Field(description="A text is kept as it is, all else as JSON.")
    ttl: Ttl | None = Field(None, description="How long it is kept: 10m, 1d; forever if left out.")
    only_if: Literal["always", "absent", "present"] = Field(
        "always",
        description="Whether it is set always, only where there is none, or only where there is one.",
    )


class Delete(Input):
    """The inputs of `redis.delete`."""

    keys: Key | Annotated[list[Key], Field(min_length=1, max_length=MOST_AT_ONCE)] = Field(
        description="The key, or a list of keys."
    )


class Increment(Keyed):
    """The inputs of `redis.increment`."""

    by: int | float = Field(1, description="How much is added; less than 0 takes away.")
    ttl: Ttl | None = Field(
        None, description="How long after its first increment it begins anew: 1h for a count of the hour."
    )


class Expire(Keyed):
    """The inputs of `redis.expire`."""

    ttl: Ttl = Field(description="How long from now it is kept: 10m, 1d.")


class HashGet(Reading):
    """The inputs of `redis.hash_get`."""

    fields: list[Key] = Field([], max_length=MOST_AT_ONCE, description="The fields to read; none: all.")


class HashSet(Keyed):
    """The inputs of `redis.hash_set`."""

    values: dict[str, Json] = Field(
        min_length=1,
        max_length=MOST_AT_ONCE,
        description="The values by field; other fields stay as they are.",
    )
    ttl: Ttl | None = Field(None, description="How long from now the whole hash is kept.")


class ListPush(Keyed):
    """The inputs of `redis.list_push`."""

    values: list[Json] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="What is put there, one after another."
    )
    side: Side = Field("right", description="At which end.")
    keep: int | None = Field(None, ge=1, description="How many of the last put stay; the older ones go.")
    ttl: Ttl | None = Field(None, description="How long from now the whole list is kept.")


class ListPop(Reading):
    """The inputs of `redis.list_pop`."""

    side: Side = Field(
        "left", description="From which end: with `list_push` at the right, left is the oldest."
    )
    count: int = Field(1, ge=1, le=MOST_AT_ONCE, description="At most so many; more than 1 needs Redis 6.2.")


class Publish(Input):
    """The inputs of `redis.publish`."""

    channel: Key = Field(description="The channel.")
    message: Json = Field(description="A text is sent as it is, all else as JSON.")


class StreamAdd(Keyed):
    """The inputs of `redis.stream_add`."""

    values: dict[str, Json] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="The fields of the entry."
    )
    keep: int | None = Field(
        None, ge=1, description="About how many of the last entries stay; the older ones go."
    )


class Command(Input):
    """The inputs of `redis.command`."""

    command: Name = Field(description="The command.")
    arguments: list[str | int | float] = Field(
        max_length=MOST_AT_ONCE, description="What follows it, one word each: the key, then the others."
    )
    read_as: ReadAs = Field("text", description="What the texts of the answer are, as in `redis.get`.")


class Value(Output):
    """What was read."""

    value: Json = Field(description="The value; null where there is none.")
    exists: bool = Field(description="Whether there is one.")


class Stored(Output):
    """What became of it."""

    stored: bool = Field(description="Whether it was set; false where `only_if` did not hold.")


class Deleted(Output):
    """How much is gone."""

    deleted: int = Field(description="How many of the keys there were.")


class Number(Output):
    """The new number."""

    value: int | float = Field(description="The number after the increment.")


class Found(Output):
    """Whether there was one."""

    exists: bool = Field(description="Whether there is such a key; else nothing was done.")


class Values(Output):
    """What was read."""

    values: dict[str, Json] = Field(description="The values by field; null for one that there is not.")
    exists: bool = Field(description="Whether there is any of them.")


class Added(Output):
    """What is new."""

    added: int = Field(description="How many fields are new; the others have new values.")


class Length(Output):
    """The list now."""

    length: int = Field(description="How many items it has.")


class Popped(Output):
    """What was taken."""

    values: list[Json] = Field(
        description="The items in the order of their taking; empty where there are none."
    )


class Heard(Output):
    """Who heard it."""

    receivers: int = Field(description="How many clients listened; 0 means that nobody heard it.")


class Entry(Output):
    """The new entry."""

    id: str = Field(description="Its id, such as 1700000000000-0.")


class Answer(Output):
    """What the server said."""

    answer: Json = Field(description="As the documentation of the command says for RESP2.")
