"""
Publishing: a text becomes what runs. Checked, written into its file whole, read back, and only then
said to be done; the file is the truth, whoever dies on the way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.engine.folder import keep_copy, write_text, written_alone
from runner.engine.library import SUFFIX, Library, Live, text_of
from runner.engine.versions import Signed, Versions
from runner.errors import MoveRefused
from runner.language.faults import Fault, WorkflowInvalid
from runner.values import Json, iso

Check = Callable[[str, str], Awaitable[Sequence[Fault]]]
"""The faults of a text as the file of a slug."""


@dataclass(frozen=True, slots=True)
class LiveText:
    """What is live: `by` published it (None: the file was changed otherwise), `at` UTC seconds."""

    version: int
    text: str
    by: str | None
    at: float

    def as_json(self) -> Json:
        """`{version, text, by, at}`."""
        return {"version": self.version, "text": self.text, "by": self.by, "at": iso(self.at)}


class Outrun(MoveRefused):
    """Another version is live than the text was made from; None: nothing is live any more."""

    def __init__(self, live: LiveText | None) -> None:
        who = (live and live.by) or "Somebody"
        super().__init__(
            f"{who} published version {live.version} while you were editing; nothing was overwritten"
            if live
            else "Nothing of this workflow is live any more, so there was nothing to publish over"
        )
        self.live = live


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes into the folder of *library*. `check(text, slug)` finds faults; `clock()` is UTC seconds."""

    library: Library
    versions: Versions
    check: Check
    clock: Callable[[], float]

    async def live(self, slug: str) -> LiveText | None:
        """What is live of *slug*. Raises StoreUnavailable."""
        live = self.library.get(slug)
        if live is None:
            return None
        info = await self.versions.one(slug, live.version)
        return LiveText(live.version, live.source, info.by, info.created_at)

    async def publish(self, slug: str, text: str, *, base: int | None, signed: Signed) -> Live:
        """
        Make *text* live, if version *base* is (None: if nothing is); it is when this returns. A text that
        is live already is no new version. A file with faults that is written over is kept beside those
        that were deleted.

        Raises:
            WorkflowInvalid: it has errors, and nothing was written.
            Outrun: another version is live.
            FolderShut: the folder cannot be written to.
            StoreUnavailable: it may be written; then it becomes live, and nobody has signed it.
        """
        # outside of the lock: this takes longest
        errors = [one for one in await self.check(text, slug) if one.severity == "error"]
        if errors:
            raise WorkflowInvalid(errors)
        folder = self.library.folder
        path = folder / f"{slug}{SUFFIX}"
        async with written_alone(folder):
            await self.library.reload()  # what somebody wrote a moment ago counts
            live = self.library.get(slug)
            on_disk = await asyncio.to_thread(_read, path)
            if live is not None and live.source == text == on_disk:
                return live
            if (live.version if live else None) != base:
                raise Outrun(await self.live(slug))
            if on_disk is not None and (live is None or on_disk != live.source):
                await asyncio.to_thread(keep_copy, folder, slug, on_disk, self.clock())
            await asyncio.to_thread(write_text, path, text)
            live = await self.library.read(slug, signed=signed)
            # another process that read the file before its version was signed reads it again
            await asyncio.to_thread(os.utime, path)
            await self.library.note_state()
        if live is None or live.source != text:
            raise WorkflowInvalid(self.library.faults.get(slug, ()))
        return live


def _read(path: Path) -> str | None:
    text = text_of(path) if path.exists() else None
    return text if isinstance(text, str) else None
