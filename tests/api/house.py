"""A house of real parts: a store, a library over a folder, people; and callers of its application."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from quart import Quart, Response
from quart.typing import TestClientProtocol

from runner.cli.vitals import evaluates
from runner.engine.accept import Door
from runner.engine.again import EventDesk
from runner.engine.answer import Callers
from runner.engine.changes import Changes
from runner.engine.checking import check_text
from runner.engine.examining import Examiner
from runner.engine.filing import Filing
from runner.engine.library import Library, Live
from runner.engine.pauses import PauseBoard
from runner.engine.people import NewUser, Provenance, Right, Role, User
from runner.engine.places import Destinations
from runner.engine.publishing import Publisher
from runner.engine.rechecking import Rechecker
from runner.engine.release import release_all
from runner.engine.replaying import Replayer
from runner.engine.resuming import Resuming, resume_token_deriver
from runner.engine.runs import NewRun
from runner.engine.starters import starter_items
from runner.engine.starting import start_by_hand
from runner.engine.timed import timed_items
from runner.engine.vitals import Meter, Vitals
from runner.engine.watching import Watcher
from runner.errors import NotFound
from runner.evaluator.pool import EvaluatorPool
from runner.inbound.providers import provider_infos
from runner.language.catalogue import ActionInfo, Catalogue
from runner.language.faults import Fault
from runner.store.addresses import StoredAddresses
from runner.store.answers import StoredAnswers
from runner.store.audit import StoredAudit
from runner.store.common import CommonStore
from runner.store.details import StoredDetails
from runner.store.drafts import StoredDrafts
from runner.store.history import StoredHistory
from runner.store.opening import keeping_of, open_store
from runner.store.past import StoredPast
from runner.store.pauses import StoredPauses
from runner.store.people import StoredPeople
from runner.store.polls import StoredPolls
from runner.store.postgres import PostgresStore
from runner.store.problems import StoredProblems
from runner.store.rechecking import StoredRechecks
from runner.store.replays import StoredReplays
from runner.store.schedules import StoredSchedules
from runner.store.sqlite import SQLiteStore
from runner.store.state import StoredStates
from runner.store.users import StoredUsers
from runner.store.versions import StoredVersions
from runner.store.vitals import StoredGauge
from runner.store.watching import StoredWatch
from runner.values import Json
from tests.api.connected import opened_connections
from tests.api.templates import app_of
from tests.api.tried import opened_trials
from tests.engine.databases import database_of
from tests.engine.world import NothingToFetch
from tests.store.rows_made import Made
from web.app import House
from web.attempts import Attempts
from web.house import CheckText, Origin, Release, Version

STARTERS = Path(__file__).parents[2] / "workflows"
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


ADAS = "correct horse battery"
ADAS_PASSWORD = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(ADAS)


def role_of(right: Right) -> tuple[Role, bool]:
    """The least role with *right*, and whether it takes the right to run beside it."""
    return ("viewer", True) if right == "run" else (right, False)


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
    store: SQLiteStore | PostgresStore
    made: Made
    clock: Clock
    folder: Path
    secrets: dict[str, str]  # by name: what the server holds

    async def token(self, right: Right = "admin") -> dict[str, str]:
        """The header of a new API token of that role, or of a viewer who may run."""
        role, may_run = role_of(right)
        token = await self.house.people.issue(
            "api", name=f"a {right}", role=role, may_run=may_run, seconds=None
        )
        return {"Authorization": f"Bearer {token}"}

    async def user(self, right: Right = "admin") -> User:
        """The user ada of that role, or the viewer ada who may run."""
        email = f"ada.{right}@example.com"
        found = await self.house.users.by_email(email)
        role, may_run = role_of(right)
        new = NewUser(email, "ada", role, may_run=may_run, password=ADAS_PASSWORD)
        return found[0] if found else await self.house.users.add(new)

    async def link(self, right: Right = "admin", seconds: float = 86400) -> str:
        """A link of `user(right)`."""
        user = await self.user(right)
        provenance = Provenance(user_id=user.id)
        return await self.house.people.issue(
            "link", name=user.name, role=user.role, seconds=seconds, provenance=provenance
        )

    async def signed_in(self, right: Right = "admin") -> TestClientProtocol:
        """A browser of `user(right)` that has opened a one-time link and pressed the button."""
        link = await self.link(right)
        browser = self.app.test_client()
        answer = await browser.post(f"/start/{link}", headers=FROM_HERE)
        assert answer.status_code == 303
        return browser

    async def get(self, path: str, *, role: Right = "viewer", status: int = 200) -> Any:
        """The JSON that a holder of a token gets."""
        answer = await self.app.test_client().get(path, headers=await self.token(role))
        assert answer.status_code == status, await answer.get_data(as_text=True)
        return await answer.get_json()

    async def post(self, path: str, body: Json, *, role: Right = "editor", status: int = 200) -> Any:
        """As `get`, for a call with a body."""
        answer = await self.app.test_client().post(path, json=body, headers=await self.token(role))
        assert answer.status_code == status, await answer.get_data(as_text=True)
        return await answer.get_json()

    async def send(self, method: str, path: str, body: Json, *, role: Right = "editor") -> Response:
        """The answer to a request with a JSON body, whatever its status."""
        client = self.app.test_client()
        return await client.open(path, method=method, json=body, headers=await self.token(role))

    async def page(self, path: str, *, role: Right = "viewer") -> str:
        """The text of a page as a person sees it."""
        answer = await (await self.signed_in(role)).get(path)
        assert answer.status_code == 200
        return str(await answer.get_data(as_text=True))

    async def write(self, slug: str, text: str) -> None:
        """A file in the workflows' folder, read at once."""
        (self.folder / f"{slug}.yaml").write_text(text, encoding="utf-8")
        await self.house.library.reload()


