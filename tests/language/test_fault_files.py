"""
Every kind of fault that a file can have: `faults/<code>[-variant].yaml`, and beside it, as `.golden`,
what is said of it to the word. `UPDATE_GOLDEN=1` writes the golden files anew: look at what changed.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.language.fault_reference import explained
from runner.language.faults import Fault
from runner.language.fixes import applied
from tests.language.fault_desk import check, laid

FOLDER = Path(__file__).parent / "faults"
ROOT = Path(__file__).parents[2]
FILES = sorted(FOLDER.glob("*.yaml"))
IS_UPDATING = bool(os.environ.get("UPDATE_GOLDEN"))
LONGEST = 20  # faults of a golden file; of more the first, and how many there are

SOURCES = (
    *sorted((ROOT / "runner" / "language").glob("*.py")),
    *sorted((ROOT / "runner" / "workbench").glob("case_*.py")),
    ROOT / "runner" / "cli" / "case_files.py",
    ROOT / "runner" / "cli" / "overriding.py",
    ROOT / "runner" / "engine" / "library.py",
    ROOT / "runner" / "engine" / "checking.py",
    ROOT / "runner" / "engine" / "trying.py",
    ROOT / "runner" / "openapi" / "files.py",
)
CODE_AT: dict[str, tuple[int, ...]] = {  # the argument that is a fault's code, by what is called
    "fault": (2,), "refuse": (2,), "Fault": (4,), "Finding": (0,), "Trap": (1,), "Slip": (1,),
    "TemplateFault": (2,), "_fault": (3,), "_at_event": (3,), "at": (1,),
}  # fmt: skip
WORD = re.compile("[a-z]+(-[a-z]+)*")


def code_of(file: Path) -> str:
    """The code that a file is of: the longest that its name begins with."""
    fitting = [one for one in explained() if file.stem == one or file.stem.startswith(f"{one}-")]
    assert fitting, f"{file.name} is of no known fault"
    return max(fitting, key=len)


def golden(faults: list[Fault]) -> str:
    """What is said, as the golden file has it."""
    return "".join(map(described, faults[:LONGEST])) + (
        f"and {len(faults) - LONGEST} more\n" if len(faults) > LONGEST else ""
    )


def described(fault: Fault) -> str:
    lines = [f"{fault.path}:{fault.line}:{fault.column} {fault.severity} {fault.code}"]
    lines += [f"  where    {fault.where}"] if fault.where else []
    lines += [f"  message  {fault.message}"]
    lines += [f"  hint     {fault.hint}"] if fault.hint else []
    if fix := fault.fix:
        lines += [f"  fix      {fix.line}:{fix.column}-{fix.end_line}:{fix.end_column} {fix.text!r}"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_a_fault_is_found_and_told_to_the_word(file: Path, tmp_path: Path) -> None:
    faults = check(file.read_text(encoding="utf-8"), tmp_path, file.name)
    assert code_of(file) in {one.code for one in faults}
    said, path = golden(faults), file.with_suffix(".golden")
    if IS_UPDATING:
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_a_mend_takes_its_fault_away_and_brings_no_other(file: Path, tmp_path: Path) -> None:
    piece = file.read_text(encoding="utf-8")
    faults = check(piece, tmp_path / "before", file.name)
    what = laid(piece, file.name)
    fixed = [one for one in faults if one.fix]
    for fault in fixed[:5]:
        text = what.files[fault.path]
        assert fault.fix is not None
        mended = applied(text, [fault.fix])
        assert mended != text
        again = check(_with(piece, file.name, fault.path, mended), tmp_path / str(len(mended)), file.name)
        left = [(one.code, one.where, one.message) for one in again]
        assert (fault.code, fault.where, fault.message) not in left
        errors = sum(one.severity == "error" for one in again)
        assert errors <= sum(one.severity == "error" for one in faults), (mended, [*map(str, again)])


def _with(piece: str, name: str, path: str, text: str) -> str:
    """*piece* with *text* as its file *path*."""
    what = laid(piece, name)
    orders = [one for one in piece.splitlines(keepends=True) if re.match(r"#! (?!file|pad|lines)", one)]
    files = {**what.files, path: text}
    return "".join(orders) + "".join(f"#! file {one}\n{each}" for one, each in files.items())


def codes_in(source: Path) -> Iterator[str]:
    """Every code of a fault that *source* can give."""
    places = {**CODE_AT, "fault": (1,), "refuse": (1,)} if source.name == "source.py" else CODE_AT
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = str(getattr(node.func, "attr", None) or getattr(node.func, "id", ""))
            at_these = places.get(name, ())
            given = [node.args[at] for at in at_these if at < len(node.args)]
            # a method of a node, `at(where, key)`, is called as the one of source.py is
            if name == "at" and not isinstance(node.func, ast.Attribute):
                given = []
            given += [one.value for one in node.keywords if one.arg == "code"]
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 3:
            given = node.value.elts[:1]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and _names_code(node):
            given = [node.value] if node.value else []
        else:
            continue
        words = [one.value for one in given if isinstance(one, ast.Constant)]
        yield from (one for one in words if isinstance(one, str) and WORD.fullmatch(one))


def _names_code(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any((getattr(one, "attr", None) or getattr(one, "id", "")) == "code" for one in targets)


def test_every_code_of_the_source_has_a_file_and_is_explained() -> None:
    given = {code for source in SOURCES for code in codes_in(source)} - {"error", "warning"}
    assert sorted(given - explained().keys()) == []
    assert sorted(explained().keys() - given) == []
    assert sorted(explained().keys() - {code_of(file) for file in FILES}) == []


def test_there_are_many_kinds() -> None:
    assert len(explained()) >= 80
    assert len(FILES) >= 200
