"""What an action would send: the request up to the moment at which it would leave, and how it is shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from runner.language.secrets import MASK
from runner.values import Json, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.connector import Reply

LONGEST_BODY = 64 * 1024  # characters of a body that are shown
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})
WORD = re.compile(r"[\w-]+")
QUOTED_MASK = quote(MASK)


@dataclass(frozen=True, slots=True)
class Unsent:
    """A request that is not sent, its `url` with the query; secrets stand in it as MASK."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def host(self) -> str:
        """Whom it would go to."""
        return urlsplit(self.url).hostname or ""

    def as_json(self) -> dict[str, Json]:
        """`{method, url, headers, body, curl}`: the body as a text, or JSON where it is that."""
        headers = {name: _header(name, value) for name, value in self.headers.items()}
        url, text = self.url.replace(QUOTED_MASK, MASK), self._text()
        shown: Json = text
        if text is not None and "json" in _of(headers, "content-type"):
            try:
                shown = loads(text.encode())
            except ValueError:
                shown = text
        return {
            "method": self.method,
            "url": url,
            "headers": headers,
            "body": shown,
            "curl": curl_of(self.method, url, headers.items(), text),
        }

    def _text(self) -> str | None:
        if self.body is None:
            return None
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            return f"({len(self.body):,} bytes)"
        text = text.replace(QUOTED_MASK, MASK)
        return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}…"


class NotSent(Exception):
    """The way out was asked to send *request* (or, without one, to connect to *host*), and did not."""

    def __init__(self, request: Unsent | None, host: str) -> None:
        super().__init__(host)
        self.request = request
        self.host = host


@dataclass(slots=True)
class InventedReply:
    """A `Reply` of runner.connector that nobody gave: JSON, with 200."""

    value: Json
    url: str
    content: bytes
    headers: Mapping[str, str]
    status: int = 200

    @classmethod
    def of(cls, value: Json, url: str) -> Reply:
        """The answer *value* from *url*."""
        return cls(value, url, dumps(value).encode(), {"content-type": "application/json"})

    def text(self) -> str:
        """The value as JSON."""
        return self.content.decode()

    def json(self) -> Json:
        """The value."""
        return self.value

    def accept(self, *also: int) -> Reply:  # noqa: ARG002 - the port's
        """It is fine."""
        return self

    def retry_after(self) -> float | None:
        """It asks for nothing."""
        return None


def _header(name: str, value: str) -> str:
    """A header as it may be shown: of what is made of a secret, the scheme alone."""
    if name.lower() not in CREDENTIALS or value == MASK:
        return value
    scheme = WORD.match(value)
    return f"{scheme[0]} {MASK}" if scheme and value[scheme.end() :].startswith(" ") else MASK


def _of(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def curl_of(method: str, url: str, headers: Iterable[tuple[str, str]], body: str | None) -> str:
    """The request as a line for a shell."""
    words = ["curl", *(["-X", method] if method != ("GET" if body is None else "POST") else []), url]
    for name, value in headers:
        words += ["-H", f"{name}: {value}"]
    if body is not None:
        words += ["--data-raw", body]
    return " ".join(map(shlex.quote, words))
