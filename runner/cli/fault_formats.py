"""How faults are printed: for people, for programs, for a pull request and for code scanning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.showing import print_json
from runner.values import Json

if TYPE_CHECKING:
    from runner.language.faults import Fault

PAGE = "/docs/faults"
SOURCE = "http://127.0.0.1:8000"  # where a server is that nobody has given another address


def print_faults(faults: Sequence[Fault], texts: Mapping[str, str], form: str, *, address: str) -> None:
    """Print *faults* as *form*; *texts* are of the files by path, *address* a server's with the reference."""
    forms: Mapping[str, Callable[[], None]] = {
        "text": lambda: _text(faults, texts),
        "json": lambda: print_json([fault.as_json() for fault in faults]),
        "github": lambda: _github(faults),
        "sarif": lambda: print_json(_sarif(faults, address)),
    }
    forms[form]()


def print_fault(fault: Fault, text: str, *, err: bool = False) -> None:
    """Print a fault with its source line and a caret; *text* is the file's."""
    from runner.language.faults import render_fault

    head, *source = render_fault(fault, text).split("\n")
    label = click.style(f"{fault.severity}: ", fg="red" if fault.severity == "error" else "yellow", bold=True)
    click.echo(label + "\n".join([head, *source]), err=err)


def _text(faults: Sequence[Fault], texts: Mapping[str, str]) -> None:
    for fault in faults:
        print_fault(fault, texts.get(fault.path, ""))


def _sentence(fault: Fault) -> str:
    sentence = f"{fault.message}; {fault.hint}" if fault.hint else fault.message
    return f"{fault.where}: {sentence}" if fault.where else sentence


def _github(faults: Sequence[Fault]) -> None:
    """Workflow commands. Source: docs.github.com, "Workflow commands for GitHub Actions"."""
    for fault in faults:
        place = f"file={_property(fault.path)},line={fault.line},col={fault.column}"
        title = _property(fault.code)
        click.echo(f"::{fault.severity} {place},title={title}::{_data(_sentence(fault))}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(faults: Sequence[Fault], address: str) -> Json:
    """Source: SARIF 2.1.0, OASIS; docs.github.com, "SARIF support for code scanning"."""
    from runner import __version__

    codes = sorted({fault.code for fault in faults})
    driver = {
        "name": "hookline",
        "version": __version__,
        "rules": [_rule(code, f"{address or SOURCE}{PAGE}/{code}") for code in codes],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(fault, codes.index(fault.code)) for fault in faults],
            }
        ],
    }


def _rule(code: str, page: str) -> Json:
    from runner.language.fault_reference import explained

    rule: dict[str, Json] = {"id": code, "helpUri": page}
    one = explained().get(code)
    if one is not None:
        examples = [
            f"\n\n{head}:\n\n```yaml\n{text}```"
            for head, text in (("Wrong", one.as_json()["wrong"]), ("Mended", one.as_json()["mended"]))
            if text
        ]
        rule |= {
            "shortDescription": {"text": one.title},
            "fullDescription": {"text": one.about},
            "help": {"text": one.about, "markdown": one.about + "".join(examples)},
        }
    return rule


def _result(fault: Fault, rule: int) -> Json:
    artifact = {"uri": Path(fault.path).as_posix()}
    result: dict[str, Json] = {
        "ruleId": fault.code,
        "ruleIndex": rule,
        "level": fault.severity,
        "message": {"text": _sentence(fault)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": artifact,
                    "region": {"startLine": fault.line, "startColumn": fault.column},
                }
            }
        ],
    }
    if fix := fault.fix:
        region = {
            "startLine": fix.line,
            "startColumn": fix.column,
            "endLine": fix.end_line,
            "endColumn": fix.end_column,
        }
        replacement = {"deletedRegion": region, "insertedContent": {"text": fix.text}}
        change = {"artifactLocation": artifact, "replacements": [replacement]}
        result["fixes"] = [{"description": {"text": fault.hint or "mend it"}, "artifactChanges": [change]}]
    return result
