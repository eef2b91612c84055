"""
A destination that answers every POST at once and counts: `python -m tests.bench.sink`.

Prints its port on the first line. `GET /count` gives `{"received", "distinct"}`: POSTs, and
different Idempotency-Keys among them. Each POST's key and X-Event-Id are written to the file that
--log names, if any.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from pathlib import Path
from typing import IO, cast

from web.serve import install_loop

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
KEY = re.compile(rb"\r\nidempotency-key: *([^\r]+)", re.IGNORECASE)
EVENT = re.compile(rb"\r\nx-event-id: *([^\r]+)", re.IGNORECASE)


class Sink(asyncio.Protocol):
    """One connection."""

    received = 0
    keys: set[bytes] = set()  # noqa: RUF012 - of all connections
    log: IO[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            announced = LENGTH.search(head)
            length = int(announced[1]) if announced else 0
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        if head.startswith(b"GET"):
            body = json.dumps({"received": Sink.received, "distinct": len(Sink.keys)}).encode()
            return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        Sink.received += 1
        if key := KEY.search(head):
            Sink.keys.add(key[1])
        if Sink.log:
            event = EVENT.search(head)
            names = [found[1].decode() if found else "-" for found in (key, event)]
            # on its way to the file before the answer: what the sender believes sent is counted
            print(*names, file=Sink.log, flush=True)
        return OK


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    if options.log:
        Sink.log = options.log.open("a")
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    install_loop()
    asyncio.run(main())
