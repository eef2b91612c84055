"""The Notices port in a store."""

from __future__ import annotations

from typing import Any

from runner.engine.notices import (
    MOST_UNSENT,
    WINDOW_SECONDS,
    Notice,
    Sending,
    Untold,
    notices_for,
    ripe,
)
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import dumps

SQL = read("notices.sql")

MOST_TOLD = 200  # problems in one transaction; the next ones come with the next


class StoredNotices:
    """See `runner.engine.notices.Notices`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def make(self, *, now: float, per_minute: int, public_url: str) -> int:
        """Write the messages that are due; how many. Raises StoreUnavailable."""
        if not await self._tables.read(SQL["any_untold"]):
            return 0  # the common case costs no write

        async def member(transaction: Transaction) -> int:
            (made,) = await transaction.row(SQL["made_since"], {"since": now - WINDOW_SECONDS})
            (unsent,) = await transaction.row(SQL["unsent"])
            if made >= per_minute or unsent >= MOST_UNSENT:
                return 0
            told = ripe(await _untold(transaction), now)
            if not told:
                return 0
            notices = notices_for(told, room=per_minute - made, public_url=public_url)
            for one in notices:
                await transaction.execute(SQL["insert_notice"], _row(one, now))
            await transaction.execute_many(SQL["told"], [{"id": one.id, "now": now} for one in told])
            return len(notices)

        return await self._tables.write(member)

    async def say(self, notice: Notice, *, now: float) -> None:
        """Write a message that is of no problem. Raises StoreUnavailable."""
        await self._execute("insert_notice", **_row(notice, now))

    async def take(self, *, now: float, seconds: float, limit: int) -> list[Sending]:
        """Messages to be sent now by this process alone. Raises StoreUnavailable."""
        if not await self._tables.read(SQL["any_due"], now=now):
            return []

        async def member(transaction: Transaction) -> list[Sending]:
            parameters = {"now": now, "until": now + seconds, "limit": limit}
            rows = await transaction.rows(SQL["take"], parameters)
            return [
                Sending(number, attempts, made_at, Notice(*notice))
                for number, attempts, made_at, *notice in sorted(rows)
            ]

        return await self._tables.write(member)

    async def sent(self, number: int, *, way: str, now: float) -> None:
        """It went out. Raises StoreUnavailable."""
        await self._execute("sent", number=number, way=way, now=now)

    async def failed(self, number: int, *, error: str, due_at: float) -> None:
        """It did not go out. Raises StoreUnavailable."""
        await self._execute("failed", number=number, error=error, due_at=due_at)

    async def forget(self, *, before: float) -> None:
        """Let go messages that were sent before then. Raises StoreUnavailable."""
        await self._execute("forget", before=before)

    async def _execute(self, statement: str, **parameters: Any) -> None:
        await self._tables.execute(SQL[statement], **parameters)


def _row(notice: Notice, now: float) -> dict[str, Any]:
    row = {"kind": notice.kind, "subject": notice.subject, "text": notice.text, "avoid": notice.avoid}
    return {**row, "now": now}


async def _untold(transaction: Transaction) -> list[Untold]:
    rows = await transaction.rows(SQL["untold"], {"limit": MOST_TOLD})
    ids = dumps([row[0] for row in rows])
    counts = {row[0]: row[1:] for row in await transaction.rows(SQL["counts"], {"ids": ids})}
    return [
        Untold(
            id=row[0], workflow=row[1], step=row[2], sentence=row[3], destination=row[4],
            is_open=row[5] == "open", runs=runs, failed=failed, opened_at=row[6], closed_at=row[7],
            dismissed_by=row[8], note=row[9], told_at=row[10], kind=row[11],
        )
        for row in rows
        for runs, failed in [counts.get(row[0], (0, 0))]
    ]  # fmt: skip
