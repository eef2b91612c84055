"""
The workflows' folder as a place to write: one writer at a time over all processes, each file whole or
not at all, and what is deleted put away where it can be fetched back.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner.engine.addresses import GONE_SECONDS
from runner.engine.library import SUFFIX
from runner.errors import MoveRefused

DELETED = ".deleted"
FILES = (SUFFIX, ".test.yaml")  # of one workflow, the first of which makes it one
STAMP = "%Y%m%dT%H%M%S%f"
PUT_AWAY = re.compile(r"(?P<slug>[^.]+)\.(?P<at>\d{8}T\d{12})(?P<suffix>(?:\.[a-z]+)*)\.yaml")
BEING_WRITTEN = ".new"
ASKED_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 15.0  # whoever writes takes milliseconds; past this something is wrong


class FolderShut(MoveRefused):
    """The workflows' folder cannot be written to; the message says why and where to change it instead."""


@dataclass(frozen=True, slots=True)
class PutAway:
    """A workflow's file that was deleted; `at` UTC seconds."""

    path: Path
    at: float


def why_shut(folder: Path) -> str | None:
    """Why workflows cannot be changed here, in a sentence; None where they can."""
    if not folder.is_dir():
        return "The folder of the workflow files is not there now."
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "The folder of the workflow files is on a read-only disk; change the files at their source."
    if not os.access(folder, os.W_OK | os.X_OK):
        return (
            "This server may not write to the folder of the workflow files; "
            "give it the right, or change the files themselves."
        )
    return None


@contextlib.asynccontextmanager
async def written_alone(folder: Path) -> AsyncIterator[None]:
    """
    While inside, no other process and no other task of this one writes to *folder* by this function.

    Raises:
        FolderShut: it cannot be written to, or another process does not let go of it.
    """
    if why := why_shut(folder):
        raise FolderShut(why.rstrip("."))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        await _locked(descriptor)
        await asyncio.to_thread(_tidy, folder)
        yield
    except OSError as error:
        raise FolderShut(
            f"The folder of the workflow files cannot be written to: {error.strerror}"
        ) from error
    finally:
        os.close(descriptor)


async def _locked(descriptor: int) -> None:
    """
    Wait for the lock of a folder that was opened; each opening has its own, so that it holds among tasks
    as it does among processes. Asked again and again: threads that wait would be those that who holds it
    needs. Raises FolderShut.
    """
    for _ in range(int(LONGEST_WAIT_SECONDS / ASKED_SECONDS)):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(ASKED_SECONDS)
    raise FolderShut("Another process has been writing to the folder of the workflow files for a long time")


def _tidy(folder: Path) -> None:
    """Take away what somebody who died was writing."""
    for left in folder.glob(f".*{BEING_WRITTEN}"):
        left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """
    Make *path* hold exactly *text* as UTF-8, on the disk when this returns; whoever reads it meanwhile
    finds the old file or the new one. A link stays one, and a file keeps its mode. Raises OSError.
    """
    path = path.resolve()
    new = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{BEING_WRITTEN}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def put_away(folder: Path, slug: str, now: float) -> None:
    """
    Move the files of *slug* to where deleted ones are, and let go of those that were deleted so long
    ago that their address is forgotten. *now* UTC seconds. Raises OSError.
    """
    bin_ = folder / DELETED
    bin_.mkdir(exist_ok=True)
    stamp = datetime.fromtimestamp(now, UTC).strftime(STAMP)
    for suffix in FILES:
        path = folder / f"{slug}{suffix}"
        if path.exists():
            path.replace(bin_ / f"{slug}.{stamp}{suffix}")
    for path in bin_.glob(f"*{SUFFIX}"):
        found = PUT_AWAY.fullmatch(path.name)
        if found and now - _moment(found["at"]) > GONE_SECONDS:
            path.unlink()
    _sync(bin_)
    _sync(folder)


def keep_copy(folder: Path, slug: str, text: str, now: float) -> None:
    """Keep *text*, a file of *slug* with faults that is written over, beside deleted ones. Raises OSError."""
    (folder / DELETED).mkdir(exist_ok=True)
    stamp = datetime.fromtimestamp(now, UTC).strftime(STAMP)
    write_text(folder / DELETED / f"{slug}.{stamp}.faults{SUFFIX}", text)


def last_put_away(folder: Path, slug: str, now: float) -> PutAway | None:
    """The file of *slug* that was deleted last, if that can be undone still."""
    found = []
    for path in (folder / DELETED).glob(f"{slug}.*{SUFFIX}"):
        match = PUT_AWAY.fullmatch(path.name)
        if match and match["slug"] == slug and not match["suffix"]:
            found.append(PutAway(path, _moment(match["at"])))
    last = max(found, key=lambda one: one.at, default=None)
    return last if last and now - last.at < GONE_SECONDS else None


def fetch_back(folder: Path, slug: str, last: PutAway) -> None:
    """Undo deleting. Raises OSError."""
    for suffix in FILES:
        path = last.path.with_name(last.path.name.removesuffix(SUFFIX) + suffix)
        if path.exists():
            path.replace(folder / f"{slug}{suffix}")
    _sync(folder)


def _moment(stamp: str) -> float:
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).timestamp()


def _sync(folder: Path) -> None:
    """Names are on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
