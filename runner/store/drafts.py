"""Drafts in an SQLite store: the Drafts port."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable
from typing import Any

from runner.engine.drafts import Draft, Editing, Elsewhere
from runner.errors import StoreUnavailable
from runner.language.copies import name_of
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore

SQL = read("drafts.sql")

FIRST = 1 << 48  # a browser's numbers are exact to 2**53


class SQLiteDrafts:
    """See `runner.engine.drafts.Drafts`. *clock* gives UTC seconds."""

    def __init__(self, store: SQLiteStore, clock: Callable[[], float]) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store
        self._clock = clock

    async def get(self, workflow: str, person: str) -> Draft | None:
        """The person's draft of the workflow."""
        rows = await self._read("draft", workflow=workflow, person=person)
        return Draft(*rows[0]) if rows else None

    async def put(
        self, workflow: str, person: str, *, by: str, text: str, base: int | None, revision: int | None
    ) -> Draft | Elsewhere:
        """Keep *text*, if what is stored has *revision*."""
        name = await asyncio.to_thread(name_of, text)
        now = self._clock()
        key = {"workflow": workflow, "person": person}

        def member(connection: sqlite3.Connection) -> Draft | Elsewhere:
            row = connection.execute(SQL["draft"], key).fetchone()
            stored = Draft(*row) if row else None
            if (stored.revision if stored else None) != revision:
                return Elsewhere(stored)
            if stored and (stored.text, stored.base) == (text, base):
                return stored
            # a first one begins anywhere, so that no number of one that was dropped comes again
            number = stored.revision + 1 if stored else 1 + secrets.randbelow(FIRST)
            draft = Draft(workflow, person, by, text, number, base, now)
            values = {**key, "by": by, "name": name, "text": text, "revision": number, "base": base}
            connection.execute(SQL["put"], {**values, "now": now})
            return draft

        return await self._write(member)

    async def drop(self, workflow: str, person: str | None) -> int:
        """Forget the person's draft, or everybody's; how many there were."""
        row = {"workflow": workflow, "person": person}
        return await self._write(lambda connection: connection.execute(SQL["drop"], row).rowcount)

    async def others(self, workflow: str, person: str, *, since: float) -> list[Editing]:
        """Who else saved a draft of the workflow at or after *since*, the latest first."""
        rows = await self._read("others", workflow=workflow, person=person, since=since)
        return [Editing(*row) for row in rows]

    async def texts(self, workflow: str) -> list[str]:
        """Everybody's draft of the workflow."""
        return [text for (text,) in await self._read("texts", workflow=workflow)]

    async def unpublished(self) -> dict[str, str]:
        """The workflows of which there are only drafts, each with its name."""
        return {workflow: name or workflow for workflow, name in await self._read("unpublished")}

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error
