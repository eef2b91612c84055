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
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from runner.engine.addresses import AddressBook, Addresses, Reach
from runner.engine.drafts import Drafts
from runner.engine.runs import Store
from runner.engine.versions import Signed
from runner.language.basis import DEFAULTS_FILE, NO_BASIS, Basis
from runner.language.catalogue import Catalogue
from runner.language.faults import Fault, WorkflowInvalid
from runner.language.formerly import formerly_of, taken_fault
from runner.language.load import Loaded, load
from runner.language.workflow import Workflow
from runner.values import Json

MOST_PINNED = 256  # compiled older versions kept in memory
SUFFIX = ".yaml"
CONNECTORS = "connectors"  # the folder of those that stand as files (runner/openapi)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Live:
    """A workflow that takes events: its version and the token of its address."""

    workflow: Workflow
    version: int
    token: str
    source: str
    basis: Basis = NO_BASIS


class Library:
    """
    The workflows of one folder. `token_of(slug, rotation)` derives an address; `catalogue()` is
    what the server holds at this moment, `overrides(slug)` the vars that its configuration sets.
    Without *addresses* each workflow has its token alone, and no name but its own. Paths that begin
    with one of the names in `reserved` lead to no workflow. `unpublished` are those of which there are
    only *drafts*, each with its name: they have an address, whose events are held. *is_from_store*: the
    versions that other processes with a folder made live are read instead of files.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        catalogue: Callable[[], Catalogue],
        token_of: Callable[[str, int], str],
        clock: Callable[[], float],
        addresses: Addresses | None = None,
        overrides: Callable[[str], Mapping[str, Json]] = lambda _slug: {},
        drafts: Drafts | None = None,
        is_from_store: bool = False,
    ) -> None:
        self.folder = folder
        self._is_from_store = is_from_store
        self.unpublished: Mapping[str, str] = {}
        self._drafts = drafts
        self._reading = asyncio.Lock()  # what was read first must not stand last
        self._overrides = overrides
        self.faults: dict[str, tuple[Fault, ...]] = {}
        self.book = AddressBook(token_of)
        self.reserved: Collection[str] = frozenset()
        self._store = store
        self._catalogue = catalogue
        self._addresses = addresses
        self._clock = clock
        self._live: dict[str, Live] = {}
        self._by_token: dict[str, Live] = {}
        self._waiting: set[str] = set()  # slugs of which no version without faults is known
        self._seen: dict[str, tuple[int, ...]] = {}
        self._held: object = None  # the connections and secrets that the files were judged by
        self._waits_for: dict[str, Collection[str]] = {}  # what stands in the way of taking a name over
        self._pinned: OrderedDict[tuple[str, int], Workflow] = OrderedDict()

    def all(self) -> list[Live]:
        """All live workflows by slug."""
        return [self._live[slug] for slug in sorted(self._live)]

    def get(self, slug: str) -> Live | None:
        """The live workflow of that slug."""
        return self._live.get(slug)

    def by_token(self, token: str) -> Live | None:
        """The live workflow at that address, also at one that was changed and is kept for a while."""
        live = self._by_token.get(token)
        if live is None and (slug := self.book.by_kept(token, self._clock())):
            return self._live.get(slug)
        return live

    def by_path(self, path: str) -> Live | None:
        """The live workflow that answers at exactly *path* too, as it stands in the request's line."""
        slug = self.book.by_path(path)
        return None if slug is None or self._is_reserved(path) else self._live.get(slug)

    def waiting(self, where: str) -> str | None:
        """The workflow at that token or path of which no version without faults is known yet: its slug."""
        waiting = self._waiting | self.unpublished.keys()
        own = next((slug for slug in waiting if self.book.token(slug) == where), None)
        slug = own or self.book.by_kept(where, self._clock())
        if slug is None and not self._is_reserved(where):
            slug = self.book.by_path(where)
        return slug if slug in waiting else None

    def is_gone(self, where: str) -> bool:
        """
        Whether the token or path *where* was that of a workflow that was deleted not long ago: to be
        asked when nobody is found there.
        """
        return self.book.is_gone(where, self._clock())

    async def reload(self) -> list[str]:
        """Read what is new, changed or gone since the last time, addresses too; the slugs that changed."""
        async with self._reading:
            return await self._reload()

    async def _reload(self) -> list[str]:
        changed = []
        await self._look_up()
        if self._is_from_store:
            return await self._reload_from_store()
        if not await asyncio.to_thread(self.folder.is_dir):
            return []  # a disk that is not there now takes nothing away
        stamps = await asyncio.to_thread(_stamps, self.folder)
        is_judged_anew = self._holds_otherwise()
        for slug, stamp in stamps.items():
            waits_for = self._waits_for.get(slug)
            if self._seen.get(slug) != stamp or (waits_for and stamps.keys().isdisjoint(waits_for)):
                self._seen[slug] = stamp
                await self._read(slug)
                changed.append(slug)
            elif is_judged_anew:  # no change to tell of: its faults are others
                await self._read(slug)
        # after what is new, so that a renamed workflow is never without its address
        for slug in self._seen.keys() - stamps.keys():
            self._forget(slug)
            changed.append(slug)
        for live in list(self._live.values()):
            if live.token != self.book.token(live.workflow.slug):  # another process changed it
                self._stand(live)
                changed.append(live.workflow.slug)
        return changed

    async def _reload_from_store(self) -> list[str]:
        live = {
            slug: reach.live
            for slug, reach in self.book.reaches.items()
            if reach.live is not None and reach.gone_at is None and reach.became is None
        }
        changed = []
        for slug, version in live.items():
            if self._seen.get(slug) != (version,):
                self._seen[slug] = (version,)
                await self._make_live(slug, version)
                changed.append(slug)
        for slug in self._seen.keys() - live.keys():
            self._forget(slug)
            changed.append(slug)
        return changed

    def _holds_otherwise(self) -> bool:
        """Whether the server holds other connections or secrets than the last time."""
        catalogue = self._catalogue()
        held = (dict(catalogue.connections or {}), frozenset(catalogue.secrets or ()))
        before, self._held = self._held, held
        return before is not None and before != held

    async def refresh(self, slug: str) -> None:
        """
        Take notice of what another process did to *slug* a moment ago, for whoever is going to change it;
        `reload` does that for all, each second.
        """
        async with self._reading:
            await self._look_up()
            stamp = await asyncio.to_thread(_stamp_of, self.folder, slug)
            if stamp is None and slug in self._seen:
                await self._reload()  # it may be called otherwise now
            elif stamp is not None and self._seen.get(slug) != stamp:
                self._seen[slug] = stamp
                await self._read(slug)

    async def note_state(self) -> None:
        """
        Note in the store which versions are live, which workflows have no file any more, whose addresses
        then answer 410 for a while, and which have one again. A folder without any file says nothing: it
        may be a disk that is not there. For a server alone: other commands may look at other folders.
        """
        if self._addresses is None or not self._seen or self._is_from_store:
            return
        moved = {
            slug: live.version
            for slug, live in self._live.items()
            if slug in self.book.reaches and self.book.reaches[slug].live != live.version
        }
        if moved:
            await self._addresses.go_live(moved)
            await self._look_up()
        gone, back = [], []
        for slug, reach in self.book.reaches.items():
            if slug in self._seen and (reach.gone_at is not None or reach.became is not None):
                back.append(slug)
            elif slug not in self._seen and reach.gone_at is None and reach.became is None:
                gone += [slug] if slug not in self.unpublished else []
        if gone or back:
            await self._addresses.mark(gone=gone, back=back, now=self._clock())
            await self._look_up()

    async def version(self, slug: str, version: int) -> Workflow:
        """
        A version that a run is pinned to, live or not, also under a name that its workflow had.

        Raises:
            NotFound: it is not stored.
            WorkflowInvalid: it no longer loads.
        """
        slug = slug if slug in self._live else self.book.successor(slug)
        live = self._live.get(slug)
        if live and live.version == version:
            return live.workflow
        key = (slug, version)
        if key not in self._pinned:
            source = await self._store.version_source(slug, version)
            basis = await self._store.version_basis(slug, version)
            path = f"{slug}{SUFFIX}"
            loaded = load(source, path=path, slug=slug, catalogue=self._catalogue(), basis=basis)
            if loaded.workflow is None:
                raise WorkflowInvalid([fault for fault in loaded.faults if fault.severity == "error"])
            self._pinned[key] = loaded.workflow
            while len(self._pinned) > MOST_PINNED:
                self._pinned.popitem(last=False)
        self._pinned.move_to_end(key)
        return self._pinned[key]

    async def read(self, slug: str, *, signed: Signed | None = None) -> Live | None:
        """
        Read the file of *slug* alone, as the work of who *signed* it; None where it is missing or has
        faults, which `faults` tells.
        """
        async with self._reading:
            await self._look_up()
            stamp = await asyncio.to_thread(_stamp_of, self.folder, slug)
            if stamp is not None:
                self._seen[slug] = stamp
                await self._read(slug, signed)
            return self.get(slug)

    async def _read(self, slug: str, signed: Signed | None = None) -> None:
        path = self._path(slug)
        text = await asyncio.to_thread(text_of, path)
        if isinstance(text, Fault):
            self.faults[slug] = (text,)
            return
        basis = await asyncio.to_thread(basis_in, self.folder, self._overrides(slug))
        if isinstance(basis, Fault):
            loaded = Loaded(None, (basis,))
        else:
            loaded = load(text, path=str(path), slug=slug, catalogue=self._catalogue(), basis=basis)
        # also of a file with faults: the last good version, which goes on, has the old name
        formerly = loaded.workflow.formerly if loaded.workflow else formerly_of(text)
        taken = await self._take_over(slug, formerly, text) if formerly else ()
        self.faults[slug] = (*loaded.faults, *taken)
        if loaded.workflow is None or taken:
            if slug not in self._live:
                await self._last_good(slug)  # a server that starts on a broken file goes on as it was
            if slug not in self._live:
                self._waiting.add(slug)
            kept = "the last good version keeps running" if slug in self._live else "its events are held"
            log.warning(
                "%s has faults; %s",
                path,
                kept,
                extra={"action": "workflow_faults", "workflow": slug},
            )
            return
        version = await self._store.save_version(
            slug, loaded.workflow.digest, text, now=self._clock(), basis=loaded.basis, signed=signed
        )
        await self._put(loaded.workflow, version, text, loaded.basis)

    async def _last_good(self, slug: str) -> None:
        """Make the newest stored version live, if there is one that still loads."""
        version = await self._store.newest_version(slug)
        if version is not None:
            await self._make_live(slug, version)

    async def _make_live(self, slug: str, version: int) -> None:
        """Let a stored version take events, if it still loads."""
        with contextlib.suppress(WorkflowInvalid):
            workflow = await self.version(slug, version)
            source = await self._store.version_source(slug, version)
            await self._put(workflow, version, source, await self._store.version_basis(slug, version))

    async def _put(self, workflow: Workflow, version: int, source: str, basis: Basis) -> None:
        if self._addresses and workflow.slug not in self.book.reaches:
            await self._addresses.open(workflow.slug)
            await self._look_up()
        self._stand(Live(workflow, version, "", source, basis))

    def _stand(self, live: Live) -> None:
        """Let it take events at the address that it has now."""
        slug = live.workflow.slug
        self._unstand(slug)
        live = replace(live, token=self.book.token(slug))
        self._waiting.discard(slug)
        self._live[slug] = self._by_token[live.token] = live

    def _unstand(self, slug: str) -> None:
        live = self._live.pop(slug, None)
        if live and self._by_token.get(live.token) is live:  # else it is another's meanwhile: one renamed
            del self._by_token[live.token]

    def _forget(self, slug: str) -> None:
        del self._seen[slug]
        self.faults.pop(slug, None)
        self._waiting.discard(slug)
        self._waits_for.pop(slug, None)
        self._unstand(slug)

    async def _look_up(self) -> None:
        """Take notice of all addresses and of what is not published yet, others' changes too."""
        if self._drafts:
            self.unpublished = await self._drafts.unpublished()
        if self._addresses:
            self.book.update(await self._addresses.all())
        else:
            rotations = await self._store.rotations()
            self.book.update({slug: Reach(slug, rotation) for slug, rotation in rotations.items()})

    async def _take_over(self, slug: str, formerly: Collection[str], text: str) -> tuple[Fault, ...]:
        """Let *slug* have all that its former names had; the fault where one of them is in use."""
        self._waits_for.pop(slug, None)
        if self._addresses is None:
            return ()
        for old in formerly:
            if await asyncio.to_thread(self._path(old).exists):
                self._waits_for[slug] = formerly
                return (taken_fault(text, str(self._path(slug)), old),)
        for old in formerly:
            if await self._addresses.rename(old, slug):
                log.info("%s is %s now", old, slug, extra={"action": "workflow_renamed", "workflow": slug})
        await self._look_up()
        return ()

    def _is_reserved(self, path: str) -> bool:
        return path.startswith("/") and path.split("/", 2)[1] in self.reserved

    def _path(self, slug: str) -> Path:
        return self.folder / f"{slug}{SUFFIX}"


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


def basis_in(folder: Path, overrides: Mapping[str, Json]) -> Basis | Fault:
    """What a workflow of *folder* is read with, or the fault that the defaults cannot be read."""
    path = folder / DEFAULTS_FILE
    if not path.exists():
        return Basis("", overrides, str(path))
    text = text_of(path)
    return text if isinstance(text, Fault) else Basis(text, overrides, str(path))


def _stamps(folder: Path) -> dict[str, tuple[int, ...]]:
    """What tells that a file, or what it takes from beside it (defaults, connectors), changed, by slug."""
    defaults = _stamp(folder / DEFAULTS_FILE) or ()
    own = [part for path in sorted((folder / CONNECTORS).glob(f"*{SUFFIX}")) for part in _stamp(path) or ()]
    found = {path.stem: _stamp(path) for path in workflow_files(folder)}
    return {slug: (*stamp, *defaults, *own) for slug, stamp in found.items() if stamp is not None}


def _stamp_of(folder: Path, slug: str) -> tuple[int, ...] | None:
    """That of one file; None where there is none."""
    stamp = _stamp(folder / f"{slug}{SUFFIX}")
    return stamp and (*stamp, *(_stamp(folder / DEFAULTS_FILE) or ()))


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
