"""
A backup in one compressed file, a tar archive that any `tar` opens: first `backup.json`, which says what is
in it with the SHA-256 of each, then the database as an SQLite file, then the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import tarfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from runner.errors import HooklineError

MANIFEST = "backup.json"
FORMAT = 1
COMPRESSION = 4  # of 9: the last ones take twice the time for some percent
LARGEST_MANIFEST = 64 << 20
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `facts` is an object of JSON, for whoever made it."""

    members: Sequence[Member]
    facts: Mapping[str, Any]

    def as_bytes(self) -> bytes:
        """The manifest as it stands in the backup."""
        members = [asdict(one) for one in self.members]
        return json.dumps({"format": FORMAT, **self.facts, "members": members}, indent=2).encode()


def pack(path: Path, files: Mapping[str, Path | bytes], facts: Mapping[str, Any]) -> Manifest:
    """
    Write *files*, by the names that they get, into a new backup at *path*, which only its owner can read. It
    is whole and on disk when it gets that name, and what it holds was read again before.

    Raises:
        HooklineError: there is a file already, or it cannot be written.
    """
    if path.exists():
        raise HooklineError(f"there is a file {path} already")
    members = [_member(name, file) for name, file in files.items()]
    manifest = Manifest(members, facts)
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # of one that was killed
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as raw:
                with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=COMPRESSION) as archive:
                    _add(
                        archive,
                        Member(MANIFEST, len(manifest.as_bytes()), ""),
                        io.BytesIO(manifest.as_bytes()),
                    )
                    for member in members:
                        with _opened(files[member.name]) as file:
                            _add(archive, member, file)
                raw.flush()
                os.fsync(raw.fileno())
            if check(part) != manifest:
                raise HooklineError(f"{path} did not come out as it was written; look after the disk")
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise HooklineError(f"{path} cannot be written: {error}") from error
    return manifest


def check(path: Path) -> Manifest:
    """
    Read all of the backup at *path*.

    Raises:
        HooklineError: it is damaged, no backup, or of a newer Hookline.
    """
    with _reading(path) as (archive, manifest):
        missing = {one.name: one for one in manifest.members}
        for name, file in _files(archive):
            expected = missing.pop(name, None)
            if expected is None or expected.sha256 != _sha256(file):
                raise HooklineError(f"{path} is damaged: {name} is not what was put into it")
        if missing:
            raise HooklineError(f"{path} is damaged: it ends before {next(iter(missing))}")
    return manifest


def unpack(path: Path, places: Mapping[str, Path]) -> None:
    """
    Write files of the backup at *path* to *places*, by their names in it. None of these is there yet;
    afterwards they are on disk, and only their owner can read them.

    Raises:
        HooklineError: the backup is damaged, or a file cannot be written.
    """
    with _reading(path) as (archive, manifest):
        sums = {one.name: one.sha256 for one in manifest.members}
        for name, file in _files(archive):
            if name not in places:
                continue
            places[name].parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(places[name], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                if _sha256(file, out) != sums.get(name):
                    raise HooklineError(f"{path} is damaged: {name} is not what was put into it")
                out.flush()
                os.fsync(out.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in *folder* on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    try:
        with tarfile.open(path, "r|gz") as archive:
            first = archive.next()
            file = archive.extractfile(first) if first and first.name == MANIFEST else None
            if file is None:
                raise HooklineError(f"{path} is no backup of Hookline: it does not begin with {MANIFEST}")
            yield archive, _manifest(path, file.read(LARGEST_MANIFEST))
    except FileNotFoundError as error:
        raise HooklineError(f"there is no file {error.filename}") from error
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise HooklineError(f"{path} is damaged, or no backup of Hookline: {error}") from error


def _manifest(path: Path, data: bytes) -> Manifest:
    try:
        found = json.loads(data)
        form, members = found.pop("format"), [Member(**one) for one in found.pop("members")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HooklineError(f"{path} is damaged: its {MANIFEST} cannot be read") from error
    if form != FORMAT:
        raise HooklineError(f"{path} was made by a newer Hookline; restore it with that one")
    for one in members:
        parts = PurePosixPath(one.name)
        if parts.is_absolute() or ".." in parts.parts:
            raise HooklineError(f"{path} is no backup of Hookline: it has a file {one.name}")
    return Manifest(members, found)


def _files(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for one in itertools.islice(archive, 1, None):  # behind the manifest, which was read
        file = archive.extractfile(one) if one.isreg() else None
        if file is None:
            raise HooklineError(f"{archive.name!s} is no backup of Hookline: {one.name} in it is no file")
        yield one.name, file


def _member(name: str, file: Path | bytes) -> Member:
    with _opened(file) as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(0)
        return Member(name, size, _sha256(opened))


def _opened(file: Path | bytes) -> IO[bytes]:
    return io.BytesIO(file) if isinstance(file, bytes) else file.open("rb")


def _add(archive: tarfile.TarFile, member: Member, file: IO[bytes]) -> None:
    entry = tarfile.TarInfo(member.name)
    entry.size, entry.mode, entry.mtime = member.size, 0o600, int(time.time())
    archive.addfile(entry, file)


def _sha256(file: IO[bytes], out: IO[bytes] | None = None) -> str:
    found = hashlib.sha256()
    while chunk := file.read(CHUNK):
        found.update(chunk)
        if out is not None:
            out.write(chunk)
    return found.hexdigest()
