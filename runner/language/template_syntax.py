"""What of Jinja's syntax is allowed, where its faults stand, and which names a template reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes

from runner.language.shapes import LeafFault, Path, Reference
from runner.language.suggest import nearest, surely
from runner.language.template_calls import CallFault, check_call, column_of, read_by_keys
from runner.language.template_filters import FILTERS, TESTS
from runner.language.traps import Mend, template_trap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.language.shapes import Kind

MAX_DEPTH = 80  # levels of the tree; Python compiles some two hundred brackets in one another
STATEMENTS = (
    nodes.Output, nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.Macro,
    nodes.CallBlock, nodes.FilterBlock, nodes.With,
)  # fmt: skip
HIDDEN = frozenset({"self", "super"})  # Jinja's own objects
NAMED: dict[str, Kind] = {
    "steps": "step", "outcomes": "outcome", "vars": "var", "secrets": "secret",
}  # fmt: skip
RESUME_URL = "resume_url"
TAGS = (
    "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "call", "endcall",
    "filter", "endfilter", "with", "endwith",
)  # fmt: skip
OPEN_BLOCK = re.compile("innermost block that needs to be closed is '(\\w+)'")
ONE_BRACE = re.compile(r"\{\{[^{}]*(\})(?!\})")
AT = re.compile(r" at \d+$")
EXPECTED = re.compile("expected token '(.*?)', got '(.*?)'")
UNKNOWN_TAG = re.compile("unknown tag '(\\w+)'")
QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


def checked(tree: nodes.Template) -> nodes.Template:
    """
    Let *tree* through if it holds nothing but what language.md allows.

    Raises:
        TemplateSyntaxError: another statement, an unknown filter or test, a hidden name, a secret
            whose name is not written out, or nesting past MAX_DEPTH.
    """
    layer: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        below: list[nodes.Node] = []
        for node in layer:
            _check(node)
            below.extend(node.iter_child_nodes())
        if not below:
            _check_secrets(tree)
            _check_resume_urls(tree)
            return tree
        layer = below
    raise TemplateSyntaxError("the template is nested too deep", 1)


class TemplateFault(TemplateSyntaxError):
    """
    A fault of a known kind: `offset` (from 0, -1: not known) is where it stands in the source; `better`
    is what should stand for the name `wrong`, which is sought in its line where there is no `mend`.
    """

    def __init__(
        self,
        message: str,
        line: int,
        code: str,
        *,
        offset: int = -1,
        mend: Mend | None = None,
        wrong: str = "",
        better: str | None = None,
    ) -> None:
        super().__init__(message, line)
        self.code = code
        self.offset = offset
        self.mend = mend
        self.wrong = wrong
        self.better = better


def explained(error: TemplateSyntaxError, source: str) -> TemplateSyntaxError:
    """What Jinja says of *source* in words that help: a trap that it stepped into, or what is not closed."""
    trap = template_trap(source)
    if trap is not None:
        message = f"{trap.message}; {trap.hint}" if trap.hint else trap.message
        line = _line_of(source, trap.start)
        return TemplateFault(message, line, trap.code, offset=trap.start, mend=trap.mend)
    said = error.message or ""
    open_block = OPEN_BLOCK.search(said)
    if said.startswith(("unexpected end of template", "Unexpected end of template")):
        name = open_block[1] if open_block else ""
        if open_block is None:
            at = max(source.rfind("{{"), source.rfind("{%"))
            way_out = "}}" if source[at : at + 2] == "{{" else "%}"
            message = f"`{source[at : at + 2]}` is not closed; write {way_out} where it ends"
        else:
            at = max((one.start() for one in re.finditer(r"\{%-?\s*" + name, source)), default=0)
            message = f"`{{% {name} %}}` is not closed; write {{% end{name} %}} where it ends"
        return TemplateFault(message, _line_of(source, at), "unclosed", offset=at)
    if open_brace := ONE_BRACE.search(source):
        at = open_brace.start(1)
        message = "`{{` is closed with one brace; write }}"
        return TemplateFault(
            message, _line_of(source, at), "unclosed", offset=at, mend=Mend(at, at + 1, "}}")
        )
    plain = AT.sub("", said)
    if plain.startswith("expected token"):
        found = EXPECTED.search(plain)
        plain = f"'{found[2]}' does not fit here" if found else plain
    elif plain.startswith("unexpected '"):
        plain = f"{plain.replace('unexpected ', '')} does not fit here"
    elif unknown := UNKNOWN_TAG.search(plain):
        close = nearest(unknown[1], TAGS)
        hint = f"; did you mean {{% {close} %}}?" if close else ""
        plain = f"there is no tag '{unknown[1]}'{hint}"
    return TemplateFault(plain, error.lineno, "expression")


def fault_of(error: TemplateSyntaxError, source: str, path: Path) -> LeafFault:
    """Jinja's finding with the column of what it names, as near as Jinja lets us know."""
    message, _, hint = (error.message or "this is not a template").partition("; ")
    if isinstance(error, TemplateFault):
        offset, mend = error.offset, error.mend
        if offset < 0:
            start = sum(len(one) + 1 for one in source.split("\n")[: error.lineno - 1])
            offset = start + _column(source, error.lineno, message) - 1
            if error.better is not None and source[offset:].startswith(error.wrong):
                mend = Mend(offset, offset + len(error.wrong), error.better)
        column = offset - (source.rfind("\n", 0, offset) + 1) + 1
        return LeafFault(path, _line_of(source, offset), column, message, hint, error.code, mend)
    if isinstance(error, CallFault):
        column = column_of(source, error.literal, error.offset)
    else:
        column = _column(source, error.lineno, message)
    return LeafFault(path, error.lineno, column, message, hint, getattr(error, "code", "expression"))


