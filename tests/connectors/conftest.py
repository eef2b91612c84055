from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from runner.connector import Call, Connection, File, FileInput
from runner.errors import Rejected
from runner.outbound import Outbound
from tests.servers.http_sink import HttpSink

MakeCall = Callable[..., Call]


class MemoryFiles:
    """A run's files, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def read(self, file: File | FileInput | str) -> bytes:
        if isinstance(file, str):
            return file.encode()
        if isinstance(file, FileInput):
            return base64.b64decode(file.content, validate=True)
        if file["file"] not in self.kept:
            raise Rejected("not a file of this run")
        return self.kept[file["file"]]

    async def save(self, content: bytes, *, filename: str, content_type: str) -> File:
        digest = hashlib.sha256(content).hexdigest()
        self.kept[digest] = content
        return {
            "filename": filename,
            "content_type": content_type,
            "size": len(content),
            "file": digest,
        }


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with HttpSink() as one:
        yield one


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
async def make_call(files: MemoryFiles) -> AsyncIterator[MakeCall]:
    """What an action gets, over the real way out."""
    outbound = Outbound(allow=["127.0.0.0/8"])

    def make(connection: Connection | None = None, timeout_seconds: float = 10) -> Call:
        return Call(
            http=outbound.for_call(
                connection=connection,
                idempotency_key="evt1.shop.step",
                timeout_seconds=timeout_seconds,
            ),
            files=files,
            connect=partial(outbound.connect, timeout_seconds=timeout_seconds),
            idempotency_key="evt1.shop.step",
            timeout_seconds=timeout_seconds,
        )

    yield make
    await outbound.close()
