"""
JMESPath with our additions: text → syntax tree. Source: jmespath.org/specification.html.

Added: `$` (the root), bare numbers, `true`, `false` and `null`, and infix `+ - * / %`. A node of
a name or a literal carries its `column`, from 1. Nesting is bounded on the tokens, before the
recursive parser.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias

from jmespath import lexer, parser
from jmespath.exceptions import IncompleteExpressionError, JMESPathError, LexerError, ParseError

from runner.errors import LanguageError
from runner.language.traps import Mend, expression_trap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PackageLexer: Any = lexer.Lexer
_PackageParser: Any = parser.Parser

Token: TypeAlias = dict[str, Any]
Node: TypeAlias = dict[str, Any]

MAX_SOURCE = 16 * 1024  # characters (language.md)
MAX_FRAMES = 560  # of the recursive parser, of Python's thousand
MAX_TREE = 128  # levels of the tree, at most five frames of its closures each

SIGNS = {"+": "plus", "-": "minus", "/": "divide", "%": "modulo"}  # `*` is told apart by its place
ARITHMETIC = {"plus": "+", "minus": "-", "multiply": "*", "divide": "/", "modulo": "%"}
LITERALS = {"true": True, "false": False, "null": None}
OPERAND_ENDS = frozenset({
    "unquoted_identifier", "quoted_identifier", "literal", "number", "rparen", "rbracket",
    "rbrace", "flatten", "current", "root", "star",
})  # fmt: skip
OPENING = frozenset({"lparen", "lbracket", "lbrace", "filter"})
CLOSING = frozenset({"rparen", "rbracket", "rbrace"})
PROJECTION = 4
NESTING_FRAMES = {"not": 2, "expref": 2, "star": PROJECTION, "flatten": PROJECTION, "colon": PROJECTION}
OPERATOR_FRAMES = {
    "comma": 3, "pipe": 5, "or": 7, "and": 9,
    "eq": 11, "ne": 11, "lt": 11, "lte": 11, "gt": 11, "gte": 11,
    "plus": 13, "minus": 13, "multiply": 15, "divide": 15, "modulo": 15,
}  # fmt: skip


class ExpressionFault(LanguageError):
    """
    An expression cannot be compiled; `column` counts from 1, `hint` is the way out or empty, `code` the
    fault's, `mend` what is certain to mend it.
    """

    def __init__(
        self, message: str, column: int, hint: str = "", *, code: str = "expression", mend: Mend | None = None
    ) -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.column = column
        self.hint = hint
        self.code = code
        self.mend = mend


def parse(source: str) -> Node:
    """
    The syntax tree of *source*.

    Raises:
        ExpressionFault: too long, nested too deep, or no JMESPath; with the mend of the traps
            that people step into.
    """
    if len(source) > MAX_SOURCE:
        raise ExpressionFault(f"the expression is longer than {MAX_SOURCE // 1024} KiB", 1)
    if "{{" in source and "}}" in source:
        raise _braces(source)
    if not source.strip():
        raise ExpressionFault("the expression is empty", 1)
    try:
        return _parsed(source)
    except ExpressionFault as fault:
        trap = expression_trap(source) if fault.code == "expression" and not fault.hint else None
        if trap is None:
            raise
        raise ExpressionFault(
            trap.message, trap.start + 1, trap.hint, code=trap.code, mend=trap.mend
        ) from None


def _parsed(source: str) -> Node:
    try:
        tokens = list(_Lexer().tokenize(source))
    except LexerError as error:
        raise _lexical(source, error) from None
    except (ValueError, RecursionError) as error:
        raise ExpressionFault(f"a literal cannot be read: {error}", 1) from None
    _bound_nesting(tokens)
    try:
        tree = _Parser(tokens).tree()
    except IncompleteExpressionError:
        raise ExpressionFault("the expression ends too early", len(source)) from None
    except ParseError as error:
        raise _syntactic(tokens, error) from None
    except JMESPathError as error:
        raise ExpressionFault(str(error), 1) from None
    except RecursionError:
        raise ExpressionFault("the expression is nested too deep", 1) from None
    _bound_tree(tree)
    return tree


class _Lexer(_PackageLexer):  # type: ignore[misc]  # the stubs hide the inside, which is pinned
    """The package's lexer, with `$`, the signs, decimals, and no deprecation warning."""

    SIMPLE_TOKENS: ClassVar = {**lexer.Lexer.SIMPLE_TOKENS, "$": "root", **SIGNS}

    def tokenize(self, expression: str) -> Iterator[Token]:
        ends_operand = False
        tokens = list(super().tokenize(expression))
        rest = iter(range(len(tokens)))
        for index in rest:
            token: Token = tokens[index]
            if token["type"] == "minus" and not ends_operand and _touches(tokens, index, "number"):
                token = {**tokens[index + 1], "start": token["start"]}
                token["value"] = -token["value"]
                next(rest)
                index += 1  # noqa: PLW2901  # the sign and its number are one token
            if token["type"] == "number" and _is_decimal(tokens, index):
                end = tokens[index + 2]["end"]
                value = float(expression[token["start"] : end])
                token = {**token, "type": "literal", "value": value, "end": end}
                next(rest)
                next(rest)
            elif token["type"] == "star" and ends_operand:
                token = {**token, "type": "multiply"}  # a wildcard never follows an operand
            elif token["type"] == "minus":
                _refuse_dash(tokens, index)
            ends_operand = token["type"] in OPERAND_ENDS
            yield token

    def _consume_literal(self) -> Token:
        start: int = self._position
        text: str = self._consume_until("`").replace("\\`", "`")
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except ValueError:
            try:
                value = json.loads(f'"{text.lstrip()}"')  # a bare word: JEP 12 kept it as a text
            except ValueError:
                raise LexerError(start, text, "not JSON") from None
        return {"type": "literal", "value": value, "start": start, "end": self._position}


