"""`hookline check --fix`: the mends that are certain, written into the files or shown as a diff."""

from __future__ import annotations

import difflib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from runner.language.faults import Fault

MOST_ROUNDS = 8  # a mend may let others be seen that it stood before


async def mended_texts(
    texts: Mapping[str, str],
    faults: Sequence[Fault],
    check_again: Callable[[Mapping[Path, str]], Awaitable[Sequence[Fault]]],
) -> dict[str, str]:
    """
    The files of *texts* (by path) that change when all certain mends of *faults* are made.
    `check_again(changed)` gives the faults with *changed* texts in place of what is on the disk.
    """
    from runner.language.fixes import applied

    changed: dict[str, str] = {}
    for _ in range(MOST_ROUNDS):
        by_path: dict[str, list[Fault]] = {}
        for fault in faults:
            if fault.fix is not None and fault.path in texts:
                by_path.setdefault(fault.path, []).append(fault)
        before = dict(changed)
        for path, those in by_path.items():
            text = changed.get(path, texts[path])
            better = applied(text, [one.fix for one in those if one.fix])
            if better != text:
                changed[path] = better
        if changed == before:
            break
        faults = await check_again({Path(path): text for path, text in changed.items()})
    return changed


def print_diff(texts: Mapping[str, str], changed: Mapping[str, str]) -> None:
    """Print what changes as a unified diff, which `patch` and `git apply` read."""
    for path in sorted(changed):
        lines = difflib.unified_diff(
            texts[path].splitlines(keepends=True),
            changed[path].splitlines(keepends=True),
            path,
            path,
        )
        for line in lines:
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            is_head = line.startswith(("+++", "---"))
            text = line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            click.echo(click.style(text, fg=None if is_head else colour, bold=is_head), nl=False)


def write(changed: Mapping[str, str]) -> None:
    """
    Write the *changed* texts by path; each file is replaced whole, or stays as it was.

    Raises:
        OSError: one cannot be written.
    """
    for path, text in changed.items():
        file = Path(path).resolve()
        beside = file.with_name(f".{file.name}.{os.getpid()}.new")
        try:
            beside.write_bytes(text.encode())
            beside.chmod(file.stat().st_mode & 0o777)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
