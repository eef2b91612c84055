"""Paths on an SFTP server, and what is done with the files there."""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from connectors.ssh.access import Progress, SshConnection, driver, over
from runner.connector import Call, Rejected, in_brief

MOST_NAMES = 10_000  # that are read of one directory
TIDY_SECONDS = 0.5  # less than we have when a call is cancelled
T = TypeVar("T")
Kind = Literal["file", "directory", "link", "other"]


class Entry(BaseModel):
    """Something in a directory."""

    name: str
    path: str
    type: Kind
    size: int | None
    modified_at: str | None


def located(connection: SshConnection, path: str) -> str:
    """
    The path on the server.

    Raises:
        Rejected: it names nothing, or would lead out of where it stands.
    """
    parts = path.split("/")
    if not path.strip("/ ") or path.endswith("/") or "\0" in path:
        raise Rejected(f"{in_brief(path, 100)!r} is no path of a file or directory")
    if ".." in parts or "." in parts:
        raise Rejected(
            f"{in_brief(path, 100)!r}: a part of a path that is . or .. would lead to another place"
        )
    try:
        path.encode()
    except UnicodeEncodeError:
        raise Rejected("the path holds half a character (a lone surrogate)") from None
    if connection.folder is None:
        return path
    return f"{connection.folder.rstrip('/')}/{path.lstrip('/')}"


async def with_client(
    call: Call, connection: SshConnection, work: Callable[[Any, Progress], Awaitable[T]]
) -> T:
    """What *work* gives with a client of asyncssh's for SFTP. Raises ActionError."""

    async def working(there: Any, progress: Progress) -> T:
        # names in another encoding can be seen, but not be asked for
        return await work(await there.start_sftp_client(path_errors="replace"), progress)

    return await over(call, connection, working)


async def write(client: Any, path: str, content: bytes, mode: str) -> None:
    """Write a file whole; *mode* is one of `open`."""
    opened = await client.open(path, mode, encoding=None)
    await opened.write(content)
    await opened.close()  # which may be what fails


async def rename(client: Any, old: str, new: str, *, overwrite: bool) -> None:
    """Give what is at *old* the path *new*, in one step where the server can."""
    asyncssh = driver()
    if not overwrite:
        await client.rename(old, new)  # which fails where there is one
        return
    try:
        await client.posix_rename(old, new)
    except asyncssh.SFTPOpUnsupported:  # no server of OpenSSH's kind: there is a moment without the file
        with suppress(asyncssh.SFTPNoSuchFile):
            await client.remove(new)
        await client.rename(old, new)


async def tidy(client: Any, path: str) -> None:
    """Take away what was begun, if that can be done."""
    with suppress(Exception):
        async with asyncio.timeout(TIDY_SECONDS):
            await client.remove(path)


def part_of(path: str, key: str) -> str:
    """What a file is called while it is written: the same for each attempt, and hidden."""
    folder, slash, name = path.rpartition("/")
    mark = hashlib.sha256(f"{key}\n{path}".encode()).hexdigest()[:12]
    return f"{folder}{slash}.{name[:100]}.{mark}.part"


async def entries(client: Any, connection: SshConnection, path: str) -> Sequence[Entry]:
    """What is in a directory, by name. Raises Rejected: it is too much."""
    base = path.rstrip("/")
    there = located(connection, base) if base else (connection.folder or ".")
    found: list[Entry] = []
    async for one in client.scandir(there):
        if one.filename in {".", ".."}:
            continue
        if len(found) == MOST_NAMES:
            raise Rejected(f"{path or 'the directory'} holds more than {MOST_NAMES:,} names")
        kind = kind_of(one.attrs)
        found.append(
            Entry(
                name=one.filename,
                path=f"{base}/{one.filename}" if base else one.filename,
                type=kind,
                size=one.attrs.size if kind == "file" else None,
                modified_at=moment(one.attrs.mtime),
            )
        )
    return sorted(found, key=lambda one: one.name)


def kind_of(attributes: Any) -> Kind:
    """What a file's attributes say that it is."""
    mode = attributes.permissions or 0
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "other"


def moment(seconds: float | None) -> str | None:
    """A time of the server as ISO 8601."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None
