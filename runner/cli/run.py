"""`hookline run`: one run of a workflow in the foreground, rehearsed or live."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option, workflows_option
from runner.cli.requests import content_type_of, headers_of
from runner.cli.showing import note, print_json
from runner.errors import HooklineError
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.library import Library, Live
    from runner.engine.runs import Event
    from runner.engine.turn import Tools
    from runner.store.sqlite import SQLiteStore

LONGEST_SECONDS = 30 * 86400.0  # the run has its own bound; this one only has to be beyond it


@dataclass(frozen=True, slots=True)
class Request:
    """What the run's event is made of."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the run takes place. `called` names the actions that a rehearsal did not call, by key."""

    store: SQLiteStore
    library: Library
    tools: Tools
    live: Live
    node: str
    called: dict[str, str] | None

    @property
    def mode(self) -> str:
        """The run's mode: "test" for a rehearsal."""
        return "live" if self.called is None else "test"


@click.command(epilog=example("hookline run hello --payload workflows/fixtures/hello.json"))
@click.argument("slug")
@click.option(
    "--payload",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True, allow_dash=True),
    help="The body of the event; - reads stdin.",
)
@click.option(
    "--header", "headers", metavar="K:V", multiple=True, help="A header of the event; may be given again."
)
@click.option("--live", is_flag=True, help="Call the actions, with this server's secrets and connections.")
@workflows_option
@data_options
@json_option
@asynchronous
async def run(
    place: Place,
    slug: str,
    payload: Path | None,
    headers: tuple[str, ...],
    live: bool,
    as_json: bool,
) -> None:
    """
    Run a workflow once, here, and show what it did.

    Actions are only shown, and give null, unless --live is given: then they are called, and the
    run stands in the history. Exit status 1 if the run failed or began to wait.
    """
    from runner.cli.runs import show_run
    from runner.store.history import SQLiteHistory

    request = _request(payload, headers)
    staged = _live(place, slug) if live else _rehearsal(place.workflows, slug)
    async with staged as stage:
        run_id = await _perform(stage, request)
        shown = await SQLiteHistory(stage.store).run(run_id)
    calls = None if stage.called is None else _calls(shown, stage.called)
    if calls and shown["reason"]["code"] == "succeeded":
        shown["reason"]["sentence"] = f"Ran to its end; live it makes {_count(calls)}."
    if as_json:
        print_json(shown if calls is None else {**shown, "calls": calls})
    else:
        show_run(shown, calls)
    if shown["status"] == "waiting" and not live:
        note("A rehearsal does not go on later.")
    if shown["status"] in ("failed", "waiting"):
        raise click.exceptions.Exit(1)


async def _perform(stage: Stage, request: Request) -> str:
    """Accept the event and give its run one turn, by the same way as a server's; the run's id."""
    from runner.engine.accept import Door, accept
    from runner.engine.answer import Callers
    from runner.engine.names import bounds_of, payload_of
    from runner.engine.worker import Worker
    from runner.queue.embedded import EmbeddedQueue

    event = _event(stage.live, request)
    decoded = payload_of(event, bounds_of(stage.live.workflow))
    callers = Callers()
    worker = Worker(
        node=stage.node,
        tools=stage.tools,
        library=stage.library,
        queue=EmbeddedQueue(stage.store, clock=time.time),
        on_end=callers.ended,
    )
    door = Door(stage.store, worker, callers, stage.tools.evaluator, time.time, 1)
    accepted = await accept(
        door,
        stage.live,
        event,
        decoded.payload,
        decoded.files,
        is_awaited=True,
        mode=stage.mode,
        is_by_hand=True,
    )
    await worker.drain(LONGEST_SECONDS)
    if not accepted.run_id:
        raise HooklineError("`split` gives no items for this payload, so nothing runs")
    if (count := await _count_of_runs(stage, accepted.event_id)) > 1:
        note(f"`split` gives {count:,} items; this is the run of the first.")
    return accepted.run_id


async def _count_of_runs(stage: Stage, event_id: str) -> int:
    from runner.store.history import SQLiteHistory

    event = await SQLiteHistory(stage.store).event(event_id)
    return len(event["runs"])


