"""Which connections and secrets a text names, by its YAML alone: drafts with faults count too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runner.language.nodes import Node
from runner.language.source import compose

SECRET = re.compile(r"\bsecrets\s*\.\s*([A-Za-z_]\w*)")
NAMED = frozenset({"secret", "secrets"})  # keys whose value is a secret's name


@dataclass(frozen=True, slots=True)
class Uses:
    """The names as they are written; `actions` are those of a connection, in steps that name both."""

    connections: frozenset[str]
    secrets: frozenset[str]
    actions: frozenset[tuple[str, str]] = frozenset()  # (connection, action)


def uses(text: str) -> Uses:
    """What *text* names; nothing where it is no YAML."""
    root = compose(text, path="").root
    connections: set[str] = set()
    secrets: set[str] = set()
    for key, value in _texts(root) if root is not None else ():
        if key == "connection" and "{{" not in value:
            connections.add(value)
        elif key in NAMED and value.isidentifier():
            secrets.add(value)
        secrets.update(SECRET.findall(value))
    return Uses(frozenset(connections), frozenset(secrets), frozenset(_actions(root) if root else ()))


def _actions(root: Node) -> Iterator[tuple[str, str]]:
    stack = [root]
    while stack:
        value = stack.pop().value
        if isinstance(value, dict):
            connection, action = (
                value[key].value if key in value else None for key in ("connection", "action")
            )
            if isinstance(connection, str) and isinstance(action, str):
                yield connection, action
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _texts(node: Node, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the key that it stands under, that of its list where it is in one."""
    stack = [(key, node)]
    while stack:
        key, one = stack.pop()
        value = one.value
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, list):
            stack.extend((key, each) for each in value)
        elif isinstance(value, dict):
            stack.extend((str(name), each) for name, each in value.items())