def _touches(tokens: list[Token], index: int, kind: str) -> bool:
    after = tokens[index + 1]  # eof ends the list, and is no sign
    return bool(after["type"] == kind and after["start"] == tokens[index]["end"])


def _is_decimal(tokens: list[Token], index: int) -> bool:
    return _touches(tokens, index, "dot") and _touches(tokens, index + 1, "number")


def _refuse_dash(tokens: list[Token], index: int) -> None:
    """`first-name` without spaces is a field's name to whoever writes it, not a subtraction."""
    before, after = tokens[index - 1], tokens[index + 1]
    if (
        index
        and before["type"] == after["type"] == "unquoted_identifier"
        and before["end"] == tokens[index]["start"]
        and _touches(tokens, index, "unquoted_identifier")
    ):
        name = f"{before['value']}-{after['value']}"
        raise ExpressionFault(f"`{name}` would subtract", before["start"] + 1)


def _arithmetic(kind: str) -> Callable[[Any, Node], Node]:
    def led(self: Any, left: Node) -> Node:
        right = self._expression(self.BINDING_POWER[kind])
        return {"type": "arithmetic", "children": [left, right], "value": ARITHMETIC[kind]}

    return led


class _Parser(_PackageParser):  # type: ignore[misc]  # the stubs hide the inside, which is pinned
    """The package's parser over our tokens, without its cache (which all parsers share)."""

    # above the comparisons, below what stops a projection; `!` below the dot, as the specification
    # has it, where the package makes (!a).b of !a.b, which is never true
    BINDING_POWER: ClassVar = {
        **parser.Parser.BINDING_POWER,
        "not": 8,
        "root": 0, "plus": 6, "minus": 6, "multiply": 7, "divide": 7, "modulo": 7,
    }  # fmt: skip

    _token_led_plus = _arithmetic("plus")
    _token_led_minus = _arithmetic("minus")
    _token_led_multiply = _arithmetic("multiply")
    _token_led_divide = _arithmetic("divide")
    _token_led_modulo = _arithmetic("modulo")

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__()
        self._tokens = tokens

    def tree(self) -> Node:
        tree: Node = self._expression()
        if self._current_token() != "eof":
            self._raise_parse_error_for_token(self._lookahead_token(0), "unexpected")
        return tree

    def _token_nud_root(self, _token: Token) -> Node:
        return {"type": "root", "children": []}

    def _token_nud_number(self, token: Token) -> Node:
        return _name({"type": "literal", "value": token["value"], "children": []}, token)

    def _token_nud_literal(self, token: Token) -> Node:
        return _name(super()._token_nud_literal(token), token)

    def _token_nud_unquoted_identifier(self, token: Token) -> Node:
        follows_dot = self._index > 1 and self._lookahead(-2) == "dot"
        if token["value"] in LITERALS and not follows_dot:
            return _name({"type": "literal", "value": LITERALS[token["value"]], "children": []}, token)
        return _name({"type": "field", "value": token["value"], "children": []}, token)

    def _token_nud_quoted_identifier(self, token: Token) -> Node:
        node: Node = super()._token_nud_quoted_identifier(token)
        return {**_name(node, token), "is_quoted": True}

    def _token_nud_lbracket(self, token: Token) -> Node:
        if self._current_token() == "number" and self._lookahead(1) == "comma":
            listed: Node = self._parse_multi_select_list()  # `[1, 2]`
            return listed
        node: Node = super()._token_nud_lbracket(token)
        return node

    def _token_led_lparen(self, left: Node) -> Node:
        call: Node = super()._token_led_lparen(left)
        return {**call, "column": left.get("column", 1)}


