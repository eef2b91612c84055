"""What copying needs of a database, whichever it is: a side to read from, and one to write to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from runner.store.copied import Copied

Row = Sequence[Any]


class Side(Protocol):
    """
    One database, of which this process alone holds a connection. Values come and go as Python's str, int,
    float, bytes and None; JSON as text.

    Every method raises StoreUnavailable when the database is away.
    """

    name: str  # what tells it apart from others, and people may read: without a password

    async def begin(self) -> None:
        """See from now on, until `end`, what is written now: reads give one moment's state."""

    async def end(self) -> None:
        """See what is written from now on."""

    async def tables(self) -> Mapping[str, Sequence[str]]:
        """The tables of the database with their columns, sorted."""

    async def count(self, table: Copied) -> int:
        """How many rows it has."""

    def rows(self, table: Copied, columns: Sequence[str], after: Row | None) -> AsyncIterator[Row]:
        """Its rows in the order of its key, those behind the key *after*. Between `begin` and `end`."""

    async def last_number(self, table: Copied) -> int:
        """The largest number that the database gave a row of a numbered table, though it be gone; 0: none."""

    async def progress(self) -> dict[str, str] | None:
        """The notes of an unfinished copy into this database; None where there is no such copy."""

    async def start(self, notes: Mapping[str, str]) -> None:
        """Make the place of *notes*; from now on nothing else opens this database."""

    async def put(
        self, table: Copied, columns: Sequence[str], rows: Sequence[Row], note: str, old: str | None
    ) -> None:
        """
        Write *rows*, and *note* in the place of the table's *old* one, in one transaction.

        Raises:
            HooklineError: another process is writing too; nothing was written.
        """

    async def number_from(self, table: Copied, last: int) -> None:
        """Give numbers behind *last* from now on."""

    async def wipe(self) -> None:
        """Delete what an unfinished copy wrote, and its notes but for the place of them."""

    async def finish(self) -> None:
        """Take the notes away: the database is whole, and may be opened. It is on disk afterwards."""

    async def close(self) -> None:
        """Disconnect."""
