"""
Letting go in a store: what the Keeping port does the same on each database.

What is to go is found outside of transactions; a transaction deletes by number for at most
`portion_seconds` and judges each row again, since a run may have been replayed meanwhile.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runner.engine.keeping import Forgotten, Portion, Size, Traces
from runner.engine.runs import ENDED, Disposition, Status
from runner.language.secrets import MASK
from runner.store.queries import SQL as STORE_SQL
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import dumps

SQL = read("keeping.sql")

WINDOW = 500  # rows judged by one read: some milliseconds
MOST_VERSIONS = 500

LetGo: TypeAlias = Callable[[Transaction, Sequence[int]], Awaitable[int | None]]


@dataclass(slots=True)
class _Done:
    """What a portion of forgetting did."""

    events: int = 0
    runs: int = 0
    looked_at: int = 0
    refused: list[str] = field(default_factory=list)


class StoredKeeping(ABC):
    """See `runner.engine.keeping.Keeping`."""

    portion_seconds: float  # of one transaction: what arrives meanwhile may have to wait so long
    chunk: int  # rows that go by one statement

    def __init__(self, store: Tables) -> None:
        self._tables = store

    # --- what each database does in its own way ---------------------------------------------

    @abstractmethod
    async def size(self) -> Size:
        """How large the database is."""

    @abstractmethod
    async def shrink(self) -> bool:
        """Give some of what is free back to the disk; whether there is more to give."""

    @abstractmethod
    async def _erase(self) -> Traces:
        """Make sure that nothing deleted is left in the database's files, as far as that goes."""

    @abstractmethod
    async def _surplus(self, transaction: Transaction, used_bytes: int) -> int:
        """How many bytes more than *used_bytes* are used; 0 or less: no more than that."""

    @abstractmethod
    async def _measure(self) -> None:
        """Look anew how much is used, before it is decided how much goes."""

    @abstractmethod
    async def _weight(self, transaction: Transaction, event_ids: Sequence[str]) -> int:
        """The bytes that events, which are about to go, take with their runs; 0 where nobody has to count."""

    @abstractmethod
    async def _lighten(self, transaction: Transaction, weight: int) -> None:
        """Count *weight* bytes less as used."""

    @contextlib.asynccontextmanager
    async def _overwriting(self) -> AsyncIterator[None]:
        """While inside, what is deleted is overwritten, where the database can do that."""
        yield

    # --- letting go -------------------------------------------------------------------------

    async def workflows(self) -> list[str]:
        """The slugs of all that ever had a version."""
        return [workflow for (workflow,) in await self._tables.read(SQL["workflows"])]

    async def let_go_runs(self, workflow: str, *, before: float, after: int) -> Portion:
        """Let go the next runs of *workflow*, the oldest first, that ended before *before*."""

        async def let_go(transaction: Transaction, numbers: Sequence[int]) -> int:
            parameters = {"numbers": dumps(numbers), "before": before}
            return await transaction.execute(SQL["delete_ended_runs"], parameters)

        return await self._portion("runs_window", let_go, workflow=workflow, before=before, after=after)

    async def let_go_events(self, workflow: str, *, before: float, after: int) -> Portion:
        """Let go the next events of *workflow* that were received before *before* and have no run."""

        async def let_go(transaction: Transaction, numbers: Sequence[int]) -> int:
            rows = await transaction.rows(SQL["lock_events"], {"numbers": dumps(numbers)})
            gone, _bytes = await _delete_events(transaction, [event_id for _number, event_id, _size in rows])
            return gone

        return await self._portion("events_window", let_go, workflow=workflow, before=before, after=after)

    async def let_go_oldest(self, used_bytes: int, *, after: int, failed_too: bool) -> Portion:
        """Let go the next events whose runs have all ended, until no more than *used_bytes* are used."""
        if not after:
            await self._measure()

        async def let_go(transaction: Transaction, numbers: Sequence[int]) -> int | None:
            surplus = await self._surplus(transaction, used_bytes)
            if surplus <= 0:
                return None
            rows = await transaction.rows(SQL["lock_events"], {"numbers": dumps(numbers)})
            event_ids = list(_until(rows, surplus))
            kept = ENDED if failed_too else ENDED - {Status.FAILED}
            going, _open = await _apart(transaction, event_ids, kept)
            if not going:
                return 0
            weight = await self._weight(transaction, going)
            await transaction.execute(SQL["delete_runs_of_events"], {"event_ids": dumps(going)})
            gone, file_bytes = await _delete_events(transaction, going)
            await self._lighten(transaction, weight + file_bytes)
            return gone

        return await self._portion("oldest_window", let_go, after=after, failed_too=failed_too)

    async def let_go_versions(self, kept: Mapping[str, int | None], *, before: float) -> int:
        """Let go versions that no run has; *kept* are live, and the newest of those workflows stays too."""
        rows = await self._tables.read(SQL["unused_versions"], before=before, limit=MOST_VERSIONS)
        unused = [
            {"workflow": workflow, "version": version, "is_newest": bool(is_newest)}
            for workflow, version, is_newest in rows
            if version != kept.get(workflow) and not (is_newest and workflow in kept)
        ]
        if not unused:
            return 0

        async def member(transaction: Transaction) -> int:
            return sum([await transaction.execute(SQL["delete_version"], one) for one in unused])

        return await self._tables.write(member)

    # --- forgetting -------------------------------------------------------------------------

    async def forget(self, event_ids: Sequence[str]) -> Forgotten:
        """Erase these events with their runs and delivery keys; those with a run under way are refused."""
        keys: dict[str, list[dict[str, str]]] = {}
        found = await self._tables.read(SQL["deliveries_of_events"], event_ids=dumps(list(event_ids)))
        for event_id, workflow, key in found:
            keys.setdefault(event_id, []).append({"workflow": workflow, "key": key})
        events = runs = 0
        refused: list[str] = []
        left = list(event_ids)
        async with self._overwriting():
            while left:
                done = await self._tables.write(self._forgetting(left, keys))
                events += done.events
                runs += done.runs
                refused += done.refused
                left = left[done.looked_at :]
        return Forgotten(events, runs, refused)

    async def erase_traces(self, texts: Sequence[str]) -> Traces:
        """Mask *texts* in what was written of problems, then leave no trace of what was deleted."""

        async def member(transaction: Transaction) -> None:
            for text in texts:
                for statement in ("mask_notices", "mask_problems"):
                    await transaction.execute(SQL[statement], {"text": text, "mask": MASK})

        await self._tables.write(member)
        return await self._erase()

    def _forgetting(
        self, event_ids: Sequence[str], keys: Mapping[str, Sequence[Mapping[str, str]]]
    ) -> Callable[[Transaction], Awaitable[_Done]]:
        """A member that forgets until the time of a portion is over."""

        async def member(transaction: Transaction) -> _Done:
            done = _Done()
            until = time.monotonic() + self.portion_seconds
            for chunk in _chunks(event_ids, self.chunk):
                await _forget(transaction, chunk, keys, done)
                done.looked_at += len(chunk)
                if time.monotonic() > until:
                    break
            return done

        return member

    # --- portions ---------------------------------------------------------------------------

    async def _portion(self, window: str, let_go: LetGo, **parameters: Any) -> Portion:
        """
        Judge a window of rows (number, whether it is old, whether it may go) and let go as many as
        the time allows. The walk ends with the table, at the first row that is not old, or where
        `let_go(transaction, numbers)`, which gives how many went, gives None.
        """
        rows = await self._tables.read(SQL[window], limit=WINDOW, **parameters)
        old = [row for row in rows if row[1]]
        going = [number for number, _is_old, may_go in old if may_go]
        end = None if len(old) < WINDOW else old[-1][0]
        if not going:
            return Portion(0, end)

        async def member(transaction: Transaction) -> Portion:
            until = time.monotonic() + self.portion_seconds
            gone = 0
            for numbers in _chunks(going, self.chunk):
                went = await let_go(transaction, numbers)
                if went is None:
                    return Portion(gone, None)
                gone += went
                if time.monotonic() > until:
                    return Portion(gone, numbers[-1])
            return Portion(gone, end)

        return await self._tables.write(member)


