"""One installation of the package for all tests of this folder, whichever process runs them."""

from __future__ import annotations

import fcntl
import pickle
from pathlib import Path

import pytest

from tests.packaging.installed import Installed, install


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Installed:
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder = shared / "installed"
    with (shared / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process installs, the others wait here
        done = folder / "done"
        if not done.exists():
            folder.mkdir()
            done.write_bytes(pickle.dumps(install(folder)))
        found: Installed = pickle.loads(done.read_bytes())
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
