"""`hookline serve` as a process of its own, for tests that speak to it over real sockets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from click.testing import Result

from tests.cli.home import ROOT, Home

KIBIBYTE = 1024
END_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Running:
    """
    A running server: its process, the paths of its workflows' addresses by slug, and the file that has
    what it says on stderr.
    """

    process: subprocess.Popen[str]
    port: int
    paths: Mapping[str, str]
    log: Path

    def kill(self) -> None:
        """End it as a power cut does, at whatever it is."""
        self.process.kill()
        self.process.wait()

    def memory(self) -> tuple[int, int]:
        """The memory that the process has, and the most that it had, in bytes. Linux only."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in text.splitlines() if line)
        now, peak = (int(fields[name].split()[0]) * KIBIBYTE for name in ("VmRSS", "VmHWM"))
        return now, peak


class Paths(dict[str, str]):
    """By slug: of the good files that are there at the start, and of others when they are asked for."""

    def __init__(self, home: Home) -> None:
        slugs = [path.stem for path in (home.folder / "workflows").glob("*.yaml")]
        asked = {slug: _asked(home, slug) for slug in slugs}
        super().__init__({slug: _path(one) for slug, one in asked.items() if one.exit_code == 0})
        self._home = home

    def __missing__(self, slug: str) -> str:
        self[slug] = _path(_asked(self._home, slug))
        return self[slug]


@contextmanager
def serving(home: Home, **environment: str) -> Iterator[Running]:
    """
    Serve what is in *home* at a free port of 127.0.0.1, with settings from *environment*
    (`HOOKLINE_…`), while inside; to be entered outside of an event loop. At the end it is stopped by
    SIGTERM, and must end well, unless it was killed (`Running.kill`).
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
    log = home.folder / "stderr.txt"
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "runner.cli", "serve", "--port", "0"],
            cwd=home.folder,
            env={**ours, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().split()
        assert line[:1] == ["ready"], log.read_text(encoding="utf-8")
        yield Running(process, urlsplit(line[1]).port or 0, Paths(home), log)
        if process.poll() == -signal.SIGKILL:
            return
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0, log.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _asked(home: Home, slug: str) -> Result:
    """What `hookline url` says, asked in a thread: a loop may run here, a test's or that of a browser."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(home, "url", slug).result()


def _path(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return urlsplit(result.stdout.strip()).path
