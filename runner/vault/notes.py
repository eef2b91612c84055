"""What is kept beside secrets and connections, sealed as they are: tokens, standings, who set them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets as randomness
import time
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from runner.errors import SettingsError
from runner.values import dumps, loads
from runner.vault.seal import NONCE_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from runner.values import Json
    from runner.vault.rows import SealedRows
    from runner.vault.seal import Seal

NoteKind: TypeAlias = Literal["tokens", "standing", "hosts", "consent", "signed"]
KINDS = frozenset(get_args(NoteKind))
LEASE = "lease"
LEASE_SECONDS = 60.0  # who holds one longer is dead: a token is had within half of it
LOOK_SECONDS = 0.1  # between two looks at a lease that somebody else holds


class Notes:
    """The notes in memory and in *rows*. *clock* gives UTC seconds: processes compare them."""

    def __init__(self, rows: SealedRows, seal: Seal, clock: Callable[[], float] = time.time) -> None:
        self._rows = rows
        self._seal = seal
        self._clock = clock
        self._kept: dict[tuple[str, str], Json] = {}

    def take(self, found: Iterable[tuple[str, str, bytes]]) -> None:
        """Hold what *found* has; one that cannot be opened counts as not there."""
        kept: dict[tuple[str, str], Json] = {}
        for kind, name, blob in found:
            if kind in KINDS:
                with contextlib.suppress(SettingsError):
                    kept[kind, name] = self._opened(kind, name, blob)
        self._kept = kept

    def get(self, kind: NoteKind, name: str) -> Json:
        """The note as it is in memory; None: there is none."""
        return self._kept.get((kind, name))

    def names(self, kind: NoteKind) -> list[str]:
        """The names of all notes of *kind*."""
        return [name for one, name in self._kept if one == kind]

    async def reread(self, kind: NoteKind, name: str) -> Json:
        """The note as it is on disk."""
        blob = await self._blob(kind, name)
        self._kept.pop((kind, name), None)
        if blob is not None:
            with contextlib.suppress(SettingsError):
                self._kept[kind, name] = self._opened(kind, name, blob)
        return self._kept.get((kind, name))

    async def put(self, kind: NoteKind, name: str, value: Json) -> None:
        """Write a note, in place of an earlier one."""
        self._kept[kind, name] = value  # first: whoever looks before it is on disk has it too
        await self._rows.put(kind, name, self._sealed(kind, name, value))
        self._kept[kind, name] = value  # again: rows that were read before may have been taken meanwhile

    async def delete(self, kind: NoteKind, name: str) -> bool:
        """Forget a note; whether it was there, which is told to one caller only."""
        self._kept.pop((kind, name), None)
        was_there = await self._rows.delete(kind, name)
        self._kept.pop((kind, name), None)
        return was_there

    @contextlib.asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """
        Nobody else on this store is inside for *name* meanwhile. The lease of a process that died is
        taken over after LEASE_SECONDS.
        """
        while (mine := await self._taken(name)) is None:  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            # by swapping, not deleting: it may be another's by now
            await self._rows.swap(LEASE, name, mine, self._sealed(LEASE, name, {"until": 0.0}))

    async def _taken(self, name: str) -> bytes | None:
        """The lease that was just taken; None: somebody else has it."""
        mine = self._sealed(LEASE, name, {"until": self._clock() + LEASE_SECONDS})
        if await self._rows.put_new(LEASE, name, mine):
            return mine
        held = await self._blob(LEASE, name)
        if held is not None and self._is_over(name, held) and await self._rows.swap(LEASE, name, held, mine):
            return mine
        return None

    def _is_over(self, name: str, held: bytes) -> bool:
        try:
            return bool(self._clock() >= self._opened(LEASE, name, held)["until"])
        except SettingsError:  # of another key: whoever wrote it reads nothing of ours
            return True

    async def _blob(self, kind: str, name: str) -> bytes | None:
        rows = await self._rows.get_all()
        return next((blob for one, other, blob in rows if (one, other) == (kind, name)), None)

    def _opened(self, kind: str, name: str, blob: bytes) -> Json:
        return loads(self._seal.open(kind, name, blob).encode())

    def _sealed(self, kind: str, name: str, value: Json) -> bytes:
        nonce = randomness.token_bytes(NONCE_BYTES)
        return self._seal.close(kind, name, dumps(value), nonce=nonce)
