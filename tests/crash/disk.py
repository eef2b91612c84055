"""
A disk that can be full: a memory file system in a mount namespace of our own, whose size is what a
test says. Nothing outside of this process and its children sees it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOM_MIB = 1024  # used only as far as it is written to
SLACK_BYTES = 16 * 1024  # left when it is "full": written within moments
WAYS = (["unshare", "--mount"], ["unshare", "--mount", "--user", "--map-root-user"])


def own_namespace() -> Sequence[str] | None:
    """The command that runs another in a mount namespace of its own, or None where that is refused."""
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        return None
    trial = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", tempfile.gettempdir()]
    for way in WAYS:
        if subprocess.run([*way, *trial], capture_output=True, check=False).returncode == 0:
            return way
    return None


def enter(way: Sequence[str], module: str, arguments: Sequence[str]) -> None:
    """Become `python -m module arguments` inside the namespace; does not return."""
    os.execvp(way[0], [*way, sys.executable, "-m", module, *arguments])


class Disk:
    """A folder with a size, inside a namespace of our own."""

    def __init__(self, folder: Path) -> None:
        """Mount it over *folder*, which is made."""
        folder.mkdir()
        self._folder = folder
        _mount("-t", "tmpfs", "-o", f"size={ROOM_MIB}m", "hookline-soak", str(folder))

    def fill(self) -> None:
        """Leave no room: the size becomes what is used."""
        room = os.statvfs(self._folder)
        used = (room.f_blocks - room.f_bfree) * room.f_frsize
        _mount("-o", f"remount,size={used + SLACK_BYTES}", str(self._folder))

    def free(self) -> None:
        """Give the room back."""
        _mount("-o", f"remount,size={ROOM_MIB}m", str(self._folder))

    def close(self) -> None:
        """Take it away, with all that is on it."""
        subprocess.run(["umount", str(self._folder)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
