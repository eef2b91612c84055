"""Processes that the benchmarks and the crash tests start: the server, the sink, the load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
HOOKLINE = [sys.executable, "-m", "runner.cli"]


class Process:
    """A child process with a line of its own that says it is ready."""

    def __init__(self, command: Sequence[str], *, environment: dict[str, str] | None = None) -> None:
        self._child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        assert self._child.stdout
        self.first_line = self._child.stdout.readline().strip()
        if not self.first_line:
            raise RuntimeError(f"{' '.join(command)} ended with {self._child.wait()}")

    @property
    def pid(self) -> int:
        return self._child.pid

    def cpu_seconds(self) -> float:
        """User and system time so far. Source: proc(5)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._child.kill()
        self._close()

    def stop(self) -> int:
        """SIGTERM, and wait for the end; the exit status."""
        self._child.send_signal(signal.SIGTERM)
        return self._close()

    def _close(self) -> int:
        assert self._child.stdout
        self._child.stdout.close()
        return self._child.wait(timeout=60)


def sink(log: Path | None = None) -> tuple[Process, int]:
    """The counting destination and its port."""
    process = Process([sys.executable, "-m", "tests.bench.sink", *(["--log", str(log)] if log else [])])
    return process, int(process.first_line)


def received(port: int) -> int:
    """How many POSTs the sink at *port* had."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count") as answer:
        return int(answer.read())


def server(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> tuple[Process, str]:
    """`hookline serve` over *folder*'s workflows and data, and its address."""
    process = Process(
        [*HOOKLINE, "serve", "--workflows", str(folder / "workflows"), "--data", str(folder / "data"),
         "--port", "0", *arguments],
        environment={"HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8", **(environment or {})},
    )  # fmt: skip
    return process, process.first_line.removeprefix("ready ")


def hook_path(folder: Path, slug: str) -> str:
    """The path of a workflow's inbound address."""
    command = [
        *HOOKLINE,
        "url",
        slug,
        "--workflows",
        str(folder / "workflows"),
        "--data",
        str(folder / "data"),
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return urlsplit(done.stdout.strip()).path


def load(address: str, path: str, body: Path, **options: float) -> dict[str, Any]:
    """Run the load generator to its end; its results."""
    target = urlsplit(address)
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "tests.bench.load", str(target.hostname), str(target.port), path,
               "--body", str(body), *arguments]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def wait_until(condition: Any, *, seconds: float) -> bool:
    """Whether *condition()* came to hold in time; looked at each 20 ms."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())
