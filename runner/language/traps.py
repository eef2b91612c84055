"""
The traps of the two languages, and what other products write: looked for in a text that does not
compile, so that its fault says what is written here instead, with the mend where it is certain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.language.scope import ROOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`""")
PLAIN_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
DASHED = re.compile(r"(?P<dot>\.\s*)?(?<![\w'\"-])(?P<name>[A-Za-z_]\w*(?:-[A-Za-z_]\w*)+)")


@dataclass(frozen=True, slots=True)
class Mend:
    """What is certain to mend a text: its characters from `start` to `end` (from 0) written as `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Trap:
    """What stands in a text from the character `start` (from 0) on, its code, sentence and way out."""

    start: int
    code: str
    message: str
    hint: str
    mend: Mend | None = None


def expression_trap(source: str) -> Trap | None:
    """The first trap in a JMESPath that does not compile, or None."""
    return _first([*_foreign(source), *_in_expression(source, _bare(source))])


def template_trap(source: str) -> Trap | None:
    """The first trap in a Jinja template that does not compile, or None."""
    found: list[Trap] = list(_blocks(source))
    for start, inside in _inner(source):
        found += [_moved(one, start) for one in (*_foreign(inside), *_in_template(inside, _bare(inside)))]
    return _first(found)


def dashed_name(source: str, at: int) -> tuple[str, int, int] | None:
    """
    The name with dashes in which character *at* (from 0) stands, such as `x-github-event`, with where it
    begins, its dot included, and where it ends; None where there is none.
    """
    for found in DASHED.finditer(source):
        if found.start("name") <= at < found.end():
            return found["name"], found.start(), found.end()
    return None


def foreign_field(name: str, rest: str) -> str | None:
    """What `$json.<rest>` of an n8n webhook is called here: its `body`, `headers`, `query` and `params`."""
    parts = rest.strip(".").split(".", 1)
    behind = f".{parts[1]}" if len(parts) > 1 else ""
    if name != "json":
        return None
    return {
        "body": f"payload{behind}",
        "headers": f"event.headers{behind}",
        "query": f"event.query{behind}",
    }.get(parts[0])


N8N = re.compile(
    r"\$(?P<name>json|node|input|env|vars|now|today|workflow|execution|item|items|prevNode|runIndex|itemIndex)"
    r"\b(?P<rest>(?:\.\w+)*)"
)
N8N_NODE = re.compile(r"\$\(\s*(?:'[^']*'|\"[^\"]*\")\s*\)(?:\.(?:item|first\(\)|last\(\)|all\(\)|json))*")
N8N_WORDS = {
    "json": "`payload` is the body that came in, `steps.<id>` the output of a step",
    "node": "`steps.<id>` is the output of a step",
    "input": "`payload` is the body that came in, `steps.<id>` the output of a step",
    "env": "`vars.<name>` is a constant of the file; secrets stand only under an action's `with`",
    "vars": "`vars.<name>` is a constant of the file",
    "now": "`now()` is the time",
    "today": "`format_date(now(), '%Y-%m-%d')` is the day",
    "workflow": "`run.workflow` is its name",
    "execution": "`run.id` is the id of the run",
    "item": "`item` is the item inside `for_each`",
    "items": "`payload` is the body that came in, `steps.<id>` the output of a step",
    "prevNode": "`steps.<id>` is the output of a step",
    "runIndex": "`index` counts inside `for_each` and `repeat`",
    "itemIndex": "`index` counts inside `for_each` and `repeat`",
}


def _foreign(source: str) -> Iterator[Trap]:
    """n8n's names, which begin with a dollar."""
    for found in N8N_NODE.finditer(source):
        hint = "give that step an `id`, and write `steps.<id>.<field>`: its output is not wrapped"
        yield Trap(found.start(), "dialect", f"`{found[0][:40]}` is how n8n names a step's output", hint)
    for found in N8N.finditer(source):
        better = foreign_field(found["name"], found["rest"])
        mend = None
        if better:
            mend = Mend(found.start(), found.end(), better)
        elif found["name"] == "vars" and found["rest"]:
            better = f"vars{found['rest']}"
            mend = Mend(found.start(), found.end(), better)
        elif found["name"] == "now" and not found["rest"]:
            mend = Mend(found.start(), found.end(), "now()")
        hint = f"write `{better}`" if better else f"in Hookline: {N8N_WORDS[found['name']]}"
        yield Trap(found.start(), "dialect", f"`{found[0]}` is how n8n writes it", hint, mend)


