"""The Problems port in a store. Counts are read from the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.engine.history import LAST_NUMBER, Page, Span, read_cursor, write_cursor
from runner.engine.replays import IN_DOUBT
from runner.errors import MoveRefused, NotFound
from runner.store.problem_rows import SQL, settle
from runner.store.rows import Row
from runner.store.tables import Tables, Transaction
from runner.values import Json, dumps, iso

MOST_HASTENED = 100  # a destination that has just come back takes that

COUNTED = {
    "failed": "failed",
    "waiting": "waiting",
    "queued": "under_way",
    "running": "under_way",
    "succeeded": "recovered",
    "filtered": "recovered",
    "cancelled": "cancelled",
}


class StoredProblems:
    """See `runner.engine.problems.Problems`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def page(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Problems, newest first. Raises ValueError, StoreUnavailable."""
        before = read_cursor(cursor) if cursor else LAST_NUMBER
        rows = await self._tables.read(
            SQL["problems"], before=before, status=status, workflow=workflow, limit=limit + 1
        )
        page = rows[:limit]
        after = write_cursor(int(page[-1][0])) if len(rows) > limit else None
        return Page(await self._items(page), after)

    async def show(self, problem_id: str) -> Json:
        """One problem. Raises NotFound, StoreUnavailable."""
        rows = await self._tables.read(SQL["problem"], id=problem_id)
        if not rows:
            raise NotFound(f"there is no problem {problem_id}")
        return (await self._items(rows))[0]

    async def seen(self, problem_id: str, *, by: str, now: float) -> Json:
        """Note that *by* has seen it. Raises NotFound, MoveRefused, StoreUnavailable."""
        await self._change("see", problem_id, by=by, now=now)
        return await self.show(problem_id)

    async def spans(self, problem_id: str, *, count: int) -> tuple[float, float, list[Span]]:
        """When its first and last run were accepted, and how many in each part. Raises StoreUnavailable."""
        ((since, until),) = await self._tables.read(SQL["ends"], id=problem_id)
        if since is None:
            return 0.0, 0.0, []
        width = max(until - since, count * 1.0) / count
        spans = [Span(0, 0)] * count
        rows = await self._tables.read(SQL["spans"], id=problem_id, since=since, width=width, count=count)
        for place, runs, failed in rows:
            spans[place] = Span(runs, failed)
        return since, until, spans

    async def in_doubt(self, problem_id: str) -> int:
        """How many of its failed runs may have done something. Raises StoreUnavailable."""
        return int(
            (await self._tables.read(SQL["in_doubt"], id=problem_id, types=dumps(sorted(IN_DOUBT))))[0][0]
        )

    async def hasten(self, problem_id: str, *, now: float) -> int:
        """Let its runs that wait for their next attempt make it now. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> int:
            parameters = {"id": problem_id, "now": now, "most": MOST_HASTENED}
            await transaction.execute(SQL["hasten_records"], parameters)
            return await transaction.execute(SQL["hasten_runs"], parameters)

        return await self._tables.write(member)

    async def open_count(self) -> int:
        """How many are open. Raises StoreUnavailable."""
        return int((await self._tables.read(SQL["open_count"]))[0][0])

    async def dismiss(self, problem_id: str, *, by: str, note: str, now: float) -> Json:
        """Close it although runs are left. Raises NotFound, MoveRefused, StoreUnavailable."""
        await self._change("dismiss", problem_id, by=by, note=note, now=now)
        return await self.show(problem_id)

    async def close_settled(self, *, now: float) -> None:
        """
        Close what has no run left that is failed or under way. The engine's transactions do so
        themselves; this is for runs that were cancelled or let go.
        """
        problems = [problem_id for (problem_id,) in await self._tables.read(SQL["settled"])]
        if not problems:
            return

        async def member(transaction: Transaction) -> None:
            for problem_id in problems:
                await settle(transaction, problem_id, now=now)

        await self._tables.write(member)

    async def _change(self, statement: str, problem_id: str, **parameters: Any) -> None:
        async def member(transaction: Transaction) -> None:
            if await transaction.execute(SQL[statement], {"id": problem_id, **parameters}):
                return
            if await transaction.row(SQL["problem"], {"id": problem_id}) is None:
                raise NotFound(f"there is no problem {problem_id}")
            raise MoveRefused(f"the problem {problem_id} is closed already")

        await self._tables.write(member)

    async def _items(self, rows: Sequence[Row]) -> list[Json]:
        ids = dumps([row[1] for row in rows])
        runs: dict[str, dict[str, int]] = {row[1]: {} for row in rows}
        latest: dict[str, int] = {}
        for problem_id, status, count, number in await self._tables.read(SQL["counts"], ids=ids):
            counts = runs[problem_id]
            counts[COUNTED[status]] = counts.get(COUNTED[status], 0) + count
            latest[problem_id] = max(latest.get(problem_id, 0), number)
        moments = dict(await self._tables.read(SQL["accepted_at"], numbers=dumps(list(latest.values()))))
        replays = dict(await self._tables.read(SQL["replays_of"], ids=ids))
        return [
            _item(row, runs[row[1]], moments.get(latest.get(row[1])), replays.get(row[1])) for row in rows
        ]


def _item(row: Row, counts: dict[str, int], last_at: float | None, replay: str | None) -> Json:
    named = {name: counts.get(name, 0) for name in dict.fromkeys(COUNTED.values())}
    return {
        "id": row[1],
        "kind": row[14],
        "workflow": row[2],
        "step": row[3],
        "cause": row[4],
        "sentence": row[5],
        "destination": row[6],
        "status": row[7],
        "opened_at": iso(row[8]),
        "seen": {"at": iso(row[9]), "by": row[10]} if row[9] is not None else None,
        "closed_at": iso(row[11]),
        "dismissed_by": row[12],
        "note": row[13],
        "runs": {"total": sum(counts.values()), **named},
        "last_at": iso(last_at),
        "replay": replay,
    }
