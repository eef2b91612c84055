"""Headers that are lists with quoted strings in them: splitting, and taking quotes off. Pure."""

from __future__ import annotations

import re

QUOTED_STRING = r'"(?:[^"\\]|\\.)*"'  # RFC 9110 section 5.6.4
CLOSED = re.compile(rf'(?:{QUOTED_STRING}|[^"])*', re.DOTALL)
PARTS = {mark: re.compile(rf'(?:{QUOTED_STRING}|[^"{mark}])+', re.DOTALL) for mark in ",;"}
QUOTED = re.compile(QUOTED_STRING, re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def split_quoted(text: str, mark: str) -> list[str] | None:
    """
    Split *text* at each *mark* ("," or ";") outside of quotes, without white space around and empty
    parts. None where a quote is left open: nobody knows what it was to hold.
    """
    if CLOSED.fullmatch(text) is None:
        return None
    return [part.strip() for part in PARTS[mark].findall(text) if part.strip()]


def unquoted(text: str) -> str:
    """Give what a quoted string says, and any other text as it is."""
    return ESCAPED.sub(r"\1", text[1:-1]) if QUOTED.fullmatch(text) else text
