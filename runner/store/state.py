"""What workflows keep between their runs, in a store: the States port."""

from __future__ import annotations

from collections.abc import Sequence

from runner.engine.state import (
    MOST_KEYS,
    REMEMBERED_SECONDS,
    SHARED,
    Change,
    Effect,
    Entry,
    Held,
    changed,
    is_over,
)
from runner.errors import Rejected
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import Json, dumps, loads

SQL = read("state.sql")


class StoredStates:
    """See `runner.engine.state.States`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def entry(self, space: str, key: str, *, now: float) -> Entry | None:
        """What is kept under *key*; None where nothing is, or its time is over."""
        for value, changed_at, expires_at, _holder in await self._tables.read(
            SQL["entry"], workflow=space, key=key
        ):
            if not is_over(Held(None, expires_at), now):
                return Entry(key, loads(value.encode()), changed_at, expires_at)
        return None

    async def entries(self, space: str, *, now: float, after: str = "", limit: int = 50) -> Sequence[Entry]:
        """The next keys of *space* behind *after*, in their order."""
        rows = await self._tables.read(SQL["entries"], workflow=space, now=now, after=after, limit=limit)
        return [Entry(key, loads(value.encode()), at, until) for key, value, at, until in rows]

    async def change(
        self, space: str, key: str, change: Change, *, now: float, effect: Effect | None = None
    ) -> Json:
        """Make *change*, or, where *effect* made it before, nothing; what it gives. Raises Rejected."""
        where = {"workflow": space, "key": key}
        row = {
            **where,
            "event_id": effect.event_id if effect else "",
            "effect": effect.key if effect else "",
            "later": now + REMEMBERED_SECONDS,
        }

        async def member(transaction: Transaction) -> Json:
            if effect:
                await transaction.lock(f"effect {effect.key}")
            await transaction.lock(f"state {space}\n{key}")
            if effect and (known := await transaction.row(SQL["result"], row)):
                return loads(known[0].encode())
            before = await _held(transaction, where, now)
            holder = effect.holder if effect else ""
            after, result = changed(before, change, key=key, holder=holder, now=now)
            if after is None:
                await transaction.execute(SQL["delete"], where)
            elif after != before:
                if before is None:
                    await _find_room(transaction, space, now)
                text = dumps(after.value)
                written = {"value": text, "holder": after.holder, "now": now, "expires_at": after.expires_at}
                await transaction.execute(SQL["put"], {**where, **written})
            if effect:
                await transaction.execute(SQL["remember"], {**row, "result": dumps(result)})
            return result

        return await self._tables.write(member, is_quick=True)

    async def tidy(self, *, now: float, most: int) -> int:
        """Take away at most *most* keys, and as many remembered results, whose time is over; how many."""
        row = {"now": now, "most": most}

        async def member(transaction: Transaction) -> int:
            return sum([await transaction.execute(SQL[name], row) for name in ("tidy", "tidy_effects")])

        return await self._tables.write(member)


async def _held(transaction: Transaction, where: dict[str, str], now: float) -> Held | None:
    row = await transaction.row(SQL["entry"], where)
    held = Held(loads(row[0].encode()), row[2], row[3]) if row else None
    return None if held is None or is_over(held, now) else held


async def _find_room(transaction: Transaction, space: str, now: float) -> None:
    """Let there be room for one more key; those whose time is over go first. Raises Rejected."""
    row = {"workflow": space, "most": MOST_KEYS, "now": now}
    if (await transaction.row(SQL["count"], row))[0] < MOST_KEYS:
        return
    if await transaction.execute(SQL["delete_over"], row) == 0:
        whose = "all workflows share" if space == SHARED else f"{space} keeps"
        raise Rejected(f"{whose} {MOST_KEYS:,} keys already; give them a `ttl`, or delete some")
