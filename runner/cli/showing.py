"""How things look on a terminal: JSON, tables, moments, and texts that a payload cannot act through."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from runner.values import Json

COLOURS = {
    "succeeded": "green",
    "accepted": "green",
    "recovered": "yellow",
    "waiting": "yellow",
    "queued": "cyan",
    "running": "cyan",
    "failed": "red",
    "rejected": "red",
    "cancelled": "bright_black",
    "filtered": "bright_black",
    "skipped": "bright_black",
    "ignored": "bright_black",
    "duplicate": "bright_black",
    "held": "yellow",
    "dropped": "bright_black",
}
LONGEST_VALUE = 400  # characters of a value in a text for people; --json has all of it


def print_json(value: Json) -> None:
    """Print *value* as JSON that people can read too."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_line(value: Json) -> None:
    """Print *value* as JSON on one line, at once: one of an endless list."""
    click.echo(json.dumps(value, ensure_ascii=False))
    sys.stdout.flush()


def print_list(page: Json, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a page of a list as a table, with the way to the next one on stderr."""
    if not page["items"]:
        click.echo("Nothing found." if page["next"] is None else "Nothing found so far.", err=True)
    else:
        print_table(columns, rows)
    if page["next"]:
        click.echo(f"There may be more: --cursor {page['next']}", err=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their headings; on a terminal no line is longer than it is wide."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *shown, strict=True)]
    room = shutil.get_terminal_size().columns if _is_terminal() else None
    click.secho(_line(columns, widths, room), bold=True)
    for row in shown:
        line = _line(row, widths, room)
        colour = next((COLOURS[cell] for cell in row if cell in COLOURS), None)
        word = next((cell for cell in row if cell in COLOURS), "")
        click.echo(line.replace(word, click.style(word, fg=colour), 1) if word else line)


def status_word(status: str) -> str:
    """A status in its colour."""
    return click.style(status, fg=COLOURS.get(status))


def moment(iso: str | None) -> str:
    """`2026-05-03 14:00:26` (UTC) of an ISO 8601 time, or nothing."""
    return iso[:19].replace("T", " ") if iso else ""


def seconds_between(began: str | None, ended: str | None) -> str:
    """`1.25 s` between two ISO 8601 times, or nothing where one is missing."""
    if not began or not ended:
        return ""
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def value_text(value: Json) -> str:
    """*value* as compact JSON on one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… (--json shows all)"


def printable(text: str) -> str:
    """*text* without control characters: what a sender wrote cannot speak to the terminal."""
    return "".join(one if one.isprintable() else "?" for one in text)


def note(text: str) -> None:
    """Say *text* to people on stderr: stdout is for the result."""
    click.echo(text, err=True)


def say_changed(name: str, text: str, *, as_json: bool) -> None:
    """Say that what is called *name* was changed: *text* to people, an object to programs."""
    if as_json:
        print_json({"name": name, "changed": True})
    else:
        note(text)


def is_plain_wanted(environment: Any = os.environ) -> bool:
    """Whether NO_COLOR asks for no colour. Source: no-color.org."""
    return bool(environment.get("NO_COLOR"))


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _line(cells: Sequence[str], widths: Sequence[int], room: int | None) -> str:
    line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
    return line if room is None or len(line) <= room else f"{line[: room - 1]}…"
