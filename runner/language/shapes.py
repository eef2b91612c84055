"""What expressions and templates share: references, faults of leaves, places, and suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.errors import ExpressionError, LanguageError
from runner.language.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.language.traps import Mend
    from runner.values import Json

Path: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to a leaf of a shape."""

Kind = Literal["root", "step", "outcome", "var", "secret", "inner", "resume"]

SHOWN = 60  # characters of a value in a message: enough to know it, too little to leak a payload


@dataclass(frozen=True, slots=True)
class Reference:
    """
    A name that an expression reads: of the root, or `steps.<name>`, `outcomes.<name>`,
    `vars.<name>`, `secrets.<name>`. Kind "inner" is a root's name where names are an item's
    (`[?price > vars.minimum]`): almost always meant as `$.<name>`. Kind "resume" is the id in
    `resume_url('<id>')`.

    `path` leads to the leaf of the shape; line and column count from 1 inside that leaf's text.
    """

    kind: Kind
    name: str
    column: int = 1
    line: int = 1
    path: Path = ()
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class LeafFault:
    """What is wrong with one leaf; line and column count from 1 inside its text."""

    path: Path
    line: int
    column: int
    message: str
    hint: str = ""
    code: str = "expression"
    mend: Mend | None = None


class ShapeFault(LanguageError):
    """Leaves of a shape cannot be compiled; `faults` holds all of them in the shape's order."""

    def __init__(self, faults: Iterable[LeafFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(_sentence, self.faults)))


def place(path: Path) -> str:
    """`headers.x[0]` for ("headers", "x", 0)."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def placed(path: Path, error: ExpressionError) -> ExpressionError:
    """*error* with the place of its leaf before its message."""
    return type(error)(f"{place(path)}: {error}") if path else error


def shown(value: Json) -> str:
    """*value* as a message may show it: short, and only the kind of a list or object."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= SHOWN else f"'{value[: SHOWN - 1]}…'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value) if isinstance(value, float) or abs(value) < 10**SHOWN else "a huge number"
    return "something that is no data"


def unknown_root(name: str, names: Mapping[str, Json], *, is_quoted: bool = False) -> str:
    """The sentence for a name that is not among the root's *names*, with the way out."""
    if name == "secrets":
        return "`secrets` may stand only in templates under an action's `with`"
    sentence = f"there is no `{name}` here"
    payload = names.get("payload")
    if isinstance(payload, dict) and name in payload:
        return f"{sentence}; did you mean `payload.{name}`?"
    if is_quoted:
        return f"{sentence}: double quotes name a field; text stands in single quotes: '{name}'"
    close = nearest(name, names)
    if close:
        return f"{sentence}; did you mean `{close}`?"
    return f"{sentence}; the names are {', '.join(sorted(names))}"


def _sentence(fault: LeafFault) -> str:
    where = f"{place(fault.path)}: " if fault.path else ""
    way_out = f"; {fault.hint}" if fault.hint else ""
    return f"{where}{fault.line}:{fault.column}: {fault.message}{way_out}"
