"""
Problems, messages about them, and replays, put together: what a server's upkeep does about runs that
failed, and what the commands need for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from runner.engine.crowding import CrowdWatch
from runner.engine.expiring import warn
from runner.engine.notices import Notice, Teller, Way
from runner.engine.replaying import Replayer
from runner.engine.replays import Terms
from runner.engine.silence import expected
from runner.engine.upkeep import Chore
from runner.store.crowding import StoredCrowding
from runner.store.notices import StoredNotices
from runner.store.own_events import StoredOwnEvents
from runner.store.replays import StoredReplays
from runner.store.silence import StoredListening
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.turn import Tools
    from runner.engine.worker import Worker
    from runner.settings import Notify

NOBODY = "nobody"  # a node that moves nothing on: it only plans, starts and pauses


def replayer_of(rooms: Rooms, *, node: str = NOBODY, woke: Callable[[], None] = lambda: None) -> Replayer:
    """Replays on the data of *rooms*, moved on by *node*."""
    return Replayer(
        StoredReplays(rooms.store),
        rooms.library,
        node=node,
        clock=time.time,
        backlog=lambda: rooms.store.backlog,
        backlog_limit=rooms.settings.limits.backlog,
        woke=woke,
    )


async def replay(
    rooms: Rooms, run_id: str, *, origin: str, version: str, run_missing: bool = False, as_new: bool = False
) -> Mapping[str, object]:
    """
    Replay one run: *origin* "failed" or a step (the same run goes on) or "start" (a new run of its
    event); *version* "live" or "original". Returns `{id, attempt or replay_of}`.

    Raises:
        NotFound, MoveRefused: there is no such run, or it cannot be replayed so.
    """
    if version == "live":
        await rooms.library.reload()
    terms = Terms(
        origin=origin,
        version="live" if version == "live" else "original",
        run_missing=run_missing,
        as_new=as_new,
    )
    go = await replayer_of(rooms).one(run_id, terms)
    now = time.time()
    if go.new is not None:
        await rooms.store.replay_start(run_id, go.new, now=now, how=go.how)
        return {"id": go.new.id, "replay_of": run_id}
    old = await rooms.history.run(run_id)
    await rooms.store.replay_failed(run_id, version=go.version, now=now, how=go.how)
    return {"id": run_id, "attempt": old["attempt"] + 1}


def recovering_chores(rooms: Rooms, node: str, tools: Tools, worker: Worker | None) -> list[Chore]:
    """What upkeep does about problems and replays."""

    def woke() -> None:
        if worker:
            worker.queue.wake()

    replayer = replayer_of(rooms, node=node, woke=woke)
    notify = rooms.settings.notify
    notices, limit = StoredNotices(rooms.store), rooms.settings.limits.backlog
    teller = Teller(notices, tools, ways=lambda: ways_of(rooms, notify), per_minute=notify.per_minute)
    listening = StoredListening(rooms.store)

    async def listen() -> None:
        await listening.listen(expected(rooms.library), now=time.time())

    people = notices if notify.connection else None
    address = rooms.settings.address

    async def warn_of_ends() -> None:
        await warn(rooms.vault, StoredOwnEvents(rooms.store), time.time, people=people, public_url=address)

    crowd = CrowdWatch(StoredCrowding(rooms.store), limit=limit, clock=time.time)
    return [
        Chore("listen for silent senders", 5.0, listen),
        Chore("warn of connections that end", 60.0, warn_of_ends),
        Chore("look whether too many runs wait", 5.0, crowd.look),
        Chore("close problems", 1.0, lambda: rooms.problems.close_settled(now=time.time())),
        Chore("tell of problems", 1.0, teller.tell),
        Chore("move replays on", 0.5, replayer.advance),
        Chore("let go of old replays", 3600.0, replayer.tidy),
        Chore("let go of old messages", 3600.0, teller.tidy),
    ]


def ways_of(rooms: Rooms, notify: Notify) -> list[Way]:
    """
    How messages go out, by the kinds that the connections have now. A connection that is missing is
    a way all the same: each attempt then says what is wrong with it.
    """
    kinds = rooms.vault.connection_kinds()
    ways = []
    if notify.connection:
        first = notify.to if kinds.get(notify.connection) == "smtp" else (notify.channel,)
        ways.append(_way(notify.connection, kinds, first or ("",)))
    if notify.fallback_connection:
        ways.append(_way(notify.fallback_connection, kinds, notify.fallback_to or ("",)))
    return ways


def _way(connection: str, kinds: Mapping[str, str], to: tuple[str, ...]) -> Way:
    if kinds.get(connection) == "smtp":

        def mail(notice: Notice) -> Json:
            return {"to": list(to), "subject": notice.subject, "text": notice.text}

        return Way(connection, "email.send", mail)

    def message(notice: Notice) -> Json:
        return {"text": _as_mrkdwn(notice.text), **({"channel": to[0]} if to[0] else {})}

    return Way(connection, "slack.post_message", message)


def _as_mrkdwn(text: str) -> str:
    """What Slack would read as a mention or a link of somebody else's making is shown as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
