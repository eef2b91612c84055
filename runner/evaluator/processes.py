"""
Processes of ours that can be killed: started on first use, one request at a time, bounded in CPU time and
memory, replaced past their bound.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ExpressionError, LimitExceeded
from runner.evaluator.wire import LENGTH, unframed

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from runner.values import Json

HOME = Path(__file__).parents[2]  # the directory that holds the package, whatever ours is
WALL_FACTOR = 10  # the kernel counts CPU; a process that waits for a busy machine gets this much longer
START_SECONDS = 20.0  # starting takes 0.1 s on an idle machine


class Processes:
    """
    At most *count* processes of `python -m module`, each with *mebibytes* of memory for what it builds
    (see `runner.evaluator.child.serve`). Belongs to one event loop; `close` it.
    """

    def __init__(self, module: str, *, mebibytes: int, count: int) -> None:
        self._module = module
        self._mebibytes = mebibytes
        self._places = asyncio.Semaphore(count)
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._idle: list[tuple[str, Process]] = []
        self._all: set[Process] = set()
        self._is_closed = False
        self.restarts = 0  # how many were ended, worn out or past a bound

    async def ask(self, request: bytes, *, seconds: float, key: str) -> Json:
        """
        The answer to a framed *request* that takes at most *seconds* of CPU. Waits while one of the same
        *key* is under way, or all processes are taken; the process that had this key before is the first
        choice, since it may remember.

        Raises:
            ExpressionError: the pool is closed.
            LimitExceeded: the CPU time or memory was used up.
        """
        async with self._turn(key), self._places:
            return await self._asked(request, seconds, key)

    async def warm(self) -> None:
        """Start a process, if there is none yet, that the first request need not wait for."""
        if not self._all and not self._is_closed:
            self._idle.append(("", await self._started()))

    async def close(self) -> None:
        """End all processes; a request that is under way fails. A second call does nothing."""
        self._is_closed = True
        self._idle.clear()
        await asyncio.gather(*(self._ended(process) for process in list(self._all)))

    @asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        """One request of a key at a time; locks nobody waits for are dropped."""
        lock, users = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._turns[key]
            if users == 1:
                del self._turns[key]
            else:
                self._turns[key] = (lock, users - 1)

    async def _asked(self, request: bytes, seconds: float, key: str) -> Json:
        process = await self._taken(key)
        is_fit = False
        try:
            async with asyncio.timeout(seconds * WALL_FACTOR + START_SECONDS):
                answer = await _exchanged(process, request)
            is_fit = not (answer["is_worn"] or self._is_closed)
            return answer
        except TimeoutError:
            raise too_long(seconds) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            status = await process.wait()
            if self._is_closed:
                raise ExpressionError("the server is shutting down") from None
            if status == -signal.SIGPROF:
                raise too_long(seconds) from None
            raise LimitExceeded(f"the evaluation ended its process (status {status})") from None
        finally:
            if is_fit:
                self._idle.append((key, process))
            else:  # also when we were cancelled: its answer would be taken for the next one's
                self.restarts += not self._is_closed
                await asyncio.shield(self._ended(process))

    async def _taken(self, key: str) -> Process:
        """
        An idle process, or a new one.

        Raises:
            ExpressionError: the pool is closed.
        """
        if self._is_closed:
            raise ExpressionError("the server is shutting down")
        while self._idle:
            at = next((index for index, one in enumerate(self._idle) if one[0] == key), -1)
            _key, process = self._idle.pop(at)
            if process.returncode is None:
                return process
            await self._ended(process)
        return await self._started()

    async def _started(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, str(self._mebibytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=HOME,
            env={"LANG": "C.UTF-8"},  # nothing of ours: an environment may hold secrets
        )  # fmt: skip
        self._all.add(process)
        return process

    async def _ended(self, process: Process) -> None:
        if process.returncode is None:
            process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        await process.wait()
        self._all.discard(process)


def value_of(answer: Json) -> Json:
    """The value of a child's answer. Raises LimitExceeded, ExpressionError."""
    if "error" not in answer:
        return answer["value"]
    if answer["kind"] == "limit":
        raise LimitExceeded(answer["error"])
    raise ExpressionError(answer["error"])


async def _exchanged(process: Process, request: bytes) -> Json:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(request)
    await process.stdin.drain()
    size: int = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
    return unframed(await process.stdout.readexactly(size))


def too_long(seconds: float) -> LimitExceeded:
    """The error of what takes more CPU time than it may."""
    return LimitExceeded(f"the evaluation takes more than {seconds:g} s of CPU; make less of it at once")
