"""What a template works on: its context, what stands for a missing name, how a value becomes data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from jinja2 import StrictUndefined, Undefined
from jinja2.runtime import Context
from jinja2.utils import missing

from runner.errors import ExpressionError
from runner.language.arithmetic import finite
from runner.language.shapes import shown
from runner.language.suggest import nearest
from runner.language.weight import NODE

if TYPE_CHECKING:
    from runner.language.expression_work import Work
    from runner.language.scope import Scope
    from runner.language.weight import Budget
    from runner.values import Json

ATOMS = frozenset({str, int, bool, type(None)})  # what is data as it is
MAX_NAMES = 1000  # of a payload's object that are looked through for the nearest


class Secrets(dict[str, str]):
    """What a template sees as `secrets`: name → slot."""


class Missing(StrictUndefined):
    """A name or field that does not exist: any use but `default` and `is defined` is an error."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or _absent(self._undefined_obj, str(self._undefined_name))

    def fail(self) -> NoReturn:
        """
        Say what is missing.

        Raises:
            ExpressionError: always.
        """
        raise ExpressionError(self._undefined_message)


class TemplateContext(Context):
    """Jinja's context with our scope and budget; both stay out of the template's reach."""

    scope: Scope
    budget: Work

    def __init__(
        self,
        environment: Any,
        parent: dict[str, Any],
        name: str | None = None,
        blocks: Any = None,  # noqa: ARG002  # Jinja's; there are no blocks
        globals: Any = None,  # noqa: A002, ARG002  # Jinja's name; all names stand in *parent*
    ) -> None:
        """As Jinja does, without what blocks, imports and `autoescape` need, none of which we have."""
        self.parent = parent
        self.vars = {}
        self.environment = environment
        self.eval_ctx = environment.eval_ctx
        self.exported_vars = set()
        self.name = name
        self.blocks = {}

    def derived(self, locals: dict[str, Any] | None = None) -> TemplateContext:  # noqa: A002  # Jinja's name
        """The same with *locals*, as Jinja makes inside loops."""
        context = super().derived(locals)
        assert isinstance(context, TemplateContext)
        context.scope, context.budget = self.scope, self.budget
        return context


def data(budget: Budget, value: Json) -> Json:
    """
    *value* as JSON of its own: tuples and ranges as lists, null for what an `if` without `else`
    gives. Weighed on the way.

    Raises:
        ExpressionError: something in it is missing, a function, not finite, or has a key that is
            no text.
        LimitExceeded: too heavy or too deep.
    """
    if isinstance(value, str):
        budget.charge(len(value))
        return str(value)
    if type(value) in ATOMS:
        budget.charge(NODE)
        return value
    budget.weigh((value,))
    return _copied(value)


def _copied(value: Json) -> Json:
    if type(value) in ATOMS:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return finite(value, "this")
    if isinstance(value, (list, tuple)):
        if ATOMS.issuperset(map(type, value)):
            return list(value)
        return [_copied(one) for one in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ExpressionError(f"{shown(key)} is the key of an object; keys are texts")
        return {str(key): _copied(one) for key, one in value.items()}
    if isinstance(value, Missing):
        value.fail()
    if isinstance(value, Undefined):
        return None
    if callable(value):
        raise ExpressionError("this is a function; call it with (…)")
    raise ExpressionError("this is no value that a template can give")


def _absent(obj: Json, name: str) -> str:
    if obj is missing:
        return f"there is no `{name}` here"
    if isinstance(obj, Secrets):
        return f'there is no secret "{name}" on this server; set it with: hookline secrets set {name}'
    if obj is None:
        return f"there is no `{name}`, for what should hold it is null; | default('') would serve"
    if isinstance(obj, dict):
        close = nearest(name, [key for key in list(obj)[:MAX_NAMES] if isinstance(key, str)])
        way_out = f"did you mean `{close}`?" if close else "| default('') would serve"
        return f"there is no field `{name}` here; {way_out}"
    if isinstance(obj, (list, tuple)) and name.lstrip("-").isdecimal():
        return f"the list has {len(obj)} items, and none at {name}"
    if isinstance(obj, (list, tuple)):
        return f"a list has no field `{name}`; take an item ([0]) or | map(attribute='{name}')"
    return f"{shown(obj)} has no field `{name}`"
