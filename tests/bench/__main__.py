"""
`make bench`: accepted events and completed runs a second, beside a bare ASGI and a bare Quart
endpoint on the same serving loop, in turn within one run. Prints a table of medians, and JSON.

The workflow: filter, transform, text, one outbound POST. The body: a GitHub push of 7 KB.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.servers import Process, hook_path, load, received, server, sink, wait_until

ROUNDS = 3
SECONDS = 3.0
BODY_BYTES = 7000
WORKFLOW = """
name: Bench
trigger: {{webhook: {{}}}}
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


def push_of(size: int) -> bytes:
    """A GitHub push of about *size* bytes."""
    sample = Path(__file__).parents[2] / "workflows" / "fixtures" / "github-push.json"
    push = json.loads(sample.read_text())
    commit = push["commits"][0]
    while len(json.dumps(push)) < size:
        push["commits"].append({**commit, "id": f"{len(push['commits']):040x}"})
    return json.dumps(push, separators=(",", ":")).encode()


def measure(process: Process, address: str, path: str, body: Path) -> dict[str, Any]:
    """One round against one server: requests a second, and its CPU for 1,000 of them."""
    before = process.cpu_seconds()
    results = load(address, path, body, seconds=SECONDS)
    results["cpu_per_1000"] = (process.cpu_seconds() - before) / max(1, results["ok"]) * 1000
    return results


def completed(folder: Path, body: Path, port: int) -> dict[str, Any]:
    """One round of whole runs: sent for a while, counted at the sink until all have arrived."""
    process, address = server(folder)
    try:
        path = hook_path(folder, "bench")
        load(address, path, body, seconds=0.5)
        wait_until(lambda: _is_quiet(port), seconds=30)
        before, cpu, began = received(port), process.cpu_seconds(), time.monotonic()
        results = load(address, path, body, seconds=SECONDS)
        is_whole = wait_until(lambda: received(port) - before >= results["ok"], seconds=60)
        seconds = time.monotonic() - began
        done = received(port) - before
        return {
            "per_second": done / seconds,
            "accepted": results["ok"],
            "delivered": done,
            "is_whole": is_whole,
            "p50_ms": results["p50_ms"],
            "p99_ms": results["p99_ms"],
            "cpu_per_1000": (process.cpu_seconds() - cpu) / max(1, done) * 1000,
            "memory_mib": process.memory_mib(),
        }
    finally:
        process.stop()


def _is_quiet(port: int) -> bool:
    before = received(port)
    time.sleep(0.2)
    return received(port) == before


def main() -> int:
    rows: dict[str, list[dict[str, Any]]] = {
        "bare ASGI": [],
        "bare Quart": [],
        "accepted": [],
        "completed": [],
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "workflows").mkdir()
        body = folder / "body.json"
        body.write_bytes(push_of(BODY_BYTES))
        destination, port = sink()
        (folder / "workflows" / "bench.yaml").write_text(WORKFLOW.format(port=port))
        try:
            for number in range(ROUNDS):
                print(f"round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
                for name in ("asgi", "quart"):
                    process = Process([sys.executable, "-m", "tests.bench.bare", name])
                    try:
                        address = process.first_line.removeprefix("ready ")
                        load(address, "/hooks/x", body, seconds=0.5)
                        rows["bare ASGI" if name == "asgi" else "bare Quart"].append(
                            measure(process, address, "/hooks/x", body)
                        )
                    finally:
                        process.stop()
                rows["accepted"].append(_accepted(folder, body))
                rows["completed"].append(completed(folder, body, port))
        finally:
            destination.kill()
    return report(rows)


def _accepted(folder: Path, body: Path) -> dict[str, Any]:
    """One round of receiving alone, into a store of its own: what is queued there is never run."""
    with tempfile.TemporaryDirectory() as data:
        own = Path(data)
        (own / "workflows").symlink_to(folder / "workflows")
        process, address = server(own, "--no-execute", environment={"HOOKLINE_LIMITS_BACKLOG": "1000000"})
        try:
            path = hook_path(own, "bench")
            load(address, path, body, seconds=0.5)
            return measure(process, address, path, body)
        finally:
            process.stop()


def report(rows: dict[str, list[dict[str, Any]]]) -> int:
    """Print the medians and their ratios to the bare ASGI endpoint of the same run."""
    base = statistics.median(row["per_second"] for row in rows["bare ASGI"])
    cpu = statistics.median(row["cpu_per_1000"] for row in rows["bare ASGI"])
    print(f"{'':12}{'a second':>10}{'spread':>18}{'x bare':>8}{'p50 ms':>8}{'p99 ms':>8}{'cpu x':>7}")
    for name, measured in rows.items():
        rates = sorted(row["per_second"] for row in measured)
        middle = statistics.median(rates)
        p50 = statistics.median(row["p50_ms"] for row in measured)
        p99 = statistics.median(row["p99_ms"] for row in measured)
        ratio = statistics.median(row["cpu_per_1000"] for row in measured) / cpu
        spread = f"{rates[0]:,.0f}-{rates[-1]:,.0f}"
        print(f"{name:12}{middle:10,.0f}{spread:>18}{middle / base:8.2f}{p50:8.1f}{p99:8.1f}{ratio:7.1f}")
    whole = all(row["is_whole"] for row in rows["completed"])
    print("every accepted event was delivered" if whole else "SOME ACCEPTED EVENTS WERE NOT DELIVERED")
    print(json.dumps(rows))
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