OPERATORS = (  # what is written, what it is called, what to write, and by what it is replaced
    (re.compile("!=="), "`!==` is no operator", "write `!=`", "!="),
    (re.compile("==="), "`===` is no operator", "write `==`", "=="),
    (re.compile("<>"), "`<>` is no operator", "write `!=`", "!="),
    (re.compile("=~"), "`=~` is no operator", "write regex_search(text, 'pattern')", None),
    (re.compile("=<"), "`=<` is no operator", "write `<=`", "<="),
    (re.compile("=>"), "`=>` is no operator", "write `>=`", ">="),
)
OF_EXPRESSIONS = (
    (re.compile(r"(?<![=!<>])=(?![=~<>])"), "`=` is no operator", "to compare write `==`", "=="),
    (re.compile(r"\bis\s+not\s+(?:null|none|None)\b"), "`is not null` is no operator", "write `!= null`",
     "!= null"),
    (re.compile(r"\bis\s+(?:null|none|None)\b"), "`is null` is no operator", "write `== null`", "== null"),
    (re.compile(r"(?<=\s)not\s+in(?=[\s(\[])"), "`not in` is no operator here",
     "write `!contains(list, value)`", None),
    (re.compile(r"(?<=[\s)\]'\"`])and(?=[\s(!@'\"`])"), "`and` is no operator here", "write `&&`", "&&"),
    (re.compile(r"(?<=[\s)\]'\"`])or(?=[\s(!@'\"`])"), "`or` is no operator here", "write `||`", "||"),
    (re.compile(r"(?:(?<=[\s(!&|])|^)not\s+(?=\S)"), "`not` is no operator here", "write `!`", "!"),
    (re.compile(r"(?<=\s)in(?=[\s(\[])"), "`in` is no operator here", "write `contains(list, value)`", None),
    (re.compile(r"\?(?=[^:?\]]*:)(?<!\[\?)"), "`? :` is no operator",
     "write `condition && this || that`, or use a `template` with {{ this if condition else that }}", None),
)  # fmt: skip
OF_TEMPLATES = (
    (re.compile("&&"), "`&&` is no operator in a template", "write `and`", "and"),
    (re.compile(r"\|\|"), "`||` is no operator in a template", "write `or`, or `| default(…)`", "or"),
    (re.compile(r"(?<![=!<>|])!\s*(?=[\w(.])"), "`!` is no operator in a template", "write `not`", "not "),
    (re.compile(r"\?\?"), "`??` is no operator", "write `| default(…)`", None),
    (re.compile(r"\?\."), "`?.` is not needed", "write `.`, and `| default(…)` at the end", "."),
    (re.compile(r"\?(?=[^:?\]]*:)(?<!\[\?)"), "`? :` is no operator",
     "write `this if condition else that`", None),
)  # fmt: skip
CURLY = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'"}
BRACKETS = re.compile(r"\[\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|`\"(?P<literal>[^`\"]*)\"`)\s*\]")
DOT_INDEX = re.compile(r"(?:(?<=[A-Za-z_\])\"])|(?<=[A-Za-z_]\d))\.(\d+)(?!\w)")


def _in_expression(source: str, bare: str) -> Iterator[Trap]:
    yield from _operators(bare, (*OPERATORS, *OF_EXPRESSIONS))
    yield from _curly(source, "'")
    for found in BRACKETS.finditer(source):
        if bare[found.start()] != "[" or not re.search(r"[\w)\]\"]\s*$", source[: found.start()]):
            continue
        name = found["single"] or found["double"] or found["literal"] or ""
        better = f".{name}" if PLAIN_NAME.fullmatch(name) else f'."{name}"'
        yield Trap(
            found.start() + 1, "brackets", "a field is not taken with brackets", f"write {better}",
            Mend(found.start(), found.end(), better),
        )  # fmt: skip
    for found in DOT_INDEX.finditer(bare):
        hint = f"write [{found[1]}]"
        mend = Mend(found.start(), found.end(), f"[{found[1]}]")
        yield Trap(found.start() + 1, "brackets", "an item is taken with brackets", hint, mend)
    for found in DASHED.finditer(bare):
        name = found["name"]
        is_field = found["dot"] and name.split("-")[1] not in ROOTS and "[" not in bare
        quoted = Mend(found.start("name"), found.end(), f'"{name}"') if is_field else None
        hint = f'for the field write "{name}" in double quotes, to subtract put spaces around the minus'
        message = f"`{name}` would subtract"
        yield Trap(found.start("name"), "dashed-name", message, hint, quoted)


