"""What the end of a turn owes to the rest, and the files that it brings: parts of its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from runner.store.queries import SQL, read

if TYPE_CHECKING:
    from runner.store.tables import Transaction

ANSWERS, CALLS = read("answers.sql"), read("calls.sql")


async def wake_if_met(transaction: Transaction, run_id: str) -> None:
    """
    Make a run that ends its turn waiting due at once if what it waits for has come meanwhile: an answer,
    or the end of a child. Who brings such a thing, and the turn, hold the lock `waiting RUN`.
    """
    await transaction.execute(CALLS["wake_caller"], {"run_id": run_id})
    await transaction.execute(ANSWERS["wake"], {"run_id": run_id, "now": 0.0})


async def write_files(
    transaction: Transaction, event_id: str, files: Mapping[str, bytes], now: float
) -> None:
    """Keep *files*, by their digests, with an event."""
    for digest, content in sorted(files.items()):  # in one order: the same file may come twice at once
        await transaction.lock(f"file {digest}")  # who lets it go for want of uses comes before or after
        row = {"digest": digest, "size": len(content), "created_at": now, "content": content}
        await transaction.execute(SQL["insert_file"], row)
        await transaction.execute(SQL["insert_file_use"], {"event_id": event_id, "digest": digest})
