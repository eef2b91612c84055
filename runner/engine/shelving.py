"""Files that an expression reads (`read_text(f)`, `base64(f)`): fetched when one is missed, once a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.turn import persistently
from runner.errors import NotFound

if TYPE_CHECKING:
    from runner.engine.turn import Turn

MAX_SHELF = 64 * 1024 * 1024  # bytes of files that one turn holds


async def fetch_wanted(turn: Turn) -> bool:
    """
    Put the files that the evaluation before missed on the turn's shelf: those of this run, as long as
    there is room. Whether there is one, so that the same evaluation will go further.

    No other branch comes between an evaluation and this call, so what is wanted is also its own.
    """
    shelf = turn.shelf
    found = False
    for digest in list(shelf.wanted):
        # a payload may look like a reference; only what this run received or made is one
        if digest in turn.files and digest not in shelf.contents:
            await _fetch(turn, digest)
        found = found or digest in shelf.contents
        shelf.wanted.pop(digest, None)
    return found


async def _fetch(turn: Turn, digest: str) -> None:
    async def read() -> None:
        content = turn.unwritten_file(digest)
        if content is None:
            await turn.written()  # it may be on its way to the disk
            content = await turn.tools.store.read_file(digest)
        if sum(map(len, turn.shelf.contents.values())) + len(content) <= MAX_SHELF:
            turn.shelf.contents[digest] = content

    try:
        await persistently(read)
    except NotFound:
        return  # its time of keeping is over; the evaluation says that it cannot be read
