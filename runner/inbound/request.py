"""A request as its sender made it: what a signature covers, before anything is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit

from runner.errors import InboundError
from runner.inbound.bounds import Bounds
from runner.inbound.decode import decode
from runner.values import Json

MAX_FIELDS = 1_000  # of a form or a query that a signature covers


@dataclass(frozen=True)
class Request:
    """
    `url` is the address as the sender knows it, with its query: from `public_url`, never from the
    Host header. `headers` has lower-case names, repeated ones joined by ", ". `body` is raw.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """The header's value without outer white space; empty where it is absent. *name* is lower-case."""
        return self.headers.get(name, "").strip()

    @cached_property
    def query(self) -> dict[str, str]:
        """The fields of the URL's query; of a repeated one the last."""
        try:
            return dict(
                parse_qsl(urlsplit(self.url).query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
            )
        except ValueError:
            return {}

    @cached_property
    def json(self) -> Json:
        """
        The body read as JSON whatever its content type says, for signatures that stand inside it.
        None where it is none; never raises.
        """
        try:
            return decode(self.body, content_type="application/json", bounds=Bounds()).payload
        except InboundError:
            return None

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        """The body's fields, decoded, in order, repeated ones each; empty where it is no such form."""
        if self.header("content-type").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            return []
        try:
            text = self.body.decode()
            return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:  # no UTF-8, or too many fields
            return []
