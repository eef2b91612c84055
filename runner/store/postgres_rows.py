"""What differs between rows of PostgreSQL and those of rows.py."""

from __future__ import annotations

import re
from typing import Any

from runner.engine.runs import Record, Run, TurnEnd
from runner.store.rows import end_parameters, record_parameters
from runner.values import Json, dumps

NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # an escape, and no escaped backslash before "u0000"


def searchable(value: Json) -> str | None:
    """JSON text for a JSONB column, which holds no NUL: it stands as U+FFFD there. None stays None."""
    return None if value is None else _without_nul(dumps(value))


def postgres_record(run_id: str, record: Record) -> dict[str, Any]:
    """The columns of a record."""
    columns = record_parameters(run_id, record)
    return {**columns, "error": columns["error"] and _without_nul(columns["error"])}


def postgres_end(run: Run, end: TurnEnd) -> dict[str, Any]:
    """The columns that the last write of a turn sets."""
    columns = end_parameters(run, end)
    return {**columns, "reason": columns["reason"] and _without_nul(columns["reason"])}


def _without_nul(text: str) -> str:
    return NUL.sub(r"\1\\ufffd", text) if r"\u0000" in text else text
