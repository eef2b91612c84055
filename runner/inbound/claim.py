"""
What a request shows of its sender, and where: signatures, the time of signing and an id, in headers,
in the query or in the body, alone or in a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from runner.inbound.request import Request
from runner.inbound.verdict import Refused
from runner.values import Json, dumps

ASK_SENDER = "does the sender have a secret for this address, and is it the provider that is named here?"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is shown, as it was written; of several `signatures` any may match."""

    signatures: tuple[str, ...] = ()
    timestamp: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A header, a field of the query, or a field of the JSON body by its dotted path."""

    name: str
    kind: Literal["header", "query", "field"] = "header"

    @property
    def label(self) -> str:
        """How a message calls it."""
        match self.kind:
            case "header":
                return self.name
            case "query":
                return f'"{self.name}" in the query'
            case _:
                return f'"{self.name}" in the body'

    def read(self, request: Request) -> str | None:
        """The text there, without outer white space; None where there is nothing."""
        match self.kind:
            case "header":
                name = self.name.lower()
                return request.header(name) if name in request.headers else None
            case "query":
                return request.query.get(self.name)
            case _:
                value = request.json
                for key in self.name.split("."):
                    value = value.get(key) if isinstance(value, dict) else None
                return None if value is None else str(value)

    def write(self, request: Request, value: str | int) -> Request:
        """The request with *value* there."""
        match self.kind:
            case "header":
                return replace(request, headers={**request.headers, self.name.lower(): str(value)})
            case "query":
                return with_query(request, {self.name: str(value)})
            case _:
                return with_fields(request, {self.name: value})


class Layout(Protocol):
    """How a text holds one signature or several."""

    @property
    def shape(self) -> str:
        """The form, for a message."""
        ...

    def read(self, text: str) -> tuple[tuple[str, ...], str] | None:
        """The signatures and the timestamp (empty where it has none); None where it is malformed."""
        ...

    def write(self, signature: str, timestamp: str) -> str:
        """The text with one signature."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """One signature behind *prefix*: `sha256=…`."""

    prefix: str = ""

    @property
    def shape(self) -> str:
        return f"{self.prefix}<signature>"

    def read(self, text: str) -> tuple[tuple[str, ...], str] | None:
        return ((text[len(self.prefix) :],), "") if text.startswith(self.prefix) else None

    def write(self, signature: str, timestamp: str) -> str:
        del timestamp
        return self.prefix + signature


@dataclass(frozen=True, slots=True)
class Listed:
    """
    Several behind *prefix*, between *separator*s, and the timestamp behind its own prefix:
    `t=…,v1=…,v1=…`, `ts=…;h1=…`, `v1,… v1,…`. Other versions stand there too and never count.
    """

    separator: str
    prefix: str
    timestamp_prefix: str = ""

    @property
    def shape(self) -> str:
        time = f"{self.timestamp_prefix}<time>{self.separator}" if self.timestamp_prefix else ""
        return f"{time}{self.prefix}<signature>"

    def read(self, text: str) -> tuple[tuple[str, ...], str] | None:
        signatures: list[str] = []
        times: list[str] = []
        mark = self.prefix[-1:]
        for entry in text.split(self.separator):
            # a comma too many or white space is what joins a header that was sent twice
            is_joined = entry != entry.strip() or entry.count(",") > (mark == ",")
            if is_joined or not entry.partition(mark)[2]:
                return None
            if self.timestamp_prefix and entry.startswith(self.timestamp_prefix):
                times.append(entry.removeprefix(self.timestamp_prefix))
            elif entry.startswith(self.prefix):
                signatures.append(entry.removeprefix(self.prefix))
        if len(times) != bool(self.timestamp_prefix):
            return None
        return tuple(signatures), times[0] if times else ""

    def write(self, signature: str, timestamp: str) -> str:
        time = f"{self.timestamp_prefix}{timestamp}{self.separator}" if self.timestamp_prefix else ""
        return f"{time}{self.prefix}{signature}"


class Carrier(Protocol):
    """Where a scheme's claim stands in a request."""

    @property
    def label(self) -> str:
        """The header or field of the signature, for messages."""
        ...

    @property
    def time_label(self) -> str:
        """The header or field of the time."""
        ...

    def applies(self, request: Request) -> bool:
        """Whether there is anything at the signature's place."""
        ...

    def read(self, request: Request) -> Claim | Refused:
        """The claim, its forms not looked at; refused where a part is missing or malformed."""
        ...

    def prepare(self, request: Request, claim: Claim) -> Request:
        """The request with the time and the id that are to be signed."""
        ...

    def write(self, request: Request, claim: Claim) -> Request:
        """The request with its signature."""
        ...


