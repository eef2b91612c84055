"""
JSON values, their texts and digests, ids that sort by time, and durations: the vocabulary below
every other room.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias

import orjson

Json: TypeAlias = Any
"""None, bool, int, float, str, list of Json, or dict of str to Json."""

File: TypeAlias = dict[str, Any]
"""`{filename, content_type, size, file}`, where `file` is the SHA-256 (hex) of stored bytes."""

FILE_KEYS = frozenset({"filename", "content_type", "size", "file"})
# orjson turns integers over 64 bit into floats. A number begins behind one of these marks, so that
# the digits of a hash inside quotes do not count; translating costs a third of a regular expression
MARKED = bytes(
    ord("0") if 48 <= i < 58 else ord(",") if chr(i) in "[:,- \t\r\n" else ord("!") for i in range(256)
)
LONG_NUMBER = b"," + b"0" * 19
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
PAIRS = [high + low for high in ALPHABET for low in ALPHABET]  # two digits at a time
SUPPLY_BYTES = 4096
_supply = b""
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def loads(text: bytes) -> Json:
    """
    Read JSON. Integers of any size stay exact; of equal keys the last one wins.

    Raises:
        ValueError: malformed, nested too deep, or NaN or Infinity; the message names the place.
    """
    marked = text.translate(MARKED)
    if LONG_NUMBER in marked or marked.startswith(LONG_NUMBER[1:]):
        try:
            return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError:
            raise ValueError("the JSON is nested too deep") from None
    return orjson.loads(text)


def dumps(value: Json) -> str:
    """Write compact JSON, integers of any size included."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Json) -> str:
    """SHA-256 (hex, 32 digits) of the value's JSON with sorted keys."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def sortable_id(now: float, entropy: bytes) -> str:
    """
    26 characters of [0-9a-z] that sort by *now* (UTC seconds, kept to the millisecond), then
    by *entropy* (10 bytes). Source: the ULID specification, github.com/ulid/spec.
    """
    number = (int(now * 1000) << 80) | int.from_bytes(entropy, "big")
    return "".join([PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def random_bytes(count: int) -> bytes:
    """
    At most a few hundred random bytes, from a supply that is fetched from the system in bulk.

    A system call gives up the interpreter's lock, and coming back can take longer than all else
    that an event costs.
    """
    global _supply  # noqa: PLW0603 - a supply is a state
    if len(_supply) < count:
        _supply = os.urandom(SUPPLY_BYTES)
    given, _supply = _supply[:count], _supply[count:]
    return given


def iso(seconds: float | None) -> str | None:
    """UTC seconds as ISO 8601 with milliseconds and Z; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def duration_seconds(text: str) -> float:
    """
    Read `90s`, `15m`, `1h30m`, `2d`: units ms, s, m, h, d, w, in any number.

    Raises:
        ValueError: not of that form.
    """
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'"{text}" is not a duration; write for example 30s, 15m, 2h or 7d')
    return sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts)


def is_file(value: Json) -> bool:
    """Whether *value* is a reference to stored bytes."""
    return isinstance(value, Mapping) and value.keys() == FILE_KEYS


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
