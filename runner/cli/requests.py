"""A request as it is typed on the command line: headers as `K:V`, a body from a file."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from pathlib import Path

import click

CONTENT_TYPES = {  # by suffix: what the machine's own table lacks, or may have otherwise
    ".csv": "text/csv",
    ".form": "application/x-www-form-urlencoded",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".urlencoded": "application/x-www-form-urlencoded",
    ".xml": "application/xml",
}


def headers_of(given: Iterable[str]) -> dict[str, str]:
    """
    Read the values of `--header`: lower-case names, the values of a repeated one joined by ", ".

    Raises:
        click.UsageError: one is not K:V.
    """
    headers: dict[str, str] = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip():
            raise click.UsageError(f'--header "{one}" is not K:V; write for example "X-Topic: orders/create"')
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return headers


def content_type_of(file: Path) -> str | None:
    """The media type that the name of *file* speaks of, or None."""
    return CONTENT_TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file)[0]
