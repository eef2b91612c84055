"""A folder with the command line in it: in this process for the many, as a process for the main ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from runner.cli import hookline

ROOT = Path(__file__).parents[2]
HELLO = """\
name: Hello
trigger:
  webhook:
    answer: result
steps:
  - id: who
    transform: payload.name
  - fail: nobody is there
    if: payload.name == null
  - respond:
      body: {hello: "{{ steps.who }}"}
"""


@dataclass(frozen=True)
class Home:
    """A folder with workflows, and the command line in it."""

    folder: Path

    def __call__(
        self, *words: str, stdin: str | bytes = b"", color: bool = False, **environment: str
    ) -> Result:
        """Run `hookline *words*` here; *color* says that it is a terminal that shows colours."""
        unset = {name: None for name in os.environ if name.startswith("HOOKLINE_")}
        with contextlib.chdir(self.folder):
            given = {**unset, **environment}
            return CliRunner().invoke(hookline, list(words), input=stdin, env=given, color=color)

    def workflow(self, slug: str, text: str = HELLO) -> Path:
        """Write a workflow."""
        path = self.folder / "workflows" / f"{slug}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    async def start(self, *words: str, **environment: str) -> asyncio.subprocess.Process:
        """Start `hookline *words*` as a process here."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "runner.cli",
            *words,
            cwd=self.folder,
            env={**ours, "PYTHONPATH": str(ROOT), **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def process(self, *words: str, **environment: str) -> tuple[int | None, str, str]:
        """Run `hookline *words*` as a process; exit status, stdout and stderr."""
        started = await self.start(*words, **environment)
        out, err = await started.communicate()
        return started.returncode, out.decode(), err.decode()
