"""The server's own events in a store: the OwnEventRows port. Triggers of the schema note them."""

from __future__ import annotations

from collections.abc import Sequence

from runner.engine.own_events import Happening
from runner.store.queries import read
from runner.store.tables import Tables, Transaction

SQL = read("own_events.sql")


class StoredOwnEvents:
    """See `runner.engine.own_events.OwnEventRows`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def listen(self, kinds: frozenset[str]) -> None:
        """Note what is of *kinds* from now on. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> None:
            await transaction.execute(SQL["forget_interests"])
            await transaction.execute_many(SQL["interest"], [{"kind": kind} for kind in sorted(kinds)])

        await self._tables.write(member)

    async def note(self, kind: str, subject: str, at: float) -> None:
        """Note one, if anybody listens for its kind. Raises StoreUnavailable."""
        row = {"kind": kind, "subject": subject, "at": at}

        async def member(transaction: Transaction) -> None:
            await transaction.execute(SQL["note"], row)

        await self._tables.write(member)

    async def waiting(self, limit: int) -> Sequence[Happening]:
        """The first that are not done yet. Raises StoreUnavailable."""
        return [Happening(*row) for row in await self._tables.read(SQL["waiting"], limit=limit)]

    async def is_of_own_events(self, happening: Happening) -> bool:
        """Whether all runs that it is about came of events like it. Raises StoreUnavailable."""
        if happening.kind == "connection_expiring":
            return False
        name = "run_is_own" if happening.kind == "run_failed" else "problem_is_own"
        rows = await self._tables.read(SQL[name], subject=happening.subject)
        return bool(rows and rows[0][0])

    async def done(self, numbers: Sequence[int]) -> None:
        """Forget these. Raises StoreUnavailable."""
        rows = [{"number": number} for number in numbers]

        async def member(transaction: Transaction) -> None:
            await transaction.execute_many(SQL["done"], rows)

        await self._tables.write(member)
