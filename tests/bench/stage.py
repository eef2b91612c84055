"""
What every part of the benchmark works with: the plan (how long, how often), the workflow, the
bodies, the sink, and servers started and ended in turn.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.bodies import write_bodies
from tests.bench.load import SECRET
from tests.bench.servers import Process, hook_path, load, received, server, sink

# one key for all data folders, so that a slug has one address in all of them
KEY = {
    "HOOKLINE_KEY": "the benchmark's key, which guards nothing at all",
    "HOOKLINE_SECRET_BENCH": SECRET.decode(),
}
TYPICAL = 7000  # bytes: the body that the targets speak of
WORKFLOW = """
name: Bench
trigger: {{webhook: {{answer: {answer}, verify: {{provider: github, secret: BENCH}}}}}}
vars: {{branch: refs/heads/main}}
steps:
  - filter: payload.ref == vars.branch
  - id: push
    transform:
      repository: payload.repository.full_name
      by: payload.pusher.name
      messages: payload.commits[].message
      count: length(payload.commits)
  - id: text
    template: "{{{{ steps.push.by }}}}: {{{{ steps.push.count }}}} commits to {{{{ steps.push.repository }}}}"
  - action: http.request
    with:
      method: POST
      url: http://127.0.0.1:{port}/
      json: {{text: "{{{{ steps.text }}}}", messages: "{{{{ steps.push.messages }}}}"}}
"""
LANES = (1, 10)  # limits of the workflows `lane-1` and `lane-10`


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything one run of the benchmark does."""

    rounds: int
    seconds: float  # of load in one round
    warm_seconds: float
    sizes: tuple[int, ...]  # bytes of a body
    other_rounds: int  # for other sizes than the typical one
    latency_rounds: int
    latency_seconds: float
    overload_seconds: float
    start_rounds: int
    history: tuple[int, ...]  # rows
    workflows: tuple[int, ...]
    growth_rounds: int
    lists: int  # runs of the history that is looked at
    lane_runs: int  # sent to a limited lane at once


