"""A Dockerfile as its instructions, read as Docker reads them: comments out, continued lines joined."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

CONTINUED = re.compile(r"\\\n\s*")


def instructions(path: Path) -> list[tuple[str, str]]:
    """Each instruction and what stands behind it, of all stages."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    whole = CONTINUED.sub("", "\n".join(lines))
    return [(word, rest) for line in whole.splitlines() if line for word, _, rest in [line.partition(" ")]]


def last_stage(path: Path) -> dict[str, str]:
    """What the last stage says, by instruction; the last one of a kind holds."""
    found = instructions(path)
    last = max(index for index, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[last:])


def environment(path: Path) -> dict[str, str]:
    """The variables that the last stage sets."""
    return dict(word.split("=", 1) for word in shlex.split(last_stage(path)["ENV"]))


def words(text: str) -> list[str]:
    """The words of an instruction in its form as JSON, which no shell reads."""
    found: list[str] = json.loads(text)
    return found
