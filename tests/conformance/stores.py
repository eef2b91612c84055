"""The stores that conformance is tested on, each as a ground on which it is opened, again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeAlias

from runner.store.nodes import NodeLock
from runner.store.postgres import PostgresStore
from runner.store.queries import Statement
from runner.store.sqlite import SQLiteStore

AnyStore: TypeAlias = SQLiteStore | PostgresStore


class Ground(Protocol):
    """Where the data of a test is: opening a second store is a second process, or a restart."""

    async def open(self) -> AnyStore:
        """A store on the data, which the test closes."""

    async def lives(self, node: str) -> None:
        """The process *node* gives its sign of life."""

    async def dies(self, node: str) -> None:
        """Nothing is heard of *node* any more."""


class SQLiteGround:
    """A file. A process lives as long as it holds its lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, NodeLock] = {}

    async def open(self) -> SQLiteStore:
        return await SQLiteStore.open(self._folder / "hookline.db")

    async def lives(self, node: str) -> None:
        self._locks[node] = NodeLock(self._folder / "nodes", node)

    async def dies(self, node: str) -> None:
        self._locks.pop(node).release()


class PostgresGround:
    """A database. A process lives as long as it renews its row: here for half a second without."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> PostgresStore:
        return await PostgresStore.open(self.url, patience_seconds=0.5)

    async def lives(self, node: str) -> None:
        store = await self.open()
        await store.beat(node)
        await store.close()

    async def dies(self, node: str) -> None:
        store = await self.open()

        await store.execute(Statement.of("UPDATE nodes SET beat_at = beat_at - interval '1 hour'"))
        await store.close()