FULL = Plan(
    rounds=3, seconds=2.0, warm_seconds=0.5, sizes=(1000, 7000, 60_000), other_rounds=2,
    latency_rounds=2, latency_seconds=4.0, overload_seconds=30.0, start_rounds=3,
    history=(10_000, 100_000, 1_000_000), workflows=(10, 100, 1000), growth_rounds=2,
    lists=1_000_000, lane_runs=600,
)  # fmt: skip
QUICK = Plan(
    rounds=1, seconds=1.0, warm_seconds=0.2, sizes=(7000,), other_rounds=1,
    latency_rounds=1, latency_seconds=1.5, overload_seconds=5.0, start_rounds=1,
    history=(10_000,), workflows=(10, 100), growth_rounds=1,
    lists=50_000, lane_runs=100,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivery:
    """One load's account: what was answered with 2xx, and what of it came to its end."""

    name: str
    accepted: int
    delivered: int  # different events that came to the sink
    runs: dict[str, int]  # by status, from the database

    @property
    def is_whole(self) -> bool:
        """Whether all that was accepted was delivered and has ended well."""
        return self.delivered >= self.accepted <= self.runs.get("succeeded", 0) == sum(self.runs.values())


@dataclass(slots=True)
class Stage:
    """The place where it is measured. `rates` are a second, of the typical body, once known."""

    plan: Plan
    folder: Path
    port: int
    rates: dict[str, float] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    _bodies: dict[int, Path] = field(default_factory=dict)
    _paths: dict[str, str] = field(default_factory=dict)

    @property
    def workflows(self) -> Path:
        """The folder with `bench` and `bench-result`."""
        return self.folder / "workflows"

    def say(self, text: str) -> None:
        """Tell a waiting person what goes on."""
        print(text, file=sys.stderr, flush=True)

    def bodies(self, size: int) -> Path:
        """A file of pushes of about *size* bytes."""
        if size not in self._bodies:
            self._bodies[size] = write_bodies(self.folder / f"bodies-{size}", size)
        return self._bodies[size]

    def path(self, slug: str) -> str:
        """Where the workflow *slug* is called, on every server of this stage."""
        if slug not in self._paths:
            with self.data() as data:
                self._paths[slug] = hook_path(data, slug, environment=KEY)
        return self._paths[slug]

    @contextlib.contextmanager
    def data(self) -> Iterator[Path]:
        """A folder with our workflows and no data yet, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            (Path(name) / "workflows").symlink_to(self.workflows)
            yield Path(name)

    @contextlib.contextmanager
    def bare(self, *kind: str) -> Iterator[tuple[Process, str]]:
        """The endpoint of tests/bench/bare.py that *kind* names, and its address."""
        process = Process([sys.executable, "-m", "tests.bench.bare", *kind])
        try:
            yield process, process.first_line.removeprefix("ready ")
        finally:
            process.stop()

    @contextlib.contextmanager
    def hookline(self, data: Path, *arguments: str, **limits: int) -> Iterator[tuple[Process, str]]:
        """A server over *data* and its address; `backlog=5` sets `HOOKLINE_LIMITS_BACKLOG`."""
        settings = {f"HOOKLINE_LIMITS_{name.upper()}": str(value) for name, value in limits.items()}
        process, address = server(data, *arguments, environment=KEY | settings)
        try:
            yield process, address
        finally:
            process.stop()

    def load(self, address: str, slug: str, *, size: int = TYPICAL, **options: float) -> dict[str, Any]:
        """Send pushes to *slug* with the options of load.py; its results."""
        return load(address, self.path(slug), self.bodies(size), **options)

    def received(self) -> int:
        """How many different effects the sink has had."""
        return received(self.port)

    def account(self, name: str, data: Path, *, accepted: int, delivered: int) -> Delivery:
        """Note what became of one load, whose server has ended."""
        with contextlib.closing(sqlite3.connect(f"file:{data}/data/hookline.db?mode=ro", uri=True)) as store:
            counted = "SELECT status, count(*) FROM runs GROUP BY status"
            runs = dict(store.execute(counted))
        return self.note(Delivery(name, accepted, delivered, runs))

    def note(self, delivery: Delivery) -> Delivery:
        """Take *delivery* into the account of all loads."""
        self.deliveries.append(delivery)
        if not delivery.is_whole:
            self.say(f"NOT WHOLE: {delivery}")
        return delivery


@contextlib.contextmanager
def open_stage(plan: Plan, disk: Path | None) -> Iterator[Stage]:
    """A stage with its sink; the databases are made under *disk*, or the folder for temporary files."""
    with tempfile.TemporaryDirectory(dir=disk, prefix="hookline-bench-") as name:
        destination, port = sink()
        try:
            stage = Stage(plan, Path(name), port)
            write_workflows(stage.workflows, port)
            write_lanes(stage.workflows, port)
            yield stage
        finally:
            destination.kill()


def write_workflows(folder: Path, port: int, *, others: int = 0) -> None:
    """`bench`, `bench-result` (the same for a waiting caller), and *others* that nothing is sent to."""
    folder.mkdir(parents=True)
    (folder / "bench.yaml").write_text(WORKFLOW.format(port=port, answer="accepted"))
    (folder / "bench-result.yaml").write_text(WORKFLOW.format(port=port, answer="result"))
    for number in range(others):
        text = WORKFLOW.format(port=port, answer="accepted").replace("name: Bench", f"name: Other {number}")
        (folder / f"other-{number}.yaml").write_text(text)


def write_lanes(folder: Path, port: int) -> None:
    """`lane-1` and `lane-10`: as `bench`, and so many runs at once."""
    for limit in LANES:
        text = WORKFLOW.format(port=port, answer="accepted")
        head = f"name: At most {limit}\nconcurrency: {{key: \"'all'\", limit: {limit}}}"
        (folder / f"lane-{limit}.yaml").write_text(text.replace("name: Bench", head))


def fsync_ms(folder: Path, count: int = 200) -> list[float]:
    """How long one flush of the disk under *folder* takes, after an append of 8 KiB; milliseconds, sorted."""
    times = []
    path = folder / "fsync"
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(os.urandom(8192))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return sorted(times)
