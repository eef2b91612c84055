"""
The filters, functions and tests of templates: the library, those of Jinja that stay, and ours for
null, texts and escaping. Nothing returns a generator; what is walked is weighed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Undefined, pass_context
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS
from markupsafe import Markup, escape

from runner.errors import ExpressionError, LimitExceeded
from runner.language.arithmetic import is_number
from runner.language.functions import FUNCTIONS, Function, text_of
from runner.language.functions_registry import bounded
from runner.language.safe_html import sanitised
from runner.language.shapes import shown
from runner.language.template_values import Missing, TemplateContext, data
from runner.language.weight import MAX_WEIGHT, NODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.values import Json

MAX_RANGE = 10_000  # as many as a for_each takes items
LISTED_FILTERS = (
    "length", "first", "last", "sort", "reverse", "sum", "min", "max", "abs", "list", "map",
    "select", "reject", "selectattr", "rejectattr", "batch", "dictsort", "indent",
)  # fmt: skip
SHALLOW = frozenset({"length", "first", "last"})  # they do not walk what they are given
LISTED_TESTS = (
    "odd", "even", "divisibleby", "defined", "undefined", "none", "boolean", "false", "true",
    "integer", "float", "string", "mapping", "number", "sequence", "iterable", "in", "==", "eq",
    "equalto", "!=", "ne", ">", "gt", "greaterthan", "ge", ">=", "<", "lt", "lessthan", "<=", "le",
)  # fmt: skip


def _callable(function: Function) -> Callable[..., Json]:
    """*function* as a filter and a global of Jinja."""

    @pass_context
    def call(context: TemplateContext, /, *given: Json, **named: Json) -> Json:
        arguments = [_argument(one, function) for one in given]
        by_name = {name: _argument(one, function) for name, one in named.items()}
        result = function.call(context.budget, arguments, by_name)
        if function.name == "escape_html" and context.eval_ctx.autoescape:
            return Markup(result)  # noqa: S704  # it was escaped, and is not escaped again
        return result

    return call


def _argument(value: Json, function: Function) -> Json:
    if isinstance(value, Markup):
        return str(value)  # what a function makes of it is escaped again
    if isinstance(value, Undefined):
        if function.name == "coalesce" or not isinstance(value, Missing):
            return None
        value.fail()
    if callable(value):
        raise ExpressionError(f"{function.name} takes data, not a function")
    return value


def _jinja_filters() -> dict[str, Callable[..., Any]]:
    """Jinja's own that stay, with lists for generators and their input weighed."""

    def weighed(name: str) -> Callable[..., Any]:
        original = JINJA_FILTERS[name]
        takes = getattr(original, "jinja_pass_arg", None)

        @pass_context
        def call(context: TemplateContext, /, value: Json, *given: Any, **named: Any) -> Any:
            if isinstance(value, Missing):
                value.fail()
            secrets = context.scope.secrets
            if secrets is not None and isinstance(value, str) and secrets.nonce in value:
                raise ExpressionError(f"{name}: a secret can only be put in as it is")
            if name in {"batch", "indent"}:
                for one in (*given, *named.values()):
                    bounded(int(one) * NODE if is_number(one) else 0)
            if not isinstance(value, (str, dict, list, tuple, int, float, type(None))):
                raise ExpressionError(f"{name} takes data, not {shown(value)}")
            if name not in SHALLOW:
                context.budget.weigh((value,))
            first: tuple[Any, ...] = ()
            if takes is not None:
                first = (
                    {"context": context, "eval_context": context.eval_ctx}.get(
                        takes.name, context.environment
                    ),
                )
            result = original(*first, value, *given, **named)
            is_text = isinstance(value, str) and name == "reverse"
            return result if is_text or not hasattr(result, "__next__") else list(result)

        return call

    return {name: weighed(name) for name in LISTED_FILTERS}


def _own_filters() -> dict[str, Callable[..., Any]]:
    """Those whose rule is ours: null, texts and escaping."""

    def default(value: Json, fallback: Json = "", boolean: bool = False) -> Json:
        """The fallback for missing and null, at any depth."""
        return fallback if isinstance(value, Undefined) or value is None or (boolean and not value) else value

    @pass_context
    def join(context: TemplateContext, items: Json, separator: str = "", attribute: Json = None) -> str:
        if isinstance(items, Missing):
            items.fail()
        if not isinstance(items, (list, tuple, dict, str)):
            raise ExpressionError(f"join takes a list, not {shown(items)}")
        values = [context.environment.getitem(one, attribute) for one in items] if attribute else items
        texts = [text_of(one) for one in data(context.budget, list(values))]
        context.budget.charge(len(str(separator)) * len(texts))
        return str(separator).join(texts)

    @pass_context
    def string(context: TemplateContext, value: Json) -> str:
        return text_of(data(context.budget, value))

    @pass_context
    def tojson(context: TemplateContext, value: Json) -> str:
        return str(FUNCTIONS["to_json"].call(context.budget, [data(context.budget, value)], {}))

    @pass_context
    def escaped(context: TemplateContext, value: Json) -> str:
        text = escape(text_of(data(context.budget, value)))
        return text if context.eval_ctx.autoescape else str(text)

    @pass_context
    def safe_html(context: TemplateContext, value: Json) -> str:
        text = sanitised(text_of(data(context.budget, value)))
        return Markup(text) if context.eval_ctx.autoescape else text  # noqa: S704  # it was sanitised

    return {
        "default": default, "join": join, "string": string, "tojson": tojson, "escape": escaped,
        "safe_html": safe_html,
    }  # fmt: skip


def _range(*bounds: int) -> list[int]:
    """The whole numbers of a range, at most MAX_RANGE."""
    if not all(isinstance(one, int) and abs(one) < MAX_WEIGHT for one in bounds):
        raise ExpressionError("range takes whole numbers")
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise LimitExceeded(f"a range has at most {MAX_RANGE:,} numbers")
    return list(numbers)


@pass_context
def _resume_url(context: TemplateContext, identity: Json) -> str:
    """The address that continues the `wait_for` step of that id."""
    found = context.scope.resume_urls.get(identity) if isinstance(identity, str) else None
    if found is None:
        raise ExpressionError(f"resume_url: no step {shown(identity)} waits for an answer from here on")
    return found


LIBRARY = {name: _callable(one) for name, one in FUNCTIONS.items()}

FILTERS: dict[str, Any] = {**_jinja_filters(), **_own_filters(), **LIBRARY}
"""All filters by name; ours win over Jinja's."""

TESTS: dict[str, Any] = {name: JINJA_TESTS[name] for name in LISTED_TESTS}
"""All tests by name."""

CALLABLES: dict[str, Callable[..., Any]] = {"range": _range, "resume_url": _resume_url, **LIBRARY}
"""All functions by name."""
