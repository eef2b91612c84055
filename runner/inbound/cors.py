"""
Pages of other origins that may send here: what their browsers ask first, and what they are told.
Pure. Source: the Fetch Standard, section "CORS protocol".

CORS protects the person at the browser, not this server: whoever sends without a browser is not
held up by it. Cookies and other credentials are never allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MAX_AGE_SECONDS = 600  # so that a changed file counts within ten minutes; Chrome keeps two hours at most
MAX_HEADER_NAMES = 50
MAX_HEADERS_CHARACTERS = 1_000
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
ANY = "*"


def preflight(
    method: str, headers: Mapping[str, str], origins: Sequence[str], methods: Sequence[str]
) -> dict[str, str] | None:
    """
    Give the headers of the answer (204, no body) to a browser that asks whether it may send; None
    where the request is no such question, or *origins* is empty.

    *headers* and *origins* are in lower case as to names; *methods* are those of the webhook. To an
    origin that may not send the answer allows nothing, which the browser tells its page.
    """
    if method != "OPTIONS" or not origins:
        return None
    if not headers.get("origin") or not headers.get("access-control-request-method"):
        return None  # another kind of OPTIONS
    answer = cors_headers(headers["origin"], origins)
    if "access-control-allow-origin" not in answer:
        return answer
    answer["access-control-allow-methods"] = ", ".join(methods)
    answer["access-control-max-age"] = str(MAX_AGE_SECONDS)
    wanted = _header_names(headers.get("access-control-request-headers", ""))
    if wanted:
        answer["access-control-allow-headers"] = wanted
    return answer


def cors_headers(origin: str, origins: Sequence[str]) -> dict[str, str]:
    """
    Give what every answer, also a refusal, carries: so the page may read it. *origin* is the request's
    header, or empty. Nothing where *origins* (lower case, or "*" alone) is empty.
    """
    if not origins:
        return {}
    if ANY in origins:
        return {"access-control-allow-origin": ANY, "access-control-expose-headers": "retry-after"}
    answer = {"vary": "origin"}  # in any case: a cache must not give one origin's answer to another
    if origin.lower() in origins:
        answer["access-control-allow-origin"] = origin
        answer["access-control-expose-headers"] = "retry-after"
    return answer


def _header_names(text: str) -> str:
    """The names that a page wants to send, as it wrote them; empty where they are none, or too many."""
    if len(text) > MAX_HEADERS_CHARACTERS:
        return ""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(names) > MAX_HEADER_NAMES or not all(NAME.fullmatch(name) for name in names):
        return ""
    return ", ".join(names)
