"""The Replays port in a store. Progress is read from the runs that a replay started."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from runner.engine.history import LAST_NUMBER, Page, read_cursor, write_cursor
from runner.engine.pacing import Gone
from runner.engine.replays import (
    CLASSES,
    IN_DOUBT,
    Candidate,
    Filter,
    Go,
    Item,
    Past,
    Terms,
    matches,
    terms_of,
)
from runner.engine.runs import Status
from runner.errors import MoveRefused, NotFound
from runner.store.again import go_on, start_anew
from runner.store.queries import read
from runner.store.rows import Row
from runner.store.tables import Tables, Transaction
from runner.values import Json, dumps, iso, loads, sortable_id

SQL = read("replays.sql")

MOST_LEFT_OUT = 100  # shown of the runs that a plan leaves out
MOVES = {
    "running": ("planned", "paused", "stopped"),
    "paused": ("running",),
    "stopped": ("planned", "running", "paused"),
    "done": ("running",),
}


DONE = {"running": "started", "paused": "paused", "stopped": "stopped", "done": "ended"}


class StoredReplays:
    """See `runner.engine.replays.Replays`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def candidates(
        self, wanted: Filter, *, after: int, limit: int
    ) -> tuple[list[Candidate], int | None]:
        """A portion of the runs that *wanted* means. Raises StoreUnavailable."""
        if after == 0 and wanted.since is not None:
            after = await self._number_before(wanted.since)
        if wanted.problem:
            statement = "of_problem"
        elif wanted.workflow:
            statement = "failed_of_workflow" if wanted.status == Status.FAILED else "of_workflow"
        else:
            statement = "in_status"
        rows = await self._tables.read(
            SQL[statement],
            problem=wanted.problem,
            workflow=wanted.workflow,
            status=wanted.status,
            after=after,
            limit=limit,
        )
        meant = [one for one in map(_candidate, rows) if matches(one, wanted)]
        return await self._with_pasts(meant), int(rows[-1][0]) if len(rows) == limit else None

    async def candidate(self, run_id: str) -> Candidate:
        """One run. Raises NotFound, StoreUnavailable."""
        rows = await self._tables.read(SQL["candidate"], run_id=run_id)
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        return (await self._with_pasts([_candidate(rows[0])]))[0]

    async def save_items(self, replay_id: str, first_place: int, items: Sequence[Item]) -> None:
        """Write a portion of a plan. Raises StoreUnavailable."""
        rows = [
            {
                "replay_id": replay_id, "place": first_place + offset, "run_id": item.run_id,
                "class": item.class_, "is_included": item.is_included, "why": item.why,
            }
            for offset, item in enumerate(items)
        ]  # fmt: skip
        await self._tables.write(lambda transaction: transaction.execute_many(SQL["insert_item"], rows))

    async def save_plan(
        self, replay_id: str, terms: Terms, *, effects: Sequence[Json], by: str, now: float
    ) -> None:
        """Write the plan itself. Raises StoreUnavailable."""
        row = {
            "id": replay_id,
            "terms": dumps(terms.as_json()),
            "problem_id": terms.where.problem if terms.where else None,
            "effects": dumps(list(effects)),
            "now": now,
            "by": by,
        }
        await self._tables.execute(SQL["insert_replay"], **row)

    async def page(self, *, status: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """Replays, newest first. Raises ValueError, StoreUnavailable."""
        before = read_cursor(cursor) if cursor else LAST_NUMBER
        rows = await self._tables.read(SQL["replays"], before=before, status=status, limit=limit + 1)
        after = write_cursor(int(rows[limit - 1][0])) if len(rows) > limit else None
        return Page([await self._item(row) for row in rows[:limit]], after)

    async def show(self, replay_id: str) -> Json:
        """One replay. Raises NotFound, StoreUnavailable."""
        rows = await self._tables.read(SQL["replay"], id=replay_id)
        if not rows:
            raise NotFound(f"there is no replay {replay_id}")
        return await self._item(rows[0])

    async def move(
        self, replay_id: str, to: str, *, why: str | None, now: float, rate: float | None = None
    ) -> None:
        """Start, pause, stop or end it. Raises NotFound, MoveRefused, StoreUnavailable."""

        async def member(transaction: Transaction) -> None:
            of = dumps(list(MOVES[to]))
            parameters = {"id": replay_id, "to": to, "why": why, "now": now, "of": of, "rate": rate}
            if await transaction.execute(SQL["move"], parameters):
                if to == "running":
                    again = {"id": replay_id, "types": dumps(sorted(IN_DOUBT))}
                    await transaction.execute(SQL["try_again"], again)
                return
            row = await transaction.row(SQL["replay"], {"id": replay_id})
            if row is None:
                raise NotFound(f"there is no replay {replay_id}")
            raise MoveRefused(f"the replay {replay_id} is {row[2]}; it cannot be {DONE[to]} now")

        await self._tables.write(member)

    async def owned(self, node: str, *, now: float, seconds: float) -> list[tuple[str, Terms, float]]:
        """Running replays that *node* has, or takes, for the next *seconds*. Raises StoreUnavailable."""
        if not await self._tables.read(SQL["running"]):
            return []  # the common case costs no write

        async def member(transaction: Transaction) -> list[tuple[str, Terms, float]]:
            parameters = {"node": node, "now": now, "until": now + seconds}
            rows = await transaction.rows(SQL["own"], parameters)
            return [(replay_id, terms_of(loads(terms.encode())), at) for replay_id, terms, at in rows]

        return await self._tables.write(member)

    async def gone(self, replay_id: str, *, first: int, last: int) -> tuple[list[Gone], list[Gone]]:
        """How its runs fare that were started since its last start. Raises StoreUnavailable."""
        trial = await self._tables.read(SQL["gone_first"], id=replay_id, limit=first)
        recent = await self._tables.read(SQL["gone_last"], id=replay_id, limit=last)
        return list(map(_gone, trial)), list(map(_gone, recent))

    async def left(self, replay_id: str, *, limit: int) -> list[tuple[int, str]]:
        """Place and id of the next runs to be started. Raises StoreUnavailable."""
        return [
            (place, run_id)
            for place, run_id in await self._tables.read(SQL["left"], id=replay_id, limit=limit)
        ]

    async def under_way(self) -> int:
        """How many replayed runs are queued or running. Raises StoreUnavailable."""
        return int((await self._tables.read(SQL["under_way"]))[0][0])

    async def start_item(
        self, replay_id: str, place: int, go: Go | str, *, node: str, now: float, next_at: float
    ) -> bool:
        """Start the run at *place*, or note why it cannot be. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> bool:
            pacing = {"id": replay_id, "node": node, "next_at": next_at}
            if not await transaction.execute(SQL["paced"], pacing):
                return False
            failure = go if isinstance(go, str) else None
            started = None if isinstance(go, str) else go.new.id if go.new else go.run_id
            marked = {
                "id": replay_id, "place": place, "now": now, "run": started, "failure": failure,
            }  # fmt: skip
            if not await transaction.execute(SQL["start_item"], marked):
                return True  # by an earlier try of ours whose answer was lost
            if isinstance(go, Go):
                if go.new:
                    await start_anew(transaction, go.run_id, go.new, now=now, how=go.how)
                else:
                    await go_on(transaction, go.run_id, version=go.version, now=now, how=go.how)
            return True

        with contextlib.suppress(NotFound, MoveRefused):
            return await self._tables.write(member)
        # someone else has changed the run since it was judged: what was begun above is rolled back
        if isinstance(go, str):
            return False
        refusal = "it was changed in the moment of replaying"
        return await self.start_item(replay_id, place, refusal, node=node, now=now, next_at=next_at)

    async def forget(self, *, before: float) -> None:
        """Let go what is over. Raises StoreUnavailable."""
        for (replay_id,) in await self._tables.read(SQL["old_replays"], before=before):

            async def member(transaction: Transaction, replay_id: str = replay_id) -> None:
                await transaction.execute(SQL["delete_items"], {"id": replay_id})
                await transaction.execute(SQL["delete_replay"], {"id": replay_id})

            await self._tables.write(member)
        oldest = {"id": sortable_id(max(0.0, before), bytes(10))}
        await self._tables.execute(SQL["delete_unfinished_plans"], **oldest)

    async def _item(self, row: Row) -> Json:
        _number, replay_id, status, text, problem, effects, created_at, by, started_at, ended_at, why = row
        terms = loads(text.encode())
        plan = dict.fromkeys((*CLASSES, "included"), 0)
        for name, is_included, count in await self._tables.read(SQL["plan"], id=replay_id):
            plan[name] += count
            plan["included"] += count if is_included else 0
        states = ("under_way", "waiting", "succeeded", "failed", "cancelled", "refused")
        progress = dict.fromkeys(states, 0) | dict(await self._tables.read(SQL["progress"], id=replay_id))
        started = sum(progress.values())
        left_out = await self._tables.read(SQL["left_out"], id=replay_id, limit=MOST_LEFT_OUT)
        return {
            "id": replay_id,
            "status": status,
            "runs": terms["run_ids"] or None,
            "where": _shown(terms["where"]),
            "from": terms["origin"],
            "version": terms["version"],
            "rate": terms["rate"],
            "first": terms["first"],
            "include_uncertain": terms["include_uncertain"],
            "include_stale": terms["include_stale"],
            "run_missing": terms["run_missing"],
            "as_new": terms["as_new"],
            "problem": problem,
            "by": by,
            "created_at": iso(created_at),
            "started_at": iso(started_at),
            "ended_at": iso(ended_at),
            "why": why,
            "plan": plan,
            "effects": loads(effects.encode()),
            "left_out": [{"run": run_id, "class": name, "why": reason} for run_id, name, reason in left_out],
            "progress": {
                "included": plan["included"],
                "started": started,
                "left": plan["included"] - started,
                **progress,
            },
        }

    async def _number_before(self, since: float) -> int:
        """The number before the first run accepted from then on: ids sort by time."""
        rows = await self._tables.read(SQL["first_number"], id=sortable_id(max(0.0, since), bytes(10)))
        return LAST_NUMBER if rows[0][0] is None else int(rows[0][0]) - 1

    async def _with_pasts(self, runs: Sequence[Candidate]) -> list[Candidate]:
        pasts: dict[str, list[Past]] = {run.id: [] for run in runs}
        rows = await self._tables.read(SQL["pasts"], ids=dumps(list(pasts)))
        for run_id, path, kind, status, error_type, in_doubt in rows:
            is_unclear = status == "failed" and error_type in IN_DOUBT and kind != "wait_for"
            doubt = bool(in_doubt) or status == "started" or is_unclear
            pasts[run_id].append(Past(path, kind, status, error_type, doubt))
        return [replace(run, records=tuple(pasts[run.id])) for run in runs]


def _candidate(row: Row) -> Candidate:
    return Candidate(
        number=row[0], id=row[1], workflow=row[2], version=row[3], title=row[4], mode=row[5], status=row[6],
        accepted_at=row[7], reason_code=row[8] or "", failed_step=row[9] or "",
    )  # fmt: skip


def _gone(row: Row) -> Gone:
    started_at, failure, status, problem_id, ended_at, sentence = row
    if failure is not None:
        return Gone("failed", started_at, failure)
    if status in ("queued", "running"):
        return Gone("under_way", started_at, "")
    is_stuck = status == Status.WAITING and problem_id is not None
    is_bad = status == Status.FAILED or is_stuck
    return Gone("failed" if is_bad else "well", ended_at or started_at, sentence or "")


def _shown(where: Json) -> Json:
    """The filter as it was given, with its times in ISO 8601."""
    if where is None:
        return None
    times = {name: iso(where[name]) for name in ("since", "until") if where[name] is not None}
    return {name: value for name, value in {**where, **times}.items() if value is not None}
