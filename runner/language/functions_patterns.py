"""
Functions with regular expressions, for both expression languages. They run on RE2, which takes time
in proportion to the text whatever the pattern; so there are no backreferences and no lookaround.
Source: github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import re2

from runner.errors import LimitExceeded
from runner.language.functions_registry import KINDS, Kind, bounded, is_text, library
from runner.language.shapes import shown

if TYPE_CHECKING:
    from runner.language.expression_work import Work
    from runner.values import Json

Pattern: TypeAlias = str
Replacement: TypeAlias = str

MAX_PATTERN = 2000  # characters
MEMORY = 1 << 20  # bytes for a compiled pattern and its states
CACHED = 128  # patterns
COMPILING = 20_000  # operations for a pattern that this evaluation has not met yet: 5 ms at most
STEPS = 100  # of RE2, at worst 7 ns each, that count as one operation
MATCHES_SECONDS = 0.5  # CPU for all matches of one replacement: each may look at all the rest of the text
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ESCAPES = {"\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\a": "a"}
REFERENCE = re.compile(r"\\(?:(\d{1,2})|g<(\w+)>|(\\))")


def compiled(pattern: str) -> Any:
    """
    Compile *pattern*, or give the one compiled before.

    Raises:
        ValueError: no regular expression, one that RE2 does not have, a control character, too long.
    """
    _refuse_control(pattern, "a pattern")
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern is longer than {MAX_PATTERN:,} characters")
    return _compiled(pattern)


def _checked_replacement(text: str) -> None:
    _refuse_control(re.sub(r"[\t\r\n]", "", text), "a replacement")


KINDS["Pattern"] = Kind("a regular expression", is_text, compiled)
KINDS["Replacement"] = Kind("a text", is_text, _checked_replacement)


@library()
def regex_match(work: Work, text: str, pattern: Pattern) -> bool:
    """
    Say whether a regular expression fits the whole text.

    Example: regex_match('AB-1042', '[A-Z]+-[0-9]+') == true
    Example: regex_match('see AB-1042', '[A-Z]+-[0-9]+') == false
    """
    found = _pattern(work, text, pattern).fullmatch(text)
    return found is not None


@library()
def regex_search(work: Work, text: str, pattern: Pattern) -> Json:
    """
    Find the first place that a regular expression fits: its first group, or all of it if there is
    none, an object where groups have names, null where it fits nowhere.

    Example: regex_search('see AB-1042', '[A-Z]+-([0-9]+)') == "1042"
    Example: regex_search('see AB-1042', '(?P<board>[A-Z]+)-(?P<card>[0-9]+)')
    == {"board": "AB", "card": "1042"}
    Example: regex_search('see there', '[0-9]+') == null
    """
    found = _pattern(work, text, pattern).search(text)
    if found is None:
        return None
    names: dict[str, str | None] = found.groupdict()
    if names:
        return names
    return found.group(1) if found.re.groups else found.group()


@library()
def regex_replace(work: Work, text: str, pattern: Pattern, replacement: Replacement) -> str:
    r"""
    Put the replacement in each place that a regular expression fits; `\1` or `\g<name>` in it is what
    a group took (in a template the backslash is written twice).

    Example: regex_replace('a  b   c', ' +', ' ') == "a b c"
    """
    expression = _pattern(work, text, pattern)
    _checked_replacement(replacement)
    parts = _parts(replacement, expression)
    until = time.thread_time() + MATCHES_SECONDS
    built: list[str] = []
    end = size = 0
    for match in expression.finditer(text):
        built.append(text[end : match.start()])
        built.extend(part if isinstance(part, str) else match.group(part) or "" for part in parts)
        size += sum(map(len, built[-len(parts) - 1 :]))
        bounded(size + len(built) * 8)
        end = match.end()
        if time.thread_time() > until:
            raise LimitExceeded("regex_replace: this pattern fits in too many places of so long a text")
    built.append(text[end:])
    return "".join(built)


def _pattern(work: Work, text: str, pattern: str) -> Any:
    """The compiled pattern, with its work on *text* taken off."""
    known = work.kept.get(("pattern", pattern))
    if known is None:
        work.spend(COMPILING)
        known = work.kept["pattern", pattern] = compiled(pattern)
    work.spend(len(text) * known.programsize // STEPS)
    return known


@lru_cache(maxsize=CACHED)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"this is no regular expression: {reason}; {_way_out(pattern)}") from None


def _way_out(pattern: str) -> str:
    if re.search(r"\(\?<?[=!]", pattern):
        return "it cannot look ahead or behind: match what stands there too, and take a group"
    if re.search(r"\\[1-9]", pattern):
        return "it cannot refer back to a group"
    return "the syntax is that of RE2"


def _refuse_control(text: str, what: str) -> None:
    found = CONTROL.search(text)
    if found is None:
        return
    letter = ESCAPES.get(found[0])
    if letter:
        way_out = f"write \\\\{letter} in a template, where one backslash is taken away, \\{letter} elsewhere"
    else:
        way_out = (
            f"in a template write two backslashes, such as \\\\{ord(found[0])} for group {ord(found[0])}"
        )
    raise ValueError(f"the control character U+{ord(found[0]):04X} stands in {what}; {way_out}")


def _parts(replacement: str, expression: Any) -> list[str | int]:
    """Texts, and the numbers of groups between them."""
    parts: list[str | int] = []
    end = 0
    for reference in REFERENCE.finditer(replacement):
        parts.append(replacement[end : reference.start()])
        end = reference.end()
        number, name, backslash = reference.groups()
        if backslash:
            parts.append(backslash)
            continue
        index = int(number or name) if (number or name).isdecimal() else expression.groupindex.get(name)
        if index is None or index > expression.groups:
            raise ValueError(f"the pattern has no group {shown(number or name)}")
        parts.append(index)
    return [*parts, replacement[end:]]
