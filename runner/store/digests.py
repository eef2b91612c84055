"""
Checksums of tables, the same whichever store has them: each row in one form, and their hashes summed up, so
that neither the order of the rows nor of the keys in their JSON makes a difference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

BITS = 128
EXACT = Context(prec=1_000_000, Emax=999_999_999, Emin=-999_999_999)


class TableDigest:
    """The checksum of a table, of the rows that were added."""

    def __init__(self, columns: Sequence[str], json_columns: Sequence[str]) -> None:
        """Rows come with the values of *columns*; those of *json_columns* are compared by what they say."""
        self.rows = 0
        self._sum = 0
        self._forms: list[Callable[[Any], bytes]] = [
            _json_form if name in json_columns else _form for name in columns
        ]

    def add(self, row: Sequence[Any]) -> None:
        """One more row."""
        form = b"".join(form(value) for form, value in zip(self._forms, row, strict=True))
        self._sum += int.from_bytes(hashlib.blake2b(form, digest_size=BITS // 8).digest(), "big")
        self.rows += 1

    @property
    def text(self) -> str:
        """The checksum as hex digits."""
        return f"{self._sum % (1 << BITS):0{BITS // 4}x}"


def _form(value: Any) -> bytes:
    if value is None:
        return b"-"
    if isinstance(value, bytes):
        return b"b%d:%b" % (len(value), value)
    if isinstance(value, str):
        data = _storable(value).encode()
        return b"t%d:%b" % (len(data), data)
    return f"{'f' if isinstance(value, float) else 'i'}{value!r};".encode()


def _json_form(value: str | None) -> bytes:
    if value is None:
        return b"-"
    read = json.loads(value, parse_int=Decimal, parse_float=Decimal)
    return _form(json.dumps(_plain(read), sort_keys=True))


def _plain(value: Any) -> Any:
    """Numbers as texts of one form: JSONB writes 1e22 with all of its digits, and 1.0 may become 1."""
    if isinstance(value, Decimal):
        return f"#{value.normalize(EXACT)}" if value else "#0"
    if isinstance(value, str):
        return f"'{_storable(value)}"
    if isinstance(value, dict):
        return {_storable(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")  # PostgreSQL's texts hold no NUL
