"""
JSON to what a statement's parameters take, and the values of rows to JSON.

What JSON has no form for becomes text: dates and times in ISO 8601, numbers of more than 15 digits (a JSON
number would lose some), bytes in base64. A TIME is text as MySQL writes it: hours may be above 24.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from runner.connector import File, Files, Json, Rejected, is_file

EXACT_DIGITS = 15  # what a JSON number (a double) always keeps
INT64 = range(-(2**63), 2**64)  # with the unsigned ones
# the numbers of types in the protocol: MySQL's source documentation, field_types.h
FLOAT, TIMESTAMP, BIT, JSON_TYPE, DECIMALS = 4, 7, 16, 245, (0, 246)
BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})


async def parameter(value: Json, files: Files) -> Any:
    """*value* where the type of its place is not known: a file is its bytes, a mapping or list is JSON."""
    if isinstance(value, dict) and is_file(value):
        return await files.read(cast("File", value))
    if isinstance(value, dict | list):
        return _json(value)
    if isinstance(value, int) and value not in INT64:
        return str(value)
    return value


async def fitted(value: Json, column: str, kind: str, files: Files) -> Any:
    """
    *value* as a column of the type *kind* (`datetime`, `varbinary`) takes it.

    Raises:
        Rejected: it is no such value.
    """
    if value is None:
        return None
    if kind in BYTES:
        return await _bytes(value, column, files)
    if isinstance(value, str) and kind in TIMES:
        with suppress(ValueError):  # the server says what it cannot read
            return TIMES[kind](datetime.fromisoformat(value.strip()))
    if kind == "decimal" and isinstance(value, float):
        return repr(value)
    return await parameter(value, files)


def to_json(value: Any, kind: int) -> Json:
    """A value of a row, of the type with the number *kind*, as JSON."""
    match value:
        case None | int():
            return value
        case float():
            return _shortest(value) if kind == FLOAT else value
        case datetime():
            # our sessions are in UTC: a TIMESTAMP is a point in time, a DATETIME is what somebody wrote
            return value.replace(tzinfo=UTC).isoformat() if kind == TIMESTAMP else value.isoformat()
        case date():
            return value.isoformat()
        case timedelta():
            return _time(value)
        case bytes():
            return int.from_bytes(value, "big") if kind == BIT else base64.b64encode(value).decode()
    if kind in DECIMALS:
        return _number(Decimal(value))
    return json.loads(value) if kind == JSON_TYPE else str(value)


def _number(value: Decimal) -> Json:
    if len(value.as_tuple().digits) <= EXACT_DIGITS:
        number = float(value)
        if Decimal(repr(number)) == value:  # not too small and not too large for one
            return number
    return str(value)


def _shortest(value: float) -> float:
    """The shortest number that is the same FLOAT (of 32 bits): 0.1, not 0.10000000149."""
    packed = struct.pack("f", value)
    tries = (float(f"{value:.{digits}g}") for digits in range(6, 9))
    return next((one for one in tries if struct.pack("f", one) == packed), value)


def _time(value: timedelta) -> str:
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    minutes, seconds = divmod(value.days * 86_400 + value.seconds, 60)
    fraction = f".{value.microseconds:06d}" if value.microseconds else ""
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{fraction}"


def _utc(moment: datetime) -> str:
    bare = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return bare.isoformat(" ")


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


async def _bytes(value: Json, column: str, files: Files) -> bytes:
    if isinstance(value, dict) and is_file(value):
        return await files.read(cast("File", value))
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Rejected(
            f"{column} holds bytes, and the value is neither base64 nor a file of this run"
        ) from None


TIMES: Mapping[str, Callable[[datetime], str]] = {
    "datetime": _utc,
    "timestamp": _utc,
    "date": lambda moment: moment.date().isoformat(),
}
