"""
The endpoints that we measure ourselves against, on our own serving loop: `python -m
tests.bench.bare asgi|quart`. Each reads the whole body and answers the same small JSON.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from web.serve import ServeOptions, install_loop, serve, stop_at_signals

BODY = b'{"event":"01j9zzzzzzzzzzzzzzzzzzzzzz","status":"accepted"}'


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Raw ASGI."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


def quart() -> Any:
    """The same with Quart."""
    from quart import Quart, Response, request  # noqa: PLC0415 - the other one does without

    app = Quart(__name__)

    @app.post("/hooks/<token>")
    async def hook(token: str) -> Response:
        await request.get_data()
        return Response(BODY, content_type="application/json")

    return app


async def main() -> None:
    app = asgi if sys.argv[1] == "asgi" else quart()
    stop = asyncio.Event()
    stop_at_signals(stop)
    await serve(app, ServeOptions(port=0), stop=stop, ready=lambda url: print(f"ready {url}", flush=True))


if __name__ == "__main__":
    install_loop()
    asyncio.run(main())
