"""
Unquoted texts that YAML reads as something else: the line as it should be, ready to paste.

`text: {{ x }}` is a mapping, `filter: 'a' == b` ends at the second quote, `title: Order: {{ x }}`
holds two colons. Each breaks the file; quoted for the author, the rest of it can be checked too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.language.faults import Fix

if TYPE_CHECKING:
    import yaml

KEY = r"""(?P<head>\s*(?:-\s+)*(?:[\w.-]+:\s+|-\s+))"""
TEMPLATE_LINE = re.compile(KEY + r"(?P<value>\{[{%].*)")
FLOW_LINE = re.compile(KEY + r"(?P<value>[\[{].*)")
FLOW_TEMPLATE = re.compile(r"(?<=[\[,:{])(\s*)(\{\{(?:[^{}'\"]|'[^']*'|\"[^\"]*\")*\}\})(?=\s*[,\]}])")
ANY_LINE = re.compile(KEY + r"(?P<value>\S.*)")
BLOCK_HEAD = re.compile(r".*[:-]\s+[|>][-+0-9]*\s*(?:#.*)?")
TRAILING_COMMENT = re.compile(r"\s+#(?:\s.*)?$")
TROUBLE = re.compile(r"""^[!&*@`%|>\]},]|^(?P<quote>['"]).*(?P=quote)\s*\S|:\s|:$|^-\s|^\?\s""")

GLUED = re.compile(r"^(\s*(?:-\s+)*[\w.-]+:)([^\s/:].*)$")

TEMPLATE = "unquoted, {{ begins a mapping in YAML"
OTHER = "unquoted, this is not one text in YAML"
WORDS = {  # what libyaml says → what a person can act on
    "mapping values are not allowed": (
        'a ":" is not expected here',
        'quote a text that holds ": ", and look at the indentation',
    ),
    "block sequence entries are not": ('a "-" is not expected here', "begin the list on a line of its own"),
    "did not find expected key": (
        "the indentation or the quotes do not fit here",
        "keys of one mapping begin in one column; quote a text that goes on after a closing quote",
    ),
    "did not find expected '-'": (
        "this is neither an item of the list above nor outside of it",
        "items of one list begin in one column",
    ),
    "found unexpected end of stream": ("a quote is opened and never closed", "close it"),
    "did not find expected ',' or": (
        "the [ or { that is opened above is not closed here",
        "close it, or quote a text that holds it",
    ),
    "found undefined alias": ("no such anchor stands above", "quote a text that begins with *"),
    "found unknown escape character": (
        "an unknown escape in double quotes",
        "use single quotes, or write the backslash twice",
    ),
    "could not find expected ':'": (
        'a ":" is missing after this',
        "a key is followed by a colon and a space",
    ),
    "did not find expected <document start>": (
        "text stands after the document's end",
        "one file holds one workflow",
    ),
}


class Mended:
    """
    The lines of a text, with those quoted that had to be.

    `hints` maps a mended line (from 0) to the column (from 1) of its fault, the sentence and
    the way out; `fixes` to what does the same in the file.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.hints: dict[int, tuple[int, str, str]] = {}
        self.fixes: dict[int, Fix] = {}

    def mend(self, culprits: tuple[int, ...]) -> bool:
        """
        Quote every unquoted template, or where there is none the value of one of *culprits*
        (lines from 0) or of the line above; False when nothing could be done.
        """
        inside = _block_lines(self.lines)
        numbers = [one for one in range(len(self.lines)) if one not in inside and one not in self.hints]
        quoted_now = [self._quote_template(number) for number in numbers]
        if any(quoted_now):
            return True
        near = [number - above for number in culprits for above in (0, 1)]
        return any(self._quote_value(number) for number in near if number in numbers)

    def forget_guesses(self) -> None:
        """Keep what is certain, the unquoted templates: with the others the text could not be read either."""
        self.hints = {line: hint for line, hint in self.hints.items() if hint[1] == TEMPLATE}
        self.fixes = {line: fix for line, fix in self.fixes.items() if line in self.hints}

    def _quote_template(self, number: int) -> bool:
        line = self.lines[number]
        if found := TEMPLATE_LINE.fullmatch(line):
            self._replace(number, found["head"], found["value"], TEMPLATE)
            return True
        if FLOW_LINE.fullmatch(line) and (first := FLOW_TEMPLATE.search(line)):
            mended = FLOW_TEMPLATE.sub(lambda one: one[1] + quoted(one[2]), line)
            self.hints[number] = (first.start(2) + 1, TEMPLATE, f"quote it: {mended.strip()}")
            self.fixes[number] = Fix(number + 1, 1, number + 1, len(line) + 1, mended)
            self.lines[number] = mended
            return True
        return False

    def _quote_value(self, number: int) -> bool:
        found = ANY_LINE.fullmatch(self.lines[number])
        if found is None or not TROUBLE.search(TRAILING_COMMENT.sub("", found["value"])):
            return False
        self._replace(number, found["head"], found["value"], OTHER)
        return True

    def _replace(self, number: int, head: str, value: str, message: str) -> None:
        comment = TRAILING_COMMENT.search(value)
        text, rest = (value[: comment.start()], comment[0]) if comment else (value, "")
        line = head + quoted(text.rstrip())
        start, bare = len(head) + 1, text.rstrip()
        self.fixes[number] = Fix(number + 1, start, number + 1, start + len(bare), quoted(bare))
        self.hints[number] = (len(head) + 1, message, f"quote it: {line.strip()}")
        self.lines[number] = line + rest


def quoted(text: str) -> str:
    """*text* in the quotes that need the fewest escapes."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def explained(error: yaml.MarkedYAMLError, lines: list[str], line: int, column: int) -> tuple[str, str]:
    """The sentence and the way out for a parser's error at *line* and *column* (from 0)."""
    problem = error.problem or "this is not YAML"
    at = lines[line][column : column + 1] if line < len(lines) else ""
    if at == "\t" or "tab character" in problem:
        return "a tab cannot indent", "indent by two spaces"
    glued = next((one for one in lines[max(0, line - 1) : line + 1] if GLUED.match(one)), None)
    if glued and "mapping values" in problem:
        spaced = GLUED.sub(r"\1 \2", glued).strip()
        return "a space is missing after the colon", f"write {spaced}"
    if problem.startswith("found character that cannot start"):
        return f"a value cannot begin with {at}", "quote it"
    for words, (message, hint) in WORDS.items():
        if problem.startswith(words):
            return message, hint
    return " ".join(filter(None, (error.context, problem))), "quote the value, or look at the line above"


def _block_lines(lines: list[str]) -> set[int]:
    """The numbers (from 0) of lines inside block scalars (`|` and `>`), where nothing needs quotes."""
    inside: set[int] = set()
    indent: int | None = None
    for number, line in enumerate(lines):
        depth = len(line) - len(line.lstrip(" "))
        if indent is not None and (not line.strip() or depth > indent):
            inside.add(number)
            continue
        indent = depth if BLOCK_HEAD.fullmatch(line) else None
    return inside
