"""Events, runs and records as the engine writes them, for tests that look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runner.engine.problems import Trouble
from runner.engine.runs import (
    Disposition,
    Event,
    Gate,
    Job,
    NewRun,
    Reason,
    Record,
    Run,
    Status,
    Store,
    TurnEnd,
)
from runner.values import Json, dumps, sortable_id

START = 1_750_000_000.0  # 2025-06-15T15:06:40Z


class Made:
    """Writes through the store's own port; each thing a second after the one before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START
        self._count = 0

    async def event(
        self,
        *,
        workflow: str = "orders",
        body: Json | bytes = None,
        title: str | None = "Order",
        disposition: Disposition = Disposition.ACCEPTED,
        headers: Mapping[str, str] | None = None,
        gates: Sequence[Gate] = (Gate("received", "passed"),),
        **changes: Json,
    ) -> tuple[str, str | None]:
        """An event and, unless *title* is None, its queued run; their ids."""
        self.now += 1
        raw = body if isinstance(body, bytes) else dumps(body if body is not None else {"id": 1}).encode()
        event = Event(
            id=self.new_id(), workflow=workflow, trigger="webhook", received_at=self.now,
            disposition=disposition, method="POST", path="", query="", headers=dict(headers or {}),
            content_type="application/json", size=len(raw), source_ip="192.0.2.7", body=raw,
            gates=tuple(gates),
        )  # fmt: skip
        event = replace(event, **changes)
        run = NewRun(self.new_id(), workflow, 1, title, "0" * 32, None) if title is not None else None
        await self.store.accept(event, [run] if run else [], {})
        return event.id, run.id if run else None

    async def run(
        self,
        status: Status = Status.SUCCEEDED,
        *,
        sentence: str = "Ran to its end.",
        records: Sequence[Record] = (),
        trace: Sequence[Json] = (),
        output: Json = None,
        notes: Sequence[str] = (),
        trouble: Trouble | None = None,
        **event: Json,
    ) -> str:
        """A run that had its turn and is where *status* says."""
        _event, run_id = await self.event(**event)
        assert run_id is not None
        if status is Status.QUEUED:
            return run_id
        run = await self.claim(run_id)
        if status is Status.RUNNING:
            await self.store.record(run, records, {})
            return run_id
        waits = status is Status.WAITING
        end = TurnEnd(
            status=status,
            ended_at=None if waits else self.now + 0.5,
            due_at=self.now + 60 if waits else None,
            waiting_for="send is tried again" if waits else None,
            reason=Reason(status.value, sentence),
            output=output,
            trace=trace,
            notes=notes,
            trouble=trouble,
        )
        await self.store.finish(run, end, records, {})
        return run_id

    async def claim(self, run_id: str) -> Run:
        """The run, claimed."""
        (claimed,) = await self.store.claim([Job(run_id, 1)], node="here", now=self.now)
        return claimed.run

    def new_id(self) -> str:
        """An id of this moment; later ones sort after it."""
        self._count += 1
        return sortable_id(self.now, self._count.to_bytes(10, "big"))
