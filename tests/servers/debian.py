"""
Programs of Debian's packages for tests, without installing them: fetched by apt into a folder of the virtual
environment, once, with what they need. Nothing of the system is changed, and nobody needs to be root.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(sys.prefix) / "debian"


def unpacked(package: str) -> Path:
    """
    The folder in which *package* and what it needs beyond this system are laid out (`usr/bin/…`).

    Raises:
        LookupError: it cannot be had here; the message says why.
    """
    HOME.mkdir(exist_ok=True)
    place = HOME / package
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes test at once: one of them fetches
        if not place.exists():
            if not shutil.which("apt-get"):
                raise LookupError(f"no {package}: this system has none, and no apt-get to fetch it with")
            _fetch(package, place)
    return place


def environment(place: Path) -> dict[str, str]:
    """What a program of *place* needs to find its libraries."""
    folders = sorted({str(one.parent) for one in place.glob("usr/lib/*/*.so*")})
    return {"LD_LIBRARY_PATH": ":".join(folders)}


def _fetch(package: str, place: Path) -> None:
    half = place.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    (half / "lists" / "partial").mkdir(parents=True)
    (half / "cache" / "archives" / "partial").mkdir(parents=True)
    apt = [
        "apt-get", "-qq", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=",
        "-o", f"Dir::State::Lists={half / 'lists'}", "-o", f"Dir::Cache={half / 'cache'}",
    ]  # fmt: skip
    try:
        _run(*apt, "update")
        _run(*apt, "install", "--download-only", "--no-install-recommends", "--yes", package)
        for one in (half / "cache" / "archives").glob("*.deb"):
            _run("dpkg-deb", "--extract", str(one), str(half / "root"))
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines() or [str(error)]
        raise LookupError(f"no {package}: {said[-1]}") from None
    (half / "root").rename(place)
    shutil.rmtree(half)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=240)
