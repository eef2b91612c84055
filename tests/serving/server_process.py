"""A server in a process of its own, for the tests: `server_process.py <loop> <workers>`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from web.serve import ServeOptions, install_loop, listen, serve, stop_at_signals
from web.supervisor import inherited, supervise


def say(line: str) -> None:
    """Print a line in one piece: several processes share the pipe."""
    os.write(1, f"{line}\n".encode())


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the process id and the length of the body, once it is whole."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        say("shut down")
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/exit":
        os._exit(3)
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            break
    answer = f"{os.getpid()} {size}".encode()
    headers = [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def main() -> None:
    """Serve until SIGTERM, saying `ready <address> <process id>`."""
    stop = asyncio.Event()
    stop_at_signals(stop)
    worker = inherited()
    if worker is not None:
        worker.watch(stop)
    await serve(
        app,
        ServeOptions(port=0, grace_seconds=10),
        stop=stop,
        sockets=[worker.socket] if worker is not None else None,
        ready=lambda address: say(f"ready {address} {os.getpid()}"),
    )


if __name__ == "__main__":
    loop, workers = sys.argv[1], int(sys.argv[2])
    if workers > 0 and "_HOOKLINE_WORKER" not in os.environ:
        sys.exit(supervise(workers, listen("127.0.0.1", 0), [sys.executable, *sys.argv], grace_seconds=10))
    if loop == "uvloop":
        install_loop()
    asyncio.run(main())
