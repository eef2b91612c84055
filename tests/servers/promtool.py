"""Prometheus' own `promtool`: the system's, else Debian's, laid out beside us without installing it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers.debian import unpacked


def promtool(*words: str, stdin: bytes = b"", folder: Path | None = None) -> tuple[int, str]:
    """Its exit status and what it says, run in *folder*; skips the test where there is none to be had."""
    program = shutil.which("promtool")
    if program is None:
        try:
            program = str(unpacked("prometheus") / "usr/bin/promtool")
        except LookupError as error:
            pytest.skip(str(error))
    done = subprocess.run(
        [program, *words], input=stdin, capture_output=True, check=False, cwd=folder, timeout=60
    )
    return done.returncode, (done.stdout + done.stderr).decode()
