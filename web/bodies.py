"""Reading a request's body as it comes, bounded for itself and over all requests at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.errors import BacklogFull, BodyTooLarge


class SenderLeft(Exception):
    """The connection ended before the request did."""


@dataclass(slots=True)
class Room:
    """How many bytes may still be read at a time, over all requests of the process."""

    bytes: int


async def read_body(
    receive: Callable[[], Awaitable[dict[str, Any]]], headers: Mapping[str, str], limit: int, room: Room
) -> bytes:
    """
    The whole body, counted: a length that lies does not help.

    Raises:
        BodyTooLarge: it has more than *limit* bytes; what was announced is refused unread.
        BacklogFull: all that is being read at once is more than *room*.
        SenderLeft: the connection ended.
    """
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge(f"the body has {int(announced):,} bytes; this address takes {limit:,}")
    chunks: list[bytes] = []
    size = 0
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise SenderLeft
            chunk = message.get("body", b"")
            size += len(chunk)
            room.bytes -= len(chunk)
            if size > limit:
                raise BodyTooLarge(f"the body has more than the {limit:,} bytes that this address takes")
            if room.bytes < 0:
                raise BacklogFull("more bodies are being read at once than the configuration allows")
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    finally:
        room.bytes += size