def _chunks(items: Sequence[Any], length: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + length] for start in range(0, len(items), length))


def _until(rows: Sequence[Any], surplus: int) -> Iterator[str]:
    """The ids of the first of *rows* (number, id, bytes) that together make *surplus* bytes."""
    for _number, event_id, size in rows:
        yield event_id
        surplus -= size
        if surplus <= 0:
            return


async def _apart(
    transaction: Transaction, event_ids: Sequence[str], statuses: frozenset[Status]
) -> tuple[list[str], list[str]]:
    """Those of *event_ids* whose runs all have one of *statuses*, and the others; all of them locked."""
    rows = await transaction.rows(SQL["lock_runs_of_events"], {"event_ids": dumps(list(event_ids))})
    others = {event_id for event_id, status in rows if status not in statuses}
    return [one for one in event_ids if one not in others], [one for one in event_ids if one in others]


async def _delete_events(transaction: Transaction, event_ids: Sequence[str]) -> tuple[int, int]:
    """Delete events without runs and the files that nothing else uses: how many events, bytes of files."""
    given = {"event_ids": dumps(list(event_ids))}
    digests = [digest for (digest,) in await transaction.rows(SQL["files_of_events"], given)]
    gone = await transaction.rows(SQL["delete_events"], given)
    for workflow, disposition in gone:
        if disposition == Disposition.REJECTED:
            await transaction.execute(STORE_SQL["count_let_go"], {"workflow": workflow})
    if not digests:
        return len(gone), 0
    for digest in digests:  # whoever brings the same file meanwhile comes before or after
        await transaction.lock(f"file {digest}")
    files = await transaction.rows(SQL["delete_files_unused"], {"digests": dumps(digests)})
    return len(gone), sum(size for (size,) in files)


async def _forget(
    transaction: Transaction,
    event_ids: Sequence[str],
    keys: Mapping[str, Sequence[Mapping[str, str]]],
    done: _Done,
) -> None:
    """Forget a chunk of events, and add up what was done."""
    rows = await transaction.rows(SQL["lock_events_named"], {"event_ids": dumps(list(event_ids))})
    going, refused = await _apart(transaction, [event_id for _number, event_id, _size in rows], ENDED)
    done.refused += refused
    if not going:
        return
    given = {"event_ids": dumps(going)}
    problems = await transaction.rows(SQL["problems_of_events"], given)
    for _id, workflow, step, cause in problems:  # of which a run may be getting this very problem
        await transaction.lock(f"problem {workflow}\n{step}\n{cause}")
    done.runs += await transaction.execute(SQL["delete_runs_of_events"], given)
    gone, _bytes = await _delete_events(transaction, going)
    done.events += gone
    for event_id in going:
        for key in keys.get(event_id, ()):
            await transaction.execute(SQL["delete_delivery"], key)
    for problem_id, *_where in problems:
        parameters = {"problem_id": problem_id}
        await transaction.execute(SQL["delete_problem_without_runs"], parameters)
        await transaction.execute(SQL["problem_said_anew"], parameters)
