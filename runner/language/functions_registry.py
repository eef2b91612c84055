"""
What a function of the library is, how it is registered, and how its arguments are checked.

The last lines of a docstring, `Example: lower('ABC') == "abc"`, are tests and the row of the
reference page: on the left an expression that both languages read alike, on the right JSON.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import ExpressionError, LanguageError, LimitExceeded
from runner.language.arithmetic import finite, is_number
from runner.language.expression_parser import ExpressionFault
from runner.language.shapes import shown
from runner.language.weight import MAX_WEIGHT, too_heavy
from runner.values import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.language.expression_work import Work
    from runner.values import Json

Number: TypeAlias = int | float

REQUIRED: Json = object()
"""The default of a parameter that raises when nothing was given for it and nothing works."""


@dataclass(frozen=True, slots=True)
class Kind:
    """
    What a parameter lets through. `title` is how a message calls it; `check` looks closer at a value
    that is written out in a file, and raises ValueError or LanguageError where it can never work.
    """

    title: str
    accepts: Callable[[Json], bool]
    check: Callable[[Json], object] | None = None


def is_text(value: Json) -> bool:
    """Whether *value* is a text."""
    return isinstance(value, str)


KINDS: dict[str, Kind] = {
    "str": Kind("a text", is_text),
    "Number": Kind("a number", is_number),
    "int": Kind("a whole number", lambda value: is_number(value) and value == int(value)),
    "bool": Kind("true or false", lambda value: isinstance(value, bool)),
    "list[Json]": Kind("a list", lambda value: isinstance(value, (list, tuple))),
    "dict[str, Json]": Kind("an object", lambda value: isinstance(value, dict)),
    "Json": Kind("anything", lambda _value: True),
}
"""By annotation; modules of functions add their own (a key, a pattern, a zone)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, the key of KINDS, whether it may be left out or be null, its default."""

    name: str
    kind: str
    is_optional: bool
    default: Json = REQUIRED


@dataclass(frozen=True, slots=True)
class ArgumentFault:
    """Why a call cannot work; *offset* counts from 0 inside the text of the argument."""

    message: str
    hint: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Function:
    """
    One function of the library; it takes at *least* so many arguments.

    `is_plain`: cost and result are bounded by its arguments, so it may run in the engine's own
    process. `is_shallow`: it does not look into its arguments' parts, so they need not be weighed.
    `takes_secrets`: it may be given a secret's slot. `effort` is in operations for each byte of its
    arguments, for those that are no quick walk. `first` is "scope" or "work" where that comes before
    the arguments. `group` is the part of the reference that it stands in.
    """

    name: str
    group: str
    summary: str
    parameters: tuple[Parameter, ...]
    least: int
    variadic: str
    first: str
    is_plain: bool
    is_shallow: bool
    takes_secrets: bool
    effort: float
    definition: Callable[..., Json]

    @property
    def is_variadic(self) -> bool:
        """Whether it takes any number of arguments."""
        return bool(self.variadic)

    def call(self, work: Work, given: Sequence[Json], named: Mapping[str, Json]) -> Json:
        """
        Check and weigh the arguments, and call.

        Raises:
            ExpressionError: a wrong number or type of arguments, or one that cannot be worked on.
            LimitExceeded: too much work, or the result would be too large.
        """
        arguments = self._bind(given, named)
        scope = work.scope
        if scope.secrets is not None and not self.takes_secrets:
            for one in arguments:
                if isinstance(one, str) and scope.secrets.nonce in one:
                    raise ExpressionError(f"{self.name}: a secret can only be put in as it is")
        if not self.is_shallow:
            before = work.left
            work.weigh(arguments)
            if self.effort:
                work.spend(int((before - work.left) * self.effort))
        if self.first:
            arguments.insert(0, work if self.first == "work" else scope)
        try:
            result = self.definition(*arguments)
        except LanguageError as error:
            if isinstance(error, ExpressionError):
                raise
            raise ExpressionError(f"{self.name}: {error}") from None
        except RecursionError:
            raise LimitExceeded(f"{self.name}: the value is nested too deep") from None
        except (ValueError, ArithmeticError) as error:
            raise ExpressionError(f"{self.name}: {str(error)[:300]}") from None
        return finite(result, self.name) if isinstance(result, float) else result

    def arity_fault(self, count: int) -> str | None:
        """What is wrong with *count* positional arguments, or None."""
        if count < self.least:
            names = ", ".join(one.name for one in self.parameters[: self.least])
            return f"{self.name}() needs {names or self.variadic}"
        if count > len(self.parameters) and not self.is_variadic:
            return f"{self.name}() takes at most {len(self.parameters)} arguments, not {count}"
        return None

    def literal_fault(self, at: int | str, value: Json) -> ArgumentFault | None:
        """
        What is wrong with *value*, written out as the argument at position or by name *at*, or None.

        It is said without running anything: a type, a pattern, a key, a zone that can never work.
        """
        if isinstance(at, str):
            parameter = next((one for one in self.parameters if one.name == at), None)
            if parameter is None:
                return ArgumentFault(f"{self.name}() takes no argument '{at}'", self._takes())
        else:
            parameter = self.parameters[at] if at < len(self.parameters) else None
        if parameter is None:
            return None
        try:
            checked = self._checked(parameter, value)
            check = KINDS[parameter.kind].check
            if check is not None and checked is not None:
                check(checked)
        except ExpressionFault as fault:
            message = f"{self.name}: {parameter.name}: {fault.message}"
            return ArgumentFault(message, fault.hint, fault.column - 1)
        except ExpressionError as error:
            message, _, hint = str(error).partition("; ")
            return ArgumentFault(message, hint)
        except (ValueError, LanguageError) as error:
            message, _, hint = str(error).partition("; ")
            return ArgumentFault(f"{self.name}: {message}", hint)
        return None

    def literals_of(self, kind: str, given: Mapping[int | str, Json]) -> list[str]:
        """The texts among the written-out arguments *given* that are parameters of *kind*."""
        found = []
        for at, value in given.items():
            for position, parameter in enumerate(self.parameters):
                if parameter.kind == kind and at in (position, parameter.name) and isinstance(value, str):
                    found.append(value)
        return found

    def _takes(self) -> str:
        return f"it takes {', '.join(one.name for one in self.parameters)}"

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
        kind = KINDS[parameter.kind]
        if kind.accepts(value):
            return int(value) if parameter.kind == "int" else value
        if value is None and parameter.is_optional:
            return None
        way_out = "; for null write default(…) or coalesce(…) around it" if value is None else ""
        raise ExpressionError(
            f"{self.name}: {parameter.name} must be {kind.title}, not {shown(value)}{way_out}"
        )


FUNCTIONS: dict[str, Function] = {}
"""All functions by name."""


def library(
    *, is_plain: bool = True, is_shallow: bool = False, takes_secrets: bool = False, effort: float = 0
) -> Callable[[Callable[..., Json]], Callable[..., Json]]:
    """
    Register the decorated function under its name (a trailing underscore apart); the module that
    it stands in, `functions_<group>`, is its group.

    Its annotations are keys of KINDS, with `| None` where null or nothing may be given; a first
    parameter `scope` or `work` gets that. The other parameters are the fields of Function.
    """

    def register(definition: Callable[..., Json]) -> Callable[..., Json]:
        parameters = list(inspect.signature(definition).parameters.values())
        first = parameters[0].name if parameters and parameters[0].name in ("scope", "work") else ""
        name = definition.__name__.rstrip("_")
        taken = tuple(
            Parameter(
                one.name,
                str(one.annotation).removesuffix(" | None"),
                one.default is not inspect.Parameter.empty,
                REQUIRED if one.default is inspect.Parameter.empty else one.default,
            )
            for one in parameters[bool(first) :]
            if one.kind is not inspect.Parameter.VAR_POSITIONAL
        )
        variadic = [one.name for one in parameters if one.kind is inspect.Parameter.VAR_POSITIONAL]
        FUNCTIONS[name] = Function(
            name=name,
            group=definition.__module__.rpartition("functions_")[2],
            summary=inspect.getdoc(definition) or "",
            parameters=taken,
            least=sum(not one.is_optional for one in taken),
            variadic="".join(variadic),
            first=first,
            is_plain=is_plain,
            is_shallow=is_shallow,
            takes_secrets=takes_secrets,
            effort=effort,
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