def _line_of(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1


def references_of(
    tree: nodes.Template, source: str, path: Path, roots: frozenset[str]
) -> Iterator[Reference]:
    """What *tree* reads: of *roots*, which are the names it takes from outside, and below them."""
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name in roots:
            yield Reference("root", name.name, _column_of(source, name.lineno, name.name), name.lineno, path)
    for call in tree.find_all(nodes.Call):
        if _is_resume_url(call):
            identity = call.args[0].as_const()
            quoted = re.search(rf"""["']{re.escape(identity)}["']""", _line(source, call.lineno))
            column = quoted.start() + 2 if quoted else 1
            yield Reference("resume", identity, column, call.lineno, path)
    for owner, field in _fields(tree):
        if owner.name in NAMED and owner.name in roots:
            column = _column_of(source, owner.lineno, field)
            yield Reference(NAMED[owner.name], field, column, owner.lineno, path)
    yield from read_by_keys(tree, source, path)


def _check(node: nodes.Node) -> None:
    line = node.lineno or 1  # Jinja gives some of its own nodes none
    if isinstance(node, nodes.Stmt) and not isinstance(node, STATEMENTS):
        name = "autoescape" if isinstance(node, nodes.Scope) else type(node).__name__.lower()
        raise TemplateSyntaxError(f"`{name}` is not part of our templates", line)
    if isinstance(node, (nodes.NSRef, nodes.InternalName, nodes.ContextReference)):
        raise TemplateSyntaxError("a field cannot be set", line)
    if isinstance(node, nodes.Name) and (node.name in HIDDEN or node.name.startswith("_")):
        raise TemplateSyntaxError(f"`{node.name}` is no name that a template may use", line)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise _unknown("filter", node.name, FILTERS, line)
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise _unknown("test", node.name, TESTS, line)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        raise _method(node, line)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Tuple) and not node.arg.items:
        hint = "write `| map(attribute='name')` for a field of each item"
        raise TemplateFault(f"'[]' is JMESPath, and this is a template; {hint}", line, "jmespath")
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Const):
        message = f"'{node.node.value}.{node.attr}' is how Make names a module's output"
        raise TemplateFault(f"{message}; in Hookline: `steps.<id>.{node.attr}`", line, "dialect")
    check_call(node)


