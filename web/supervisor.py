"""
`--workers N`: N processes that serve one listening socket, and the parent that looks after them.

The command line starts it, and is started by it::

    worker = inherited()
    if worker is None and settings.workers > 1:
        sys.exit(supervise(settings.workers, listen(host, port), [sys.executable, *command]))
    ...
    if worker is not None:
        worker.watch(stop)
    await serve(app, options, stop=stop, sockets=[worker.socket] if worker else None, ready=...)

A worker is a fresh interpreter that runs the same command again: nothing is forked with locks or
event loops in it. Two descriptors come with it: the socket, and a pipe whose other end only the
parent holds, so that a worker learns of its parent's death on every system. What it is to know
stands in one variable outside of `HOOKLINE_*`, which are settings.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Sequence

log = logging.getLogger("hookline.web")

VARIABLE = "_HOOKLINE_WORKER"
SETTINGS_WRONG = 2  # the exit status of a command whose settings are wrong: again is no use
STEADY_SECONDS = 10  # a worker that lived so long is replaced at once
FIRST_DELAY_SECONDS = 0.5  # before one that did not; doubled each time
MAX_DELAY_SECONDS = 30
LAST_SECONDS = 15  # beyond the grace periods of requests and of steps: to close the store


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker has from its supervisor; `index` counts workers from 0."""

    index: int
    socket: socket.socket
    pipe: int

    def watch(self, stop: asyncio.Event) -> None:
        """Set *stop* when the supervisor is gone. Called inside the event loop."""
        import asyncio  # noqa: PLC0415 - the supervisor itself has no loop and saves 20 MB

        loop = asyncio.get_running_loop()

        def gone() -> None:  # nothing is ever written: readable means closed
            loop.remove_reader(self.pipe)
            stop.set()

        loop.add_reader(self.pipe, gone)


def inherited() -> Inherited | None:
    """Take what the supervisor handed to this process; None in any other. Works once."""
    described = os.environ.pop(VARIABLE, None)  # no child of ours is a worker
    if described is None:
        return None
    index, listening, pipe = map(int, described.split(":"))
    for descriptor in (listening, pipe):
        os.set_inheritable(descriptor, False)
    return Inherited(index, socket.socket(fileno=listening), pipe)


def supervise(
    workers: int, listening: socket.socket, command: Sequence[str], *, grace_seconds: float = 20
) -> int:
    """
    Run *workers* processes of *command* on the socket until SIGTERM or SIGINT; give the exit
    status: 0 when all of them ended well.

    One that ends by itself is replaced: at once if it had lived for a while, else after a delay
    that doubles from 0.5 s to 30 s. A signal is passed on as SIGTERM, then the socket is closed
    here too, so that new connections are refused. A worker that is still there well past twice
    *grace_seconds* (requests have it first, then running steps) is killed, and the status is 1.
    When no worker is left and each said that a setting is wrong (status 2), that is the status.

    Called in the main thread, without an event loop.
    """
    with _signals() as wake, _pipe() as pipe:
        slots = [_Slot(index, listening, pipe, command) for index in range(workers)]
        while not wake.stopping:
            now = time.monotonic()
            for slot in slots:
                if (status := slot.reap(now)) is not None:
                    log.error(
                        "worker %d ended with status %d and is replaced",
                        slot.index,
                        status,
                        extra={"action": "worker_ended"},
                    )
                slot.start(now)
            if not any(slot.is_running or slot.last_status != SETTINGS_WRONG for slot in slots):
                return SETTINGS_WRONG
            wake.wait(min(slot.wait_seconds(now) for slot in slots))
        listening.close()
        return _stop([slot for slot in slots if slot.is_running], wake, grace_seconds)


def _stop(slots: list[_Slot], wake: _Wake, grace_seconds: float) -> int:
    for slot in slots:
        slot.send(signal.SIGTERM)
    latest = time.monotonic() + 2 * grace_seconds + LAST_SECONDS
    while (now := time.monotonic()) < latest:
        for slot in slots:
            slot.reap(now)
        if not any(slot.is_running for slot in slots):
            break
        wake.wait(latest - now)
    for slot in slots:
        if slot.is_running:
            log.warning("worker %d did not end: killed", slot.index, extra={"action": "killed"})
            slot.send(signal.SIGKILL)
    # -SIGTERM: it was told before it had a handler, and so before it had accepted anything.
    return 0 if all(slot.last_status in (0, -signal.SIGTERM) for slot in slots) else 1


class _Slot:
    """The place of one worker: who runs in it, and when the next one may start."""

    def __init__(self, index: int, listening: socket.socket, pipe: int, command: Sequence[str]) -> None:
        self.index = index
        self.last_status: int | None = None  # None: it runs, or none has run yet
        self._listening = listening
        self._pipe = pipe
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._start_at = 0.0
        self._delay_seconds = 0.0

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def reap(self, now: float) -> int | None:
        """Give the status of a worker that has ended, once, and plan the next one."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        self._process, self.last_status = None, status
        if now - self._began >= STEADY_SECONDS:
            self._delay_seconds = 0.0
        else:
            doubled = max(self._delay_seconds * 2, FIRST_DELAY_SECONDS)
            self._delay_seconds = min(doubled, MAX_DELAY_SECONDS)
        self._start_at = now + self._delay_seconds
        return status

    def start(self, now: float) -> None:
        """Start a worker where none runs and it is time."""
        if self._process is not None or now < self._start_at:
            return
        self._began, self.last_status = now, None
        listening = self._listening.fileno()
        self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            self._command,
            env={**os.environ, VARIABLE: f"{self.index}:{listening}:{self._pipe}"},
            pass_fds=(listening, self._pipe),
            process_group=0,  # Ctrl-C reaches us alone; the workers hear it from us
        )

    def wait_seconds(self, now: float) -> float:
        """How long this place has nothing to do by itself."""
        return MAX_DELAY_SECONDS if self._process is not None else max(0.0, self._start_at - now)

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


class _Wake:
    """Sleeps until a signal comes; `stopping` once it was SIGTERM or SIGINT."""

    def __init__(self, reading: socket.socket) -> None:
        self.stopping = False
        self._reading = reading
        self._selector = selectors.DefaultSelector()
        self._selector.register(reading, selectors.EVENT_READ)

    def wait(self, seconds: float) -> None:
        """Return at a signal (the end of a child is one), or after *seconds*."""
        if self._selector.select(seconds):
            self._reading.recv(4096)

    def close(self) -> None:
        self._selector.close()


@contextmanager
def _pipe() -> Iterator[int]:
    """Give the reading end of a pipe whose writing end, never used, closes when we end."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


@contextmanager
def _signals() -> Iterator[_Wake]:
    """Turn SIGTERM, SIGINT and SIGCHLD into wakings while inside; then as they were before."""
    reading, writing = socket.socketpair()
    with reading, writing:
        writing.setblocking(False)
        wake = _Wake(reading)

        def stop(*_: object) -> None:
            wake.stopping = True

        wanted = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGCHLD: lambda *_: None}
        before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        fd_before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield wake
        finally:
            signal.set_wakeup_fd(fd_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            wake.close()
