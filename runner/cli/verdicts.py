"""What `hookline test` says of its cases: to people, to programs, and to a CI's JUnit reader."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import click

from runner.cli.showing import printable
from runner.values import Json, dumps
from runner.workbench.matching import MISSING
from runner.workbench.writing import flow

if TYPE_CHECKING:
    from runner.cli.case_files import CaseFile
    from runner.workbench.bench import Performance
    from runner.workbench.coverage import Coverage
    from runner.workbench.judging import Finding
    from runner.workbench.trial import Tried

LONGEST = 300  # characters of a value in a line
MOST_LISTED = 12  # places that no case reached
ENDING = 20  # characters of an end of a text


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """A test file and what came of it: nothing was tried where it is bad."""

    file: CaseFile
    tried: Sequence[Tried] = ()
    coverage: Coverage | None = None

    @property
    def failed(self) -> int:
        """How many cases failed."""
        return sum(bool(one.findings) for one in self.tried)


def show_file(verdict: FileVerdict) -> None:
    """Print a file's cases, one a line, with what differs, and what none of them reached."""
    click.secho(str(verdict.file.path), bold=True)
    for one in verdict.tried:
        has_passed = not one.findings
        mark = click.style("  passed" if has_passed else "  failed", fg="green" if has_passed else "red")
        click.echo(f"{mark}  {printable(one.case.name)} ({one.seconds * 1000:.0f} ms)")
        if has_passed:
            continue
        place = one.case.place
        click.echo(f"          {verdict.file.path}:{place.line}:{place.column}")
        for line in _explained(one):
            click.echo(f"          {line}")
    if verdict.coverage:
        click.echo(f"  {reached(verdict.coverage)}")


def reached(coverage: Coverage) -> str:
    """`5 of 7 steps and cases were reached; not: route.case#2, tell!error.mail`."""
    sentence = f"{coverage.reached} of {coverage.total} steps and cases were reached"
    if not coverage.unreached:
        return sentence
    rest = len(coverage.unreached) - MOST_LISTED
    more = f" and {rest} more" if rest > 0 else ""
    return f"{sentence}; not: {', '.join(coverage.unreached[:MOST_LISTED])}{more}"


def _explained(tried: Tried) -> Iterator[str]:
    for one in tried.findings:
        yield from _of_finding(one)
    performance = tried.performance
    if any(one.where.startswith(("status", "reason", "steps", "actions")) for one in tried.findings):
        yield click.style(f"{performance.status}: {printable(performance.reason.sentence)}", dim=True)
        yield from _survived(performance)


def _survived(performance: Performance) -> Iterator[str]:
    """The errors that did not end the run: under `on_error: continue` they would be seen nowhere."""
    told = set[str]()
    for path, error in performance.failures.items():
        message = error["message"]  # a step around gives the same again
        if message not in told and message not in performance.reason.sentence and len(told) < MOST_LISTED:
            told.add(message)
            text = f"{printable(path)} failed ({error['type']}): {printable(message)}"
            yield click.style(text if len(text) <= LONGEST else f"{text[:LONGEST]}…", dim=True)


def _of_finding(finding: Finding) -> Iterator[str]:
    where = click.style(printable(finding.where), bold=True)
    if finding.sentence:
        got = "" if finding.got is MISSING or finding.where == "status" else f": {_value(finding.got)}"
        yield f"{where}: {printable(finding.sentence)}{got}"
        return
    if (
        isinstance(finding.expected, str)
        and isinstance(finding.got, str)
        and "\n" in finding.expected + finding.got
    ):
        yield f"{where}:"
        yield from _text_diff(finding.expected, finding.got)
        return
    expected = click.style(_value(finding.expected), fg="green")
    yield f"{where}: expected {expected}, got {click.style(_value(finding.got), fg='red')}"