def _check_secrets(tree: nodes.Template) -> None:
    """Which secrets a template uses must be seen without running it."""
    written = {id(owner) for owner, _ in _fields(tree)}
    for name in tree.find_all(nodes.Name):
        if name.name == "secrets" and (name.ctx != "load" or id(name) not in written):
            raise TemplateSyntaxError("a secret's name must be written out; write secrets.NAME", name.lineno)


def _check_resume_urls(tree: nodes.Template) -> None:
    """Which step's address is meant must be seen without running the template."""
    calls = [id(call.node) for call in tree.find_all(nodes.Call) if _is_resume_url(call)]
    for name in tree.find_all(nodes.Name):
        if name.name == RESUME_URL and id(name) not in calls:
            message = f"{RESUME_URL} takes the id of a step, written out; write {RESUME_URL}('approval')"
            raise TemplateSyntaxError(message, name.lineno)


def _is_resume_url(call: nodes.Call) -> bool:
    """Whether it is `resume_url('<id>')`."""
    return (
        isinstance(call.node, nodes.Name)
        and call.node.name == RESUME_URL
        and len(call.args) == 1
        and isinstance(call.args[0], nodes.Const)
        and isinstance(call.args[0].value, str)
        and not (call.kwargs or call.dyn_args or call.dyn_kwargs)
    )


def _fields(tree: nodes.Template) -> Iterator[tuple[nodes.Name, str]]:
    """Each `name.field` and `name['field']`."""
    for one in tree.find_all(nodes.Getattr):
        if isinstance(one.node, nodes.Name):
            yield one.node, one.attr
    for item in tree.find_all(nodes.Getitem):
        if (
            isinstance(item.node, nodes.Name)
            and isinstance(item.arg, nodes.Const)
            and isinstance(item.arg.value, str)
        ):
            yield item.node, item.arg.value


def _method(call: nodes.Call, line: int) -> TemplateFault:
    """A call of a value's method: no value has any."""
    assert isinstance(call.node, nodes.Getattr)
    name = call.node.attr
    known = METHODS.get(name) or (name if name in FILTERS else nearest(name, FILTERS))
    has_none = not (call.args or call.kwargs or call.dyn_args or call.dyn_kwargs)
    hint = f"; write `| {known}`" if known else "; a field is written without ()"
    sure = known if has_none and known and (name in METHODS or name == known) else None
    message = f"no method of a value can be called: '.{name}()'{hint}"
    return TemplateFault(message, line, "method", wrong=f".{name}()", better=sure and f" | {sure}")


METHODS = {"toLowerCase": "lower", "toUpperCase": "upper", "strip": "trim", "items": "dictsort",
           "toString": "string", "downcase": "lower", "upcase": "upper"}  # fmt: skip


def _unknown(kind: str, name: str, known: Collection[str], line: int) -> TemplateSyntaxError:
    close = nearest(name, known)
    hint = f"; did you mean `{close}`?" if close else ""
    return TemplateFault(
        f"there is no {kind} '{name}'{hint}", line, "unknown-function", wrong=name, better=surely(name, known)
    )


def _column(source: str, line: int, message: str) -> int:
    text = _line(source, line)
    for match in QUOTED.finditer(message):
        column = text.find(match[1] or match[2]) + 1
        if column:
            return column
    return max(min((text.find(mark) for mark in ("{{", "{%") if mark in text), default=0), 0) + 1


def _column_of(source: str, line: int, name: str) -> int:
    match = re.search(rf"(?<![\w.]){re.escape(name)}\b|{re.escape(name)}", _line(source, line))
    return match.start() + 1 if match else 1


def _line(source: str, line: int) -> str:
    lines = source.split("\n")
    return lines[line - 1] if 0 < line <= len(lines) else ""
