"""
State: what a workflow keeps between its runs. Counters, throttles, a chat's memory, "only the first
time".

Keys belong to the workflow, or, with `scope: shared`, to all workflows of the server. The results are
bare values, so that `steps.<id>` is the number, the list, or true. What an action changed it changed
once for its event: after a crash, and when the event is replayed, the same step gives what it gave
then; a replay that sends "as new" changes it again.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, RootModel

from runner.connector import Call, Connector, Input, Json, duration_seconds

state = Connector("state", title="State", summary="What a workflow keeps between its runs.")

MOST_KEPT = 10_000


def _text(value: object) -> object:
    """An id of a payload may be a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _positive(text: str) -> str:
    if duration_seconds(text) <= 0:
        raise ValueError("must be longer than nothing; write for example 10m")
    return text


Key = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=512)]
Duration = Annotated[str, AfterValidator(_positive)]


class Keyed(Input):
    """What all actions have."""

    key: Key = Field(description="The name under which it is kept, such as `orders` or {{ payload.email }}.")
    scope: Literal["workflow", "shared"] = Field(
        "workflow", description="Whose it is: this workflow's, or shared by all workflows of the server."
    )

    @property
    def shared(self) -> bool:
        """Whether all workflows share the key."""
        return self.scope == "shared"


class Expiring(Keyed):
    """What an action has that keeps something."""

    ttl: Duration | None = Field(None, description="How long it is kept: 10m, 1d; forever if left out.")

    @property
    def ttl_seconds(self) -> float | None:
        """The same in seconds."""
        return None if self.ttl is None else duration_seconds(self.ttl)


class Get(Keyed):
    """What is asked for."""

    default: Any = Field(None, description="What it gives where nothing is kept.")


class Set(Expiring, json_schema_extra={"required": ["key", "value"]}):
    """What is kept."""

    # a template that gives null leaves its input out
    value: Any = Field(None, description="Any value of at most 64 KiB; null takes the key away.")


class Increment(Expiring):
    """What is counted."""

    by: int | float = Field(1, description="How much is added; less than 0 takes away.")
    ttl: Duration | None = Field(
        None, description="How long after its first increment it begins anew: 1h for a count of the hour."
    )


class Append(Expiring):
    """What is put at the end."""

    value: Any = Field(description="Any value.")
    keep: int = Field(100, ge=1, le=MOST_KEPT, description="How many of the last stay; the older ones go.")
    ttl: Duration | None = Field(None, description="How long after the last one the list is forgotten.")


class Once(Expiring):
    """What happens once."""

    ttl: Duration | None = Field(
        None, description="How long after the first time there is a first time again; never if left out."
    )


class Value(RootModel[Any]):
    """Any value, or null."""


class Number(RootModel[int | float]):
    """A number."""


class Items(RootModel[list[Any]]):
    """A list."""


class Truth(RootModel[bool]):
    """True or false."""


@state.action(example="action: state.get\nwith:\n  key: last_order\n  default: none yet\n")
async def get(call: Call, connection: None, input: Get) -> Value:  # noqa: A002, ARG001
    """Get what is kept under a key; null, or the default, where there is nothing."""
    kept = await call.state.get(input.key, shared=input.shared)
    return Value(input.default if kept is None else kept)


@state.action(
    example='action: state.set\nwith:\n  key: last_order\n  value: "{{ payload.id }}"\n  ttl: 30d\n'
)
async def set(call: Call, connection: None, input: Set) -> Value:  # noqa: A001, A002, ARG001
    """Keep a value under a key, in place of what was there; gives the value."""
    await call.state.set(input.key, input.value, shared=input.shared, ttl_seconds=input.ttl_seconds)
    return Value(input.value)


@state.action(example="action: state.delete\nwith:\n  key: last_order\n")
async def delete(call: Call, connection: None, input: Keyed) -> Truth:  # noqa: A002, ARG001
    """Take a key away; gives whether it was there."""
    return Truth(await call.state.delete(input.key, shared=input.shared))


@state.action(example="action: state.increment\nwith:\n  key: orders\n  ttl: 1d\n")
async def increment(call: Call, connection: None, input: Increment) -> Number:  # noqa: A002, ARG001
    """Add to a number, from 0; gives the new number. No two runs get the same one."""
    return Number(
        await call.state.increment(input.key, input.by, shared=input.shared, ttl_seconds=input.ttl_seconds)
    )


@state.action(
    example='action: state.append\nwith:\n  key: chat-{{ payload.chat }}\n  value: "{{ payload.text }}"\n'
    "  keep: 20\n"
)
async def append(call: Call, connection: None, input: Append) -> Items:  # noqa: A002, ARG001
    """Put a value at the end of a list, of which the last few are kept; gives the new list."""
    items: list[Json] = await call.state.append(
        input.key, input.value, keep=input.keep, shared=input.shared, ttl_seconds=input.ttl_seconds
    )
    return Items(items)


@state.action(example="action: state.once\nwith:\n  key: alert-{{ payload.host }}\n  ttl: 1h\n")
async def once(call: Call, connection: None, input: Once) -> Truth:  # noqa: A002, ARG001
    """
    Give true the first time for a key, and false from then on or until `ttl` is over.

    The event that got true gets it again at the same step when it is replayed.
    """
    return Truth(await call.state.once(input.key, shared=input.shared, ttl_seconds=input.ttl_seconds))
