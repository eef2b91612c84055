"""Processes that the benchmarks and the crash tests start: the server, the sink, the load."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
HOOKLINE = [sys.executable, "-m", "runner.cli"]
TICKS = os.sysconf("SC_CLK_TCK")


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
            status = self._child.wait()
            self._child.stdout.close()
            raise RuntimeError(f"{' '.join(command)} ended with {status}")

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def tree(self) -> list[int]:
        """Its id, then those of all that descend from it now."""
        return _descent(self.pid)

    def children(self) -> list[int]:
        """The ids of those that it started itself: of a supervisor, its workers."""
        return _children(self.pid)

    def cpu_seconds(self) -> float:
        """User and system time so far of the whole tree."""
        return cpu_seconds(self.pid)

    def memory_mib(self) -> float:
        """Resident memory of the whole tree now; pages that two processes share count twice."""
        return sum(_resident_kib(pid) for pid in self.tree()) / 1024

    def kill(self) -> None:
        """SIGKILL to the whole tree, the parent first, and wait for its end. Nothing if it has ended."""
        if self.is_running:  # its id is still its own
            for pid in self.tree():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._close()

    def kill_alone(self) -> list[int]:
        """SIGKILL to it and none of its children, whose ids are given: they have to end by themselves."""
        orphans = self.tree()[1:]
        self._child.kill()
        self._close()
        return orphans

    def stop(self) -> int:
        """SIGTERM, and wait for the end; the exit status."""
        self._child.send_signal(signal.SIGTERM)
        return self._close()

    def _close(self) -> int:
        assert self._child.stdout
        self._child.stdout.close()
        return self._child.wait(timeout=60)


def end_all(pids: Collection[int], *, seconds: float) -> list[int]:
    """Wait for processes that were ours to end; those that had to be killed after *seconds*."""
    wait_until(lambda: not any(map(is_alive, pids)), seconds=seconds)
    left = [pid for pid in pids if is_alive(pid)]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that nobody waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _descent(pid: int) -> list[int]:
    return [pid, *(each for child in _children(pid) for each in _descent(child))]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):  # a thread that ended meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


def _cpu_ticks(pid: int) -> int:
    """Its own, and those of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


def _resident_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    resident = status.partition("VmRSS:")[2].split()
    return int(resident[0]) if resident else 0  # one that ended and is not waited for has none


def sink(log: Path | None = None) -> tuple[Process, int]:
    """The counting destination and its port."""
    process = Process([sys.executable, "-m", "tests.bench.sink", *(["--log", str(log)] if log else [])])
    return process, int(process.first_line)


def received(port: int) -> int:
    """How many POSTs with different keys the sink at *port* had."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count") as answer:
        return int(json.load(answer)["distinct"])


def server(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> tuple[Process, str]:
    """`hookline serve` over *folder*'s workflows and data, and its address."""
    process = Process(
        [*HOOKLINE, "serve", "--workflows", str(folder / "workflows"), "--data", str(folder / "data"),
         "--port", "0", *arguments],
        environment={"HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8", **(environment or {})},
    )  # fmt: skip
    return process, process.first_line.removeprefix("ready ")


def worker(data: Path, *, environment: dict[str, str] | None = None) -> Process:
    """`hookline worker`, which only executes, with the folder *data* for itself."""
    return Process(
        [*HOOKLINE, "worker", "--data", str(data)],
        environment={"HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8", **(environment or {})},
    )


def cpu_seconds(pid: int) -> float:
    """User and system time so far of the process *pid* and all that descend from it. Source: proc(5)."""
    return sum(map(_cpu_ticks, _descent(pid))) / TICKS


def hook_path(folder: Path, slug: str, *, environment: dict[str, str] | None = None) -> str:
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
    done = subprocess.run(
        command,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    return urlsplit(done.stdout.strip()).path


def load(address: str, path: str, bodies: Path, **options: float) -> dict[str, Any]:
    """Run the load generator to its end with the options of load.py; its results."""
    target = urlsplit(address)
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "tests.bench.load", str(target.hostname), str(target.port), path,
               "--bodies", str(bodies), *arguments]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether *condition()* came to hold in time; looked at each 20 ms."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
