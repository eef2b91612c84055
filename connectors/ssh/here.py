"""
A command on this host: a process without a shell, in a group of its own that never outlives the call.

Sources: Python's documentation of asyncio's subprocesses; setsid(2), kill(2).
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from connectors.ssh.finished import Finished, Tail
from runner.connector import Command, Rejected, Unavailable

GRACE_SECONDS = 2.0  # between asking a group to end and ending it
REST_SECONDS = 1.0  # for what is still in the pipes when all have ended
PASSING = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}


async def run_here(command: Command, words: Sequence[str]) -> Finished:
    """
    Run *words* as the server's own user, with the command's environment and no other, and nothing to read.

    However it ends, by itself, by cancelling or by its time, all of its process group ends with it: what
    shall go on has to be handed to another (systemd-run, at).

    Raises:
        Rejected: it cannot be started.
        Unavailable: it cannot be started now.
    """
    out, err = Tail(command.output_bytes), Tail(command.output_bytes)
    async with _Pipe(out) as first, _Pipe(err) as second:
        process = await _started(command, words, first, second)
        try:
            await process.wait()
        finally:
            await _end(process)
        for pipe in (first, second):
            await pipe.rest()
    status = process.returncode
    if status is not None and status >= 0:
        return Finished(status, None, out, err)
    return Finished(None, None if status is None else _name(-status), out, err)


async def _started(
    command: Command, words: Sequence[str], out: _Pipe, err: _Pipe
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out.written,
            stderr=err.written,
            env=dict(command.environment),
            cwd=command.directory or "/",
            start_new_session=True,  # a group of its own, which can be ended whole
        )
    except OSError as error:
        why = f"the command {command.name} cannot be started: {error.strerror or error}"
        if error.errno in PASSING:
            raise Unavailable(why) from None
        place = f" in {command.directory}" if command.directory else ""
        raise Rejected(f"{why} ({command.run[0]}{place}); mend [commands] in hookline.toml") from None
    finally:
        out.close_written()
        err.close_written()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the group: asked to first, if it still goes on; what is left then is killed."""
    try:
        if process.returncode is None:
            _signal(process, signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await process.wait()
    finally:
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is gone; it has become another user
        os.killpg(process.pid, number)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


class _Pipe(asyncio.Protocol):
    """
    A pipe of our own into a tail: whoever inherited its other end cannot keep us waiting, as a pipe of
    asyncio's does, whose process only counts as ended when all pipes are closed.
    """

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: Any = None
        self.written = -1

    async def __aenter__(self) -> Self:
        read, self.written = os.pipe()
        try:
            file = os.fdopen(read, "rb", 0)
            self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self, file)
        except BaseException:
            self.close_written()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close_written()
        self._transport.close()
        await self._ended  # it is closed by the loop's next round

    def close_written(self) -> None:
        """Close our copy of the end that the process writes to."""
        if self.written >= 0:
            os.close(self.written)
            self.written = -1

    async def rest(self) -> None:
        """Until all that was written is read."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                await self._ended

    def data_received(self, data: bytes) -> None:
        """Keep the end of it."""
        self._tail.add(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """Nobody writes any more."""
        if not self._ended.done():
            self._ended.set_result(None)
