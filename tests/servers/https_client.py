"""A client that says one request over TLS, in HTTP/1.1 or HTTP/2, and shows what certificate it likes."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

Version: TypeAlias = Literal["1.1", "2"]
ALPN: Mapping[Version, str] = {"1.1": "http/1.1", "2": "h2"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the certificate (DER) of the server that gave it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    server_certificate: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


TURNS_TO_CLOSE = 5


async def ask(
    port: int,
    context: ssl.SSLContext,
    path: str = "/",
    *,
    version: Version = "1.1",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """
    Ask a server of 127.0.0.1 once.

    Raises:
        OSError, ssl.SSLError: the server refused the connection, or ended it without an answer.
    """
    context.set_alpn_protocols([ALPN[version]])
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    except OSError:  # an SSLError is one; its transport closes in the loop's next turns
        for _ in range(TURNS_TO_CLOSE):
            await asyncio.sleep(0)
        raise
    try:
        tls = writer.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True)
        if tls.selected_alpn_protocol() != ALPN[version]:
            raise ConnectionError(f"the server does not speak HTTP/{version}")
        lines = {**(headers or {}), "content-length": str(len(body))}
        speak = _http_1 if version == "1.1" else _http_2
        status, found, content = await speak(reader, writer, method, path, lines, body)
    finally:
        writer.transport.abort()  # no closing of TLS by the rules: what is left open is a warning later
        for _ in range(TURNS_TO_CLOSE):
            await asyncio.sleep(0)
    return Answer(status, found, content, shown)


async def _http_1(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
) -> tuple[int, dict[str, str], bytes]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n".encode() + body)
    head, _, content = (await reader.read()).partition(b"\r\n\r\n")
    if not head:
        raise ConnectionError("the server ended the connection without an answer")
    first, *rest = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return int(first.split()[1]), found, content


async def _http_2(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
) -> tuple[int, dict[str, str], bytes]:
    connection = H2Connection()
    connection.initiate_connection()
    pseudo = [(":method", method), (":path", path), (":scheme", "https"), (":authority", "x")]
    lines = [(name.lower(), value) for name, value in headers.items()]
    connection.send_headers(1, [*pseudo, *lines], end_stream=not body)
    if body:  # within the window that every peer grants at first, 64 KiB
        connection.send_data(1, body, end_stream=True)
    status, found, content = 0, dict[str, str](), b""
    while True:
        writer.write(connection.data_to_send())
        read = await reader.read(65536)
        if not read:
            raise ConnectionError("the server ended the connection without an answer")
        for event in connection.receive_data(read):
            if isinstance(event, ResponseReceived):
                found = {name.decode(): value.decode() for name, value in event.headers}
                status = int(found.pop(":status"))
            elif isinstance(event, DataReceived):
                content += event.data
            elif isinstance(event, StreamReset):
                raise ConnectionError("the server reset the stream")
            elif isinstance(event, StreamEnded):
                return status, found, content