def checks(store: CommonStore, folder: Path, catalogue: Catalogue) -> CheckText:
    """The check of a text among the files of *folder*."""

    async def check(text: str, slug: str) -> Sequence[Fault]:
        history = StoredHistory(store)
        return await check_text(text, slug, folder, catalogue, history=history, clock=time.monotonic)

    return check


def releases(store: CommonStore, library: Library, evaluator: EvaluatorPool, clock: Clock) -> Release:
    """What lets go of held events; those that nobody has judged stay."""

    async def release(slug: str) -> Json:
        live = library.get(slug)
        if live is None:
            raise NotFound(f"there is no workflow {slug} that is live")
        pauses = StoredPauses(store, clock)
        count = await release_all(Door(store, None, Callers(), evaluator, clock, 100), pauses, live)
        held = await pauses.count_held(slug)
        return {"released": count, "held": held, "reasons": [], "backlog_full": False}

    return release


@asynccontextmanager
async def open_world(
    folder: Path, *, public_url: str = HERE, workflows: Mapping[str, str]
) -> AsyncIterator[World]:
    """A world in *folder* with *workflows* by slug."""
    store = await open_store(await database_of(folder), sqlite=folder / "data" / "hookline.db")
    try:
        made = Made(store)
        clock = Clock(made)
        catalogue = Catalogue({NOTE.name: NOTE})
        files = folder / "workflows"
        files.mkdir()
        addresses, drafts = StoredAddresses(store), StoredDrafts(store, clock)
        library = Library(
            files, store, catalogue=lambda: catalogue,
            token_of=lambda slug, rotation: f"token-of-{slug}{f'-{rotation}' if rotation else ''}",
            clock=clock, addresses=addresses, drafts=drafts,
        )  # fmt: skip

        async def start_replay(
            run_id: str, *, origin: Origin, version: Version, run_missing: bool = False, as_new: bool = False
        ) -> Json:
            assert not run_missing
            assert not as_new
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
            schedules, polls = StoredSchedules(store), StoredPolls(store)
            holding = PauseBoard(StoredPauses(store, clock))
            return await timed_items(library, schedules, polls, holding, clock())

        async def recheck(*, workflow: str | None, since: float | None) -> Json:
            holding = PauseBoard(StoredPauses(store, clock))
            door = Door(store, None, Callers(), evaluator, clock, 100, holding)
            examiner = Examiner(held.copy, NothingToFetch())
            rechecker = Rechecker(door, StoredRechecks(store, clock), library, examiner, public_url)
            if workflow is None:
                return [one.as_json() for one in await rechecker.recheck_all(since=since)]
            return [(await rechecker.recheck(workflow, since=since)).as_json()]

        evaluator = EvaluatorPool()  # nothing here needs its process
        held: dict[str, str] = {}
        changes = Changes()
        watch = StoredWatch(store)
        house = House(
            history=StoredHistory(store),
            people=StoredPeople(store, clock),
            users=StoredUsers(store, clock),
            audit_log=StoredAudit(store, clock),
            attempts=Attempts(clock),
            library=library,
            store=store,
            url_of=lambda live: f"{public_url}/hooks/{live.token}",
            actions=lambda: [{"name": NOTE.name, "summary": NOTE.summary}],
            clock=clock,
            start_replay=start_replay,
            start_run=start_run,
            form_url_of=form_url_of,
            recheck=recheck,
            check=checks(store, files, catalogue),
            ping=store.ping,
            timed=timed,
            pauses=StoredPauses(store, clock),
            problems=StoredProblems(store),
            replays=StoredReplays(store),
            replayer=Replayer(
                StoredReplays(store),
                library,
                node="here",
                clock=clock,
                backlog=lambda: store.backlog,
                backlog_limit=100,
            ),
            resuming=Resuming(
                StoredAnswers(store),
                library,
                resume_token_deriver(b"the key of a test's server, 32 b"),
                clock,
            ),
            holding=PauseBoard(StoredPauses(store, clock)),
            drafts=drafts,
            versions=StoredVersions(store),
            publisher=Publisher(library, StoredVersions(store), checks(store, files, catalogue), clock),
            filing=Filing(library, drafts, addresses, clock),
            release=releases(store, library, evaluator, clock),
            starters=lambda: starter_items(STARTERS, str.title, provider_infos()),
            changes=changes,
            details=StoredDetails(StoredHistory(store)),
            event_desk=EventDesk(
                Door(store, None, Callers(), evaluator, clock, 100),
                StoredPauses(store, clock),
                library,
                StoredPast(store),
            ),
            watcher=Watcher(watch, StoredHistory(store), StoredProblems(store), changes, clock),
            backlog_limit=100,
            public_url=public_url,
            states=StoredStates(store),
        )

        def texts() -> dict[str, str]:
            return {path.stem: path.read_text("utf-8") for path in files.glob("*.yaml")}

        async with (
            opened_connections(store, clock, public_url, texts) as (connections, custody),
            opened_trials(store, library, house.history, catalogue, held, clock, public_url) as trials,
        ):
            vitals = Vitals(
                meter=Meter(StoredGauge(store, keeping_of(store)), clock=clock, steady=clock),
                destinations=Destinations(limit=8, clock=clock),
                evaluates=lambda: evaluates(evaluator),
                kept={"runs": "30d", "events": "30d"},
                max_bytes=0,
            )
            house = replace(house, connections=connections, custody=custody, trials=trials, vitals=vitals)
            world = World(app_of(house), house, store, made, clock, files, held)
            for slug, text in workflows.items():
                await world.write(slug, text)
            yield world
    finally:
        await store.close()
