"""The audit log in a store: the AuditLog port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner.engine.audit import FAILURES_KEPT, SIGN_IN_FAILED, Deed, DeedsWanted
from runner.engine.history import LAST_NUMBER, Page, read_cursor, write_cursor
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import Json, dumps, iso, loads

SQL = read("people.sql")
MOST_LET_GO = 1000  # by one transaction: some milliseconds


class StoredAudit:
    """See `runner.engine.audit.AuditLog`. *clock* gives UTC seconds."""

    def __init__(self, store: Tables, clock: Callable[[], float]) -> None:
        self._tables = store
        self._clock = clock

    async def note(self, deed: Deed) -> None:
        """Write *deed* down, as done now."""
        row = {
            "at": self._clock(),
            "who_key": deed.who_key,
            "who_name": deed.who_name,
            "verb": deed.verb,
            "kind": deed.kind,
            "name": deed.name,
            "facts": dumps(deed.facts),
        }
        await self._tables.write(
            lambda transaction: transaction.execute(SQL["insert_audit"], row), is_quick=True
        )

    async def page(self, wanted: DeedsWanted) -> Page:
        """Newest first. Raises ValueError, StoreUnavailable."""
        parameters = {
            "before": read_cursor(wanted.cursor) if wanted.cursor else LAST_NUMBER,
            "kind": wanted.kind,
            "who": wanted.who,
            "text": wanted.text.lower() if wanted.text else None,
            "limit": wanted.limit + 1,
        }
        rows = await self._tables.read(SQL["audit"], **parameters)
        more = len(rows) > wanted.limit
        return Page(
            [_item(row) for row in rows[: wanted.limit]],
            write_cursor(rows[wanted.limit - 1][0]) if more else None,
        )

    async def let_go(self, *, before: float) -> int:
        """Let go of some of what is old, and of failed sign-ins past the newest FAILURES_KEPT; how many."""
        old = {"before": before, "most": MOST_LET_GO}
        failed = {"verb": SIGN_IN_FAILED, "keep": FAILURES_KEPT, "most": MOST_LET_GO}

        async def member(transaction: Transaction) -> int:
            gone = await transaction.execute(SQL["delete_audit"], old)
            return gone + await transaction.execute(SQL["delete_failures"], failed)

        return await self._tables.write(member)


def _item(row: Any) -> Json:
    _number, at, who_key, who_name, verb, kind, name, facts = row
    return {
        "at": iso(at),
        "who": {"key": who_key, "name": who_name},
        "verb": verb,
        "kind": kind,
        "name": name,
        "facts": loads(facts.encode()),
    }