def _in_template(source: str, bare: str) -> Iterator[Trap]:
    yield from _operators(bare, (*OPERATORS, *OF_TEMPLATES))
    yield from _curly(source, "'")
    for found in re.finditer(r"\[(?:\?|\*?\])", bare):
        hint = (
            "write `| map(attribute='name')` for a field of each, `| where('name == 1')` for some of them, "
            "or make the list in a `transform` step"
        )
        yield Trap(found.start(), "jmespath", f"`{found[0]}` is JMESPath, and this is a template", hint)
    for found in re.finditer("`", source):
        if bare[found.start()] == "`":
            hint = "write a text in single quotes, and a number, true, false or null as it is"
            yield Trap(found.start(), "jmespath", "backticks are JMESPath, and this is a template", hint)


def _operators(bare: str, table: tuple[tuple[re.Pattern[str], str, str, str | None], ...]) -> Iterator[Trap]:
    for pattern, message, hint, text in table:
        for found in pattern.finditer(bare):
            mend = None if text is None else Mend(found.start(), found.end(), text)
            yield Trap(found.start(), "operator", message, hint, mend)


def _curly(source: str, straight: str) -> Iterator[Trap]:
    """The quotes of a word processor; the text between two of them is quoted anew."""
    marks = [index for index, one in enumerate(source) if one in CURLY]
    if not marks:
        return
    first, last = marks[0], marks[-1]
    text = source[first + 1 : last]
    mend = Mend(first, last + 1, f"'{text}'") if len(marks) == 2 and "'" not in text else None
    message = f"`{source[first]}` quotes nothing"
    yield Trap(first, "quotes", message, f"write straight quotes: {straight}{text[:20]}{straight}", mend)


HANDLEBARS = re.compile(r"\{\{\s*[#/^>]\s*(\w*)")
TRIPLE = re.compile(r"\{\{\{\s*(.*?)\s*\}\}\}")


def _blocks(source: str) -> Iterator[Trap]:
    """What Handlebars and Mustache write."""
    for found in HANDLEBARS.finditer(source):
        hint = "write `{% if … %} … {% endif %}` or `{% for one in … %} … {% endfor %}`"
        message = f"`{found[0].replace(' ', '')}` is of Handlebars"
        yield Trap(found.start() + 2, "dialect", message, hint)
    for found in TRIPLE.finditer(source):
        better = f"{{{{ {found[1]} }}}}"
        mend = Mend(found.start(), found.end(), better)
        hint = "write {{ … }}: texts are not escaped here"
        yield Trap(found.start(), "dialect", "{{{ … }}} is of Handlebars", hint, mend)


def _inner(source: str) -> Iterator[tuple[int, str]]:
    """What stands inside {{ … }} and {% … %}, with where it begins; of an unclosed one all the rest."""
    for found in re.finditer(r"\{\{(?!\{)(.*?)(?:\}\}|$)|\{%(.*?)(?:%\}|$)", source, re.DOTALL):
        group = 1 if found[1] is not None else 2
        yield found.start(group), found[group]


def _bare(source: str) -> str:
    """*source* with what stands in quotes blotted out, as long as before."""
    return QUOTED.sub(lambda one: one[0][0] + "_" * (len(one[0]) - 2) + one[0][-1], source)


def _first(found: list[Trap]) -> Trap | None:
    return min(found, key=lambda one: one.start, default=None)


def _moved(trap: Trap, by: int) -> Trap:
    mend = trap.mend and Mend(trap.mend.start + by, trap.mend.end + by, trap.mend.text)
    return Trap(trap.start + by, trap.code, trap.message, trap.hint, mend)
