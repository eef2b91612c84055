"""A house of real parts: a store on disk, a library over a folder, people; and callers of its application."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quart import Quart
from quart.typing import TestClientProtocol

from runner.engine.accept import Door
from runner.engine.answer import Callers
from runner.engine.checking import check_text
from runner.engine.examining import Examiner
from runner.engine.history import Role
from runner.engine.library import Library, Live
from runner.engine.pauses import PauseBoard
from runner.engine.rechecking import Rechecker
from runner.engine.replaying import Replayer
from runner.engine.resuming import Resuming, resume_token_deriver
from runner.engine.runs import NewRun
from runner.engine.starting import start_by_hand
from runner.engine.timed import timed_items
from runner.errors import NotFound
from runner.evaluator.pool import EvaluatorPool
from runner.language.catalogue import ActionInfo, Catalogue
from runner.store.answers import SQLiteAnswers
from runner.store.history import SQLiteHistory
from runner.store.pauses import SQLitePauses
from runner.store.people import SQLitePeople
from runner.store.polls import SQLitePolls
from runner.store.problems import SQLiteProblems
from runner.store.rechecking import SQLiteRechecks
from runner.store.replays import SQLiteReplays
from runner.store.schedules import SQLiteSchedules
from runner.store.sqlite import SQLiteStore
from runner.values import Json
from tests.api.connected import opened_connections
from tests.engine.world import NothingToFetch
from tests.store.rows_made import Made
from web.app import House, make_app
from web.house import Origin, Version

HERE = "http://localhost"
FROM_HERE = {"Origin": HERE}
NOTE = ActionInfo("probe.note", "Note a text.", {"text": {"type": "string"}}, frozenset())
WORKFLOW = """name: Orders
description: Note every order.
trigger:
  webhook: {}
steps:
  - action: probe.note
    with: {text: "{{ payload.id }}"}
"""


class Clock:
    """Follows what was made last, so that a page seems to be looked at right after."""

    def __init__(self, made: Made) -> None:
        self._made = made
        self.later = 0.0

    def __call__(self) -> float:
        return self._made.now + 1 + self.later


@dataclass
class World:
    """The house and all that a test does with it."""

    app: Quart
    house: House
    store: SQLiteStore
    made: Made
    clock: Clock
    folder: Path
    secrets: dict[str, str]  # by name: what the server holds

    async def token(self, role: Role = "admin") -> dict[str, str]:
        """The header of a new API token."""
        token = await self.house.people.issue("api", name=f"a {role}", role=role, seconds=None)
        return {"Authorization": f"Bearer {token}"}

    async def signed_in(self, role: Role = "admin") -> TestClientProtocol:
        """A browser that has opened a one-time link and pressed the button."""
        link = await self.house.people.issue("link", name="ada", role=role, seconds=86400)
        browser = self.app.test_client()
        answer = await browser.post(f"/start/{link}", headers=FROM_HERE)
        assert answer.status_code == 303
        return browser

    async def get(self, path: str, *, role: Role = "viewer", status: int = 200) -> Any:
        """The JSON that a holder of a token gets."""
        answer = await self.app.test_client().get(path, headers=await self.token(role))
        assert answer.status_code == status, await answer.get_data(as_text=True)
        return await answer.get_json()

    async def post(self, path: str, body: Json, *, role: Role = "editor", status: int = 200) -> Any:
        """As `get`, for a call with a body."""
        answer = await self.app.test_client().post(path, json=body, headers=await self.token(role))
        assert answer.status_code == status, await answer.get_data(as_text=True)
        return await answer.get_json()

    async def page(self, path: str, *, role: Role = "viewer") -> str:
        """The text of a page as a person sees it."""
        answer = await (await self.signed_in(role)).get(path)
        assert answer.status_code == 200
        return str(await answer.get_data(as_text=True))

    async def write(self, slug: str, text: str) -> None:
        """A file in the workflows' folder, read at once."""
        (self.folder / f"{slug}.yaml").write_text(text, encoding="utf-8")
        await self.house.library.reload()


