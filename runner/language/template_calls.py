"""Calls of functions in a template, `f(x)` and `x | f`: what can be judged without running it."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes

from runner.language.expressions import compile_key
from runner.language.functions import FUNCTIONS
from runner.language.scope import ROOTS
from runner.language.shapes import Path, Reference
from runner.language.suggest import nearest
from runner.language.template_filters import CALLABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.language.functions import Function

STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


class CallFault(TemplateSyntaxError):
    """A call that can never work; *literal* is the written-out argument, *offset* the place inside it."""

    def __init__(self, message: str, line: int, literal: nodes.Const, offset: int = 0) -> None:
        super().__init__(message, line)
        self.code = "argument"
        self.literal = literal
        self.offset = offset


class WrongArguments(TemplateSyntaxError):
    """A call with too few or too many arguments, or such as the function does not take."""

    code = "argument"


class UnknownFunction(TemplateSyntaxError):
    """A call of what is no function."""

    code = "unknown-function"


def check_call(node: nodes.Node) -> None:
    """
    Judge *node* where it calls a function of the library.

    Raises:
        TemplateSyntaxError: a wrong number of arguments.
        CallFault: a written-out argument that cannot be.
    """
    function = _called(node)
    if function is None:
        return
    assert isinstance(node, (nodes.Call, nodes.Filter))
    is_filter = isinstance(node, nodes.Filter)
    if node.dyn_args is None and node.dyn_kwargs is None:
        fault = function.arity_fault(is_filter + len(node.args) + len(node.kwargs))
        if fault:
            raise WrongArguments(fault, node.lineno)
    for one in node.kwargs:
        if all(one.key != parameter.name for parameter in function.parameters):
            names = ", ".join(parameter.name for parameter in function.parameters)
            message = f"{function.name}() takes no argument '{one.key}'; it takes {names}"
            raise WrongArguments(message, node.lineno)
    for at, literal in _literals(node).items():
        wrong = function.literal_fault(at, literal.value)
        if wrong is not None:
            hint = f"; {wrong.hint}" if wrong.hint else ""
            raise CallFault(f"{wrong.message}{hint}", literal.lineno, literal, wrong.offset)


def check_callees(tree: nodes.Template, outside: Collection[str]) -> None:
    """
    Refuse calls of what is no function; *outside* are the names that the template does not make itself.

    Raises:
        TemplateSyntaxError: with the nearest function.
    """
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in outside:
            name = call.node.name
            if name in ROOTS:
                raise TemplateSyntaxError(f"'{name}' is no function and cannot be called", call.lineno)
            close = nearest(name, CALLABLES)
            hint = f"; did you mean {close}()?" if close else ""
            raise UnknownFunction(f"there is no function '{name}'{hint}", call.lineno)


def read_by_keys(tree: nodes.Template, source: str, path: Path) -> Iterator[Reference]:
    """The names that written-out keys read, as in `where(lines, 'price > $.vars.least')`."""
    for node in tree.find_all((nodes.Call, nodes.Filter)):
        function = _called(node)
        if function is None:
            continue
        literals = _literals(node)
        for key in function.literals_of("Key", {at: one.value for at, one in literals.items()}):
            literal = next(one for one in literals.values() if one.value == key)
            begin = column_of(source, literal)
            for one in compile_key(key).references:
                yield Reference(one.kind, one.name, begin + one.column, literal.lineno, path, one.is_quoted)


def column_of(source: str, literal: nodes.Const, offset: int = 0) -> int:
    """The column, from 1, of character *offset* of a constant: where Jinja does not say, it is sought."""
    lines = source.split("\n")
    line = lines[literal.lineno - 1] if 0 < literal.lineno <= len(lines) else ""
    if isinstance(literal.value, str):
        for written in STRING.finditer(line):
            if _read(written[0][1:-1]) == literal.value:
                return written.start() + 1 + (offset + 1 if offset else 0)
    return line.find(str(literal.value).lower()) + 1 or line.find("{{") + 1 or 1


def _read(text: str) -> str:
    """What the text between the quotes of a constant means, as Jinja reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return text.encode("ascii", "backslashreplace").decode("unicode-escape")
        except UnicodeDecodeError:
            return text


def _called(node: nodes.Node) -> Function | None:
    if isinstance(node, nodes.Filter):
        return FUNCTIONS.get(node.name)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        return FUNCTIONS.get(node.node.name)
    return None


def _literals(node: nodes.Node) -> dict[int | str, nodes.Const]:
    """The arguments that are written out, by position or name."""
    assert isinstance(node, (nodes.Call, nodes.Filter))
    given: list[nodes.Node | None] = (
        [node.node, *node.args] if isinstance(node, nodes.Filter) else [*node.args]
    )
    found: dict[int | str, nodes.Const] = {
        position: one for position, one in enumerate(given) if isinstance(one, nodes.Const)
    }
    for one in node.kwargs:
        if isinstance(one.value, nodes.Const):
            found[str(one.key)] = one.value
    return found
