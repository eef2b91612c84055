"""The package as a stranger has it: built from its sdist, and installed by pip into an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.packaging.wheelhouse import make_wheelhouse

ROOT = Path(__file__).parents[2]
END_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Installed:
    """The environment's `bin`, the wheel, and the source package of which it was built."""

    bin: Path
    wheel: Path
    source: Path

    def run(self, *words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in *folder*, which sees no checkout."""
        return subprocess.run(
            [self.bin / words[0], *words[1:]],
            cwd=folder,
            env=bare(environment),
            capture_output=True,
            text=True,
            timeout=END_SECONDS,
            check=False,
        )

    @contextmanager
    def serving(
        self, words: Sequence[str], *, folder: Path, prefix: Sequence[str] = (), **environment: str
    ) -> Iterator[str]:
        """
        Run `hookline` with *words*, which is a server, in *folder* while inside, and give its address.
        *prefix* is a command that runs it. At the end it is stopped by SIGTERM and has to end well.
        """
        log = folder / "stderr.txt"
        with log.open("w", encoding="utf-8") as stderr:
            process: subprocess.Popen[Any] = subprocess.Popen(
                [*prefix, self.bin / "hookline", *words],
                cwd=folder,
                env=bare(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().split()
            assert line[:1] == ["ready"], log.read_text(encoding="utf-8")
            yield line[1]
            process.terminate()
            assert process.wait(END_SECONDS) == 0, log.read_text(encoding="utf-8")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()  # type: ignore[union-attr]


def bare(environment: dict[str, str]) -> dict[str, str]:
    """*environment* and what any process has: no settings of ours, no path into the checkout."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | environment


def install(folder: Path) -> Installed:
    """Build the packages in *folder*, and install the wheel into an environment there."""
    dist, wheels, place = folder / "dist", folder / "wheels", folder / "environment"
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(dist)]
    _do([*build, "--target", "sdist"], ROOT)
    (source,) = dist.glob("*.tar.gz")
    _do(["tar", "--extract", "--file", str(source), "--directory", str(folder)], folder)
    _do([*build, "--target", "wheel"], folder / source.name.removesuffix(".tar.gz"))
    (wheel,) = dist.glob("*.whl")
    wheels.mkdir()
    make_wheelhouse(wheels)
    venv.create(place)
    pip = [sys.executable, "-m", "pip", "--python", str(place), "install", "--no-index", "--no-compile"]
    _do([*pip, "--find-links", str(wheels), str(wheel)], folder)
    return Installed(place / "bin", wheel, source)


def _do(words: Sequence[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
