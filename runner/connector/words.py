"""What others said, in our sentences: in one line, without a secret, and only then cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from runner.language.secrets import masked
from runner.values import Json

LONGEST_SAID = 300

_secret_values: ContextVar[Callable[[], frozenset[str]]] = ContextVar("secret_values", default=frozenset)


def in_brief(words: Json, most: int = LONGEST_SAID) -> str:
    """
    *words* of a service or of an input for a message: of at most *most* characters, in one line.

    The server's secrets are masked in them before they are cut: half a secret would not be recognised
    afterwards. So this is the one way to shorten what is not ours.
    """
    shown = " ".join("".join(one if one.isprintable() else " " for one in hidden(words)).split())
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def hidden(words: Json) -> str:
    """*words* with the server's secrets masked, for what is cut in another way than `in_brief` does."""
    return str(masked(str(words), _secret_values.get()()))


@contextmanager
def hiding(secret_values: Callable[[], frozenset[str]]) -> Iterator[None]:
    """Inside, both mask *secret_values()*; the engine puts it around each call."""
    token = _secret_values.set(secret_values)
    try:
        yield
    finally:
        _secret_values.reset(token)
