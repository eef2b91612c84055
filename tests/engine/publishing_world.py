"""A folder of workflows and a store, with what publishes: as a process of a server has it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.engine.checking import check_text
from runner.engine.filing import Filing
from runner.engine.library import Library, Live
from runner.engine.publishing import Publisher
from runner.engine.versions import Signed
from runner.language.catalogue import Catalogue
from runner.language.faults import Fault
from runner.store.addresses import StoredAddresses
from runner.store.drafts import StoredDrafts
from runner.store.sqlite import SQLiteStore
from runner.store.versions import StoredVersions

TEXT = "name: Orders\ntrigger: {webhook: {}}\nsteps:\n  - filter: payload.total > 1\n"


@dataclass
class Publishing:
    """What publishes the workflow `orders`, and what it works on."""

    library: Library
    store: SQLiteStore
    drafts: StoredDrafts
    versions: StoredVersions
    publisher: Publisher
    filing: Filing

    async def publish(self, text: str, *, by: str, slug: str = "orders") -> Live:
        """Over whatever is live."""
        live = self.library.get(slug)
        base = live.version if live else None
        return await self.publisher.publish(slug, text, base=base, signed=Signed(by))


def text_of_number(number: int, *, size: int = 0) -> str:
    """A workflow whose every line of a long tail has its number."""
    tail = "".join(f"# {number} of this text\n" for _ in range(size // 20))
    return f"{TEXT.replace('> 1', f'> {number}')}{tail}"


@asynccontextmanager
async def open_publishing(folder: Path, database: Path) -> AsyncIterator[Publishing]:
    """As a process that has just started."""
    store = await SQLiteStore.open(database)
    try:
        addresses, drafts = StoredAddresses(store), StoredDrafts(store, time.time)
        library = Library(
            folder,
            store,
            catalogue=lambda: Catalogue({}),
            token_of=lambda slug, rotation: f"token-{slug}-{rotation}",
            clock=time.time,
            addresses=addresses,
            drafts=drafts,
        )

        async def check(text: str, slug: str) -> Sequence[Fault]:
            return await check_text(text, slug, folder, Catalogue({}))

        versions = StoredVersions(store)
        publisher = Publisher(library, versions, check, time.time)
        filing = Filing(library, drafts, addresses, time.time)
        await library.reload()
        yield Publishing(library, store, drafts, versions, publisher, filing)
    finally:
        await store.close()
