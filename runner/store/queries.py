"""Named SQL statements, read from queries.sql: Python never builds SQL on the engine's way."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent


def read(file: str) -> dict[str, str]:
    """The statements of *file* by name; a name stands alone on a `-- name` line before its statement."""
    text = (HERE / file).read_text(encoding="utf-8")
    parts = re.split(r"^-- (\w+)$\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip().rstrip(";") for part in parts[2::2]), strict=True))


SQL = read("queries.sql")
