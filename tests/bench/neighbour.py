"""
What a hostile neighbour costs a quiet workflow: how long a sender waits for the *result* of a small
run at a calm rate, alone and while another workflow of the same server burns all that it is let.

Each neighbour is called over and over by several senders at once; one of its runs would by itself
take minutes or gigabytes were it not bounded. The ratios to the quiet workflow alone are the result.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.report import Part, Row, Target
from tests.bench.servers import hook_path, load
from tests.bench.stage import KEY, TYPICAL, Stage, write_workflows

QUIET, RATE = "bench-result", 20.0  # requests a second of the quiet workflow
QUIET_CONNECTIONS, HOSTILE_CONNECTIONS = 64, 4
MOST_P99_MS = 250.0  # what a person who waits for an answer does not yet call slow
ALONE = "alone"
HEAD = """
name: Hostile
trigger: {webhook: {answer: {wait: 2s}, verify: {provider: github, secret: BENCH}}}
retry: false
"""
NUMBERS = ", ".join(map(str, range(1000)))
HOSTILE = {
    "template": """
steps:
  - template: "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}"
""",
    "expression": f"""
vars: {{many: [{NUMBERS}]}}
steps:
  - transform: vars.many[?length($.vars.many[?@ > `1`]) > `1`]
""",
    "loops": f"""
vars: {{many: [{NUMBERS}]}}
steps:
  - for_each: vars.many
    steps:
      - repeat: {{until: index == `999`, at_most: 1000}}
        steps: [{{transform: "{{at: now(), id: uuid()}}"}}]
""",
    "pattern": """
steps:
  - transform: regex_search(join('', payload.commits[].message), '((a?){30}){30}b$')
""",
}


def measure(stage: Stage) -> list[Part]:
    """The quiet workflow's waiting, alone and beside each neighbour."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in (ALONE, *HOSTILE)}
    for number in range(stage.plan.latency_rounds):
        stage.say(f"neighbour: round {number + 1} of {stage.plan.latency_rounds}")
        alone: dict[str, Any] = {}
        for name, figures in found.items():
            quiet, hostile = _one(stage, None if name == ALONE else name)
            alone = alone or quiet
            for figure in ("p50", "p99"):
                figures[f"{figure} ms"].append(quiet[f"{figure}_ms"])
                figures[f"{figure} × alone"].append(quiet[f"{figure}_ms"] / alone[f"{figure}_ms"])
            figures["not answered 2xx"].append(quiet["sent"] - quiet["ok"] + quiet["unsent"])
            if hostile:
                ended = sum(hostile["statuses"].values())
                figures["hostile answers a second"].append(ended / hostile["seconds"])
    rows = [Row(name if name == ALONE else f"beside: {name}", dict(one)) for name, one in found.items()]
    dearest = max(row.median("p99 ms") for row in rows[1:])
    targets = [Target("p99 ms beside the dearest neighbour", dearest, MOST_P99_MS)]
    notes = [
        f"{RATE:.0f} requests a second that wait for their result",
        f"the neighbour has {HOSTILE_CONNECTIONS} senders that make no pause",
    ]
    return [Part("A quiet workflow beside a hostile one, answer: result", rows, targets, notes)]


def _one(stage: Stage, hostile: str | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What the quiet workflow's senders saw, and what the hostile one's did."""
    seconds = 2 * stage.plan.latency_seconds
    with _data(stage) as data, stage.hookline(data) as (_process, address):
        stage.load(address, QUIET, seconds=stage.plan.warm_seconds)
        with ThreadPoolExecutor(1) as senders:
            burning = None
            if hostile:
                path = hook_path(data, f"hostile-{hostile}", environment=KEY)
                options = {"seconds": seconds + 1, "connections": HOSTILE_CONNECTIONS}
                burning = senders.submit(load, address, path, stage.bodies(TYPICAL), **options)
            quiet = stage.load(address, QUIET, rate=RATE, seconds=seconds, connections=QUIET_CONNECTIONS)
            return quiet, burning.result() if burning else None


@contextlib.contextmanager
def _data(stage: Stage) -> Iterator[Path]:
    """A folder with the quiet workflow and all hostile ones."""
    with stage.data() as data:
        (data / "workflows").unlink()
        write_workflows(data / "workflows", stage.port)
        for name, text in HOSTILE.items():
            (data / "workflows" / f"hostile-{name}.yaml").write_text(HEAD + text)
        yield data