def _text_diff(expected: str, got: str) -> Iterator[str]:
    """Texts of several lines, line by line: `-` was expected, `+` came."""
    colours = {"-": "green", "+": "red"}
    for line in difflib.ndiff(expected.splitlines(), got.splitlines()):
        yield click.style(f"  {printable(line)}", fg=colours.get(line[0]))
    if expected.splitlines() == got.splitlines():
        ends = [dumps(text[-ENDING:]) for text in (expected, got)]
        yield f"  only the line ends differ: expected …{ends[0]}, got …{ends[1]}"


def _value(value: Json) -> str:
    if value is MISSING:
        return "nothing"
    text = printable(flow(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def summary(verdicts: Sequence[FileVerdict], seconds: float) -> str:
    """`12 cases passed, 1 failed in 0.31 s`."""
    failed = sum(one.failed for one in verdicts)
    passed = sum(len(one.tried) for one in verdicts) - failed
    bad = sum(one.file.is_bad for one in verdicts)
    parts = [f"{passed} case{'' if passed == 1 else 's'} passed"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{bad} file{'' if bad == 1 else 's'} not tried"] if bad else []
    return f"{', '.join(parts)} in {seconds:.2f} s"


def as_json(verdicts: Sequence[FileVerdict], seconds: float) -> Json:
    """`{summary, items: [a case], coverage, faults, next}`."""
    failed = sum(one.failed for one in verdicts)
    return {
        "summary": {
            "passed": sum(len(one.tried) for one in verdicts) - failed,
            "failed": failed,
            "files": len(verdicts),
            "not_tried": sum(one.file.is_bad for one in verdicts),
            "seconds": round(seconds, 3),
        },
        "items": [_case_json(verdict, one) for verdict in verdicts for one in verdict.tried],
        "coverage": [
            {
                "workflow": one.file.slug,
                "total": one.coverage.total,
                "reached": one.coverage.reached,
                "unreached": list(one.coverage.unreached),
            }
            for one in verdicts
            if one.coverage
        ],
        "faults": [fault.as_json() for one in verdicts for fault in one.file.faults],
        "next": None,
    }


def _case_json(verdict: FileVerdict, tried: Tried) -> Json:
    return {
        "workflow": verdict.file.slug,
        "path": str(verdict.file.path),
        "line": tried.case.place.line,
        "name": tried.case.name,
        "verdict": "failed" if tried.findings else "passed",
        "seconds": round(tried.seconds, 4),
        "status": tried.performance.status,
        "reason": tried.performance.reason.as_json(),
        "differences": [_finding_json(one) for one in tried.findings],
        "failures": [{"path": path, **error} for path, error in tried.performance.failures.items()],
    }


def _finding_json(finding: Finding) -> Json:
    return {
        "where": finding.where,
        "expected": None if finding.expected is MISSING else finding.expected,
        "got": None if finding.got is MISSING else finding.got,
        "message": finding.sentence,
    }


def write_junit(path: Path, verdicts: Iterable[FileVerdict]) -> None:
    """Write a report as JUnit has it, which every CI reads. Raises OSError."""
    root = ET.Element("testsuites")
    for verdict in verdicts:
        cases, name = verdict.tried, verdict.file.slug
        suite = ET.SubElement(
            root, "testsuite", name=name, tests=str(len(cases) or 1), failures=str(verdict.failed),
            errors=str(int(verdict.file.is_bad)), time=f"{sum(one.seconds for one in cases):.4f}",
        )  # fmt: skip
        if verdict.file.is_bad:
            case = ET.SubElement(suite, "testcase", classname=name, name=verdict.file.path.name)
            ET.SubElement(case, "error", message="the file has faults").text = _clean(
                "\n".join(map(str, verdict.file.faults))
            )
        for one in cases:
            case = ET.SubElement(
                suite, "testcase", classname=name, name=_clean(one.case.name), time=f"{one.seconds:.4f}",
                file=str(verdict.file.path), line=str(one.case.place.line),
            )  # fmt: skip
            if one.findings:
                told = [click.unstyle(line) for line in _explained(one)]
                ET.SubElement(case, "failure", message=_clean(told[0])).text = _clean("\n".join(told))
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    """Without characters that XML has no word for."""
    return "".join(one if one in "\n\t" or one.isprintable() else "?" for one in text)
