"""
The workflows that are live: files become checked versions, addresses find their workflow.

A changed file takes effect for new events at once and whole; a file with faults leaves the last
good version running; runs keep the version they began with.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runner.engine.runs import Store
from runner.language.catalogue import Catalogue
from runner.language.faults import Fault, WorkflowInvalid
from runner.language.load import load
from runner.language.workflow import Workflow

MOST_PINNED = 256  # compiled older versions kept in memory
SUFFIX = ".yaml"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Live:
    """A workflow that takes events: its version and the token of its address."""

    workflow: Workflow
    version: int
    token: str
    source: str


class Library:
    """
    The workflows of one folder. `token_of(slug, rotation)` derives an address; `catalogue()` is
    what the server holds at this moment.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        catalogue: Callable[[], Catalogue],
        token_of: Callable[[str, int], str],
        clock: Callable[[], float],
    ) -> None:
        self.folder = folder
        self.faults: dict[str, tuple[Fault, ...]] = {}
        self._store = store
        self._catalogue = catalogue
        self._token_of = token_of
        self._clock = clock
        self._live: dict[str, Live] = {}
        self._by_token: dict[str, Live] = {}
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._pinned: OrderedDict[tuple[str, int], Workflow] = OrderedDict()

    def all(self) -> list[Live]:
        """All live workflows by slug."""
        return [self._live[slug] for slug in sorted(self._live)]

    def get(self, slug: str) -> Live | None:
        """The live workflow of that slug."""
        return self._live.get(slug)

    def by_token(self, token: str) -> Live | None:
        """The live workflow at that address."""
        return self._by_token.get(token)

    async def reload(self) -> list[str]:
        """Read what is new, changed or gone since the last time, addresses too; the slugs that changed."""
        changed = []
        stamps = await asyncio.to_thread(_stamps, self.folder)
        for slug in self._seen.keys() - stamps.keys():
            self._forget(slug)
            changed.append(slug)
        for slug, stamp in stamps.items():
            if self._seen.get(slug) != stamp:
                self._seen[slug] = stamp
                await self._read(slug)
                changed.append(slug)
        for slug, rotation in (await self._store.rotations()).items():
            live = self._live.get(slug)
            if live and live.token != self._token_of(slug, rotation):  # another process changed it
                await self._put(live.workflow, live.version, live.source)
                changed.append(slug)
        return changed

    async def version(self, slug: str, version: int) -> Workflow:
        """
        A version that a run is pinned to, live or not.

        Raises:
            NotFound: it is not stored.
            WorkflowInvalid: it no longer loads.
        """
        live = self._live.get(slug)
        if live and live.version == version:
            return live.workflow
        key = (slug, version)
        if key not in self._pinned:
            source = await self._store.version_source(slug, version)
            loaded = load(source, path=f"{slug}{SUFFIX}", slug=slug, catalogue=self._catalogue())
            if loaded.workflow is None:
                raise WorkflowInvalid([fault for fault in loaded.faults if fault.severity == "error"])
            self._pinned[key] = loaded.workflow
            while len(self._pinned) > MOST_PINNED:
                self._pinned.popitem(last=False)
        self._pinned.move_to_end(key)
        return self._pinned[key]

    async def read(self, slug: str) -> Live | None:
        """Read the file of *slug* alone; None where it is missing or has faults, which `faults` tells."""
        path = self.folder / f"{slug}{SUFFIX}"
        if await asyncio.to_thread(path.exists):
            await self._read(slug)
        return self.get(slug)

    async def _read(self, slug: str) -> None:
        path = self.folder / f"{slug}{SUFFIX}"
        text = await asyncio.to_thread(text_of, path)
        if isinstance(text, Fault):
            self.faults[slug] = (text,)
            return
        loaded = load(text, path=str(path), slug=slug, catalogue=self._catalogue())
        self.faults[slug] = loaded.faults
        if loaded.workflow is None:
            if slug not in self._live:
                await self._last_good(slug)  # a server that starts on a broken file goes on as it was
            kept = "the last good version keeps running" if slug in self._live else "it takes no events yet"
            log.warning(
                "%s has faults; %s",
                path,
                kept,
                extra={"action": "workflow_faults", "workflow": slug},
            )
            return
        version = await self._store.save_version(slug, loaded.workflow.digest, text, now=self._clock())
        await self._put(loaded.workflow, version, text)

    async def _last_good(self, slug: str) -> None:
        """Make the newest stored version live, if there is one that still loads."""
        version = await self._store.newest_version(slug)
        if version is None:
            return
        with contextlib.suppress(WorkflowInvalid):
            workflow = await self.version(slug, version)
            await self._put(workflow, version, await self._store.version_source(slug, version))

    async def _put(self, workflow: Workflow, version: int, source: str) -> None:
        slug = workflow.slug
        token = self._token_of(slug, await self._store.rotation(slug))
        old = self._live.get(slug)
        if old and old.token != token:
            self._by_token.pop(old.token, None)
        self._live[slug] = self._by_token[token] = Live(workflow, version, token, source)

    def _forget(self, slug: str) -> None:
        del self._seen[slug]
        self.faults.pop(slug, None)
        live = self._live.pop(slug, None)
        if live:
            self._by_token.pop(live.token, None)


def workflow_files(folder: Path) -> list[Path]:
    """The workflow files of *folder*, sorted: tests and shared defaults are none."""
    found = folder.glob(f"*{SUFFIX}")
    return sorted(one for one in found if not one.name.endswith(".test.yaml") and one.name[0] != "_")


def text_of(path: Path) -> str | Fault:
    """A file's text, or the fault that it cannot be read."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        return Fault(str(path), 1, 1, "", "unreadable-file", "error", f"cannot be read: {error}")


def _stamps(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What tells that a file changed, by slug."""
    found = {}
    for path in workflow_files(folder):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found[path.stem] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found
