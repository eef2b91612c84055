"""A request as it is typed on the command line: headers as `K:V`."""

from __future__ import annotations

from collections.abc import Iterable

import click


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
