"""Paths made of what a payload holds."""

from __future__ import annotations

from urllib.parse import quote

from runner.errors import Rejected


def url_path(*segments: str) -> str:
    """
    The path of *segments*, each encoded so that it stays one: `/tables/a%2Fb`.

    Raises:
        Rejected: one is empty, or would lead to another place (`.` and `..`, which no encoding stops).
    """
    for one in segments:
        if not one.strip() or one in {".", ".."}:
            raise Rejected(f"{one!r} cannot stand in an address; an id or a name is needed there")
    return "".join(f"/{quote(one, safe='')}" for one in segments)
