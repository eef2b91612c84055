"""
The evaluator processes, seen from the engine: started on first use, one evaluation at a time,
never two for one workflow, killed past their bound and replaced.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ExpressionError, LimitExceeded
from runner.evaluator.wire import LENGTH, framed, request_of, request_to_evaluate, unframed

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.scope import Scope
    from runner.language.templates import TemplateShape
    from runner.values import Json

HOME = Path(__file__).parents[2]  # the directory that holds the package, whatever ours is
WALL_FACTOR = 10  # the kernel counts CPU; a process that waits for a busy machine gets this much longer
START_SECONDS = 20.0  # starting takes 0.1 s on an idle machine


class EvaluatorPool:
    """
    At most *processes* evaluators, each with *seconds* of CPU for an evaluation and *mebibytes*
    of memory for what it builds. Belongs to one event loop; `close` it.
    """

    def __init__(self, *, seconds: float = 1.0, mebibytes: int = 64, processes: int = 2) -> None:
        self._seconds = seconds
        self._mebibytes = mebibytes
        self._places = asyncio.Semaphore(processes)
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._idle: list[Process] = []
        self._all: set[Process] = set()
        self._is_closed = False

    async def render(self, shape: TemplateShape, scope: Scope, *, workflow: str, factor: float = 1.0) -> Json:
        """
        Give what `shape.render(scope)` gives, in a process that can be killed.

        Waits while an evaluation of the same *workflow* runs, or all processes are taken.
        *factor* multiplies the CPU time (a recomputation gets three times the bound).

        Raises:
            ExpressionError: as `shape.render`, or the pool is closed.
            LimitExceeded: as `shape.render`, or the CPU time or memory was used up.
        """
        seconds = self._seconds * factor
        return await self._evaluated(request_of(shape, scope, seconds), scope, seconds, workflow)

    async def evaluate(
        self, expression: Expression | ExpressionShape, scope: Scope, *, workflow: str, factor: float = 1.0
    ) -> Json:
        """
        Give what `expression.evaluate(scope)` gives, otherwise as `render`.

        Raises:
            ExpressionError: as `expression.evaluate`, or the pool is closed.
            LimitExceeded: as `expression.evaluate`, or the CPU time or memory was used up.
        """
        seconds = self._seconds * factor
        request = request_to_evaluate(expression, scope, seconds)
        return await self._evaluated(request, scope, seconds, workflow)

    async def _evaluated(self, asked: Json, scope: Scope, seconds: float, workflow: str) -> Json:
        request = framed(asked)
        async with self._turn(workflow), self._places:
            answer = await self._asked(request, seconds)
        if scope.files is not None:
            scope.files.wanted.update(answer.get("wanted") or {})
        return _value(answer)

    async def close(self) -> None:
        """End all processes; an evaluation that runs fails. A second call does nothing."""
        self._is_closed = True
        self._idle.clear()
        await asyncio.gather(*(self._ended(process) for process in list(self._all)))

    @asynccontextmanager
    async def _turn(self, workflow: str) -> AsyncIterator[None]:
        """One evaluation of a workflow at a time; locks nobody waits for are dropped."""
        lock, users = self._turns.get(workflow, (asyncio.Lock(), 0))
        self._turns[workflow] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._turns[workflow]
            if users == 1:
                del self._turns[workflow]
            else:
                self._turns[workflow] = (lock, users - 1)

    async def _asked(self, request: bytes, seconds: float) -> Json:
        process = await self._taken()
        is_fit = False
        try:
            async with asyncio.timeout(seconds * WALL_FACTOR + START_SECONDS):
                answer = await _exchanged(process, request)
            is_fit = not (answer["is_worn"] or self._is_closed)
            return answer
        except TimeoutError:
            raise _too_long(seconds) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            status = await process.wait()
            if self._is_closed:
                raise ExpressionError("the server is shutting down") from None
            if status == -signal.SIGPROF:
                raise _too_long(seconds) from None
            raise LimitExceeded(f"the evaluation ended its process (status {status})") from None
        finally:
            if is_fit:
                self._idle.append(process)
            else:  # also when we were cancelled: its answer would be taken for the next one's
                await asyncio.shield(self._ended(process))

    async def _taken(self) -> Process:
        """
        An idle process, or a new one.

        Raises:
            ExpressionError: the pool is closed.
        """
        if self._is_closed:
            raise ExpressionError("the server is shutting down")
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
            await self._ended(process)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "runner.evaluator", str(self._mebibytes),
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


async def _exchanged(process: Process, request: bytes) -> Json:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(request)
    await process.stdin.drain()
    size: int = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
    return unframed(await process.stdout.readexactly(size))


def _value(answer: Json) -> Json:
    if "error" not in answer:
        return answer["value"]
    if answer["kind"] == "limit":
        raise LimitExceeded(answer["error"])
    raise ExpressionError(answer["error"])


def _too_long(seconds: float) -> LimitExceeded:
    return LimitExceeded(f"the evaluation takes more than {seconds:g} s of CPU; make less of it at once")
