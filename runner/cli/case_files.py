"""Test files on disk: each with its workflow and its fixtures, read and checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine.library import basis_in, text_of, workflow_files
from runner.errors import SettingsError
from runner.language.faults import Fault
from runner.language.load import load
from runner.language.suggest import did_you_mean, one_of
from runner.workbench.case_reading import load_cases
from runner.workbench.events import Found

if TYPE_CHECKING:
    from runner.engine.runs import Event
    from runner.language.catalogue import Catalogue
    from runner.language.workflow import Place, Workflow
    from runner.workbench.cases import Case

SUFFIX = ".test.yaml"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """
    A test file. `faults` are its own, and those of its workflow's file where that has any that keep
    it from running; `texts` are of all files that these are about, by path.
    """

    path: Path
    text: str
    workflow: Workflow | None = None
    cases: tuple[Case, ...] = ()
    places: tuple[Place, ...] = ()  # of all cases of the file
    faults: tuple[Fault, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    found: Found = field(default_factory=lambda: Found({}, {}))

    @property
    def slug(self) -> str:
        """The workflow that it tests."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def is_bad(self) -> bool:
        """Whether a fault keeps its cases from being tried."""
        return any(one.severity == "error" for one in self.faults)

    def only(self, named: str) -> CaseFile:
        """With those cases alone that have *named* in their name."""
        return replace(self, cases=tuple(one for one in self.cases if named in one.name))

    def index_of(self, case: Case) -> int:
        """Which case of the file it is, counted from 0."""
        return self.places.index(case.place)

    def with_events(self, events: Mapping[str, Event]) -> CaseFile:
        """With the recorded *events* that its cases name; those that are missing are faults."""
        missing = [
            _at_event(
                self.path, one, "id", "recorded-event", f"there is no recorded event {one.event.recorded}"
            )
            for one in self.cases
            if one.event.recorded and one.event.recorded not in events
        ]
        return replace(self, found=Found(self.found.files, events), faults=(*self.faults, *missing))


def case_files(paths: Iterable[Path]) -> list[Path]:
    """
    The test files that *paths* mean: folders, test files, or workflow files that have one.

    Raises:
        SettingsError: there is none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(sorted(path.glob(f"*{SUFFIX}")))
            continue
        own = path if path.name.endswith(SUFFIX) else path.with_name(f"{path.stem}{SUFFIX}")
        if not own.exists():
            known = sorted(one.name for one in own.parent.glob(f"*{SUFFIX}")) if own.parent.is_dir() else []
            hint = did_you_mean(own.name, known) or "`hookline test --from-run RUN` makes a first case"
            raise SettingsError(f"there is no {own}; {hint}")
        found[own] = None
    if not found:
        raise SettingsError(
            f"there are no tests in {', '.join(map(str, paths))}; those of order.yaml stand in order{SUFFIX}"
        )
    return list(found)


def read_case_file(path: Path, catalogue: Catalogue, *, text: str | Fault | None = None) -> CaseFile:
    """Read *path*, or *text* in its place, its workflow beside it, and the files that its cases name."""
    text = text_of(path) if text is None else text
    if isinstance(text, Fault):
        return CaseFile(path, "", faults=(text,))
    file = CaseFile(path, text, texts={str(path): text})
    source = path.with_name(f"{file.slug}.yaml")
    if not source.exists():
        known = [one.stem for one in workflow_files(path.parent)]
        hint = did_you_mean(file.slug, known) or (one_of(known) if known else "")
        message = f"there is no {source.name} beside it, whose tests these would be"
        return replace(file, faults=(Fault(str(path), 1, 1, "", "no-workflow", "error", message, hint),))
    workflow_text = text_of(source)
    if isinstance(workflow_text, Fault):
        return replace(file, faults=(workflow_text,))
    basis = basis_in(path.parent, {})  # not what this server overrides: a test is the same everywhere
    if isinstance(basis, Fault):
        return replace(file, faults=(basis,))
    loaded = load(workflow_text, path=str(source), slug=file.slug, catalogue=catalogue, basis=basis)
    texts = {**file.texts, str(source): workflow_text, basis.path: basis.defaults}
    if loaded.workflow is None:
        errors = tuple(one for one in loaded.faults if one.severity == "error")
        return replace(file, faults=errors, texts=texts)
    cases = load_cases(text, path=str(path), workflow=loaded.workflow, catalogue=catalogue)
    files, missing = _fixtures(path, cases.cases)
    return replace(
        file,
        workflow=loaded.workflow,
        cases=cases.cases,
        places=tuple(one.place for one in cases.cases),
        faults=(*cases.faults, *missing),
        texts=texts,
        found=Found(files, {}),
    )


def recorded_in(files: Iterable[CaseFile]) -> Collection[str]:
    """The ids of the recorded events that their cases name."""
    return {one.event.recorded for file in files for one in file.cases if one.event.recorded}


def _fixtures(path: Path, cases: Iterable[Case]) -> tuple[dict[str, bytes], list[Fault]]:
    """The bodies of the files that *cases* name, and the faults of those that cannot be read."""
    files: dict[str, bytes] = {}
    missing = []
    for case in cases:
        name = case.event.file
        if name is None or name in files:
            continue
        try:
            files[name] = (path.parent / name).read_bytes()
        except OSError as error:
            folder = (path.parent / name).parent
            known = [str(one.relative_to(path.parent)) for one in folder.iterdir()] if folder.is_dir() else []
            hint = did_you_mean(name, known) or "the name is relative to the test file's folder"
            message = f"{name} cannot be read: {error.strerror or error}"
            missing.append(_at_event(path, case, "file", "no-fixture", message, hint))
    return files, missing


def _at_event(path: Path, case: Case, key: str, code: str, message: str, hint: str = "") -> Fault:
    """A fault of what a case's event names under *key*."""
    node = case.node.value["event"] if isinstance(case.node.value, dict) else case.node
    if isinstance(node.value, dict) and key in node.value:
        node = node.value[key]
    return Fault(
        str(path), node.place.line, node.place.column, f"{case.name}: event", code, "error", message, hint
    )