@asynccontextmanager
async def open_world(
    folder: Path, *, public_url: str = HERE, workflows: Mapping[str, str]
) -> AsyncIterator[World]:
    """A world in *folder* with *workflows* by slug."""
    store = await SQLiteStore.open(folder / "data" / "hookline.db")
    try:
        made = Made(store)
        clock = Clock(made)
        catalogue = Catalogue({NOTE.name: NOTE})
        files = folder / "workflows"
        files.mkdir()
        library = Library(
            files, store, catalogue=lambda: catalogue, token_of=lambda slug, _rotation: f"token-of-{slug}",
            clock=clock,
        )  # fmt: skip

        async def start_replay(run_id: str, *, origin: Origin, version: Version) -> Json:
            run = await house.history.run(run_id)
            if origin == "failed":
                await store.replay_failed(run_id, version=None, now=clock())
                return {"id": run_id}
            title = f"{run['title']} ({version})"
            new = NewRun(made.new_id(), run["workflow"], run["version"], title, secrets.token_hex(16), None)
            await store.replay_start(run_id, new, now=clock())
            return {"id": new.id}

        async def start_run(slug: str, inputs: Json, *, by: str) -> Json:
            live = library.get(slug)
            if live is None:
                raise NotFound(f"there is no workflow {slug}")
            door = Door(store, None, Callers(), evaluator, clock, 100)
            accepted = await start_by_hand(door, live, inputs, by=by)
            return {"id": accepted.run_id, "event": accepted.event_id, "workflow": slug}

        def form_url_of(live: Live) -> str | None:
            manual = live.workflow.manual
            return f"{public_url}/forms/form-of-{live.token}" if manual and manual.is_public else None

        async def timed() -> Json:
            schedules, polls = SQLiteSchedules(store), SQLitePolls(store)
            holding = PauseBoard(SQLitePauses(store, clock))
            return await timed_items(library, schedules, polls, holding, clock())

        async def recheck(*, workflow: str | None, since: float | None) -> Json:
            holding = PauseBoard(SQLitePauses(store, clock))
            door = Door(store, None, Callers(), evaluator, clock, 100, holding)
            examiner = Examiner(held.copy, NothingToFetch())
            rechecker = Rechecker(door, SQLiteRechecks(store, clock), library, examiner, public_url)
            if workflow is None:
                return [one.as_json() for one in await rechecker.recheck_all(since=since)]
            return [(await rechecker.recheck(workflow, since=since)).as_json()]

        evaluator = EvaluatorPool()  # nothing here needs its process
        held: dict[str, str] = {}
        house = House(
            history=SQLiteHistory(store),
            people=SQLitePeople(store, clock),
            library=library,
            store=store,
            url_of=lambda live: f"{public_url}/hooks/{live.token}",
            actions=lambda: [{"name": NOTE.name, "summary": NOTE.summary}],
            clock=clock,
            start_replay=start_replay,
            start_run=start_run,
            form_url_of=form_url_of,
            recheck=recheck,
            check=lambda text, slug: check_text(
                text, slug, files, catalogue, history=SQLiteHistory(store), clock=time.monotonic
            ),
            ping=store.ping,
            timed=timed,
            pauses=SQLitePauses(store, clock),
            problems=SQLiteProblems(store),
            replays=SQLiteReplays(store),
            replayer=Replayer(
                SQLiteReplays(store),
                library,
                node="here",
                clock=clock,
                backlog=lambda: store.backlog,
                backlog_limit=100,
            ),
            resuming=Resuming(
                SQLiteAnswers(store),
                library,
                resume_token_deriver(b"the key of a test's server, 32 b"),
                clock,
            ),
            holding=PauseBoard(SQLitePauses(store, clock)),
            backlog_limit=100,
            public_url=public_url,
        )
        async with opened_connections(store, clock, public_url) as connections:
            house = replace(house, connections=connections)
            world = World(make_app(house), house, store, made, clock, files, held)
            for slug, text in workflows.items():
                await world.write(slug, text)
            yield world
    finally:
        await store.close()
