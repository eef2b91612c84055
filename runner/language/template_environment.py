"""
Jinja as we allow it: sandboxed, immutable, without a loader, without constant folding, over data
alone. No method of a value can be called.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined, nodes, pass_context
from jinja2.compiler import CodeGenerator
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup, escape

from runner.errors import ExpressionError
from runner.language.arithmetic import calculate, refuse_mixed_order
from runner.language.functions import text_of
from runner.language.functions_registry import bounded
from runner.language.shapes import shown
from runner.language.template_filters import CALLABLES, FILTERS, TESTS
from runner.language.template_values import Missing, TemplateContext, data
from runner.language.weight import NODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jinja2.compiler import Frame

    from runner.values import Json

LOOP_FIELDS = frozenset({
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0",
    "previtem", "nextitem",
})  # fmt: skip
LIGHT = frozenset({int, float, bool, type(None)})  # what costs nothing to compare
ORDER = {"gt": ">", "gteq": ">=", "lt": "<", "lteq": "<="}

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "gteq": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lteq": lambda left, right: left <= right,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}


class Generator(CodeGenerator):
    """Writes the code of one template; `resolved` are the names it takes from the context."""

    environment: Environment

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, None, None, optimized=False)
        self.resolved: set[str] = set()

    def code(self, tree: nodes.Template) -> str:
        """The Python source of *tree*."""
        self.visit(tree)
        assert isinstance(self.stream, StringIO)
        return self.stream.getvalue()

    def enter_frame(self, frame: Frame) -> None:
        super().enter_frame(frame)
        for action, name in frame.symbols.loads.values():
            if action == "resolve" and name is not None:
                self.resolved.add(name)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:  # noqa: ARG002  # Jinja's signature
        self.write("environment.finalize(context, ")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:  # noqa: ARG002  # Jinja's signature
        self.write(")")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802  # Jinja's name
        """`a.b.c` is one call of ours."""
        self._path(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  # Jinja's name
        """`a ~ b` makes text by our rule, weighed."""
        self.write("environment.concatenated(context, (")
        for one in node.nodes:
            self.visit(one, frame)
            self.write(", ")
        self.write("))")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802  # Jinja's name
        """A slice goes by us, too."""
        if not isinstance(node.arg, nodes.Slice):
            if _named(node):
                self._path(node, frame)
            else:
                super().visit_Getitem(node, frame)
            return
        self.write("environment.sliced(context, ")
        self.visit(node.node, frame)
        for bound in (node.arg.start, node.arg.stop, node.arg.step):
            self.write(", ")
            self.visit(bound or nodes.Const(None), frame)
        self.write(")")

    def _path(self, node: nodes.Expr, frame: Frame) -> None:
        names: list[str] = []
        while name := _named(node):
            names.insert(0, name)
            assert isinstance(node, (nodes.Getattr, nodes.Getitem))
            node = node.node
        self.write("environment.reached(")
        self.visit(node, frame)
        self.write(f", {tuple(names)!r})")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802  # Jinja's name
        """Comparisons name their values when they do not fit."""
        self.write("environment.compared(context, ")
        self.visit(node.expr, frame)
        for operand in node.ops:
            self.write(f", ({operand.op!r}, ")
            self.visit(operand.expr, frame)
            self.write(")")
        self.write(")")


def _named(node: nodes.Expr) -> str | None:
    """The name in `a.name` and `a['name']`."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        return node.arg.value
    return None


@pass_context
def text(context: TemplateContext, value: Json) -> str:
    """One expression inside a text; in HTML it is escaped."""
    is_html = context.eval_ctx.autoescape
    if is_html and isinstance(value, Markup):
        return value
    text = text_of(data(context.budget, value))
    return escape(text) if is_html else text


@pass_context
def _value(_context: TemplateContext, value: Json) -> Json:
    """The only expression of a text keeps its value."""
    return value