@dataclass(frozen=True, slots=True)
class Carried:
    """A claim whose parts have a place each. *absent* is the hint where there is no signature."""

    signature: Place
    layout: Layout = Plain()
    timestamp: Place | None = None
    id: Place | None = None
    absent: str = ASK_SENDER

    @property
    def label(self) -> str:
        return self.signature.label

    @property
    def time_label(self) -> str:
        return self.timestamp.label if self.timestamp else f"the time in {self.label}"

    def applies(self, request: Request) -> bool:
        return self.signature.read(request) is not None

    def read(self, request: Request) -> Claim | Refused:
        text = self.signature.read(request)
        if text is None:
            return Refused("missing", f"the request has no {self.label}", self.absent)
        if not text:
            return Refused("malformed", f"{self.label} is empty")
        parts = self.layout.read(text)
        if parts is None:
            return Refused("malformed", f"{self.label} is not of the form {self.layout.shape}")
        signatures, timestamp = parts
        if not signatures:
            return Refused("unsupported", f"{self.label} has no signature of the form {self.layout.shape}")
        found = {}
        for part, place in (("timestamp", self.timestamp), ("id", self.id)):
            if place is None:
                continue
            value = place.read(request)
            if value is None:
                return Refused("missing", f"the request has {self.label} but no {place.label}")
            if not value:
                return Refused("malformed", f"{place.label} is empty")
            found[part] = value
        return Claim(signatures, found.get("timestamp", timestamp), found.get("id", ""))

    def prepare(self, request: Request, claim: Claim) -> Request:
        if self.timestamp:
            is_number = self.timestamp.kind == "field" and claim.timestamp.isdigit()
            time = int(claim.timestamp) if is_number else claim.timestamp
            request = self.timestamp.write(request, time)
        if self.id:
            request = self.id.write(request, claim.id)
        return request

    def write(self, request: Request, claim: Claim) -> Request:
        return self.signature.write(request, self.layout.write(claim.signatures[0], claim.timestamp))


def in_header(
    name: str,
    layout: Layout | None = None,
    *,
    timestamp: str = "",
    id_header: str = "",
    absent: str = ASK_SENDER,
) -> Carried:
    """A claim whose parts stand in headers, named as the provider's page writes them."""
    return Carried(
        Place(name),
        layout or Plain(),
        Place(timestamp) if timestamp else None,
        Place(id_header) if id_header else None,
        absent,
    )


def with_query(request: Request, fields: Mapping[str, str]) -> Request:
    """The request with *fields* in its query, in place of fields of the same names."""
    parts = urlsplit(request.url)
    kept = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in fields
    ]
    return replace(request, url=urlunsplit(parts._replace(query=urlencode([*kept, *fields.items()]))))


def with_fields(request: Request, fields: Mapping[str, Json]) -> Request:
    """The request with *fields* (by dotted path) in its JSON body; other parts are kept as they are."""
    body = request.json if isinstance(request.json, dict) else {}
    body = dict(body)
    for path, value in fields.items():
        *parents, last = path.split(".")
        inner = body
        for key in parents:
            inner[key] = dict(inner[key]) if isinstance(inner.get(key), dict) else {}
            inner = inner[key]
        inner[last] = value
    return replace(request, body=dumps(body).encode())
