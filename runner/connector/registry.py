"""A connector and its actions, read from the types of their functions."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union

from pydantic import BaseModel, TypeAdapter, ValidationError

from runner.connector.models import Choices, Connection, Input
from runner.errors import Rejected
from runner.language.catalogue import ActionInfo
from runner.values import Json

T = TypeVar("T", bound=Connection)
AfterCrash: TypeAlias = Literal["repeat", "stop"]
Reading: TypeAlias = Callable[[Any, str, str], Json]
"""`(input, method, address) -> answer` (JSON): see `Connector.action`."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a connector, with its types read from its function's annotations."""

    name: str  # connector.action
    summary: str
    function: Callable[..., Awaitable[BaseModel]]
    input: type[Input]
    output: type[BaseModel]
    connections: tuple[type[Connection], ...]
    connection_required: bool
    after_crash: AfterCrash | Callable[[Any], AfterCrash]
    example: str
    effect: str = ""
    reading: Reading | None = None

    def crash_rule(self, given: Input) -> AfterCrash:
        """What happens to a call that was in flight when the process died."""
        return self.after_crash(given) if callable(self.after_crash) else self.after_crash

    def read_input(self, value: Json) -> Input:
        """
        *value* as the action's typed input.

        Raises:
            Rejected: an input is missing, unknown or of the wrong type; all of them are named.
        """
        try:
            return self.input.model_validate(value)
        except ValidationError as error:
            raise Rejected(f"{self.name}: {sentences(error)}") from None

    def info(self) -> ActionInfo:
        """What the checker knows of this action."""
        schema = self.input.model_json_schema()
        properties: dict[str, Any] = schema.get("properties", {})
        definitions = schema.get("$defs", {})
        fields = {info.alias or name: info for name, info in self.input.model_fields.items()}

        def check_literal(name: str, value: Json) -> str | None:
            info = fields[name]
            annotation: Any = info.annotation
            if info.metadata:
                annotation = Annotated[annotation, *info.metadata]
            try:
                TypeAdapter(annotation).validate_python(value)
            except ValidationError as error:
                return sentences(error)
            return None

        return ActionInfo(
            name=self.name,
            summary=self.summary,
            inputs={
                name: {**one, **({"$defs": definitions} if definitions else {})}
                for name, one in properties.items()
            },
            required=frozenset(schema.get("required", ())),
            html=frozenset(name for name, one in properties.items() if _has_format(one, "html")),
            addresses=frozenset(name for name, one in properties.items() if _has_format(one, "address")),
            constants=frozenset(name for name, one in properties.items() if _has_format(one, "constant")),
            connection_kinds=tuple(each.kind for each in self.connections),
            connection_required=self.connection_required,
            output=self.output.model_json_schema(mode="serialization"),
            check_literal=check_literal,
        )


Chooser: TypeAlias = Callable[..., Awaitable[Choices]]
"""`(call, connection, given, search, cursor) -> Choices`: `given` has the other inputs filled in so far."""


class Connector:
    """A service: its connections and actions, in the order of their definition."""

    def __init__(self, name: str, *, title: str, summary: str) -> None:
        self.name = name
        self.title = title
        self.summary = summary
        self.actions: dict[str, Action] = {}
        self.connections: dict[str, type[Connection]] = {}
        self.choosers: dict[str, Chooser] = {}  # by "action.input"
        self.mends: dict[str, str] = {}  # by the service's own code: what it means, and the way out

    def explains(self, *tables: Mapping[Any, str]) -> None:
        """Tell what codes of the service mean to a person: for the reference."""
        for table in tables:
            self.mends.update({str(code): mend for code, mend in table.items()})

    def choices(self, *inputs: str) -> Callable[[Chooser], Chooser]:
        """
        Register the decorated function as what lists the values of *inputs*, each "action.input".

            @slack.choices("post_message.channel")
            async def channels(call, connection, given, search, cursor) -> Choices: ...
        """

        def register(function: Chooser) -> Chooser:
            self.choosers.update(dict.fromkeys(inputs, function))
            return function

        return register

    def connection(self, kind: str) -> Callable[[type[T]], type[T]]:
        """Register the decorated model as the connection kind *kind*."""

        def register(model: type[T]) -> type[T]:
            model.kind = kind
            self.connections[kind] = model
            return model

        return register

    def action(
        self,
        *,
        after_crash: AfterCrash | Callable[[Any], AfterCrash] = "repeat",
        example: str = "",
        effect: str = "",
        reading: Reading | None = None,
    ) -> Callable[[Callable[..., Awaitable[BaseModel]]], Callable[..., Awaitable[BaseModel]]]:
        """
        Register the decorated function `(call, connection, input) -> output` as an action.

        `after_crash="stop"` means that a repeated call would be a second effect: after a crash
        the run stops for a person to decide. `example` is YAML for the reference.

        The last two are for a preview, which sends nothing. `effect` says what the action does, such as
        "posts {n} messages[ to {channel}]": inputs in braces, and in brackets what is left out where
        one of them is not given. `reading(input, method, address)` is what a request that only reads,
        before the one that acts, is taken to be answered with; None: the action gets no further.
        """

        def register(
            function: Callable[..., Awaitable[BaseModel]],
        ) -> Callable[..., Awaitable[BaseModel]]:
            hints = typing.get_type_hints(function)
            models, required = _connection_models(hints["connection"])
            name = f"{self.name}.{function.__name__}"
            self.actions[function.__name__] = Action(
                name=name,
                summary=inspect.getdoc(function) or "",
                function=function,
                input=hints["input"],
                output=hints["return"],
                connections=models,
                connection_required=required,
                after_crash=after_crash,
                example=example,
                effect=effect,
                reading=reading,
            )
            return function

        return register


def sentences(error: ValidationError) -> str:
    """Pydantic's findings as one sentence: `channel: Field required; text: Input should be …`."""
    parts = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        # steps with a bracket or of this beginning are pydantic's own words for a type
        steps = [str(step) for step in one["loc"]]
        inner = ("function-", "tagged-")
        place = ".".join(step for step in steps if "[" not in step and not step.startswith(inner))
        said = one["msg"].removeprefix("Value error, ")
        parts.append(f"{place}: {said}" if place else said)
    return "; ".join(dict.fromkeys(parts))


def _connection_models(hint: Any) -> tuple[tuple[type[Connection], ...], bool]:
    """The connection classes of an annotation, and whether one is required (None not among them)."""
    if hint is type(None):
        return (), False
    options = typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)
    models = tuple(one for one in options if one is not type(None))
    return models, type(None) not in options


def _has_format(schema: Mapping[str, Any], name: str) -> bool:
    return schema.get("format") == name or any(_has_format(one, name) for one in schema.get("anyOf", ()))
