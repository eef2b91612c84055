"""What the locks name: `requirements.lock` for the tests, `-server` for a server, `-build` for its wheel."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """The version of each package in the lock *name*."""
    return dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8")))


def plain(name: str) -> str:
    """The name of a package as locks write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
