"""
All that can be said of workflow files without running them: the one function behind `hookline check`,
the API and the editor. A file is judged among those of its folder: what they share, whom it calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine.library import SUFFIX, basis_in, text_of, workflow_files
from runner.engine.trying import recorded_samples, tried
from runner.language.basis import DEFAULTS_FILE, NO_BASIS
from runner.language.calls import check_calls
from runner.language.defaults import check_defaults
from runner.language.faults import Fault
from runner.language.formerly import formerly_of, taken_fault
from runner.language.load import Loaded, load
from runner.language.merging import first_marker

if TYPE_CHECKING:
    from runner.engine.history import History
    from runner.language.catalogue import Catalogue
    from runner.language.workflow import Workflow
    from runner.values import Json

Overrides = Callable[[str], Mapping[str, "Json"]]
"""The vars that this server's configuration sets for a slug."""


@dataclass(frozen=True, slots=True)
class Checked:
    """
    What was found: all faults in the order of the files, the text of each file by its path, and what
    was loaded by slug.
    """

    faults: tuple[Fault, ...]
    texts: Mapping[str, str]
    loaded: Mapping[str, Loaded]

    @property
    def workflows(self) -> list[Workflow]:
        """Those without an error."""
        return [one.workflow for one in self.loaded.values() if one.workflow is not None]


def check_files(
    files: Iterable[Path],
    catalogue: Catalogue,
    *,
    overrides: Overrides = lambda _slug: {},
    instead: Mapping[Path, str] | None = None,
) -> Checked:
    """
    Judge workflow *files*, and the defaults beside them. *instead* has texts by path that stand for what
    is on the disk, which need not be there.
    """
    checker = _Checker(catalogue, overrides, instead or {})
    for file in dict.fromkeys(files):
        checker.workflow(file)
    checker.calls()
    return Checked(tuple(dict.fromkeys(checker.faults)), checker.texts, checker.loaded)


async def check_text(
    text: str,
    slug: str,
    folder: Path,
    catalogue: Catalogue,
    *,
    overrides: Overrides = lambda _slug: {},
    history: History | None = None,
    clock: Callable[[], float] | None = None,
) -> tuple[Fault, ...]:
    """
    Judge *text* as if it were the file of *slug* in *folder*, and on its last events where there is a
    *history* (`clock()`: seconds that only grow, by which that is bounded). Faults name files without
    their folder.

    Raises:
        StoreUnavailable: the events cannot be read.
    """
    path = folder / f"{slug}{SUFFIX}"
    checked = await asyncio.to_thread(
        check_files, [path], catalogue, overrides=overrides, instead={path: text}
    )
    found = [*checked.faults]
    if history is not None and clock is not None and slug in checked.loaded:
        samples = await recorded_samples(history, slug, clock)
        found += tried(checked.loaded[slug], samples, str(path), text)
    return tuple(replace(one, path=Path(one.path).name) for one in _sorted(found))


def _sorted(faults: Sequence[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda one: (one.path, one.line, one.column))


class _Checker:
    def __init__(self, catalogue: Catalogue, overrides: Overrides, instead: Mapping[Path, str]) -> None:
        self.catalogue = catalogue
        self.overrides = overrides
        self.instead = instead
        self.faults: list[Fault] = []
        self.texts: dict[str, str] = {}
        self.loaded: dict[str, Loaded] = {}
        self.calling: dict[Path, set[str]] = {}  # by folder, the paths of files that call others
        self.siblings: dict[Path, Collection[str]] = {}

    def workflow(self, file: Path) -> None:
        """Judge one file by itself, and the defaults of its folder the first time."""
        defaults = file.with_name(DEFAULTS_FILE)
        if str(defaults) not in self.texts and defaults.exists():
            self.defaults(defaults)
        text = self.text(file)
        if isinstance(text, Fault):
            self.faults.append(text)
            return
        loaded = self.load(file, text)
        self.texts[str(file)] = text
        self.loaded[file.stem] = loaded
        self.faults += loaded.faults
        if loaded.calls:
            self.calling.setdefault(file.parent, set()).add(str(file))
        self.faults += [
            taken_fault(text, str(file), old)
            for old in formerly_of(text)
            if old != file.stem and file.with_name(f"{old}{SUFFIX}").exists()
        ]
        self.faults += [*_misnamed(file), *_unmerged(file, text)]

    def text(self, file: Path) -> str | Fault:
        return self.instead[file] if file in self.instead else text_of(file)

    def defaults(self, file: Path) -> None:
        text = text_of(file)
        if isinstance(text, Fault):
            self.faults.append(text)
            return
        self.texts[str(file)] = text
        self.faults += check_defaults(text, str(file), self.catalogue)

    def load(self, file: Path, text: str) -> Loaded:
        basis = basis_in(file.parent, self.overrides(file.stem))
        basis = NO_BASIS if isinstance(basis, Fault) else basis  # said of the defaults themselves
        if file.parent not in self.siblings:
            there = [one.stem for one in workflow_files(file.parent)]
            given = [one.stem for one in self.instead if one.parent == file.parent]
            self.siblings[file.parent] = list(dict.fromkeys([*there, *given]))
        catalogue = replace(self.catalogue, workflows=self.siblings[file.parent])
        return load(text, path=str(file), slug=file.stem, catalogue=catalogue, basis=basis)

    def calls(self) -> None:
        """The faults of calls among a folder's files; those called are read too, asked for or not."""
        for folder, asked in self.calling.items():
            loaded = {}
            for file in dict.fromkeys([*workflow_files(folder), *self.instead]):
                text = self.text(file)
                if file.parent == folder and isinstance(text, str):
                    known = self.loaded.get(file.stem) if str(file) in self.texts else None
                    loaded[file.stem] = str(file), known or self.load(file, text)
            self.faults += [one for one in check_calls(loaded) if one.path in asked]


def _unmerged(file: Path, text: str) -> list[Fault]:
    """What two people wrote stands there twice: both may well be read, as comments part them."""
    line = first_marker(text)
    if line is None:
        return []
    message = "two people changed these lines, and both stand here"
    hint = "keep what is meant, and take the lines with <<<<<<<, ======= and >>>>>>> out"
    return [Fault(str(file), line, 1, "", "merge-marker", "error", message, hint)]


def _misnamed(file: Path) -> list[Fault]:
    """A server reads `*.yaml` alone; a `.yml` would lie there in silence."""
    if file.suffix == SUFFIX:
        return []
    message, hint = "the server does not read this file", f"name it {file.stem}{SUFFIX}"
    return [Fault(str(file), 1, 1, "", "file-name", "warning", message, hint)]
