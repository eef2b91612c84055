"""
Notes: sentences on what had to be guessed while a body was read.

Keys that stand twice in one object are looked for only when a person looks at the event: what was
parsed does not show them, and finding them takes a second reading, which costs several times the first.
"""

from __future__ import annotations

import json
from collections import Counter

from runner.values import Json

MOST_NAMED = 3  # keys in one note
LONGEST_KEY = 40  # characters of one


class Notes(list[str]):
    """The sentences as they come. With *is_thorough* `look` looks, else it does nothing."""

    def __init__(self, *, is_thorough: bool = False) -> None:
        super().__init__()
        self._is_thorough = is_thorough
        self._repeated: Counter[str] = Counter()

    def look(self, text: bytes) -> None:
        """Look for repeated keys in JSON *text* (UTF-8) that was read already."""
        if self._is_thorough:
            json.loads(text, object_pairs_hook=self._count)

    def said(self) -> tuple[str, ...]:
        """Each sentence once, in the order of their coming; that on repeated keys is the last."""
        sentences = dict.fromkeys(self)
        if self._repeated:
            sentences[_on_repeated(self._repeated)] = None
        return tuple(sentences)

    def _count(self, pairs: list[tuple[str, Json]]) -> None:
        keys = {key for key, _value in pairs}
        if len(keys) < len(pairs):
            for key, times in Counter(key for key, _value in pairs).items():
                if times > 1:
                    self._repeated[key] += 1


def _on_repeated(repeated: Counter[str]) -> str:
    named = ", ".join(f'"{key[:LONGEST_KEY]}"' for key in list(repeated)[:MOST_NAMED])
    more = len(repeated) - MOST_NAMED
    others = f" and {more} more" if more > 0 else ""
    noun = "the key" if len(repeated) == 1 else "the keys"
    stand = "stands" if len(repeated) == 1 else "stand"
    return f"{noun} {named}{others} {stand} more than once in an object: the last value counts"
