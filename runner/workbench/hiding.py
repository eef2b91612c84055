"""
What a workflow redacts, taken out of a recorded event and of what its run was given: each value
stands as a placeholder of its kind, the same wherever it stood, so that the case still runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from runner.engine.names import event_names
from runner.engine.redact import Redaction, Seen, Veil
from runner.language.paths import replaced_at, values_at
from runner.language.secrets import masked
from runner.values import Json, dumps

if TYPE_CHECKING:
    from runner.engine.runs import Event
    from runner.language.paths import ValuePath

SHORTEST = 4  # characters of a text that is looked for inside of others
FIRST_NUMBER = 1000


class Stand:
    """Placeholders for the values at *paths* of an event and of its steps' outputs, and for secrets."""

    def __init__(
        self,
        paths: Sequence[ValuePath],
        event: Event,
        payload: Json,
        outputs: Sequence[tuple[str, Json]],
        secret_values: frozenset[str],
        *,
        is_split: bool,
    ) -> None:
        self._paths = paths
        self._secrets = secret_values
        self._is_split = is_split
        seen = Seen(payload, event=event_names(event), outputs=outputs)
        # what was made of the values in another spelling has no placeholder, and is masked
        self._veil = Veil(Redaction(tuple(paths), is_split=is_split), seen) if paths else None
        self._texts: dict[str, str] = {}
        self._numbers: dict[float, int] = {}
        for value in _values(paths, event, payload, outputs, is_split=is_split):
            for leaf in _leaves(value):
                self._name(leaf)
        self._longest_first = sorted(
            (one for one in self._texts if len(one) >= SHORTEST), key=len, reverse=True
        )

    def at(self, names: Sequence[str], value: Json) -> Json:
        """*value* as it may stand in a file, *names* being its own path, such as `payload`."""
        for path in self._paths:
            if path.parts[: len(names)] == tuple(names):
                value = replaced_at(value, path.parts[len(names) :], self._replaced)
        return self.value(value)

    def value(self, value: Json) -> Json:
        """*value* with every hidden value in it replaced, at any depth."""
        value = masked(self._walked(value), self._secrets)
        return self._veil.value(value) if self._veil else value

    def text(self, text: str) -> str:
        """A body as it was sent, where values may be written for a query or a form."""
        for one in self._longest_first:
            for form, write in ((one, str), (quote(one, safe=""), quote), (quote_plus(one), quote_plus)):
                text = text.replace(form, write(self._texts[one]))
        for number, other in self._numbers.items():
            if abs(number) >= FIRST_NUMBER:
                text = text.replace(dumps(number), str(other))
        text = str(masked(text, self._secrets))
        return self._veil.text(text) if self._veil else text

    def _name(self, value: Json) -> None:
        if isinstance(value, str):
            if value.strip() and value not in self._texts:
                self._texts[value] = _placeholder(value, len(self._texts) + 1)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._numbers.setdefault(value, FIRST_NUMBER + len(self._numbers))

    def _replaced(self, value: Json) -> Json:
        """A value at a hidden path itself, however short it is."""
        if isinstance(value, str):
            return self._texts.get(value, value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._numbers.get(value, value)
        if isinstance(value, list):
            return [self._replaced(one) for one in value]
        if isinstance(value, dict):
            return {key: self._replaced(one) for key, one in value.items()}
        return value

    def _walked(self, value: Json) -> Json:
        if isinstance(value, str):
            for one in self._longest_first:
                if one in value:
                    value = value.replace(one, self._texts[one])
            return value
        if isinstance(value, dict):
            return {self._walked(key): self._walked(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._walked(one) for one in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= FIRST_NUMBER:
            return self._numbers.get(value, value)
        return value


def _placeholder(text: str, number: int) -> str:
    """A text of the same kind that says nothing."""
    if "@" in text:
        return f"person{number}@example.com"
    if text.isdigit():
        return str(number).rjust(len(text), "0")
    return f"redacted-{number}"


def _values(
    paths: Sequence[ValuePath],
    event: Event,
    payload: Json,
    outputs: Sequence[tuple[str, Json]],
    *,
    is_split: bool,
) -> Iterator[Json]:
    for path in paths:
        if path.root == "payload":
            for one in _parts(payload) if is_split else (payload,):
                yield from values_at(one, path.parts[1:])
        elif path.root == "event":
            yield from values_at(event_names(event), path.parts[1:])
        else:
            for identity, output in outputs:
                if identity == path.parts[1]:
                    yield from values_at(output, path.parts[2:])


def _parts(value: Json) -> Iterator[Json]:
    yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(one, dict | list):
            yield from _parts(one)


def _leaves(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value
