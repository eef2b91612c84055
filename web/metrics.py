"""
`/metrics`: the numbers of Health as Prometheus reads them, and how long runs took, by workflow.

Counters of events and runs are numbers of rows, so they are the same whichever process answers and go on
after a restart. What a process alone can see (`hookline_runs_ended_total`, `hookline_run_seconds`, the lag of
its loop) is its own, since it began. Source: Prometheus' exposition formats, version 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from quart import Quart, Response

from runner import __version__
from runner.engine.vitals import BUCKETS
from runner.errors import StoreUnavailable
from web.wellness import wellness

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from runner.engine.people import Right
    from runner.engine.vitals import Reading, Vitals
    from web.house import House

PATH = "/metrics"


def add_metrics(app: Quart, house: House) -> dict[str, Right]:
    """Serve them; what the endpoint asks for."""
    app.add_url_rule(PATH, "metrics", partial(_metrics, house), methods=["GET"])
    return {"metrics": "viewer"}


async def _metrics(house: House) -> Response:
    reading, open_problems = None, 0
    try:
        await house.ping()
        open_problems = await house.problems.open_count()
        if house.vitals:
            reading = await house.vitals.meter.sample()
    except StoreUnavailable:
        is_up = False  # told as a number: who watches shall hear of it
    else:
        is_up = True
    registry = CollectorRegistry()
    registry.register(_Numbers(house, reading, open_problems, is_up=is_up))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Numbers(Collector):
    def __init__(self, house: House, reading: Reading | None, open_problems: int, *, is_up: bool) -> None:
        self._house = house
        self._reading = reading
        self._open_problems = open_problems
        self._is_up = is_up

    def collect(self) -> Iterator[Metric]:
        """All families."""
        house = self._house
        yield _labelled(
            GaugeMetricFamily("hookline_build", "The version that runs.", labels=["version"]), __version__
        )
        yield _gauge("hookline_store_up", "Whether the store can be written.", self._is_up)
        trouble = not self._is_up or wellness(house).word == "Trouble"
        yield _gauge("hookline_trouble", "Whether Health says Trouble.", trouble)
        yield _gauge("hookline_backlog_limit_runs", "At so many new events are refused.", house.backlog_limit)
        if self._is_up:
            yield _gauge("hookline_problems_open", "Problems that are open.", self._open_problems)
        yield _gauge("hookline_workflows_live", "Workflows that are live.", len(house.library.all()))
        if self._reading:
            yield from _rows(self._reading)
        if house.vitals:
            yield from _process(house.vitals)


def _rows(reading: Reading) -> Iterator[Metric]:
    yield CounterMetricFamily("hookline_events", "Requests that were kept as events.", value=reading.events)
    yield CounterMetricFamily("hookline_runs", "Runs that were made.", value=reading.runs)
    yield CounterMetricFamily("hookline_runs_finished", "Runs that are over.", value=max(0, reading.finished))
    runs = GaugeMetricFamily(
        "hookline_runs_under_way", "Runs that are not over, by status.", labels=["status"]
    )
    for status, count in (
        ("queued", reading.queued), ("running", reading.running), ("waiting", reading.waiting),
    ):  # fmt: skip
        runs.add_metric([status], count)
    yield runs
    yield _gauge("hookline_events_held", "Events that wait for a person or a pause's end.", reading.held)
    due = reading.due_since
    oldest = 0.0 if due is None else max(0.0, reading.at - due)
    yield _gauge("hookline_oldest_waiting_seconds", "Since the oldest run could have begun.", oldest)
    yield _gauge("hookline_store_used_bytes", "Of the database.", reading.used_bytes)
    yield _gauge("hookline_store_file_bytes", "Of the database's file.", reading.file_bytes)
    yield _gauge("hookline_disk_free_bytes", "Where the database lies.", reading.free_bytes)
    yield _gauge("hookline_nodes", "Processes on this store.", len(reading.nodes))


def _process(vitals: Vitals) -> Iterator[Metric]:
    meter = vitals.meter
    yield _gauge("hookline_start_time_seconds", "When this process began, UTC.", meter.began_at)
    yield _gauge("hookline_loop_lag_seconds", "How late the event loop is.", meter.lag_seconds)
    ended = CounterMetricFamily(
        "hookline_runs_ended", "Runs that this process ended.", labels=["workflow", "status"]
    )
    for (workflow, status), count in sorted(meter.ended.items()):
        ended.add_metric([workflow, status], count)
    yield ended
    took = HistogramMetricFamily(
        "hookline_run_seconds", "From accepting to the end, of runs of this process.", labels=["workflow"]
    )
    for workflow, histogram in sorted(meter.took.items()):
        bounds = [*map(str, BUCKETS), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(histogram.counts)), strict=True))
        took.add_metric([workflow], buckets, sum_value=histogram.total)
    yield took
    down = GaugeMetricFamily(
        "hookline_destination_down", "Destinations that do not answer this process.", labels=["destination"]
    )
    for one in vitals.destinations.standing():
        if one.state == "down":
            down.add_metric([one.name], 1)
    yield down


def _gauge(name: str, summary: str, value: float) -> Metric:
    return GaugeMetricFamily(name, summary, value=float(value))


def _labelled(family: GaugeMetricFamily, label: str) -> Metric:
    family.add_metric([label], 1)
    return family
