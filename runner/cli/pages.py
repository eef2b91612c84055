"""The pages and the API of a server: all that they need of everything else, put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from runner.cli.connecting import connections_of, custody_of
from runner.cli.doctor import examined
from runner.cli.forget import forgotten
from runner.cli.from_run import made_case
from runner.cli.house import Rooms
from runner.cli.making import fetched, make, shown
from runner.cli.recheck import rechecked
from runner.cli.recovering import replay, replayer_of
from runner.cli.release import released
from runner.cli.running import Engine, resuming_of
from runner.cli.send import made_letter
from runner.cli.shown_settings import shown_settings
from runner.cli.texts import checker_of, filing_of, publisher_of, starters
from runner.cli.timing import timed_of
from runner.cli.trying import DeskPool, trials_of
from runner.cli.url import addressed
from runner.cli.vitals import vitals_of
from runner.engine.accept import Door
from runner.engine.address import PLANNED
from runner.engine.again import EventDesk
from runner.engine.connecting import Connections
from runner.engine.custody import Custody
from runner.engine.forgetting import touched
from runner.engine.history import Wanted as Sought
from runner.engine.pauses import PauseBoard
from runner.engine.single_sign_on import CALLBACK as SIGNED_IN_ELSEWHERE
from runner.engine.single_sign_on import SingleSignOn
from runner.engine.starting import start_by_hand
from runner.errors import NotFound
from runner.language.command_checks import allowed_inputs
from runner.openapi import Wanted
from runner.store.details import StoredDetails
from runner.store.past import StoredPast
from runner.store.state import StoredStates
from web.app import make_app, own_names
from web.attempts import Attempts
from web.exchange import Application
from web.house import House


def pages_of(
    rooms: Rooms, engine: Engine, desk: DeskPool, inbound: Callable[[], Application]
) -> Any:  # Quart's types of ASGI are narrower than ASGI
    """The pages and the API; *inbound* gives what takes the requests of senders."""
    house = _house(rooms, engine.door, connections_of(rooms, engine.tools), custody_of(rooms, engine.tools))
    trials = trials_of(rooms, engine.door, engine.examiner, desk, inbound)
    vitals = vitals_of(rooms, engine.tools, engine.meter, worker=engine.number)
    app = make_app(replace(house, trials=trials, vitals=vitals, doctor=partial(examined, rooms)))
    rooms.library.reserved = own_names(app)  # a path given away before a page had it leads to the page
    return app


def own_names_of(rooms: Rooms, door: Door) -> frozenset[str]:
    """The first parts of the addresses that are Hookline's own, with those that pages are going to have."""
    return own_names(make_app(_house(rooms, door, None))) | PLANNED


def _house(
    rooms: Rooms, door: Door, connections: Connections | None, custody: Custody | None = None
) -> House:
    settings = rooms.settings

    async def recheck(*, workflow: str | None, since: float | None) -> Any:
        return [one.as_json() for one in await rechecked(rooms, door, workflow, since)]

    async def start_run(slug: str, inputs: Any, *, by: str) -> Any:
        live = rooms.library.get(slug)
        if live is None:
            raise NotFound(f"there is no workflow {slug} that is live")
        accepted = await start_by_hand(door, live, inputs, by=by)
        return {"id": accepted.run_id, "event": accepted.event_id, "workflow": slug}

    async def release(slug: str) -> Any:
        live = rooms.library.get(slug)
        if live is None:
            raise NotFound(f"there is no workflow {slug} that is live")
        return await released(rooms, door, live)

    async def make_connector(document: str | None, wanted: Any) -> Any:
        given = {"replace": False, **wanted}
        replaces = given.pop("replace")
        address = given.get("address", "")
        content = document.encode() if document is not None else await fetched(address, settings.network)
        converted, path = await make(content, Wanted(**given), rooms.library.folder, replace=replaces)
        await asyncio.to_thread(rooms.shelf.refresh)
        return shown(converted, path)

    async def forget(wanted: Sought, *, with_open: bool, is_plan: bool) -> Any:
        if is_plan:
            return (await touched(rooms.history, wanted)).as_json()
        return await forgotten(rooms, wanted, with_open=with_open)

    return House(
        history=rooms.history,
        people=rooms.people,
        users=rooms.users,
        audit_log=rooms.audit,
        attempts=Attempts(time.time),
        library=rooms.library,
        store=rooms.store,
        url_of=lambda live: rooms.url_of(live.token),
        make_connector=make_connector,
        actions=partial(rooms.shelf.described, allowed=allowed_inputs(settings.commands)),
        mends=rooms.shelf.described_mends,
        states=StoredStates(rooms.store),
        addressing=partial(addressed, rooms),
        make_letter=partial(made_letter, rooms),
        forget=forget,
        clock=time.time,
        start_replay=partial(replay, rooms),
        start_run=start_run,
        form_url_of=rooms.form_url_of,
        recheck=recheck,
        check=checker_of(rooms),
        ping=rooms.store.ping,
        timed=lambda: timed_of(rooms, door.holding or PauseBoard(rooms.pauses), time.time()),
        connections=connections,
        custody=custody,
        pauses=rooms.pauses,
        problems=rooms.problems,
        replays=rooms.replays,
        replayer=replayer_of(rooms),
        resuming=resuming_of(rooms, door),
        holding=door.holding or PauseBoard(rooms.pauses),
        drafts=rooms.drafts,
        versions=rooms.versions,
        publisher=publisher_of(rooms),
        filing=filing_of(rooms),
        release=release,
        starters=starters,
        changes=rooms.changes,
        watcher=rooms.watcher,
        details=StoredDetails(rooms.history),
        event_desk=EventDesk(door, rooms.pauses, rooms.library, StoredPast(rooms.store)),
        make_case=partial(made_case, rooms),
        backlog_limit=settings.limits.backlog,
        public_url=settings.address,
        timezone=settings.timezone,
        settings=shown_settings(settings),
        single_sign_on=SingleSignOn(
            settings.oidc,
            connections.tools.outbound,
            callback=f"{settings.address}{SIGNED_IN_ELSEWHERE}",
            clock=time.time,
        )
        if connections and settings.oidc.is_set
        else None,
    )
