"""Where workflows are reached, in a store: the Addresses port."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from runner.engine.addresses import Kept, Reach
from runner.errors import MoveRefused, NotFound
from runner.store.queries import read
from runner.store.renaming import has_anything, take_over
from runner.store.tables import Tables, Transaction
from runner.values import dumps

SQL = read("addresses.sql")

ADDRESSES = "addresses"  # the lock of who derives one from those that there are


class StoredAddresses:
    """See `runner.engine.addresses.Addresses`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def all(self) -> dict[str, Reach]:
        """Where every workflow is reached that this server ever knew. Raises StoreUnavailable."""
        kept, paths = defaultdict(list), defaultdict(list)
        for workflow, *one in await self._tables.read(SQL["kept"]):
            kept[workflow].append(Kept(*one))
        for workflow, path in await self._tables.read(SQL["paths"]):
            paths[workflow].append(path)
        return {
            workflow: Reach(
                origin, rotation, tuple(kept[workflow]), tuple(paths[workflow]), gone_at, became, live
            )
            for workflow, origin, rotation, gone_at, became, live in await self._tables.read(SQL["addresses"])
        }

    async def open(self, workflow: str) -> None:
        """Give the workflow an address, if it has none. Raises StoreUnavailable."""
        await self._tables.execute(SQL["open"], workflow=workflow)

    async def go_live(self, versions: Mapping[str, int]) -> None:
        """Note which versions take events, of these workflows. Raises StoreUnavailable."""
        rows = [{"workflow": workflow, "version": version} for workflow, version in sorted(versions.items())]
        await self._tables.write(lambda transaction: transaction.execute_many(SQL["go_live"], rows))

    async def rotate(self, workflow: str, *, keep_until: float | None) -> Reach:
        """Change the workflow's address. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> None:
            await transaction.lock(ADDRESSES)
            row = {"workflow": workflow, "until": keep_until}
            await transaction.execute(SQL["open"], row)
            origin, rotation, _became = await transaction.row(SQL["address"], row)
            old = {**row, "origin": origin, "rotation": rotation}
            (new,) = await transaction.row(SQL["next_rotation"], old)
            await transaction.execute(SQL["end_kept"], row)
            if keep_until is not None:
                await transaction.execute(SQL["bound_kept"], row)
                await transaction.execute(SQL["keep"], old)
            await transaction.execute(SQL["put_address"], {**old, "rotation": new})

        await self._tables.write(member)
        return (await self.all())[workflow]

    async def add_path(self, workflow: str, path: str) -> None:
        """Let the workflow answer at *path* too. Raises MoveRefused, StoreUnavailable."""
        row = {"workflow": workflow, "path": path}

        async def member(transaction: Transaction) -> None:
            if not await transaction.execute(SQL["take_path"], row):
                (other,) = await transaction.row(SQL["path_of"], row)
                way_out = f"take it away there first: hookline url {other} --not-at {path}"
                raise MoveRefused(f"{path} is an address of the workflow {other}; {way_out}")

        await self._tables.write(member)

    async def drop_path(self, workflow: str, path: str) -> None:
        """Let the workflow answer there no more. Raises NotFound, StoreUnavailable."""
        row = {"workflow": workflow, "path": path}
        if not await self._tables.execute(SQL["drop_path"], **row):
            raise NotFound(f"{workflow} does not answer at {path}; see: hookline url {workflow} --json")

    async def mark(self, *, gone: Collection[str], back: Collection[str], now: float) -> None:
        """Note that workflows have no file any more, or have one again. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> None:
            await transaction.execute(SQL["gone"], {"workflows": dumps(sorted(gone)), "now": now})
            await transaction.execute(SQL["back"], {"workflows": dumps(sorted(back))})

        await self._tables.write(member)

    async def rename(self, old: str, new: str) -> bool:
        """Let all that *old* had be *new*'s, in one transaction. Raises StoreUnavailable."""
        reach = (await self.all()).get(old)
        if reach and reach.became == new and not await has_anything(self._tables, old):
            return False  # the common case costs no write

        async def member(transaction: Transaction) -> None:
            await transaction.lock(ADDRESSES)
            await _take_addresses(transaction, old, new)
            await take_over(transaction, old, new)

        await self._tables.write(member)
        return True


async def _take_addresses(transaction: Transaction, old: str, new: str) -> None:
    """
    The token of *old* goes on answering: as *new*'s own, or beside it where *new* has one. A later
    workflow called *old* gets another.
    """
    names = {"old": old, "new": new}
    found = await transaction.row(SQL["address"], {"workflow": old})
    origin, rotation, became = found or (old, 0, None)
    if became == new:
        return
    row = {"origin": origin, "rotation": rotation, "workflow": new, "until": None}
    own = await transaction.row(SQL["address"], {"workflow": new})
    if own is None or own[2] is not None:  # or it is renamed back: the name was only kept free
        await transaction.execute(SQL["put_address"], row)
    else:
        await transaction.execute(SQL["keep"], row)
    await transaction.execute(SQL["move_kept"], names)
    await transaction.execute(SQL["move_paths"], names)
    await transaction.execute(SQL["put_address"], {"workflow": old, "origin": old, "rotation": rotation})
    (free,) = await transaction.row(SQL["next_rotation"], {"origin": old})
    await transaction.execute(SQL["put_address"], {"workflow": old, "origin": old, "rotation": free})
    await transaction.execute(SQL["became"], names)
