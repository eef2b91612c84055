"""Servers for the tests of serving: in a process of its own, and in the test's own event loop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from web.serve import ServeOptions, serve


@dataclass
class Server:
    """A server process: its address, and the process ids that said they were ready."""

    process: subprocess.Popen[str]
    address: tuple[str, int]
    pids: list[int]

    def said(self) -> list[str]:
        """Give the next line that it prints, split."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def end(self) -> int:
        """Send SIGTERM and give the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start `server_process.py`, as in `start(workers=2, loop="uvloop")`."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*, workers: int = 0, loop: str = "asyncio") -> Server:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server_process.py")), loop, str(workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        begun.append(process)
        server = Server(process, ("", 0), [])
        for _ in range(workers or 1):
            line = server.said()
            assert line[0] == "ready", line
            _ready, address, pid = line
            host, _, port = address.removeprefix("http://").rpartition(":")
            server.address = (host, int(port))
            server.pids.append(int(pid))
        return server

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def served() -> Callable[..., Any]:
    """Serve in the loop of the test; `served(app, **options)` is a context that gives the port."""

    @asynccontextmanager
    async def begin(app: Any, **options: Any) -> AsyncIterator[int]:
        stop = asyncio.Event()
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            serve(app, ServeOptions(port=0, **options), stop=stop, ready=ready.set_result)
        )
        while not ready.done():
            await asyncio.wait([task], timeout=0.01)
            if task.done():
                await task  # it raises
        address = ready.result()
        try:
            yield int(address.rpartition(":")[2])
        finally:
            stop.set()
            await task

    return begin


@pytest.fixture
def echo() -> Any:
    """Give an application that answers with the body, and has no lifespan."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        else:
            return
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app