@asynccontextmanager
async def _live(place: Place, slug: str) -> AsyncIterator[Stage]:
    """In the data folder, beside a server that may be running there."""
    from runner.cli.house import live_workflow, new_node_name
    from runner.cli.running import open_tools
    from runner.store.nodes import NodeLock

    async with place.opened(may_make=True) as rooms, open_tools(rooms, on_answer=_nobody) as tools:
        live = await live_workflow(rooms.library, slug)
        lock = NodeLock(rooms.store.nodes, new_node_name())  # nobody takes the run over while we live
        try:
            yield Stage(rooms.store, rooms.library, tools, live, lock.node, None)
        finally:
            lock.release()


@asynccontextmanager
async def _rehearsal(workflows: Path, slug: str) -> AsyncIterator[Stage]:
    """In a folder that is gone afterwards, with stand-ins: no data folder, key or account is needed."""
    import connectors
    from runner.cli.house import catalogue, live_workflow
    from runner.engine.library import Library
    from runner.engine.places import Destinations
    from runner.engine.turn import Tools
    from runner.evaluator.pool import EvaluatorPool
    from runner.store.sqlite import SQLiteStore
    from runner.workbench.rehearsal import NoWayOut, Placeholders, StandIns

    evaluator = EvaluatorPool(processes=1)
    with tempfile.TemporaryDirectory(prefix="hookline-") as folder:
        store = await SQLiteStore.open(Path(folder) / "rehearsal.db")
        try:
            library = Library(
                workflows, store, catalogue=lambda: catalogue(None), token_of=_no_token, clock=time.time
            )
            live = await live_workflow(library, slug)
            stand_ins = StandIns(connectors.action)
            tools = Tools(
                store=store,
                outbound=NoWayOut(),
                evaluator=evaluator,
                safe=Placeholders(live.workflow),
                action=stand_ins.action,
                clock=time.time,
                jitter=lambda: 0.0,
                on_answer=_nobody,
                destinations=Destinations(limit=1, clock=time.time),
                public_url="http://127.0.0.1:8000",
            )
            yield Stage(store, library, tools, live, "rehearsal", stand_ins.called)
        finally:
            await evaluator.close()
            await store.close()


def _request(payload: Path | None, given: tuple[str, ...]) -> Request:
    headers = headers_of(given)
    if payload is None:
        return Request(b"", headers)
    if payload == Path("-"):
        return Request(sys.stdin.buffer.read(), headers)
    if guessed := content_type_of(payload):
        headers.setdefault("content-type", guessed)
    return Request(payload.read_bytes(), headers)


def _event(live: Live, request: Request) -> Event:
    from runner.engine.accept import new_id
    from runner.engine.runs import Disposition, Event, Gate

    now = time.time()
    return Event(
        id=new_id(now),
        workflow=live.workflow.slug,
        trigger="webhook",
        received_at=now,
        disposition=Disposition.ACCEPTED,
        method=live.workflow.webhook.methods[0] if live.workflow.webhook else "POST",
        path="",
        query="",
        headers=request.headers,
        content_type=request.headers.get("content-type", ""),
        size=len(request.body),
        source_ip="",
        body=request.body,
        gates=(Gate("received", "passed", "from the command line"),),
    )


def _calls(run: Json, called: dict[str, str]) -> dict[str, str]:
    """The action that each path of *run* would have called."""
    from runner.engine.calls import effect_key

    by_path = {
        step["path"]: called.get(effect_key(run["event"], run["workflow"], step["path"], 0))
        for step in run["steps"]
    }
    return {path: action for path, action in by_path.items() if action}


def _count(calls: Sized) -> str:
    return f"{len(calls)} call{'s' if len(calls) != 1 else ''}"


def _nobody(_run_id: str, _answer: Json) -> None:
    """Nobody waits for the answer; the run's row has it."""


def _no_token(slug: str, rotation: int) -> str:
    """A rehearsal has no address."""
    return f"{slug}-{rotation}"
