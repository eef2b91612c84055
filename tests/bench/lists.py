"""
How long people wait who look: the pages and the lists of the API over a month of a busy server, each asked
for through HTTP with the caches warm.
"""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from runner.engine.history import LOOKING_SECONDS
from tests.bench import history, varied
from tests.bench.report import Part, Row, Target
from tests.bench.servers import HOOKLINE, ROOT
from tests.bench.stage import Stage, write_workflows

WORKFLOWS = 40
ROUNDS = 9
MOST_MS = 100.0
BOUNDED = (
    f"What no index finds is looked for {LOOKING_SECONDS * 1000:.0f} ms, newest first; "
    "then the page ends with what was found so far, and the next one goes on."
)
BUSY, QUIET = "bench", "other-37"  # the workflow with the most runs, and the one with the fewest


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks the server at *host* and *port* as whoever has *token*."""

    host: str
    port: int
    token: str

    def milliseconds(self, path: str) -> float:
        """Until the whole answer to GET *path* is there. Raises RuntimeError: it is not 200."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            began = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            body = answer.read()
            taken = (time.perf_counter() - began) * 1000
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
        return taken


def measure(stage: Stage) -> list[Part]:
    """One part: what each takes, the slowest first."""
    runs = stage.plan.lists
    with stage.data() as data:
        (data / "workflows").unlink()
        write_workflows(data / "workflows", stage.port, others=WORKFLOWS - 2)
        stage.say(f"lists: {runs:,} runs of history are written")
        slugs = [BUSY, "bench-result", *(f"other-{number}" for number in range(WORKFLOWS - 2))]
        known = varied.fill(history.empty(data), slugs, runs, now=time.time())
        token = _token(data)
        with stage.hookline(data, "--no-execute") as (_process, address):
            target = urlsplit(address)
            asker = Asker(str(target.hostname), int(target.port or 0), token)
            found = {name: _timed(asker, path) for name, path in paths(known).items()}
    rows = [Row(name, {"ms": times, "slowest": [max(times)]}) for name, times in found.items()]
    rows.sort(key=lambda row: -row.median("ms"))
    targets = [Target(f"slowest list over {runs:,} runs ({rows[0].name}), ms", rows[0].median("ms"), MOST_MS)]
    return [Part(f"Lists over {runs:,} runs", rows, targets, [BOUNDED])]


def _timed(asker: Asker, path: str) -> list[float]:
    asker.milliseconds(path)  # templates are compiled, pages of the file are read
    return [asker.milliseconds(path) for _ in range(ROUNDS)]


def _token(data: Path) -> str:
    """A token that may look at everything."""
    command = [*HOOKLINE, "user", "token", "--data", str(data / "data")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def paths(known: varied.Known) -> Mapping[str, str]:
    """What is asked for, by what a person would call it."""
    api, rare = "/api/v1", quote(f"Order {known.order} ")
    delivery, order = quote(f"delivery_id={known.delivery_id}"), quote(f"payload.order={known.order}")
    return {
        "Home": "/",
        "activity of each workflow": f"{api}/activity",
        "workflows": f"{api}/workflows",
        "health": f"{api}/health",
        "a workflow": f"/workflows/{BUSY}",
        "page of runs": "/runs",
        "page of failed runs": "/runs?status=failed",
        "page of runs of a workflow": f"/runs?workflow={BUSY}",
        "page of events": "/events",
        "page of refused events": "/events?status=rejected",
        "page of failures": "/failures",
        "a failure": f"/failures/{known.problem}",
        "a run": f"/runs/{known.run}",
        "an event": f"/events/{known.event}",
        "runs": f"{api}/runs",
        "200 runs": f"{api}/runs?limit=200",
        "runs of a workflow": f"{api}/runs?workflow={BUSY}",
        "runs of a quiet workflow": f"{api}/runs?workflow={QUIET}",
        **{
            f"runs: {status}": f"{api}/runs?status={status}"
            for status in ("queued", "running", "waiting", "succeeded", "failed", "filtered", "cancelled")
        },
        **{
            f"runs of a workflow: {status}": f"{api}/runs?workflow={BUSY}&status={status}"
            for status in ("queued", "waiting", "succeeded", "failed", "cancelled")
        },
        "cancelled runs of a quiet workflow": f"{api}/runs?workflow={QUIET}&status=cancelled",
        "runs of a problem": f"{api}/runs?problem={known.problem}",
        "runs since a week": f"{api}/runs?since=7d",
        "runs before a week": f"{api}/runs?before=7d",
        "runs with a common title": f"{api}/runs?q=Ada",
        "runs with a rare title": f"{api}/runs?q={rare}",
        "runs with a title that none has": f"{api}/runs?q=nobody+has+this",
        "runs by id": f"{api}/runs?q={known.run}",
        "runs by delivery id": f"{api}/runs?where={delivery}",
        "runs by type": f"{api}/runs?where={quote('type=orders/paid')}",
        "runs by type that none has": f"{api}/runs?where={quote('type=orders/none')}",
        "runs by a field of the payload": f"{api}/runs?where={quote('payload.customer.name=Ada')}",
        "runs by a rare field of the payload": f"{api}/runs?where={order}",
        "events": f"{api}/events",
        "events of a workflow": f"{api}/events?workflow={BUSY}",
        **{
            f"events: {one}": f"{api}/events?status={one}"
            for one in ("accepted", "held", "rejected", "ignored", "duplicate", "dropped")
        },
        "events by delivery id": f"{api}/events?where={delivery}",
        "events by part of a delivery id": f"{api}/events?q={known.delivery_id[:12]}",
        "events by a rare field of the payload": f"{api}/events?where={order}",
        "problems": f"{api}/problems",
        "closed problems": f"{api}/problems?status=closed",
        "find a name": f"{api}/find?q=Ada",
        "find an id": f"{api}/find?q={known.run}",
        "find what there is not": f"{api}/find?q=nobody+has+this",
    }
