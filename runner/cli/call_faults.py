"""What is wrong with the calls among the workflows of a folder: a part of `hookline check`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine.library import basis_in, text_of, workflow_files
from runner.language.basis import NO_BASIS
from runner.language.calls import check_calls
from runner.language.faults import Fault
from runner.language.load import load

if TYPE_CHECKING:
    from runner.language.catalogue import Catalogue
    from runner.settings_vars import VarOverrides


def siblings(catalogue: Catalogue, file: Path) -> Catalogue:
    """*catalogue* with the workflows that stand beside *file*."""
    return replace(catalogue, workflows=[one.stem for one in workflow_files(file.parent)])


def call_faults(files: Iterable[Path], catalogue: Catalogue, overrides: VarOverrides) -> list[Fault]:
    """The faults of *files*, which call others; these are read too, whether they are asked for or not."""
    asked = {str(file) for file in files}
    found: list[Fault] = []
    for folder in {Path(one).parent for one in asked}:
        loaded = {}
        for file in workflow_files(folder):
            text = text_of(file)
            if isinstance(text, Fault):
                continue
            basis = basis_in(folder, overrides.of(file.stem))
            one = load(
                text,
                path=str(file),
                slug=file.stem,
                catalogue=siblings(catalogue, file),
                basis=NO_BASIS if isinstance(basis, Fault) else basis,
            )
            loaded[file.stem] = str(file), one
        found += [fault for fault in check_calls(loaded) if fault.path in asked]
    return found
