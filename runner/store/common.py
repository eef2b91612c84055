"""
What the stores have in common: everything of the Store port, and the vault's rows, that is not on the
way of every event. The rest is `sqlite.py` and `postgres.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from runner.engine.runs import AS_IT_WAS, ENDED, Job, NewRun, Reason, Replaying, Run, Status, Store
from runner.engine.versions import Signed
from runner.errors import MoveRefused, NotFound
from runner.language.basis import NO_BASIS, Basis
from runner.store.admission import forget_deliveries
from runner.store.again import go_on, start_anew, status_of
from runner.store.queries import SQL, Statement
from runner.store.rows import basis_of, text_or_none, value_or_none, version_parameters
from runner.store.tables import Transaction
from runner.store.versions import put_version
from runner.values import Json

T = TypeVar("T")

PATIENCE_SECONDS = 15.0  # without a sign of life from a node, before its runs are taken over


class CommonStore(Store, ABC):
    """See `runner.engine.runs.Store` and `runner.store.tables.Tables`."""

    @abstractmethod
    async def read(self, statement: Statement, **parameters: Any) -> Sequence[Any]:
        """The rows of one statement outside of any transaction."""

    @abstractmethod
    async def write(
        self,
        member: Callable[[Transaction], Awaitable[T]],
        *,
        settled: Callable[[T | Exception], None] | None = None,
        is_quick: bool = False,
    ) -> T:
        """Run *member* in a transaction (`runner.store.tables.Tables.write`)."""

    async def execute(self, statement: Statement, **parameters: Any) -> int:
        """How many rows *statement* wrote, in a transaction of its own."""
        return await self.write(lambda transaction: transaction.execute(statement, parameters))

    @abstractmethod
    async def ping(self) -> None:
        """Raises StoreUnavailable when nothing can be written."""

    @abstractmethod
    def present(self, node: str, *, address: str = "") -> AbstractAsyncContextManager[None]:
        """While inside, this process lives as *node* for all others; *address* is where it serves."""

    @abstractmethod
    async def living(self) -> list[str]:
        """The addresses of the processes that live; an empty text for one that does not serve."""

    @abstractmethod
    async def is_dead(self, node: str) -> bool:
        """Whether the process that is called *node* lives no more."""

    # --- the engine's way -------------------------------------------------------------------

    async def give_back(self, run: Run, *, due_at: float, is_stalled: bool = False) -> None:
        """Queue a run again whose turn we leave unfinished."""
        row = {"run_id": run.id, "fence": run.fence, "due_at": due_at, "is_stalled": is_stalled}
        await self.execute(SQL["give_back"], **row)

    async def due(self, *, now: float, limit: int) -> list[Job]:
        """Runs that may be claimed now, those due longest first."""
        rows = await self.read(SQL["due"], now=now, limit=limit)
        return [Job(run_id, turn) for run_id, turn in rows]

    async def next_due(self, *, now: float) -> float | None:
        """The earliest due time after *now*, or None."""
        rows = await self.read(SQL["next_due"], now=now)
        earliest: float | None = rows[0][0]
        return earliest

    async def cancels(self, *, node: str) -> dict[str, str | None]:
        """Runs of *node* that are asked to cancel, each with the run that replaces it (None: by a person)."""
        return {str(run_id): by for run_id, by in await self.read(SQL["cancels_of_node"], node=node)}

    async def forget_deliveries(self, *, now: float, most: int) -> int:
        """Delete at most *most* delivery keys that have expired; how many it were."""
        return await self.write(lambda transaction: forget_deliveries(transaction, now, most))

    # --- versions, files, addresses ---------------------------------------------------------

    async def save_version(
        self,
        workflow: str,
        digest: str,
        source: str,
        *,
        now: float,
        basis: Basis = NO_BASIS,
        signed: Signed | None = None,
    ) -> int:
        """The number of this version of *workflow*, written if it is new."""
        if signed is None:
            known = await self.read(SQL["find_version"], workflow=workflow, digest=digest)
            if known:
                return int(known[0][0])
        row = version_parameters(workflow, digest, source, basis, now)
        return await self.write(lambda transaction: put_version(transaction, row, signed))

    async def newest_version(self, workflow: str) -> int | None:
        """The number of the workflow's newest version; None when it never had one."""
        ((newest,),) = await self.read(SQL["newest_version"], workflow=workflow)
        return None if newest is None else int(newest)

    async def version_source(self, workflow: str, version: int) -> str:
        """The text of a version. Raises NotFound."""
        rows = await self.read(SQL["version_source"], workflow=workflow, version=version)
        if not rows:
            raise NotFound(f"workflow {workflow} has no version {version}")
        return str(rows[0][0])

    async def version_basis(self, workflow: str, version: int) -> Basis:
        """What a version was read with beside its text. Raises NotFound."""
        rows = await self.read(SQL["version_basis"], workflow=workflow, version=version)
        if not rows:
            raise NotFound(f"workflow {workflow} has no version {version}")
        return basis_of(rows[0])

    async def read_file(self, digest: str) -> bytes:
        """Stored bytes. Raises NotFound."""
        rows = await self.read(SQL["file_content"], digest=digest)
        if not rows:
            raise NotFound(f"no file {digest} is stored")
        return bytes(rows[0][0])

    async def rotations(self) -> Mapping[str, int]:
        """How often addresses were changed, of all workflows where one ever was."""
        return {workflow: int(rotation) for workflow, rotation in await self.read(SQL["rotations"])}

    # --- people at runs ---------------------------------------------------------------------

    async def answer_of(self, run_id: str) -> tuple[Status, str, Json, Json]:
        """A run's status, its reason's code, its answer and output. Raises NotFound."""
        rows = await self.read(SQL["answer_of"], run_id=run_id)
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        status, code, answer, output = rows[0]
        return Status(status), code or "", value_or_none(answer), value_or_none(output)

    async def cancel(self, run_id: str, *, now: float) -> Status:
        """Cancel a run: at once when nobody runs it, else at its next step. Raises NotFound, MoveRefused."""
        reason = Reason("cancelled", "Cancelled by a person before it ended.")

        async def member(transaction: Transaction) -> Status:
            status = await status_of(transaction, run_id)
            if status in ENDED:
                raise MoveRefused(f"run {run_id} has ended as {status}; there is nothing to cancel")
            if status is Status.RUNNING:
                await transaction.execute(SQL["cancel_running"], {"run_id": run_id})
                return Status.RUNNING
            row = {"run_id": run_id, "now": now, "reason": text_or_none(reason.as_json())}
            await transaction.execute(SQL["cancel_idle"], row)
            return Status.CANCELLED

        return await self.write(member)

    async def replay_failed(
        self, run_id: str, *, version: int | None, now: float, how: Replaying = AS_IT_WAS
    ) -> None:
        """Continue a failed run from its failed step. Raises NotFound, MoveRefused."""
        await self.write(lambda transaction: go_on(transaction, run_id, version=version, now=now, how=how))

    async def replay_start(self, run_id: str, new: NewRun, *, now: float, how: Replaying = AS_IT_WAS) -> None:
        """Start *new* on the event of an ended run. Raises NotFound, MoveRefused."""
        await self.write(lambda transaction: start_anew(transaction, run_id, new, now=now, how=how))

    # --- the vault's rows -------------------------------------------------------------------

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        """All sealed values: kind, name, blob."""
        return [(kind, name, bytes(blob)) for kind, name, blob in await self.read(SQL["sealed_all"])]

    async def put(self, kind: str, name: str, blob: bytes) -> None:
        """Keep a sealed value, in place of an earlier one."""
        await self.execute(SQL["sealed_put"], kind=kind, name=name, blob=blob)

    async def delete(self, kind: str, name: str) -> bool:
        """Forget a sealed value; whether there was one."""
        return bool(await self.execute(SQL["sealed_delete"], kind=kind, name=name))

    async def put_new(self, kind: str, name: str, blob: bytes) -> bool:
        """Keep a sealed value where there is none; whether it was kept."""
        return bool(await self.execute(SQL["sealed_put_new"], kind=kind, name=name, blob=blob))

    async def swap(self, kind: str, name: str, old: bytes, new: bytes) -> bool:
        """Keep *new* where *old* stands; whether it stood there."""
        return bool(await self.execute(SQL["sealed_swap"], kind=kind, name=name, old=old, new=new))
