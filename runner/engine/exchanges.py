"""
What a call sent and was answered, as it is kept with its step: bounded, and with no secret in it.

The way out notes each exchange as it was; only when the attempt has ended it becomes the text that is
stored. What a connection adds to a request is known by its name alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.language.secrets import MASK, masked
from runner.values import Json, dumps, iso, loads

MOST_NOTED = 8  # exchanges of one attempt: one that reads page after page keeps its first
MOST_BODY = 6 * 1024  # characters of a body, in each direction
READ_FOR_BODY = MOST_BODY + 8 * 1024  # so much is looked at, so that no half of a secret is left by the cut
MOST_HEADER = 512  # characters of a header's value
MOST_ADDRESS = 1024
HIDDEN = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "proxy-authenticate", "x-api-key"}
)
"""Headers that exist to say who one is; their names alone are kept."""
TEXTS = ("text/", "json", "xml", "x-www-form-urlencoded", "graphql", "javascript")


@dataclass(slots=True)
class Exchange:
    """
    A request as it was sent, and, once it came, its answer. `added` are the lower-case names of headers and
    of parameters of the query that the connection put in.
    """

    at: float
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    added: frozenset[str] = frozenset()
    ended_at: float | None = None
    status: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b""


@dataclass(slots=True)
class Tape:
    """Notes the exchanges of an attempt; `left_out` counts those for which there was no room."""

    exchanges: list[Exchange] = field(default_factory=list)
    left_out: int = 0

    def note(self, exchange: Exchange) -> Exchange:
        """*exchange*, noted where there is room."""
        if len(self.exchanges) < MOST_NOTED:
            self.exchanges.append(exchange)
        else:
            self.left_out += 1
        return exchange

    def taken(self, attempt: int, secret_values: frozenset[str]) -> str | None:
        """What was noted as a line to store, JSON; from here on the tape is empty. None: nothing was."""
        if not self.exchanges:
            return None
        shown: list[Json] = masked([_told(one) for one in self.exchanges], secret_values)
        for one in shown:  # only now: of a secret that was cut nobody would know the rest
            _cut(one)
            if one["answer"]:
                _cut(one["answer"])
        line = dumps({"attempt": attempt, "exchanges": shown, "left_out": self.left_out})
        self.exchanges, self.left_out = [], 0
        return line


def lines_read(text: str | None) -> list[Json]:
    """The attempts of a stored text, `{attempt, exchanges: […], left_out}`, the first one first."""
    return [loads(line.encode()) for line in text.split("\n")] if text else []


def _told(one: Exchange) -> dict[str, Json]:
    """One exchange as `{at, ms, method, url, headers, body, size, answer: {status, headers, body, size}}`."""
    address, question, query = one.url.partition("?")
    if query and one.added:
        query = "&".join(_parameter(part, one.added) for part in query.split("&"))
    body, size = _body(one.body, one.headers)
    answer = None
    if one.status is not None:
        text, length = _body(one.answer, one.answer_headers)
        headers = _headers(one.answer_headers, frozenset())
        answer = {"status": one.status, "headers": headers, "body": text, "size": length}
    return {
        "at": iso(one.at),
        "ms": None if one.ended_at is None else round((one.ended_at - one.at) * 1000, 1),
        "method": one.method,
        "url": f"{address}{question}{query}",
        "headers": _headers(one.headers, one.added),
        "body": body,
        "size": size,
        "answer": answer,
    }


def _parameter(part: str, added: frozenset[str]) -> str:
    name = part.partition("=")[0]
    return f"{name}={MASK}" if name.lower() in added else part


def _headers(headers: Mapping[str, str], added: frozenset[str]) -> dict[str, str]:
    return {
        name: MASK if (lower := name.lower()) in HIDDEN or lower in added else value
        for name, value in headers.items()
    }


def _body(body: bytes | None, headers: Mapping[str, str]) -> tuple[str | None, int]:
    """The beginning of a body as a text (None: there is none, or it is no text), and its size."""
    if not body:
        return None, 0
    kind = next((value.lower() for name, value in headers.items() if name.lower() == "content-type"), "")
    if kind and not any(one in kind for one in TEXTS):
        return None, len(body)
    return body[:READ_FOR_BODY].decode(errors="replace"), len(body)


def _cut(told: dict[str, Json]) -> None:
    """Bound the texts of a request or an answer."""
    if told["body"] and len(told["body"]) > MOST_BODY:
        told["body"] = told["body"][:MOST_BODY]
    if "url" in told:
        told["url"] = told["url"][:MOST_ADDRESS]
    for name, value in told["headers"].items():
        if len(value) > MOST_HEADER:
            told["headers"][name] = f"{value[:MOST_HEADER]}…"
