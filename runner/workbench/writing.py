"""JSON values as YAML that a person would have written: short ones on one line, others in lines."""

from __future__ import annotations

import json
import re

from runner.language.nodes import scalar
from runner.language.source import UNPRINTABLE
from runner.values import Json, dumps

WIDTH = 100
# plain text that no reader of YAML takes for something else
REST = r"(?:[A-Za-z0-9_./()!+*@=%-]|:(?=[^ ]))*"
PLAIN = re.compile(f"[A-Za-z_/]{REST}(?: [A-Za-z0-9_./(]{REST})*")
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})
SPECIAL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def written(value: Json, *, indent: int, room: int = WIDTH, is_flow: bool = False) -> str:
    """
    *value* behind a key whose column (from 0) is *indent* - 2: on its line if it fits into *room*
    characters or *is_flow*, else in lines of their own, which begin with a line break.
    """
    line = flow(value)
    if is_flow or not value or not isinstance(value, list | dict) or len(line) <= room:
        return line
    return "\n" + " " * indent + f"\n{' ' * indent}".join(lines(value, room=WIDTH - indent))


def lines(value: Json, *, room: int = WIDTH) -> list[str]:
    """A mapping or list that is not empty, in block style."""
    found: list[str] = []
    pairs = value.items() if isinstance(value, dict) else [("", one) for one in value]
    for key, one in pairs:
        head = f"{text(key)}: " if isinstance(value, dict) else "- "
        line = flow(one)
        if len(head) + len(line) <= room or not one or not isinstance(one, list | dict):
            found.append(head + line)
        elif isinstance(value, dict):
            found += [head.rstrip(), *(f"  {each}" for each in lines(one, room=room - 2))]
        else:
            first, *rest = lines(one, room=room - 2)
            found += [head + first, *(f"  {each}" for each in rest)]
    return found


def item_lines(value: Json, *, room: int = WIDTH) -> list[str]:
    """A mapping as an item of a list, each of its keys on a line of its own."""
    first, *rest = lines(value, room=room - 2)
    return [f"- {first}", *(f"  {one}" for one in rest)]


def flow(value: Json) -> str:
    """*value* on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{text(key)}: {flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return text(value) if isinstance(value, str) else dumps(value)


def text(value: str) -> str:
    """A text, in quotes where it could be read as anything else."""
    is_plain = PLAIN.fullmatch(value) and value.lower() not in WORDS
    if is_plain and isinstance(scalar(value), str):
        return value
    if "'" not in value and "\\" not in value and '"' in value and not SPECIAL.search(value):
        quoted = f"'{value}'"
    else:
        quoted = json.dumps(value, ensure_ascii=False)
    return UNPRINTABLE.sub(_escaped, SPECIAL.sub(_escaped, quoted))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
