"""Drafts in a store: the Drafts port."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from runner.engine.drafts import Draft, Editing, Elsewhere
from runner.language.copies import name_of
from runner.store.queries import read
from runner.store.tables import Tables, Transaction

SQL = read("drafts.sql")

FIRST = 1 << 48  # a browser's numbers are exact to 2**53


class StoredDrafts:
    """See `runner.engine.drafts.Drafts`. *clock* gives UTC seconds."""

    def __init__(self, store: Tables, clock: Callable[[], float]) -> None:
        self._tables = store
        self._clock = clock

    async def get(self, workflow: str, person: str) -> Draft | None:
        """The person's draft of the workflow."""
        rows = await self._tables.read(SQL["draft"], workflow=workflow, person=person)
        return Draft(*rows[0]) if rows else None

    async def put(
        self, workflow: str, person: str, *, by: str, text: str, base: int | None, revision: int | None
    ) -> Draft | Elsewhere:
        """Keep *text*, if what is stored has *revision*."""
        name = await asyncio.to_thread(name_of, text)
        now = self._clock()
        key = {"workflow": workflow, "person": person}

        async def member(transaction: Transaction) -> Draft | Elsewhere:
            await transaction.lock(f"draft {workflow}\n{person}")
            row = await transaction.row(SQL["draft"], key)
            stored = Draft(*row) if row else None
            if (stored.revision if stored else None) != revision:
                return Elsewhere(stored)
            if stored and (stored.text, stored.base) == (text, base):
                return stored
            # a first one begins anywhere, so that no number of one that was dropped comes again
            number = stored.revision + 1 if stored else 1 + secrets.randbelow(FIRST)
            draft = Draft(workflow, person, by, text, number, base, now)
            values = {**key, "by": by, "name": name, "text": text, "revision": number, "base": base}
            await transaction.execute(SQL["put"], {**values, "now": now})
            return draft

        return await self._tables.write(member)

    async def drop(self, workflow: str, person: str | None) -> int:
        """Forget the person's draft, or everybody's; how many there were."""
        row = {"workflow": workflow, "person": person}
        return await self._tables.execute(SQL["drop"], **row)

    async def others(self, workflow: str, person: str, *, since: float) -> list[Editing]:
        """Who else saved a draft of the workflow at or after *since*, the latest first."""
        rows = await self._tables.read(SQL["others"], workflow=workflow, person=person, since=since)
        return [Editing(*row) for row in rows]

    async def texts(self, workflow: str) -> list[str]:
        """Everybody's draft of the workflow."""
        return [text for (text,) in await self._tables.read(SQL["texts"], workflow=workflow)]

    async def unpublished(self) -> dict[str, str]:
        """The workflows of which there are only drafts, each with its name."""
        return {workflow: name or workflow for workflow, name in await self._tables.read(SQL["unpublished"])}
