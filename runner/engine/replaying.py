"""
Replaying: plans are made here, and moved on by upkeep, one process at a time.

What a replay has done stands at its rows alone, so that it goes on after a restart where it was.
Each of its runs is judged anew in the moment in which it is started: a workflow may have been
mended, and a run replayed by someone else.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.engine.accept import new_id
from runner.engine.pacing import next_after, pace
from runner.engine.replays import (
    FASTEST,
    MOST_ITEMS,
    MOST_UNDER_WAY,
    Go,
    Item,
    judge,
)
from runner.engine.runs import NewRun
from runner.engine.sampling import TESTS
from runner.errors import LanguageError, MoveRefused, NotFound

if TYPE_CHECKING:
    from runner.engine.library import Library
    from runner.engine.replays import Candidate, Judged, Replays, Terms
    from runner.language.workflow import Workflow
    from runner.values import Json

PORTION = 500  # runs judged or written at a time: some milliseconds
RECENT = 200  # started runs that tell how it goes
LEASE_SECONDS = 10.0  # how late another process notices that this one is gone
BACKLOG_SHARE = 0.5  # of what may wait: the rest is kept for what is fresh
KEPT_SECONDS = 30 * 86400.0


class Replayer:
    """
    *backlog()* is how many runs wait now, of at most *backlog_limit*; *woke()* hears that some are
    due, *clock()* is UTC seconds, *node* this process.
    """

    def __init__(
        self,
        replays: Replays,
        library: Library,
        *,
        node: str,
        clock: Callable[[], float],
        backlog: Callable[[], int],
        backlog_limit: int,
        woke: Callable[[], None] = lambda: None,
    ) -> None:
        self._replays = replays
        self._library = library
        self._node = node
        self._clock = clock
        self._backlog = backlog
        self._backlog_limit = backlog_limit
        self._woke = woke

    async def plan(self, terms: Terms, *, by: str, keep: bool = True) -> Json:
        """
        What a replay on *terms* would do, and, with *keep*, a replay that can be started.

        Raises:
            NotFound: a run that is named is not there.
            MoveRefused: the terms mean nothing, or too many runs.
        """
        if not 0 < terms.rate <= FASTEST:
            raise MoveRefused(f"a rate of {terms.rate:g} a second is none; from a little to {FASTEST:g}")
        now = self._clock()
        await self._library.reload()
        replay_id = new_id(now)
        counts: Counter[str] = Counter()
        effects: Counter[tuple[str, ...]] = Counter()
        left_out: list[Json] = []
        place = 0
        portion: list[Item] = []
        async for run in self._meant(terms):
            judged = await self._judge(run, terms, now)
            counts[judged.class_] += 1
            counts["included"] += judged.is_included
            effects.update((judged.class_, one.step, one.action, one.key) for one in judged.effects)
            if not judged.is_included and len(left_out) < 100:
                left_out.append({"run": run.id, "class": judged.class_, "why": judged.why})
            portion.append(Item(run.id, judged.class_, judged.is_included, judged.why))
            if keep and len(portion) == PORTION:
                await self._replays.save_items(replay_id, place, portion)
                place, portion = place + len(portion), []
        named = [
            dict(zip(("class", "step", "action", "key"), names, strict=True)) | {"runs": runs}
            for names, runs in sorted(effects.items())
        ]
        if keep:
            await self._replays.save_items(replay_id, place, portion)
            await self._replays.save_plan(replay_id, terms, effects=named, by=by, now=now)
            return await self._replays.show(replay_id)
        plan = {name: counts[name] for name in ("safe", "uncertain", "stale", "refused", "included")}
        return {"id": None, "plan": plan, "effects": named, "left_out": left_out}

    async def start(self, replay_id: str, *, rate: float | None = None) -> Json:
        """
        Begin, or go on after a pause or stop, at *rate* runs a second where it is given; what failed before
        the pause is tried once more, at the end. Raises NotFound, MoveRefused.
        """
        await self._replays.move(replay_id, "running", why=None, now=self._clock(), rate=rate)
        return await self._replays.show(replay_id)

    async def pause(self, replay_id: str, *, by: str) -> Json:
        """Start no more runs until it is started again. Raises NotFound, MoveRefused."""
        return await self._moved(replay_id, "paused", f"Paused by {by}.")

    async def stop(self, replay_id: str, *, by: str) -> Json:
        """End it; its runs under way go on. Raises NotFound, MoveRefused."""
        return await self._moved(replay_id, "stopped", f"Stopped by {by}.")

    async def advance(self) -> None:
        """Move on the replays that this process has, or can have: call it twice a second or so."""
        for replay_id, terms, next_at in await self._replays.owned(
            self._node, now=self._clock(), seconds=LEASE_SECONDS
        ):
            await self._advance(replay_id, terms, next_at)

    async def tidy(self) -> None:
        """Let go what is old."""
        await self._replays.forget(before=self._clock() - KEPT_SECONDS)

    async def one(self, run_id: str, terms: Terms) -> Go:
        """
        How a single run that a person named is replayed.

        Raises:
            NotFound: it is not there.
            MoveRefused: it cannot be replayed so; the message says why, and names the steps.
        """
        run = await self._replays.candidate(run_id)
        go = await self._go(run, terms, self._clock())
        if isinstance(go, str):
            way_out = (
                " (--run-missing runs those steps all the same)"
                if "has no step" in go or " was " in go
                else ""
            )
            raise MoveRefused(f"run {run_id} cannot be replayed: {go}{way_out}")
        return replace(go, how=replace(go.how, is_behind=False), new=go.new)

    async def _advance(self, replay_id: str, terms: Terms, next_at: float) -> None:
        now = self._clock()
        free = int(self._backlog_limit * BACKLOG_SHARE) - self._backlog()
        room = max(0, min(free, MOST_UNDER_WAY - await self._replays.under_way()))
        trial, recent = await self._replays.gone(replay_id, first=terms.first, last=RECENT)
        count, why = pace(terms, trial=trial, recent=recent, next_at=next_at, now=now, room=room)
        left = await self._replays.left(replay_id, limit=max(1, count))
        if not left:
            if not any(one.state == "under_way" for one in recent):
                await self._end(replay_id, "done", None)
            return
        if why is not None:
            await self._end(replay_id, "paused", f"Paused by itself: {why}")
            return
        for place, run_id in left[:count]:
            next_at = next_after(terms, next_at=next_at, now=now, started=1)
            try:
                go = await self._go(await self._replays.candidate(run_id), terms, now)
            except NotFound as error:
                go = str(error)
            if not await self._replays.start_item(
                replay_id, place, go, node=self._node, now=self._clock(), next_at=next_at
            ):
                return  # it was paused, or is another process's now
        if count:
            self._woke()

    async def _go(self, run: Candidate, terms: Terms, now: float) -> Go | str:
        """How *run* is started now, or why it cannot be."""
        judged = await self._judge(run, terms, now)
        if judged.class_ == "refused":
            return judged.why or "it cannot be replayed"
        workflow, number = await self._target(run, terms)
        new = None
        if terms.origin == "start":
            # live or a shadow as the version says that it is made on
            mode = workflow.mode if workflow and run.mode not in TESTS else run.mode
            new = NewRun(new_id(now), run.workflow, number, run.title, secrets.token_hex(16), None, mode=mode)
        return Go(run.id, number, judged.how, new)

    async def _judge(self, run: Candidate, terms: Terms, now: float) -> Judged:
        target, number = await self._target(run, terms)
        own = await self._version(run.workflow, run.version)
        return judge(run, terms, own=own, target=target, number=number, now=now)

    async def _target(self, run: Candidate, terms: Terms) -> tuple[Workflow | None, int]:
        if terms.version == "original":
            return await self._version(run.workflow, run.version), run.version
        live = self._library.get(run.workflow)
        return (live.workflow, live.version) if live else (None, run.version)

    async def _version(self, slug: str, number: int) -> Workflow | None:
        try:
            return await self._library.version(slug, number)
        except (NotFound, LanguageError):
            return None

    async def _meant(self, terms: Terms) -> AsyncIterator[Candidate]:
        """The runs that the terms mean, in the order of accepting."""
        if terms.run_ids:
            named = [await self._replays.candidate(run_id) for run_id in dict.fromkeys(terms.run_ids)]
            for run in sorted(named, key=lambda one: one.number):
                yield run
        after: int | None = 0 if terms.where else None
        found = 0
        while terms.where and after is not None:
            runs, after = await self._replays.candidates(terms.where, after=after, limit=PORTION)
            found += len(runs)
            if found > MOST_ITEMS:
                raise MoveRefused(
                    f"more than {MOST_ITEMS:,} runs are meant; narrow the filter, for example with until="
                )
            for run in runs:
                yield run

    async def _end(self, replay_id: str, to: str, why: str | None) -> None:
        with contextlib.suppress(MoveRefused):  # a person was quicker
            await self._replays.move(replay_id, to, why=why, now=self._clock())

    async def _moved(self, replay_id: str, to: str, why: str | None) -> Json:
        await self._replays.move(replay_id, to, why=why, now=self._clock())
        return await self._replays.show(replay_id)
