"""
`--where`: what narrows a list or names what shall be forgotten, read from texts such as
`payload.customer.email=ada@example.com`, `type=orders/create` or `before=90d`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runner.language.paths import ValuePath, read_path, values_at
from runner.language.suggest import did_you_mean
from runner.values import Json, dumps

FIELDS = ("id", "workflow", "status", "type", "delivery_id")
FORM = "write for example payload.order=1042"


@dataclass(frozen=True, slots=True)
class Condition:
    """A field of the payload is *text*: a text itself, another value as its JSON."""

    path: ValuePath
    text: str

    def holds(self, payload: Json) -> bool:
        """Whether a value that the path leads to is that."""
        return any(_text(value) == self.text for value in values_at(payload, self.path.parts[1:]))


@dataclass(frozen=True, slots=True)
class Anywhere:
    """Some value of the payload, however deep, is *text*, small and capital letters alike."""

    text: str

    def holds(self, payload: Json) -> bool:
        """Whether there is such a value."""
        left, wanted = [payload], self.text.casefold()
        while left:
            value = left.pop()
            if isinstance(value, dict):
                left += value.values()
            elif isinstance(value, list):
                left += value
            elif _text(value).casefold() == wanted:
                return True
        return False


def read_where(texts: Iterable[str], *, fields: Iterable[str] = FIELDS) -> dict[str, Any]:
    """
    Fields of `runner.engine.history.Wanted`, from `name=value` texts that must all hold. Those
    that begin with `payload` become its `payload`.

    Raises:
        ValueError: one is not of that form, or its name is none of *fields*.
    """
    found: dict[str, Any] = {}
    conditions = []
    for text in texts:
        name, equals, value = _split(text)
        if not equals:
            raise ValueError(f'"{text}" is no condition; {FORM}')
        path = read_path(name)
        if path.root == "payload":
            conditions.append(Condition(path, value))
        elif name not in fields:
            known = ", ".join(fields)
            hint = did_you_mean(name, fields) or f"known here: {known} and payload.<field>"
            raise ValueError(f'"{name}" is nothing to look for; {hint}')
        elif name in found:
            raise ValueError(f'"{name}" is given twice')
        else:
            found[name] = value
    return {**found, "payload": tuple(conditions)} if conditions else found


def _split(text: str) -> tuple[str, str, str]:
    """At the first `=` outside of double quotes."""
    is_quoted = False
    for at, one in enumerate(text):
        if one == '"':
            is_quoted = not is_quoted
        elif one == "=" and not is_quoted:
            return text[:at].strip(), one, text[at + 1 :]
    return text, "", ""


def _text(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)
