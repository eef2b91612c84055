"""
`make bench`: what Hookline does in a second, how long it lets senders wait, what it holds in memory,
how quickly it starts, whether it stays as fast and what it does on PostgreSQL, each beside a bare
endpoint, the embedded store or a bound.

Everything is measured in one run on one machine, in turn and in several rounds: the ratios are the
result, absolute figures differ from machine to machine. A target that is missed is said and no
more; the exit status is 1 only when something that was accepted was not delivered.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from tests.bench import growth, latency, lists, memory, neighbour, postgres, start, throughput, trying
from tests.bench.bodies import push_of
from tests.bench.report import Part, table, verdicts
from tests.bench.stage import FULL, QUICK, Stage, fsync_ms, open_stage

__all__ = ["main", "push_of"]

PARTS = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "start": start.measure,
    "growth": growth.measure,
    "lists": lists.measure,
    "neighbour": neighbour.measure,
    "trying": trying.measure,
    "postgres": postgres.measure,
}
NO_DISK_MS = 0.01  # a flush that takes less reaches no disk: memory, or one that lies


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
        epilog="example: python -m tests.bench --only throughput latency --json bench.json",
    )
    parser.add_argument("--quick", action="store_true", help="each part once and briefly, some two minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured there, too")
    parser.add_argument(
        "--disk",
        type=Path,
        metavar="DIR",
        help="where databases are made (4 GB for a while); the temporary folder otherwise",
    )
    options = parser.parse_args()
    began = time.monotonic()
    parts: list[Part] = []
    with open_stage(QUICK if options.quick else FULL, options.disk) as stage:
        flush = fsync_ms(stage.folder)[100]
        print(_machine(flush), end="\n\n", flush=True)
        for name in options.only or PARTS:
            for part in PARTS[name](stage):
                parts.append(part)
                print(table(part), flush=True)
        is_whole = all(one.is_whole for one in stage.deliveries)
        targets = [target for part in parts for target in part.targets]
        print(verdicts(targets))
        print(_account(stage))
    if options.json:
        found = {
            "quick": options.quick,
            "seconds": time.monotonic() - began,
            "machine": {**_facts(), "flush_ms": flush},
            "parts": [part.as_json() for part in parts],
            "deliveries": [
                {"name": one.name, "accepted": one.accepted, "delivered": one.delivered, "runs": one.runs}
                for one in stage.deliveries
            ],
            "is_whole": is_whole,
        }
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0 if is_whole else 1


def _facts() -> dict[str, object]:
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_before": os.getloadavg()[0],
    }


def _machine(flush: float) -> str:
    facts = _facts()
    said = f"{facts['cpus']} CPUs, Python {facts['python']}, {facts['system']}; one flush {flush:.3f} ms"
    if flush < NO_DISK_MS:
        said += "\nThis is no disk: what durability costs does not show here; name one with --disk DIR."
    if float(str(facts["load_before"])) > 0.5:
        said += f"\nThe machine is busy (load {facts['load_before']:.1f}): the figures are worth little."
    return said


def _account(stage: Stage) -> str:
    accepted = sum(one.accepted for one in stage.deliveries)
    missing = [one for one in stage.deliveries if not one.is_whole]
    if not missing:
        return f"All {accepted:,} accepted events whose runs were executed were delivered."
    lines = [
        f"  {one.name}: accepted {one.accepted:,}, delivered {one.delivered:,}, runs {one.runs}"
        for one in missing
    ]
    return "\n".join(["ACCEPTED EVENTS WERE NOT DELIVERED:", *lines])


if __name__ == "__main__":
    sys.exit(main())
