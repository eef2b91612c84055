"""How much a request may hold: some words everywhere, a whole file where one is sent."""

from __future__ import annotations

import re
from typing import Any

from quart import Request

MOST_BODY_BYTES = 64 * 1024  # of a form or a call of the API: none holds more than some words
MOST_FILE_BYTES = 2 * 1024 * 1024 + MOST_BODY_BYTES  # 1 MiB as a text of JSON, with its escapes
TAKES_A_FILE = re.compile(
    r"/api/v1/workflows(/[^/]+(/(check|draft|publish|merge|review|try|sample))?)?|/api/v1/(evaluate|preview|connectors/from-openapi)"
)


class BoundedRequest(Request):
    """A request whose body is bounded by its address, before anything is read of it."""

    def __init__(self, method: str, scheme: str, path: str, *given: Any, **named: Any) -> None:
        """As Quart makes it."""
        if method in {"POST", "PUT"} and TAKES_A_FILE.fullmatch(path):
            named["max_content_length"] = MOST_FILE_BYTES
        super().__init__(method, scheme, path, *given, **named)
