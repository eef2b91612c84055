"""Where sealed rows are kept."""

from __future__ import annotations

from typing import Protocol


class SealedRows(Protocol):
    """Where sealed rows are kept; a store implements it."""

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        """All rows: kind, name, blob."""

    async def put(self, kind: str, name: str, blob: bytes) -> None:
        """Write a row, in place of one of that kind and name."""

    async def delete(self, kind: str, name: str) -> bool:
        """Remove a row; whether there was one."""

    async def put_new(self, kind: str, name: str, blob: bytes) -> bool:
        """Write a row where there is none of that kind and name; whether it was written."""

    async def swap(self, kind: str, name: str, old: bytes, new: bytes) -> bool:
        """Write *new* where *old* stands; whether it stood there."""
