"""Answers to the steps of runs in a store: the Answers port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.engine.resuming import Asked, Given, Told, without_tokens
from runner.engine.runs import ENDED, NO_END, RecordStatus, Status
from runner.errors import NotFound
from runner.store.answer_rows import SQL, first_answer, given_of, lock_waiting
from runner.store.rows import value_or_none
from runner.store.tables import Tables, Transaction
from runner.store.turn_rows import write_files

if TYPE_CHECKING:
    from runner.engine.redact import Veil
    from runner.store.veils import Veils


class StoredAnswers:
    """See `runner.engine.resuming.Answers`."""

    def __init__(self, store: Tables, veils: Veils | None = None) -> None:
        """*veils* hide in lists what workflows redact; None: nothing is hidden."""
        self._tables = store
        self._veils = veils

    async def given(self, run_id: str, path: str) -> Given | None:
        """The answer to a step, or the note that its time was over. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["given"], run_id=run_id, path=path)
        return given_of(run_id, path, rows[0]) if rows else None

    async def close(self, run_id: str, path: str, *, now: float) -> Given:
        """The answer, if one came; else none is taken from now on. Raises StoreUnavailable."""
        return await self._tables.write(
            lambda transaction: first_answer(transaction, Given(run_id, path, None, None, now))
        )

    async def record(self, given: Given, files: Mapping[str, bytes]) -> Told:
        """Write the first answer and make its run due. Raises NotFound, StoreUnavailable."""

        async def member(transaction: Transaction) -> Told:
            where = {"run_id": given.run_id, "path": given.path}
            await lock_waiting(transaction, given.run_id)
            row = await transaction.row(SQL["status"], where)
            if row is None:
                raise NotFound(f"there is no run {given.run_id}")
            status, event_id = row
            found = await transaction.row(SQL["given"], where)
            if found is not None or status in ENDED or await transaction.row(SQL["is_closed"], where):
                first = given_of(given.run_id, given.path, found) if found is not None else None
                is_answered = first is not None and first.by is not None and status not in ENDED
                return Told("answered" if is_answered else "over", first)
            await first_answer(transaction, given)
            await write_files(transaction, event_id, files, given.at)
            await transaction.execute(SQL["wake"], {"run_id": given.run_id, "now": given.at})
            return Told("accepted")

        return await self._tables.write(member, is_quick=True)

    async def asked(self, run_id: str, path: str) -> Asked:
        """The run and what is known of its step. Raises NotFound, StoreUnavailable."""
        rows = await self._tables.read(SQL["asked"], run_id=run_id, path=path)
        if not rows:
            raise NotFound("there is nothing at this address")
        return _asked(rows[0])

    async def open(self, *, after: int, limit: int) -> tuple[list[Asked], int | None]:
        """Approvals that nobody has answered, those of the oldest runs first. Raises StoreUnavailable."""
        # a run's questions stay on one page: the next begins behind the last run of this one
        rows = await self._tables.read(SQL["open"], after=after, limit=limit + 1)
        rest = None
        if len(rows) > limit:
            last = rows[limit][0]
            kept = [row for row in rows if row[0] < last] or rows
            rows, rest = kept, int(kept[-1][0])
        return await self._hidden([_asked(row) for row in rows]), rest

    async def _hidden(self, found: list[Asked]) -> list[Asked]:
        if self._veils is None:
            return [_shown(one, None) for one in found]
        runs = [(one.run_id, one.event_id, one.workflow, one.version) for one in found]
        veils = await self._veils.of_runs(runs)
        return [_shown(one, veil) for one, veil in zip(found, veils, strict=True)]


def _asked(row: Sequence[Any]) -> Asked:
    _, run_id, path, workflow, version, title, event_id, status, recorded, question, since, due_at = row[:12]
    is_answered, value, made_by, at = row[12:]
    given = Given(run_id, path, value_or_none(value), made_by, at) if is_answered else None
    is_closed = recorded == RecordStatus.FAILED or (given is not None and given.by is None)
    return Asked(
        run_id, path, workflow, version, title, event_id, Status(status),
        question=value_or_none(question),
        since=since,
        until=None if due_at is None or due_at >= NO_END else due_at,
        is_over=status in ENDED or is_closed,
        given=given,
    )  # fmt: skip


def _shown(asked: Asked, veil: Veil | None) -> Asked:
    """*asked* as people may see it in a list: no address that lets answer, nothing that is redacted."""
    message = without_tokens(asked.question["message"])
    title = without_tokens(asked.title)
    if veil is not None:
        message, title = veil.text(message), veil.text(title)
    return replace(asked, title=title, question={**asked.question, "message": message})
