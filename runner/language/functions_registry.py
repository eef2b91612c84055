"""
What a function of the library is, how it is registered, and how its arguments are checked.

The last lines of a docstring, `Example: lower('ABC') == "abc"`, are tests and the row of the
reference page: on the left an expression that both languages read alike, on the right JSON.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import ExpressionError, LimitExceeded
from runner.language.arithmetic import finite, is_number
from runner.language.shapes import shown
from runner.language.weight import MAX_WEIGHT, too_heavy
from runner.values import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.language.scope import Scope
    from runner.values import Json

Number: TypeAlias = int | float

REQUIRED: Json = object()
"""The default of a parameter that raises when nothing was given for it and nothing works."""

KINDS: Mapping[str, tuple[str, Callable[[Json], bool]]] = {
    "str": ("a text", lambda value: isinstance(value, str)),
    "Number": ("a number", is_number),
    "int": ("a whole number", lambda value: is_number(value) and value == int(value)),
    "list[Json]": ("a list", lambda value: isinstance(value, (list, tuple))),
    "dict[str, Json]": ("an object", lambda value: isinstance(value, dict)),
    "Json": ("anything", lambda _value: True),
}
"""What an annotation lets through, and how a message calls it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, the key of KINDS, and whether it may be left out or be null."""

    name: str
    kind: str
    is_optional: bool


@dataclass(frozen=True, slots=True)
class Function:
    """
    One function of the library; it takes at *least* so many arguments.

    `is_plain`: cost and result are bounded by its arguments, so it may run in the engine's own
    process. `is_shallow`: it does not look into its arguments' parts, so they need not be weighed.
    `takes_secrets`: it may be given a secret's slot. `needs_scope`: the scope comes
    before the arguments.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    least: int
    is_variadic: bool
    needs_scope: bool
    is_plain: bool
    is_shallow: bool
    takes_secrets: bool
    definition: Callable[..., Json]

    def call(self, scope: Scope, given: Sequence[Json], named: Mapping[str, Json]) -> Json:
        """
        Check the arguments and call.

        Raises:
            ExpressionError: a wrong number or type of arguments, or one that cannot be worked on.
            LimitExceeded: the result would be too large.
        """
        arguments = self._bind(given, named)
        if scope.secrets is not None and not self.takes_secrets:
            for one in arguments:
                if isinstance(one, str) and scope.secrets.nonce in one:
                    raise ExpressionError(f"{self.name}: a secret can only be put in as it is")
        try:
            result = self.definition(scope, *arguments) if self.needs_scope else self.definition(*arguments)
        except RecursionError:
            raise LimitExceeded(f"{self.name}: the value is nested too deep") from None
        except (ValueError, ArithmeticError) as error:
            raise ExpressionError(f"{self.name}: {str(error)[:200]}") from None
        return finite(result, self.name) if isinstance(result, float) else result

    def arity_fault(self, count: int) -> str | None:
        """What is wrong with *count* positional arguments, or None."""
        if count < self.least:
            names = ", ".join(one.name for one in self.parameters[: self.least])
            return f"{self.name}() needs {names}"
        if count > len(self.parameters) and not self.is_variadic:
            return f"{self.name}() takes at most {len(self.parameters)} arguments, not {count}"
        return None

    def _bind(self, given: Sequence[Json], named: Mapping[str, Json]) -> list[Json]:
        """The arguments in order; those left out at the end stay out."""
        arguments = self._placed(given, named) if named else list(given)
        fault = self.arity_fault(len(arguments))
        if fault:
            raise ExpressionError(fault)
        for position, parameter in enumerate(self.parameters[: len(arguments)]):
            arguments[position] = self._checked(parameter, arguments[position])
        return arguments

    def _placed(self, given: Sequence[Json], named: Mapping[str, Json]) -> list[Json]:
        """*given*, and behind them the *named* in their places, null where one between is left out."""
        arguments = list(given)
        for parameter in self.parameters[len(given) :]:
            if parameter.name in named:
                arguments.append(named[parameter.name])
            elif parameter.is_optional and any(
                later.name in named for later in self.parameters[len(arguments) + 1 :]
            ):
                arguments.append(None)
            else:
                break
        unknown = named.keys() - {one.name for one in self.parameters[len(given) :]}
        if unknown:
            raise ExpressionError(f"{self.name}() takes no argument {min(unknown)!r} here")
        return arguments

    def _checked(self, parameter: Parameter, value: Json) -> Json:
        title, accepts = KINDS[parameter.kind]
        if accepts(value):
            return int(value) if parameter.kind == "int" else value
        if value is None and parameter.is_optional:
            return None
        way_out = "; for null write default(…) or coalesce(…) around it" if value is None else ""
        raise ExpressionError(f"{self.name}: {parameter.name} must be {title}, not {shown(value)}{way_out}")


FUNCTIONS: dict[str, Function] = {}
"""All functions by name."""


def library(
    *, is_plain: bool = True, is_shallow: bool = False, takes_secrets: bool = False
) -> Callable[[Callable[..., Json]], Callable[..., Json]]:
    """
    Register the decorated function under its name (a trailing underscore apart).

    Its annotations are keys of KINDS, with `| None` where null or nothing may be given; a first
    parameter `scope` gets the scope.
    """

    def register(definition: Callable[..., Json]) -> Callable[..., Json]:
        parameters = list(inspect.signature(definition).parameters.values())
        needs_scope = bool(parameters) and parameters[0].name == "scope"
        name = definition.__name__.rstrip("_")
        taken = tuple(
            Parameter(
                one.name,
                str(one.annotation).removesuffix(" | None"),
                one.default is not inspect.Parameter.empty,
            )
            for one in parameters[needs_scope:]
            if one.kind is not inspect.Parameter.VAR_POSITIONAL
        )
        FUNCTIONS[name] = Function(
            name=name,
            summary=inspect.getdoc(definition) or "",
            parameters=taken,
            least=sum(not one.is_optional for one in taken),
            is_variadic=any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters),
            needs_scope=needs_scope,
            is_plain=is_plain,
            is_shallow=is_shallow,
            takes_secrets=takes_secrets,
            definition=definition,
        )
        return definition

    return register


def bounded(weight: int) -> None:
    """
    Let a result of about *weight* bytes be built.

    Raises:
        LimitExceeded: it is more than one evaluation may take.
    """
    if weight > MAX_WEIGHT:
        raise too_heavy(MAX_WEIGHT)


def text_of(value: Json) -> str:
    """
    *value* as it stands in a text: null is nothing, `true` is `true`, an integral number has no
    `.0`, an object or a list is JSON.
    """
    if isinstance(value, str):
        return str(value)
    if type(value) is int:
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return dumps(value)
