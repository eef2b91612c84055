"""
Jinja templates, compiled once: what they read, what they give, and shapes of them.

A text that is exactly one `{{ … }}` keeps the value's type, any other renders to text. What comes
out is data: it is never read as a template again.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.exceptions import TemplateError, UndefinedError
from markupsafe import escape

from runner.errors import ExpressionError, LimitExceeded
from runner.language.expression_work import Work
from runner.language.plain import is_plain
from runner.language.reads import Read, reads_of_template
from runner.language.secrets import OPEN
from runner.language.shapes import LeafFault, Path, Reference, ShapeFault, placed, unknown_root
from runner.language.template_calls import check_callees
from runner.language.template_environment import Environment, Generator, text
from runner.language.template_syntax import checked, explained, fault_of, references_of
from runner.language.template_values import Missing, Secrets, data
from runner.language.weight import weigh
from runner.values import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.language.scope import Scope
    from runner.language.secrets import SecretSlots
    from runner.values import Json

MAX_SOURCE = 64 * 1024  # characters of one template (language.md)
MAX_OUTPUT = 1024 * 1024  # about bytes of a whole shape (language.md)
CACHED = 4096  # shapes: some five hundred workflows

TEXTS = Environment()
HTML = Environment(is_html=True)
VALUES = Environment(keeps_value=True)
HTML_VALUES = Environment(is_html=True, keeps_value=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Leaf:
    """One compiled text; `names` are all that it takes from the context."""

    path: Path
    template: Template
    names: frozenset[str]
    keeps_value: bool
    is_html: bool
    is_plain: bool


Compiled: TypeAlias = "_Leaf | dict[str, Compiled] | list[Compiled] | str | float | bool | None"


@dataclass(frozen=True, slots=True, eq=False)
class TemplateShape:
    """
    JSON whose every text is a template; other leaves are constants.

    `is_plain`: it may be rendered in the engine's own process. `html` names the top-level keys
    whose expressions are escaped; `drop_null` leaves top-level entries out that render to null.
    `names` are the roots with the functions whose names a scope might have taken over.
    """

    source: Json
    html: frozenset[str]
    drop_null: bool
    is_plain: bool
    references: tuple[Reference, ...]
    names: frozenset[str]
    _compiled: Compiled = field(repr=False)
    reads: tuple[Read, ...] = field(default=(), repr=False)

    @property
    def roots(self) -> frozenset[str]:
        """The names of the root that it reads."""
        return frozenset(one.name for one in self.references if one.kind == "root")

    @property
    def step_ids(self) -> frozenset[str]:
        """The ids that it reads as `steps.<id>` or `outcomes.<id>`."""
        return frozenset(one.name for one in self.references if one.kind in ("step", "outcome"))

    @property
    def secret_names(self) -> frozenset[str]:
        """The secrets that it puts in."""
        return frozenset(one.name for one in self.references if one.kind == "secret")

    def render(self, scope: Scope) -> Json:
        """
        Give the shape with each template's value in its place, in this process.

        A shape that is not plain is bounded only by the process: it belongs in the evaluator.

        Raises:
            ExpressionError: a name that does not exist, or values that do not fit; the leaf's
                place stands before the message.
            LimitExceeded: too heavy values, or more output than MAX_OUTPUT.
        """
        names = _visible(self.names, scope)
        budget = Work(scope)
        value = self._render(self._compiled, names, scope, budget)
        try:
            weigh(value, MAX_OUTPUT, node=2, bound=MAX_OUTPUT)
        except LimitExceeded as error:
            raise LimitExceeded(f"the output is too large: {error}") from None
        if isinstance(value, dict):
            if isinstance(self._compiled, _Leaf) and self.html:
                value = {key: _escaped(one) if key in self.html else one for key, one in value.items()}
            if self.drop_null:
                value = {key: one for key, one in value.items() if one is not None}
        return value

    def _render(self, compiled: Compiled, names: dict[str, Json], scope: Scope, budget: Work) -> Json:
        if isinstance(compiled, _Leaf):
            try:
                return _rendered(compiled, names, scope, budget)
            except ExpressionError as error:
                raise placed(compiled.path, error) from None
        if isinstance(compiled, dict):
            return {key: self._render(one, names, scope, budget) for key, one in compiled.items()}
        if isinstance(compiled, list):
            return [self._render(one, names, scope, budget) for one in compiled]
        return compiled


def compile_template(
    source: Json, *, html: frozenset[str] = frozenset(), drop_null: bool = False
) -> TemplateShape:
    """
    Compile every text of *source*; the parameters are the shape's fields.

    Raises:
        ShapeFault: with the faults of all leaves.
    """
    return _shape(dumps(source), html, drop_null)


@lru_cache(maxsize=CACHED)
def _shape(text: str, html: frozenset[str], drop_null: bool) -> TemplateShape:
    source = loads(text.encode())
    faults: list[LeafFault] = []
    references: list[Reference] = []
    reads: list[Read] = []
    leaves: list[_Leaf] = []

    def compiled(one: Json, path: Path) -> Compiled:
        if isinstance(one, dict):
            return {key: compiled(each, (*path, key)) for key, each in one.items()}
        if isinstance(one, list):
            return [compiled(each, (*path, index)) for index, each in enumerate(one)]
        if not isinstance(one, str) or not any(mark in one for mark in ("{{", "{%", "{#")):
            return one  # type: ignore[no-any-return]  # a constant: text, number, true, false, null
        try:
            leaf, named, followed = _leaf(one, path, is_html=bool(path) and path[0] in html)
        except TemplateSyntaxError as error:
            faults.append(fault_of(error, one, path))
            return None
        leaves.append(leaf)
        references.extend(named)
        reads.extend(replace(each, path=path) for each in followed)
        return leaf

    tree = compiled(source, ())
    if faults:
        raise ShapeFault(faults)
    return TemplateShape(
        source=source,
        html=html,
        drop_null=drop_null,
        is_plain=all(one.is_plain for one in leaves),
        references=tuple(references),
        names=frozenset().union(*(one.names for one in leaves)),
        _compiled=tree,
        reads=tuple(reads),
    )


def _leaf(source: str, path: Path, *, is_html: bool) -> tuple[_Leaf, list[Reference], tuple[Read, ...]]:
    """
    Compile one text; what it refers to and follows.

    Raises:
        TemplateSyntaxError: not Jinja, or more of Jinja than we allow.
    """
    if len(source) > MAX_SOURCE:
        raise TemplateSyntaxError(f"the template is longer than {MAX_SOURCE // 1024} KiB", 1)
    environment = HTML if is_html else TEXTS
    try:
        tree = checked(_parsed(environment, source))
        only = _only_expression(tree)
        if only is not None:
            environment = HTML_VALUES if is_html else VALUES
            tree.body = [nodes.Output([only], lineno=only.lineno)]
            tree.set_environment(environment)
        generator = Generator(environment)
        code = compile(generator.code(tree), "<template>", "exec")
    except (RecursionError, MemoryError, SyntaxError):  # Python has its own bounds on nesting
        raise TemplateSyntaxError("the template is nested too deep", 1) from None
    template = environment.template_class.from_code(environment, code, environment.globals)
    names = frozenset(generator.resolved)
    roots = names - environment.globals.keys()
    check_callees(tree, roots)
    references = list(references_of(tree, source, path, roots))
    names |= {one.name for one in references if one.kind == "root"}  # a key reads by `$`, too
    leaf = _Leaf(path, template, names, only is not None, is_html, is_plain(tree))
    return leaf, references, reads_of_template(tree, source, roots)


def _parsed(environment: Environment, source: str) -> nodes.Template:
    r"""The tree of *source*. `'\d'` is what people write for a pattern, and Python's codec warns of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return environment.parse(source)
        except TemplateSyntaxError as error:
            raise explained(error, source) from None


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that is one `{{ … }}` and white space."""
    parts = [part for one in tree.body if isinstance(one, nodes.Output) for part in one.nodes]
    if any(not isinstance(one, nodes.Output) for one in tree.body):
        return None
    meant = [one for one in parts if not (isinstance(one, nodes.TemplateData) and not one.data.strip())]
    return meant[0] if len(meant) == 1 and not isinstance(meant[0], nodes.TemplateData) else None


def _visible(read: frozenset[str], scope: Scope) -> dict[str, Json]:
    """All that a template reads by name; what does not exist says so when it is used."""
    names: dict[str, Json] = {}
    for name in read:
        if name == "secrets" and scope.secrets is not None:
            names[name] = Secrets(scope.secrets.slots())
        elif name in scope.names:
            names[name] = scope.names[name]
        elif name in TEXTS.globals:
            names[name] = TEXTS.globals[name]
        else:
            names[name] = Missing(hint=unknown_root(name, scope.names))
    return names


def _rendered(leaf: _Leaf, names: dict[str, Json], scope: Scope, budget: Work) -> Json:
    environment: Any = leaf.template.environment
    context: Any = environment.context_class(environment, names)
    context.scope, context.budget = scope, budget
    try:
        parts = leaf.template.root_render_func(context)
        if leaf.keeps_value:
            value: Json = next(parts)
            result = data(budget, value)
            if leaf.is_html and result is not None:
                result = str(text(context, value))
        else:
            result = _joined(parts)
    except UndefinedError as error:
        raise ExpressionError(str(error)) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ExpressionError(f"this cannot be rendered: {str(error)[:200]}") from None
    except RecursionError:
        raise LimitExceeded("the template or a value is nested too deep") from None
    if "secrets" in leaf.names and scope.secrets is not None:
        _refuse_broken_slots(result, scope.secrets)
    return result


def _joined(parts: Iterator[Json]) -> str:
    length = 0
    texts = []
    for part in parts:
        text = part if isinstance(part, str) else str(part)  # a filter block gives what it likes
        length += len(text)
        if length > MAX_OUTPUT:
            raise LimitExceeded(f"the output is larger than {MAX_OUTPUT // 1024} KiB")
        texts.append(text)
    return "".join(texts)


def _refuse_broken_slots(value: Json, secrets: SecretSlots) -> None:
    """A secret that something has cut or changed would be sent as the rest of its slot."""
    text = value if isinstance(value, str) else dumps(value)
    whole = sum(text.count(slot) for slot in secrets.slots().values())
    if whole != text.count(f"{OPEN}{secrets.nonce[:4]}"):
        raise ExpressionError("a secret can only be put in as it is")


def _escaped(value: Json) -> Json:
    if isinstance(value, str):
        return str(escape(value))
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    if isinstance(value, dict):
        return {key: _escaped(one) for key, one in value.items()}
    return value
