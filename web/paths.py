"""Addresses of this server to send a browser to: what came from anywhere leads nowhere else."""

from __future__ import annotations

import re

LONGEST_PATH = 2000  # characters of an address to come back to
OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")  # //host and /\host would lead elsewhere


def own_path(path: str | None) -> str:
    """*path*, if it is one of this server's; else the home page."""
    return path if path and len(path) <= LONGEST_PATH and OWN_PATH.fullmatch(path) else "/"
