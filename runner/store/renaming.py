"""A workflow with a new name: all rows of the old one become the new one's, as a part of one transaction."""

from __future__ import annotations

from runner.store.queries import read
from runner.store.tables import Tables, Transaction

SQL = read("renaming.sql")

MOVES = (
    "move_versions",
    "drop_tried",
    "move_tried",
    "move_events",
    "move_runs",
    "move_deliveries",
    "drop_deliveries",  # of keys that the new one has seen too
    "move_pauses",
    "drop_pauses",
    "move_drafts",
    "drop_drafts",
    "move_problems",
    "move_state",
    "drop_state",  # of keys that the new one has itself
    "move_expectation",
    "drop_expectation",
    "move_schedule",
    "drop_schedule",
    "move_poll",
    "drop_poll",
    "move_polled",
    "drop_polled",
    "move_let_go",
    "drop_let_go",
)


async def has_anything(tables: Tables, old: str) -> bool:
    """Whether anything stands under the name *old*. Raises StoreUnavailable."""
    ((has,),) = await tables.read(SQL["has_anything"], old=old)
    return bool(has)


async def take_over(transaction: Transaction, old: str, new: str) -> None:
    """Give all rows of *old* to *new*, whose own, if there are any, stay beside them."""
    names = {"old": old, "new": new}
    await _renumber(transaction, old, new)
    for ours, theirs in await transaction.rows(SQL["same_problems"], names):
        both = {"from": theirs, "to": ours}
        await transaction.execute(SQL["runs_to_problem"], both)
        await transaction.execute(SQL["drop_problem"], both)
    for statement in MOVES:
        await transaction.execute(SQL[statement], names)


async def _renumber(transaction: Transaction, old: str, new: str) -> None:
    """Versions of *new* come after those of *old*, whose runs keep their numbers; the same text is one."""
    ours = await transaction.rows(SQL["versions"], {"workflow": old})
    theirs = await transaction.rows(SQL["versions"], {"workflow": new})
    by_digest = {digest: version for version, digest in ours}
    last = max((version for version, _digest in ours), default=0)
    for version, digest in theirs:
        row = {"new": new, "from": version, "to": by_digest.get(digest, last + version)}
        await transaction.execute(SQL["runs_to_version"], row)
        await transaction.execute(SQL["drop_version" if digest in by_digest else "renumber_version"], row)
    await transaction.execute(SQL["runs_moved"], {"new": new})
    await transaction.execute(SQL["versions_moved"], {"new": new})
