"""
Bodies, queries and headers of requests: built once, so that a redirect can send them again.

Sources: RFC 7578 and the WHATWG form submission rules for `multipart/form-data`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic import BaseModel

from runner.connector import Part
from runner.errors import Rejected
from runner.values import dumps

if TYPE_CHECKING:
    from runner.values import Json

HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Whoever sets these decides where a message ends or whom it is for: request smuggling.
OWN_HEADERS = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip


def fields(given: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Names and texts of a query or form; a list repeats its name, null leaves it out."""
    pairs: list[tuple[str, str]] = []
    for name, value in (given or {}).items():
        ones = value if isinstance(value, list | tuple) else (value,)
        pairs += [(str(name), text_of(one)) for one in ones if one is not None]
    return pairs


def text_of(value: Json) -> str:
    """A text as it is; anything else as JSON (`true`, `12`)."""
    return value if isinstance(value, str) else dumps(value)


def checked_headers(given: Mapping[str, Any] | None) -> dict[str, str]:
    """
    Headers as texts.

    Raises:
        Rejected: a name or value that cannot stand in a request, or a header of the client's own.
    """
    headers = {}
    for name, value in (given or {}).items():
        if value is None:
            continue
        if not HEADER_NAME.fullmatch(name):
            raise Rejected(f"{name!r} is not a header's name")
        if name.lower() in OWN_HEADERS:
            raise Rejected(f"the header {name} is set by the client itself; leave it out")
        text = text_of(value).strip()
        if CONTROL.search(text):
            raise Rejected(f"the header {name} holds a line break or another control character")
        headers[name] = text
    return headers


def encoded(
    *,
    json: Json | BaseModel = None,
    form: Mapping[str, Any] | None = None,
    multipart: Mapping[str, Any] | None = None,
    body: bytes | str | None = None,
) -> tuple[bytes | None, str | None]:
    """
    The body and its content type; (None, None) where nothing is given.

    Raises:
        Rejected: more than one kind of body is given.
    """
    given = [kind for kind in (json, form, multipart, body) if kind is not None]
    if len(given) > 1:
        raise Rejected("a request has one body: json, form, multipart or body")
    if json is not None:
        if isinstance(json, BaseModel):
            json = json.model_dump(mode="json", by_alias=True, exclude_none=True)
        return dumps(json).encode(), "application/json"
    if form is not None:
        return urlencode(fields(form)).encode(), "application/x-www-form-urlencoded"
    if multipart is not None:
        boundary = secrets.token_hex(16)
        return _multipart(multipart, boundary), f"multipart/form-data; boundary={boundary}"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return body, None if body is None else "application/octet-stream"


def _multipart(given: Mapping[str, Any], boundary: str) -> bytes:
    pieces: list[bytes] = []
    for name, value in given.items():
        for one in value if isinstance(value, Sequence) and not isinstance(value, str) else (value,):
            if one is None:
                continue
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
            if isinstance(one, Part):
                content = one.content
                kind = CONTROL.sub("", one.content_type) or "application/octet-stream"
                head += f'; filename="{_quoted(one.filename)}"\r\nContent-Type: {kind}'
            else:
                content = text_of(one).encode()
            pieces += (head.encode(), b"\r\n\r\n", content, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces)


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
