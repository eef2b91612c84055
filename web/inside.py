"""A request from inside this process through the real door: for samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from typing import Any

    from runner.inbound.request import Request
    from web.exchange import Application, Scope

SAMPLE = "hookline.sample"  # of a scope's state, which no request from outside can set


@dataclass(frozen=True, slots=True)
class Sampled:
    """Who made the sample; `is_sent`: its runs send their actions for real."""

    by: str
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What the sender of a request hears."""

    status: int
    headers: dict[str, str]
    body: bytes


async def deliver(app: Application, request: Request, sample: Sampled) -> Heard:
    """Hand *request* to the ASGI application *app*, as the server would; what it answers."""
    parts = urlsplit(request.url)
    path = parts.path.encode("ascii")
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()
    ]
    headers += [(b"host", parts.netloc.encode()), (b"content-length", str(len(request.body)).encode())]
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method,
        "scheme": parts.scheme, "path": parts.path, "raw_path": path, "root_path": "",
        "query_string": parts.query.encode("latin-1"), "headers": headers, "client": None, "server": None,
        "state": {SAMPLE: sample},
    }  # fmt: skip
    status, given, body = 0, dict[str, str](), bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            given.update(
                {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
            )
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return Heard(status, given, bytes(body))
