"""
JSON to the types that a statement's parameters have, and the values of rows to JSON.

What JSON has no form for becomes text: dates and times in ISO 8601, numbers of more than 15 digits (a
JSON number would lose some), bytes in base64. An interval is its seconds.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from runner.connector import File, Files, Json, Rejected, duration_seconds, in_brief

EXACT_DIGITS = 15  # what a JSON number (a double) always keeps
TEXTS = frozenset({"text", "varchar", "bpchar", "char", "name", "citext", "xml", "unknown"})
INFINITE: Mapping[str, tuple[datetime, date]] = {
    "infinity": (datetime.max, date.max),  # noqa: DTZ901 - as asyncpg writes them
    "-infinity": (datetime.min, date.min),  # noqa: DTZ901 - as asyncpg writes them
}


async def parameter(value: Json, kind: str, number: int, files: Files) -> Any:
    """
    *value* as the database's type *kind* (`int4`, `text[]`) wants it, for the parameter `$number`.

    Raises:
        Rejected: it is no such value.
    """
    if value is None:
        return None
    try:
        if kind.endswith("[]") and kind != "json[]":
            return [await parameter(one, kind[:-2], number, files) for one in _list(value)]
        if kind == "bytea":
            return await _bytes(value, files)
        return READERS.get(kind, _as_it_is)(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise Rejected(
            f"${number} is of the type {kind}, and the value cannot be read as one: "
            f"{in_brief(str(error), 200)}"
        ) from None


def to_json(value: Any, kind: str) -> Json:
    """A value of a row, of the database's type *kind*, as JSON."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return json.loads(value) if kind in {"json", "jsonb"} else value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return _number(value)
        case datetime() | date():
            return _moment(value)
        case time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return base64.b64encode(value).decode()
        case list():
            return [to_json(one, kind.removesuffix("[]")) for one in value]
        case tuple():  # points and other shapes, rows without a type
            return [to_json(one, "") for one in value]
    if hasattr(value, "isempty"):  # a range
        if value.isempty:
            return {"empty": True}
        bounds = f"{'[' if value.lower_inc else '('}{']' if value.upper_inc else ')'}"
        return {"lower": to_json(value.lower, ""), "upper": to_json(value.upper, ""), "bounds": bounds}
    if hasattr(value, "items"):  # a row within a row
        return {name: to_json(one, "") for name, one in value.items()}
    return value.as_string() if hasattr(value, "as_string") else str(value)


def _number(value: Decimal) -> Json:
    if value.is_finite() and len(value.as_tuple().digits) <= EXACT_DIGITS:
        number = float(value)
        if Decimal(repr(number)) == value:  # not too small and not too large for one
            return number
    return str(value)


def _moment(value: datetime | date) -> str:
    bare = value.replace(tzinfo=None) if isinstance(value, datetime) else value
    return next((text for text, ends in INFINITE.items() if bare in ends), value.isoformat())


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("a list is needed")
    return value


def _whole(value: Json) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("a whole number is needed")
    return int(value)


def _real(value: Json) -> float:
    if isinstance(value, bool):
        raise TypeError("a number is needed")
    return float(value)


def _decimal(value: Json) -> Decimal:
    if isinstance(value, bool):
        raise TypeError("a number is needed")
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("a number is needed") from None


def _truth(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    if value in {"true", "false"}:
        return bool(value == "true")
    raise ValueError("true or false is needed")


def _text(value: Json) -> str:
    text = value if isinstance(value, str) else _json(value)
    if "\0" in text:
        raise ValueError("a text of PostgreSQL holds no NUL character")
    return text


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _iso(value: Json) -> datetime:
    if not isinstance(value, str):
        raise TypeError("a text in ISO 8601 is needed")
    if ends := INFINITE.get(value):
        return ends[0]
    return datetime.fromisoformat(value.strip())


def _zoned(value: Json) -> datetime:
    moment = _iso(value)  # without an offset it is UTC, as everywhere in a workflow
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local(value: Json) -> datetime:
    moment = _iso(value)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _time(value: Json) -> time:
    return time.fromisoformat(value)


def _interval(value: Json) -> timedelta:
    return timedelta(seconds=duration_seconds(value) if isinstance(value, str) else _real(value))


def _as_it_is(value: Json) -> Any:
    return value if isinstance(value, str | int | float) else _json(value)


async def _bytes(value: Json, files: Files) -> bytes:
    if isinstance(value, dict):
        return await files.read(cast("File", value))
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("base64 or a file of this run is needed") from None


READERS: Mapping[str, Callable[[Json], Any]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(("int2", "int4", "int8", "oid"), _whole),
    **dict.fromkeys(("float4", "float8"), _real),
    **dict.fromkeys(("json", "jsonb"), _json),
    "numeric": _decimal,
    "bool": _truth,
    "date": lambda value: _iso(value).date(),
    "timestamp": _local,
    "timestamptz": _zoned,
    "time": _time,
    "timetz": _time,
    "interval": _interval,
}