class Environment(ImmutableSandboxedEnvironment):
    """One way to render: texts, HTML, or single values."""

    code_generator_class = Generator
    context_class = TemplateContext
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, *, is_html: bool = False, keeps_value: bool = False) -> None:
        super().__init__(
            optimized=False,  # `{{ 7 ** 30000000 }}` would be worked out when it is compiled
            autoescape=is_html,
            undefined=Missing,
            finalize=_value if keeps_value else text,  # takes the context, so nothing is folded
            keep_trailing_newline=True,
            cache_size=0,
        )
        self.filters = FILTERS
        self.tests = TESTS
        self.globals = {**CALLABLES, "null": None}
        self._callables = frozenset(CALLABLES.values())
        self.eval_ctx = EvalContext(self)  # nothing that we allow changes it, so all templates share one

    def getattr(self, obj: Json, attribute: str) -> Json:
        """`a.b`: a field, or a position; never an attribute of Python."""
        return self.getitem(obj, attribute)

    def reached(self, obj: Json, names: tuple[str, ...]) -> Json:
        """`a.b.c`: what *names* lead to, one behind the other."""
        for name in names:
            obj = obj[name] if type(obj) is dict and name in obj else self.getitem(obj, name)
        return obj

    def getitem(self, obj: Json, argument: Json) -> Json:
        """`a[b]`, likewise."""
        if isinstance(obj, Undefined):
            return obj  # a.b.c | default('') with b missing
        if isinstance(argument, Missing):
            argument.fail()
        if isinstance(obj, dict):
            if isinstance(argument, str) and argument in obj:
                return obj[argument]
        elif isinstance(obj, (list, tuple, str)):
            if isinstance(argument, int) and -len(obj) <= argument < len(obj):
                return obj[argument]
        elif isinstance(obj, LoopContext) and argument in LOOP_FIELDS:
            return getattr(obj, argument)
        return Missing(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """Our functions and the template's own macros, nothing else."""
        return isinstance(obj, Macro) or (callable(obj) and obj in self._callables)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """
        Call a function of ours or a macro.

        Raises:
            ExpressionError: anything else was called.
        """
        if isinstance(obj, Missing):
            if obj._undefined_obj is not missing:  # noqa: SLF001  # Jinja's slot in our class
                raise ExpressionError(f"no method of a value can be called: {obj._undefined_message}")  # noqa: SLF001  # likewise
            obj.fail()
        if isinstance(obj, (Undefined, dict, list, tuple, str, int, float, type(None), LoopContext)):
            raise ExpressionError(f"{shown(obj)} is no function and cannot be called")
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Json, right: Json) -> Json:
        """Numbers, and + on two texts or two lists; everything bounded."""
        assert isinstance(context, TemplateContext)
        for side in (left, right):
            if isinstance(side, Missing):
                side.fail()
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return self.concatenated(context, (left, right))
        if operator == "+" and isinstance(left, list) and isinstance(right, list):
            context.budget.charge((len(left) + len(right)) * NODE)
            return left + right
        if operator == "*" and isinstance(left, str) and isinstance(right, int):
            bounded(len(left) * right)
            context.budget.charge(len(left) * right)
            return str(left) * right
        return calculate(operator, left, right)

    def concatenated(self, context: TemplateContext, parts: Iterable[Json]) -> str:
        """`a ~ b`."""
        texts = [
            one
            if isinstance(one, Markup) and context.eval_ctx.autoescape
            else text_of(data(context.budget, one))
            for one in parts
        ]
        context.budget.charge(sum(map(len, texts)))
        return Markup("").join(texts) if any(isinstance(one, Markup) for one in texts) else "".join(texts)

    def sliced(self, context: TemplateContext, value: Json, *bounds: Json) -> Json:
        """
        `a[1:3]`.

        Raises:
            ExpressionError: not a text or a list.
        """
        if isinstance(value, Missing):
            value.fail()
        if not isinstance(value, (str, list, tuple)):
            raise ExpressionError(f"{shown(value)} has no parts to take with [:]")
        if not isinstance(value, str):
            context.budget.charge(len(value) * NODE)
        return value[slice(*bounds)]

    def compared(self, context: TemplateContext, first: Json, *rest: tuple[str, Json]) -> Any:
        """`a < b <= c`."""
        left = first
        result: Any = True
        for operator, right in rest:
            if type(left) not in LIGHT or type(right) not in LIGHT:
                context.budget.weigh((left, right))
            if operator in ORDER:
                refuse_mixed_order(ORDER[operator], left, right)
            result = COMPARISONS[operator](left, right)
            if not result:
                return result
            left = right
        return result
