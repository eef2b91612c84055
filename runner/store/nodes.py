"""
Which processes on an SQLite file live: each holds a lock on its own file under `<data>/nodes/`.

The kernel lets a lock go when its process dies, however it dies, so a lock that can be taken
means a dead owner (execution.md, "Who is dead").
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class NodeLock:
    """
    This process's sign of life, from its making until `release` or the process's end. *address*
    is where it serves, for commands beside it.
    """

    def __init__(self, folder: Path, node: str, *, address: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.node = node
        self._path = folder / node
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, address.encode())

    def release(self) -> None:
        """Say that this process is gone."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def living(folder: Path) -> list[str]:
    """The addresses of the processes that live; an empty text for one that does not serve."""
    found = []
    for path in sorted(folder.glob("*")):
        with contextlib.suppress(FileNotFoundError):
            if not is_dead(folder, path.name):
                found.append(path.read_text(encoding="utf-8"))
    return found


def is_dead(folder: Path, node: str) -> bool:
    """Whether *node* holds no lock any more; its file is cleared away if so."""
    path = folder / node
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)