def _name(node: Node, token: Token) -> Node:
    return {**node, "column": token["start"] + 1}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _bound_nesting(tokens: list[Token]) -> None:
    """Refuse what would take the recursive parser near Python's limit, by counting its frames."""
    levels = [0]  # for each open bracket the frames that stand inside it
    opened: list[str] = []
    for token in tokens:
        kind = token["type"]
        if kind in OPENING:
            opened.append(kind)
            levels.append(3)
        elif kind in CLOSING and opened:
            inside = levels.pop()
            is_projection = opened.pop() == "filter" or inside >= PROJECTION
            levels[-1] += PROJECTION if is_projection and kind == "rbracket" else 0
        elif kind in OPERATOR_FRAMES:
            levels[-1] = OPERATOR_FRAMES[kind]  # all that bound tighter before it has returned
        else:
            levels[-1] += NESTING_FRAMES.get(kind, 0)
        if sum(levels) > MAX_FRAMES:
            raise ExpressionFault("the expression is nested too deep", token["start"] + 1)


def _bound_tree(tree: Node) -> None:
    layer = [tree]
    for _ in range(MAX_TREE):
        layer = [one for node in layer for one in node["children"] if isinstance(one, dict)]
        if not layer:
            return
    raise ExpressionFault(f"more than {MAX_TREE} operators stand in one chain", 1)


def _braces(source: str) -> ExpressionFault:
    column = (source.find("${{") + 1) or (source.find("{{") + 1)
    whole = re.fullmatch(r"(\s*)(\$?\{\{\s*((?:(?!\}\}).)*?)\s*\}\})\s*", source, re.DOTALL)
    mend = Mend(whole.start(2), whole.end(2), whole[3]) if whole else None
    message, hint = "this is an expression, not a template", "write it without the braces"
    return ExpressionFault(message, column, hint, code="braces", mend=mend)


def _lexical(source: str, error: LexerError) -> ExpressionFault:
    position: int = error.lexer_position
    column = position + 1
    if source[position:column] in {"'", '"', "`"}:
        return ExpressionFault("what begins here is not closed or cannot be read", column)
    return ExpressionFault(f"`{str(error.lexer_value)[:20]}` is no part of JMESPath", column)


def _syntactic(tokens: list[Token], error: ParseError) -> ExpressionFault:
    at = next((i for i, one in enumerate(tokens) if one["start"] == error.lex_position), 0)
    token = tokens[at]
    column: int = token["start"] + 1
    if token["type"] == "eof":
        return ExpressionFault("the expression ends too early", column - 1)
    return ExpressionFault(f"`{str(token['value'])[:20]}` does not fit here", column)
