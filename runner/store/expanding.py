"""
Expand, then contract: which schemas a Hookline can use beside the one that it knows.

A migration only adds, so whoever knows fewer of them goes on reading and writing as before. One that
takes something away carries the line `-- contracts since NUMBER`: whoever knows that migration has no
use for it any more. What a schema *needs*, kept in its table `schema_needs`, is the largest of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from runner.errors import StoreUnavailable

CONTRACTS = re.compile(r"^-- contracts since (\d{4})\b", re.MULTILINE)
NEEDS_TABLE = "CREATE TABLE IF NOT EXISTS schema_needs (version INTEGER NOT NULL)"
COPYING = "hookline_copying"  # the table that stands in a database as long as one is copied into it


def scripts_in(folder: Path) -> list[Path]:
    """The migrations in *folder*, in their order."""
    return sorted(folder.glob("[0-9]*.sql"))


def needs_of(scripts: Sequence[Path]) -> int:
    """How many of *scripts* a Hookline must know to use a schema that has seen all of them."""
    marks = [int(mark) for one in scripts for mark in CONTRACTS.findall(one.read_text(encoding="utf-8"))]
    since = max(marks, default=0)
    return sum(int(one.name[:4]) <= since for one in scripts)


def judge(done: int, known: int, needs: int | None) -> None:
    """
    Let pass a schema that has seen *done* migrations, of which *known* are known here.

    Raises:
        StoreUnavailable: it is newer and needs more of them than are known (None: it does not say).
    """
    if done > known and (needs is None or needs > known):
        raise StoreUnavailable(
            f"it is at schema {done}, this Hookline knows {known}; use the newer one that wrote it"
        )


def unfinished() -> StoreUnavailable:
    """Why a database into which another is being copied cannot be opened."""
    return StoreUnavailable(
        "another database was not copied into it to the end; "
        "run `hookline store migrate` again, or `hookline restore` into another place"
    )
