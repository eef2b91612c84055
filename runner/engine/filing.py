"""Workflows as files of a folder: begun, renamed, deleted and fetched back."""

from __future__ import annotations

import asyncio
import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runner.engine.addresses import Addresses
from runner.engine.drafts import Drafts
from runner.engine.folder import FILES, fetch_back, last_put_away, put_away, written_alone
from runner.engine.library import SUFFIX, Library, text_of
from runner.engine.versions import Signed
from runner.errors import MoveRefused, NotFound
from runner.language.formerly import with_formerly
from runner.language.keys import SLUG_PATTERN

LONGEST_MADE = 50  # characters of a slug that is made of a name
FALLBACK = "workflow"  # the slug of a name without a letter that a slug may have


@dataclass(frozen=True, slots=True)
class Filing:
    """Changes the folder of *library*; `clock()` gives UTC seconds."""

    library: Library
    drafts: Drafts
    addresses: Addresses
    clock: Callable[[], float]

    async def begin(self, *, slug: str | None, name: str, text: str, person: str, by: str) -> str:
        """
        Begin a workflow with a draft of *person* (a key), *by* name; its slug, which is made of *name*
        unless one is given. It has an address from now on, whose events are held.

        Raises:
            MoveRefused: the slug is taken, or cannot be one.
            FolderShut: nothing can be published here, so there is no use in beginning.
        """
        if slug is not None and not re.fullmatch(SLUG_PATTERN, slug):
            raise MoveRefused(
                f'"{slug}" cannot be the id of a workflow: it has a-z, 0-9 and -, and at most 63'
            )
        async with written_alone(self.library.folder):
            await self.library.reload()
            if slug is not None and self._is_taken(slug):
                raise MoveRefused(f'there is or was a workflow "{slug}"; choose another id')
            slug = slug or self._free_slug(name)
            await self.drafts.put(slug, person, by=by, text=text, base=None, revision=None)
            await self.addresses.open(slug)
            await self.library.reload()
        return slug

    async def delete(self, slug: str) -> None:
        """
        Put its file away, or, where it was never published, its drafts out of sight; its address is gone.

        Raises:
            NotFound, FolderShut, StoreUnavailable.
        """
        folder = self.library.folder
        async with written_alone(folder):
            await self.library.reload()
            if (folder / f"{slug}{SUFFIX}").exists():
                await asyncio.to_thread(put_away, folder, slug, self.clock())
            elif slug not in self.library.unpublished:
                raise NotFound(f"there is no workflow {slug}")
            await self.addresses.mark(gone=[slug], back=[], now=self.clock())
            await self.library.reload()

    async def restore(self, slug: str) -> None:
        """
        Undo deleting, as long as its address says that it was deleted.

        Raises:
            NotFound: nothing of that name was deleted, or too long ago.
            MoveRefused: there is a workflow of that name again.
            FolderShut, StoreUnavailable.
        """
        folder = self.library.folder
        async with written_alone(folder):
            await self.library.reload()
            if (folder / f"{slug}{SUFFIX}").exists():
                raise MoveRefused(f"there is a workflow {slug}; rename it first, or keep it")
            if not self.is_deleted(slug):
                raise NotFound(f"there is no deleted workflow {slug} that can be restored")
            if last := await asyncio.to_thread(last_put_away, folder, slug, self.clock()):
                await asyncio.to_thread(fetch_back, folder, slug, last)
            await self.addresses.mark(gone=[], back=[slug], now=self.clock())
            await self.library.reload()

    def is_deleted(self, slug: str) -> bool:
        """Whether a workflow of that name was deleted not long ago."""
        return self.library.book.is_gone(self.library.book.token(slug), self.clock())

    async def rename(self, old: str, new: str, *, by: str) -> list[str]:
        """
        Call *old* *new* from now on: address, history, state and drafts come along; the names of its files.

        Raises:
            NotFound: there is no *old*.
            MoveRefused: *new* is taken or cannot be a slug, or the file cannot be changed.
            FolderShut, StoreUnavailable.
        """
        if not re.fullmatch(SLUG_PATTERN, new):
            raise MoveRefused(
                f'"{new}" cannot be the id of a workflow: it has a-z, 0-9 and -, and at most 63'
            )
        folder = self.library.folder
        async with written_alone(folder):
            await self.library.reload()
            if new in self.library.unpublished or any((folder / f"{new}{one}").exists() for one in FILES):
                raise MoveRefused(f'there is a workflow "{new}"; choose another id')
            files: list[str] = []
            if (folder / f"{old}{SUFFIX}").exists():
                files = await asyncio.to_thread(_rename, folder, old, new)
                await self.library.read(new, signed=Signed(by, f"Renamed from {old}"))
            elif old in self.library.unpublished:
                await self.addresses.rename(old, new)
            else:
                raise NotFound(f"there is no workflow {old}")
            await self.library.reload()
            await self.library.note_state()
            return files

    def _is_taken(self, slug: str) -> bool:
        """Whether anything has that slug, or had: its address and its history would come back."""
        library = self.library
        known = (library.book.reaches, library.faults, library.unpublished)
        return any(slug in one for one in known) or any(
            (library.folder / f"{slug}{suffix}").exists() for suffix in FILES
        )

    def _free_slug(self, name: str) -> str:
        apart = unicodedata.normalize("NFKD", name.lower())
        letters = "".join(one for one in apart if not unicodedata.combining(one))
        first = re.sub("[^a-z0-9]+", "-", letters)[:LONGEST_MADE].strip("-") or FALLBACK
        slug, number = first, 1
        while self._is_taken(slug):
            number += 1
            slug = f"{first}-{number}"
        return slug


def _rename(folder: Path, old: str, new: str) -> list[str]:
    text = text_of(folder / f"{old}{SUFFIX}")
    if not isinstance(text, str):
        raise MoveRefused(f"{old}{SUFFIX} {text.message}")
    try:
        return rename_files(folder, old, new, with_formerly(text, old, new))
    except ValueError as error:
        raise MoveRefused(f"{old}{SUFFIX}: {error}") from None


def rename_files(folder: Path, old: str, new: str, text: str) -> list[str]:
    """
    Move the files of *old* to *new*, whose workflow file shall hold *text*; their names, that one first.

    Raises:
        OSError: of FileExistsError nothing was changed.
    """
    # the new one first: with both there, a server goes on with the old one
    with (folder / f"{new}{SUFFIX}").open("x", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    (folder / f"{old}{SUFFIX}").unlink()
    moved = [f"{new}{SUFFIX}"]
    for suffix in FILES[1:]:
        path = folder / f"{old}{suffix}"
        if path.exists():
            path.rename(folder / f"{new}{suffix}")
            moved.append(f"{new}{suffix}")
    return moved
