"""`hookline run`: one run of a workflow in the foreground, rehearsed or live."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.inputs import input_option, inputs_of
from runner.cli.options import (
    Place,
    asynchronous,
    example,
    json_option,
    person,
    server_options,
    workflows_option,
)
from runner.cli.requests import headers_of
from runner.cli.showing import note, print_json
from runner.errors import HooklineError, SettingsError
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.library import Library, Live
    from runner.engine.runs import Event
    from runner.engine.turn import Tools
    from runner.engine.worker import Worker
    from runner.store.common import CommonStore
    from runner.workbench.rehearsal import Ahead

MOST_WAITS = 2000  # of one rehearsal: twice what a `repeat` may make
MOST_ITEMS = 10_000  # runs that `split` may have made besides
LONGEST_SECONDS = 30 * 86400.0  # the run has its own bound; this one only has to be beyond it


@dataclass(frozen=True, slots=True)
class Request:
    """What the run's event is made of."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the run takes place. `called` names the actions that a rehearsal did not call, by key."""

    store: CommonStore
    library: Library
    tools: Tools
    live: Live
    node: str
    called: dict[str, str] | None
    ahead: Ahead | None = None  # of a rehearsal: waits are over at once

    @property
    def mode(self) -> str:
        """The run's mode: "test" for a rehearsal."""
        return "live" if self.called is None else "test"


@click.command(
    epilog=example(
        "hookline run hello --payload workflows/fixtures/hello.json",
        "hookline run refund --live --input order=1042 --input reason=damaged",
        "hookline run refund --live --input order=1042 --server https://hookline.example.com",
    )
)
@click.argument("slug")
@click.option(
    "--payload",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True, allow_dash=True),
    help="The body of the event; - reads stdin.",
)
@click.option(
    "--header", "headers", metavar="K:V", multiple=True, help="A header of the event; may be given again."
)
@input_option
@click.option("--live", is_flag=True, help="Call the actions, with this server's secrets and connections.")
@workflows_option
@server_options
@json_option
@asynchronous
async def run(
    place: Place,
    slug: str,
    payload: Path | None,
    headers: tuple[str, ...],
    inputs: tuple[str, ...],
    live: bool,
    as_json: bool,
) -> None:
    """
    Run a workflow once, here, and show what it did.

    Actions are only shown, and give null, unless --live is given: then they are called, and the
    run stands in the history. Those of `state` begin with nothing kept, and keep nothing. Times are
    not waited for, and answers cannot come, unless --live is given. Exit status 1 if the run failed
    or began to wait. With --server it is started there, by its `manual` trigger; only --live goes there.
    """
    from runner.cli.options import ask_server
    from runner.cli.run_far import run_there
    from runner.store.history import StoredHistory

    request = _request(payload, headers)
    if live and place.server is not None:
        if headers:
            raise SettingsError("--header: a run at a server is started by hand, and so has no headers")
        shown = await ask_server(place.server, lambda api: run_there(api, slug, request.body, inputs))
        _print(shown, None, as_json=as_json)
        return
    if place.server is not None:
        note("A rehearsal runs here and asks no server; --live starts a run there.")
    staged = _live(place, slug) if live else _rehearsal(place, slug)
    async with staged as stage:
        run_id = await _perform(stage, request, inputs)
        shown = await StoredHistory(stage.store).run(run_id)
    webhook = stage.live.workflow.webhook
    item = 0 if webhook and webhook.split else None
    calls = None if stage.called is None else _calls(shown, stage.called, item)
    if calls and shown["reason"]["code"] == "succeeded":
        shown["reason"]["sentence"] = f"Ran to its end; live it makes {_count(calls)}."
    _print(shown, calls, as_json=as_json)


def _print(shown: Json, calls: dict[str, str] | None, *, as_json: bool) -> None:
    """Print a run; *calls* are those that a rehearsal did not make. Exit status 1 if it failed or waits."""
    from runner.cli.runs import show_run

    if as_json:
        print_json(shown if calls is None else {**shown, "calls": calls})
    else:
        show_run(shown, calls)
    if shown["status"] == "waiting" and calls is not None:
        note("A rehearsal does not go on later.")
    if shown["status"] in ("failed", "waiting"):
        raise click.exceptions.Exit(1)


async def _perform(stage: Stage, request: Request, inputs: tuple[str, ...]) -> str:
    """Accept the event and give its run one turn, by the same way as a server's; the run's id."""
    from runner.engine.accept import Door, accept
    from runner.engine.answer import Callers
    from runner.engine.names import bounds_of, payload_of
    from runner.engine.worker import Worker
    from runner.queue.embedded import EmbeddedQueue

    event = _event(stage.live, request, inputs)
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
    if stage.ahead and accepted.run_id:
        await _through_waits(stage, stage.ahead, worker, accepted.run_id)
    if not accepted.run_id:
        raise HooklineError("`split` gives no items for this payload, so nothing runs")
    if (count := await _count_of_runs(stage, accepted.event_id)) > 1:
        note(f"`split` gives {count:,} items; this is the run of the first.")
    return accepted.run_id


