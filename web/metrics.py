"""
`/metrics`: the numbers of Health as Prometheus reads them, and how long everything took.

`hookline_events_total`, `hookline_runs_total` and all that is waiting are numbers of rows, so they are the
same whichever process answers and go on after a restart. What a process alone can see is its own, since it
began: among several processes behind one address those families have the label `worker`. Source: Prometheus'
exposition formats, version 0.0.4, and its conventions for names.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from quart import Quart, Response

from runner import __version__
from runner.errors import StoreUnavailable
from web.wellness import wellness

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from runner.engine.measures import Counts, Timings
    from runner.engine.people import Right
    from runner.engine.vitals import Reading, Vitals
    from web.house import House

PATH = "/metrics"
MOST_CONNECTIONS = 200
MOST_DESTINATIONS = 100
PROBLEM_KINDS = ("runs", "silent", "poll", "backlog")


def add_metrics(app: Quart, house: House) -> dict[str, Right]:
    """Serve them; what the endpoint asks for."""
    app.add_url_rule(PATH, "metrics", partial(_metrics, house), methods=["GET"])
    return {"metrics": "viewer"}


async def _metrics(house: House) -> Response:
    reading = None
    try:
        await house.ping()
        if house.vitals:
            reading = await house.vitals.meter.sample()
    except StoreUnavailable:
        is_up = False  # told as a number: who watches shall hear of it
    else:
        is_up = True
    registry = CollectorRegistry()
    registry.register(_Numbers(house, reading, is_up=is_up))
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def process_text(vitals: Vitals) -> bytes:
    """What a process sees of itself, for one that has nothing else to serve."""
    registry = CollectorRegistry()
    registry.register(_Process(vitals))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Process(Collector):
    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterator[Metric]:
        """The families of this process."""
        yield _build()
        yield from _process(self._vitals)


class _Numbers(Collector):
    def __init__(self, house: House, reading: Reading | None, *, is_up: bool) -> None:
        self._house = house
        self._reading = reading
        self._is_up = is_up

    def collect(self) -> Iterator[Metric]:
        """All families."""
        house = self._house
        yield _build()
        yield _gauge("hookline_store_up", "Whether the store can be written.", self._is_up)
        trouble = not self._is_up or wellness(house).word == "Trouble"
        yield _gauge("hookline_trouble", "Whether Health says Trouble.", trouble)
        yield _gauge("hookline_backlog_limit_runs", "At so many new events are refused.", house.backlog_limit)
        yield _gauge("hookline_workflows_live", "Workflows that are live.", len(house.library.all()))
        faulty = sum(
            any(one.severity == "error" for one in faults) for faults in house.library.faults.values()
        )
        yield _gauge("hookline_workflow_files_faulty", "Workflow files that cannot be used.", faulty)
        yield from _connections(house)
        if self._reading:
            yield from _rows(self._reading)
        if house.vitals:
            yield from _process(house.vitals)


def _build() -> Metric:
    about = {"version": __version__, "python": platform.python_version()}
    return _gauges("hookline_build_info", "What runs.", tuple(about), [(tuple(about.values()), 1)])


def _rows(reading: Reading) -> Iterator[Metric]:
    yield CounterMetricFamily("hookline_events", "Requests that were kept as events.", value=reading.events)
    yield CounterMetricFamily("hookline_runs", "Runs that were made.", value=reading.runs)
    yield CounterMetricFamily("hookline_runs_finished", "Runs that are over.", value=max(0, reading.finished))
    under_way = [("queued", reading.queued), ("running", reading.running), ("waiting", reading.waiting)]
    yield _gauges(
        "hookline_runs_under_way", "Runs that are not over, by status.", ("status",),
        [((status,), count) for status, count in under_way],
    )  # fmt: skip
    yield _gauge("hookline_events_held", "Events that wait for a person or a pause's end.", reading.held)
    due = reading.due_since
    oldest = 0.0 if due is None else max(0.0, reading.at - due)
    yield _gauge("hookline_oldest_waiting_seconds", "Since the oldest run could have begun.", oldest)
    yield _gauge("hookline_store_used_bytes", "Of the database.", reading.used_bytes)
    yield _gauge("hookline_store_file_bytes", "Of the database's file.", reading.file_bytes)
    if reading.free_bytes is not None:  # else it lies on another machine
        yield _gauge("hookline_disk_free_bytes", "Where the database lies.", reading.free_bytes)
    yield _gauge("hookline_nodes", "Processes on this store.", len(reading.nodes))
    kinds = {**dict.fromkeys(PROBLEM_KINDS, 0), **reading.problems}
    yield _gauges(
        "hookline_problems_open", "Problems that are open, by kind.", ("kind",),
        [((kind,), count) for kind, count in kinds.items()],
    )  # fmt: skip
    yield _gauges(
        "hookline_sender_silent", "1 for each workflow whose sender is silent.", ("workflow",),
        [((workflow,), 1) for workflow in reading.silent],
    )  # fmt: skip


def _connections(house: House) -> Iterator[Metric]:
    found = house.connections.items()[:MOST_CONNECTIONS] if house.connections else []
    yield _gauges(
        "hookline_connection_expiry_timestamp_seconds", "When it ends, UTC, as far as that is known.",
        ("connection",),
        [((one["name"],), datetime.fromisoformat(one["expires_at"]).timestamp())
         for one in found if one["expires_at"]],
    )  # fmt: skip
    yield _gauges(
        "hookline_connection_refused", "1 for each connection that its service does not take.",
        ("connection",),
        [((one["name"],), 1) for one in found if one["state"] in ("refused", "expired")],
    )  # fmt: skip


def _process(vitals: Vitals) -> Iterator[Metric]:
    own = _Own({} if vitals.worker is None else {"worker": str(vitals.worker)})
    meter, measures = vitals.meter, vitals.meter.measures
    yield own.gauge("hookline_start_time_seconds", "When this process began, UTC.", meter.began_at)
    yield own.gauge("hookline_loop_lag_seconds", "How late the event loop is.", meter.lag_seconds)
    yield own.counts(
        "hookline_received", "Events that came to this process, by what became of them.",
        ("workflow", "disposition"), measures.received,
    )  # fmt: skip
    yield own.timings(
        "hookline_accept_seconds", "From a request's first byte until its event is on disk.", "workflow",
        measures.accepting,
    )  # fmt: skip
    yield own.timings(
        "hookline_queue_wait_seconds", "From accepting until the run's first turn.", "workflow",
        measures.waiting,
    )  # fmt: skip
    yield own.timings(
        "hookline_run_seconds", "From accepting until the run's end.", "workflow", measures.running
    )
    yield own.counts(
        "hookline_runs_ended", "Runs that this process ended, by status.", ("workflow", "status"),
        measures.ended,
    )  # fmt: skip
    yield own.timings("hookline_call_seconds", "One call of an action.", "action", measures.calling)
    yield own.counts(
        "hookline_calls", "Calls of actions, by how they ended; parked: nothing was sent.",
        ("action", "outcome"), measures.called,
    )  # fmt: skip
    yield own.counts("hookline_retries", "Attempts after the first.", ("workflow",), measures.retried)
    yield own.counter(
        "hookline_evaluator_restarts", "Evaluators that were ended, worn out or past their bounds.",
        measures.evaluator_restarts(),
    )  # fmt: skip
    known = vitals.destinations.standing()
    states = {state: sum(one.state == state for one in known) for state in ("down", "back", "well")}
    yield own.gauges(
        "hookline_destinations", "Destinations that this process knows, by how they stand.", ("state",),
        [((state,), count) for state, count in states.items()],
    )  # fmt: skip
    down = [one.name for one in known if one.state == "down"][:MOST_DESTINATIONS]
    yield own.gauges(
        "hookline_destination_down", "1 for each destination whose circuit is open.", ("destination",),
        [((name,), 1) for name in down],
    )  # fmt: skip


class _Own:
    """Families of this process, each with its *labels*."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._names, self._values = tuple(labels), tuple(labels.values())

    def gauge(self, name: str, about: str, value: float) -> Metric:
        return self.gauges(name, about, (), [((), value)])

    def gauges(
        self, name: str, about: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
    ) -> Metric:
        rows = [(self._values + values, value) for values, value in rows]
        return _gauges(name, about, self._names + labels, rows)

    def counter(self, name: str, about: str, value: float) -> Metric:
        family = CounterMetricFamily(name, about, labels=self._names)
        family.add_metric(self._values, value)
        return family

    def counts(self, name: str, about: str, labels: tuple[str, ...], counts: Counts) -> Metric:
        family = CounterMetricFamily(name, about, labels=self._names + labels)
        for one, by_what in sorted(counts.by_name.items()):
            for what, count in sorted(by_what.items()):
                family.add_metric((*self._values, one, what)[: len(self._names) + len(labels)], count)
        return family

    def timings(self, name: str, about: str, label: str, timings: Timings) -> Metric:
        family = HistogramMetricFamily(name, about, labels=(*self._names, label))
        for one, histogram in sorted(timings.by_name.items()):
            family.add_metric((*self._values, one), histogram.cumulated(), sum_value=histogram.total)
        return family


def _gauges(
    name: str, about: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, value in rows:
        family.add_metric(values, float(value))
    return family


def _gauge(name: str, about: str, value: float) -> Metric:
    return _gauges(name, about, (), [((), value)])
