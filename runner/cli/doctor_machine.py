"""What a doctor looks at in the machine: versions, the data folder and its disk, files, the clock."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from runner import __version__
from runner.engine.findings import Finding, bytes_in_words, error, ok, warning
from runner.settings import Settings

OLDEST_SQLITE = (3, 38, 0)  # the operator ->>
LITTLE_BYTES = 512 << 20
SCARCE_BYTES = 2 << 30
MOUNTS = Path("/proc/self/mountinfo")
# SQLite's locks and shared memory do not work, or not reliably, over a network: sqlite.org/useovernet.html
NETWORK = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs",
        "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
    }
)  # fmt: skip
PASSING = {
    "tmpfs": "memory, which is empty after a restart",
    "ramfs": "memory, which is empty after a restart",
}
FILES_BESIDE = 256  # that a server opens beside its inbound connections: libraries, the store, calls
UNSYNCHRONISED = 5  # what adjtimex(2) gives where nothing keeps the clock right: TIME_ERROR
TIMEX_BYTES = 512  # more than a struct timex has


def examine_machine(settings: Settings, data: Path, *, is_embedded: bool) -> Iterator[Finding]:
    """All of it; *is_embedded*: the store is an SQLite file in the data folder."""
    yield _versions()
    yield _folder(data)
    if is_embedded:
        yield _file_system(data)
        yield _disk(data)
    yield _open_files(settings)
    yield _clock()


def _versions() -> Finding:
    python = platform.python_version()
    said = f"Hookline {__version__}, Python {python}, SQLite {sqlite3.sqlite_version}."
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        return error("Versions", f"{said} SQLite is too old.", f"Use a Python with SQLite {oldest} or newer.")
    return ok("Versions", said)


def _folder(data: Path) -> Finding:
    """Whether what is written there stays, and is nobody else's."""
    place = nearest(data)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"hookline")
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        return error(
            "Data folder",
            f"{place} cannot be written: {problem.strerror}.",
            f"Let the user {os.getuid()} write there, or name another folder with --data.",
        )
    if place != data.absolute():
        return ok("Data folder", f"{data} is not there yet; it can be made.")
    mode = data.stat().st_mode & 0o777
    if mode & 0o007:
        sentence = f"Every user of this machine may look into {data}, which holds what arrives here."
        return warning("Data folder", sentence, f"chmod o-rwx {data}")
    return ok("Data folder", f"{data} can be written.")


def _file_system(data: Path) -> Finding:
    kind = file_system(nearest(data), MOUNTS)
    if kind is None:
        return ok("File system", "Its kind is not known here.")
    if kind in NETWORK:
        return warning(
            "File system",
            f"The data folder lies on {kind}, over a network or a shared folder: SQLite's locks are not "
            "reliable there, and a database can be damaged.",
            "Put --data on a disk of this machine, or use PostgreSQL: [store] url in hookline.toml.",
        )
    if kind in PASSING:
        return warning("File system", f"The data folder lies in {PASSING[kind]}.", "Put --data on a disk.")
    if kind == "overlay":
        return warning(
            "File system",
            "The data folder lies inside a container: it goes when the container is made anew.",
            "Mount a volume there.",
        )
    return ok("File system", f"{kind}, on this machine.")


def _disk(data: Path) -> Finding:
    free = shutil.disk_usage(nearest(data)).free
    said = f"{bytes_in_words(free)} are free where the data lies."
    if free >= SCARCE_BYTES:
        return ok("Disk", said)
    mend = "Make room there, or keep less: [retention] in hookline.toml."
    return error("Disk", said, mend) if free < LITTLE_BYTES else warning("Disk", said, mend)


def _open_files(settings: Settings) -> Finding:
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.limits.connections + FILES_BESIDE
    if limit in (resource.RLIM_INFINITY, -1) or limit >= needed:
        return ok("Open files", f"A process may open {limit:,}.")
    return warning(
        "Open files",
        f"A process may open {limit:,}; {settings.limits.connections:,} connections and what else is open "
        f"want {needed:,}.",
        f"ulimit -n {needed}, LimitNOFILE={needed} in the unit, or fewer [limits] connections.",
    )


def _clock() -> Finding:
    """What the kernel says of its clock. Source: adjtimex(2)."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        state = -1
    if state == UNSYNCHRONISED:
        return warning(
            "Clock",
            "Nothing keeps the clock of this machine right. Signatures and schedules go by it.",
            "Run a time service, such as systemd-timesyncd or chrony.",
        )
    return ok("Clock", "It is kept right." if state >= 0 else "Whether it is kept right is not known here.")


def nearest(path: Path) -> Path:
    """*path*, or the innermost folder above it that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def file_system(path: Path, mounts: Path) -> str | None:
    """The kind of the file system of *path*, by *mounts* (mountinfo of proc(5)); None: it is not known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in lines:
        before, _separator, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")  # spaces stand there as \040
        is_above = path.is_relative_to(point)
        if is_above and (
            found is None or len(point) >= found[0]
        ):  # the last of several is the one that counts
            found = len(point), after.split()[0]
    return found[1] if found else None
