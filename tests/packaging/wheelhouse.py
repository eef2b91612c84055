"""
Wheels of what is installed in this environment, made again of its files: a package can be installed from
them into an empty environment, with all that it says it needs and nothing else, without a network.
"""

from __future__ import annotations

import zipfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

from tests.packaging.locks import locked, plain


def make_wheelhouse(folder: Path) -> None:
    """Write a wheel of each distribution that a server may need, as its lock names them, into *folder*."""
    wanted = locked("requirements-server.lock")
    for one in distributions():
        if plain(one.metadata["Name"]) in wanted:
            _pack(one, folder)


def _pack(one: Distribution, folder: Path) -> None:
    """Its files but those outside of the library (scripts, which their entry points make anew)."""
    tag = next(
        line.removeprefix("Tag:").strip()
        for line in (one.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag:")
    )
    name = plain(one.metadata["Name"]).replace("-", "_")
    with zipfile.ZipFile(folder / f"{name}-{one.version}-{tag}.whl", "w") as archive:
        for file in one.files or ():
            path = Path(str(file.locate()))
            if ".." not in file.parts and path.is_file() and "__pycache__" not in file.parts:
                archive.write(path, str(file))
