"""Replays of many runs: a plan, then start, pause and stop, with its progress."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from runner.engine.replays import FASTEST, FIRST, RATE, STALE_SECONDS, Filter, Terms, read_filter
from runner.values import duration_seconds
from web.api.parameters import CURSOR, LIMIT, OF_LENGTH, word_of
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import named, page_of
from web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.values import Json
    from web.house import House

MOST_NAMED = 1000  # runs by id; more are meant by a filter
STATUSES = ("planned", "running", "paused", "stopped", "done")
VERSIONS = ("live", "original")
LONGEST_WORD = 200
WORD = r"[A-Za-z0-9_.#\[\]-]+"  # the name of a step
FIELDS = {"from": "origin", "runs": "run_ids", "stale_after": "stale_after_seconds"}


async def list_replays(house: House, asked: Asked) -> Json:
    """Newest first."""
    return (await house.replays.page(**asked.given)).as_json()


async def show(house: House, asked: Asked) -> Json:
    """With its plan and its progress."""
    return await house.replays.show(asked.id)


async def plan(house: House, asked: Asked) -> Json:
    """The plan; nothing is replayed yet."""
    given = dict(asked.given)
    keep = not given.pop("dry_run", False)
    return await house.replayer.plan(_terms(given), by=asked.person.name, keep=keep)


async def start(house: House, asked: Asked) -> Json:
    """The replay as it is afterwards."""
    started = await house.replayer.start(asked.id, rate=asked.given.get("rate"))
    runs = started["plan"]["included"]
    await house.audit(asked.person, "started", "replay", asked.id, runs=runs, problem=started["problem"])
    return started


async def pause(house: House, asked: Asked) -> Json:
    """The replay as it is afterwards."""
    paused = await house.replayer.pause(asked.id, by=asked.person.name)
    await house.audit(asked.person, "paused", "replay", asked.id)
    return paused


async def stop(house: House, asked: Asked) -> Json:
    """The replay as it is afterwards."""
    stopped = await house.replayer.stop(asked.id, by=asked.person.name)
    await house.audit(asked.person, "stopped", "replay", asked.id)
    return stopped


def _terms(given: Mapping[str, Any]) -> Terms:
    if ("where" in given) == ("runs" in given):
        raise Problem(422, "Give either where or runs: which runs are meant.", parameter="where")
    return Terms(**{FIELDS.get(name, name): value for name, value in given.items()})


def _where(value: Any, now: float) -> Filter:
    return read_filter([value], now)


def _runs(value: Any, _now: float) -> tuple[str, ...]:
    if not value or not all(isinstance(one, str) for one in value) or len(value) > MOST_NAMED:
        raise ValueError(f"a list of 1 to {MOST_NAMED:,} ids; more are meant by where")
    return tuple(value)


def read_origin(value: Any, _now: float) -> str:
    """Where replays begin. Raises ValueError."""
    if not re.fullmatch(WORD, value) or len(value) > LONGEST_WORD:
        raise ValueError("failed, start, or the id of a step at the top level")
    return str(value)


def _rate(value: Any, _now: float) -> float:
    if not 0 < value <= FASTEST:
        raise ValueError(f"more than 0 and at most {FASTEST:g} a second")
    return float(value)


def _first(value: Any, _now: float) -> int:
    if not 0 <= value <= MOST_NAMED:
        raise ValueError(f"a whole number from 0 to {MOST_NAMED:,}")
    return int(value)


def _duration(value: Any, _now: float) -> float:
    return duration_seconds(value)


def _flag(value: Any, _now: float) -> bool:
    return bool(value)


def _switch(name: str, summary: str) -> Parameter:
    return Parameter(name, summary, {"type": "boolean", "default": False}, _flag, (bool,))


OF_FILTER = f"^\\s*({'|'.join(one.name for one in fields(Filter))})=\\S"
OF_ORIGIN = {"type": "string", "pattern": f"^{WORD}$", "maxLength": LONGEST_WORD, "default": "failed"}
RUN_MISSING = _switch(
    "run_missing", "Also where the version lacks a recorded step, or it does something else there."
)
AS_NEW = _switch("as_new", "Send all again as new: every effect gets a new key.")
TERMS = (
    Parameter(
        "where", "Which runs, such as `problem=<id>` or `workflow=orders status=failed since=2h`; also "
        "`until`, `step`, `type`.",
        {"type": "string", "pattern": OF_FILTER}, _where,
    ),
    Parameter(
        "runs", "Or their ids.",
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_NAMED}, _runs, (list,),
    ),
    Parameter(
        "from", "`failed`: each run goes on from its failed step. `start`: as a new run. Else the id of "
        "a step at the top level: the run goes on from there.",
        OF_ORIGIN, read_origin,
    ),
    Parameter(
        "version", "The version of the workflow: `live`, or the one that each run had.",
        {"type": "string", "enum": list(VERSIONS), "default": "live"}, word_of(VERSIONS),
    ),
    Parameter(
        "rate", "Runs a second.",
        {"type": "number", "exclusiveMinimum": 0, "maximum": FASTEST, "default": RATE}, _rate, (int, float),
    ),
    Parameter(
        "first", "So many go alone first, and the rest only if they end well.",
        {"type": "integer", "minimum": 0, "maximum": MOST_NAMED, "default": FIRST}, _first, (int,),
    ),
    Parameter(
        "stale_after", "Runs accepted longer ago are stale.",
        {**OF_LENGTH, "default": f"{STALE_SECONDS / 86400:.0f}d"}, _duration,
    ),
    _switch("include_uncertain", "Also runs with an effect that may have happened."),
    _switch("include_stale", "Also runs that are stale."),
    RUN_MISSING, AS_NEW,
    _switch("dry_run", "Only show the plan, and keep nothing: it cannot be started."),
)  # fmt: skip

ROUTES = (
    Route(
        "GET", "/replays", "list_replays", "Replays of many runs, newest first.",
        list_replays, page_of("Replay"),
        query=(
            Parameter(
                "status", "Only with this status.", {"type": "string", "enum": list(STATUSES)},
                word_of(STATUSES),
            ),
            CURSOR, LIMIT,
        ),
    ),
    Route(
        "POST", "/replays", "plan_replay",
        "Plan a replay: which runs are safe, may have arrived, are stale or refused. Nothing is "
        "replayed before it is started.",
        plan, named("Replay"), role="run", errors=(404, 409), body=TERMS,
    ),
    Route(
        "GET", "/replays/{id}", "show_replay", "One replay: its plan and its progress.",
        show, named("Replay"), errors=(404,),
    ),
    Route(
        "POST", "/replays/{id}/start", "start_replay",
        "Start a planned, paused or stopped replay. When it goes on, runs that failed for sure before are "
        "tried once more, at the end.",
        start, named("Replay"), role="run", errors=(404, 409),
        body=(
            Parameter(
                "rate", "Runs a second from now on; left out: as before.",
                {"type": "number", "exclusiveMinimum": 0, "maximum": FASTEST}, _rate, (int, float),
            ),
        ),
    ),
    Route(
        "POST", "/replays/{id}/pause", "pause_replay", "Start no more of its runs until it is started again.",
        pause, named("Replay"), role="run", errors=(404, 409),
    ),
    Route(
        "POST", "/replays/{id}/stop", "stop_replay", "End a replay; its runs under way go on.",
        stop, named("Replay"), role="run", errors=(404, 409),
    ),
)  # fmt: skip