async def _through_waits(stage: Stage, ahead: Ahead, worker: Worker, run_id: str) -> None:
    """Go on through the waits of a rehearsal as if their times had come; one for an answer stays."""
    from runner.store.history import StoredHistory
    from runner.workbench.rehearsal import waits_for_time

    history = StoredHistory(stage.store)
    for _ in range(MOST_WAITS):
        if not waits_for_time(await history.run(run_id)):
            return
        ahead.to(await stage.store.next_due(now=ahead()) or 0.0)
        jobs = [job for job in await stage.store.due(now=ahead(), limit=MOST_ITEMS) if job.run_id == run_id]
        for claimed in await stage.store.claim(jobs, node=stage.node, now=ahead()):
            worker.start(claimed)
        await worker.drain(LONGEST_SECONDS)


async def _count_of_runs(stage: Stage, event_id: str) -> int:
    from runner.store.history import StoredHistory

    event = await StoredHistory(stage.store).event(event_id)
    return len(event["runs"])


@asynccontextmanager
async def _live(place: Place, slug: str) -> AsyncIterator[Stage]:
    """In the data folder, beside a server that may be running there."""
    from runner.cli.house import live_workflow, new_node_name
    from runner.cli.running import calling_of, open_tools
    from runner.engine.paths import steps_by_path
    from runner.engine.pauses import PauseBoard
    from runner.language.workflow import CallWorkflow

    async with place.opened(may_make=True) as rooms, open_tools(rooms, on_answer=_nobody) as opened:
        holding = PauseBoard(rooms.pauses)
        await holding.refresh()
        tools = replace(opened, calling=calling_of(rooms, opened, holding))
        live = await live_workflow(rooms.library, slug)
        if any(isinstance(one.body, CallWorkflow) for one in steps_by_path(live.workflow).values()):
            await rooms.library.reload()  # whom it calls, too
        node = new_node_name()
        async with rooms.store.present(node):  # nobody takes the run over while we live
            yield Stage(rooms.store, rooms.library, tools, live, node, None)


@asynccontextmanager
async def _rehearsal(place: Place, slug: str) -> AsyncIterator[Stage]:
    """In a folder that is gone afterwards, with stand-ins: no data folder, key or account is needed."""
    from connectors.shelf import Shelf
    from runner.cli.house import catalogue, live_workflow
    from runner.engine.library import Library
    from runner.engine.places import Destinations
    from runner.engine.turn import Tools
    from runner.evaluator.pool import EvaluatorPool
    from runner.store.sqlite import SQLiteStore
    from runner.workbench.memory import OneState
    from runner.workbench.rehearsal import Ahead, NoWayOut, Placeholders, StandIns

    evaluator, shelf = EvaluatorPool(processes=1), Shelf(place.workflows)
    with tempfile.TemporaryDirectory(prefix="hookline-") as folder:
        store = await SQLiteStore.open(Path(folder) / "rehearsal.db")
        try:
            library = Library(
                place.workflows,
                store,
                catalogue=lambda: catalogue(None, shelf=shelf),
                token_of=_no_token,
                clock=time.time,
                overrides=place.settings().vars.of,
            )
            live = await live_workflow(library, slug)
            ahead = Ahead(time.time)
            stand_ins = StandIns(shelf.action)
            tools = Tools(
                store=store,
                outbound=NoWayOut(),
                evaluator=evaluator,
                safe=Placeholders(live.workflow),
                action=stand_ins.action,
                clock=ahead,
                jitter=lambda: 0.0,
                on_answer=_nobody,
                destinations=Destinations(limit=1, clock=ahead),
                public_url="http://127.0.0.1:8000",
                states=OneState({}),
            )
            yield Stage(store, library, tools, live, "rehearsal", stand_ins.called, ahead)
        finally:
            await evaluator.close()
            await store.close()


def _request(payload: Path | None, given: tuple[str, ...]) -> Request:
    from runner.inbound.media import type_by_name

    headers = headers_of(given)
    if payload is None:
        return Request(b"", headers)
    if payload == Path("-"):
        return Request(sys.stdin.buffer.read(), headers)
    if guessed := type_by_name(payload.name):
        headers.setdefault("content-type", guessed)
    return Request(payload.read_bytes(), headers)


def _event(live: Live, request: Request, given: tuple[str, ...]) -> Event:
    from runner.cli.timed_event import timed_event
    from runner.engine.accept import new_id
    from runner.engine.runs import Disposition, Event, Gate
    from runner.engine.starting import manual_event
    from runner.errors import InputsRefused

    now = time.time()
    inputs = inputs_of(live, request.body, given)
    if inputs is not None:
        try:
            return manual_event(live, inputs, by=person(), now=now)[0]
        except InputsRefused as error:
            raise SettingsError(str(error)) from None
    if timed := timed_event(live, request.body, now=now):
        return timed
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


def _calls(run: Json, called: dict[str, str], item: int | None) -> dict[str, str]:
    """The action that each path of *run*, of that *item* of its event, would have called."""
    from runner.engine.calls import effect_key

    by_path = {
        step["path"]: called.get(effect_key(run["event"], run["workflow"], step["path"], 0, item=item))
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
