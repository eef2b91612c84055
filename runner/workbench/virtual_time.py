"""
An event loop whose time jumps: where nothing is left to do before the next timer, it is that time.

Waits, retries and bounds in time of a test then take no time at all, and are exact. What is done
outside of the loop (an evaluator process) is waited for with the clock standing still.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.engine.turn import Evaluator
    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.scope import Scope
    from runner.language.templates import TemplateShape
    from runner.values import Json


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner(loop_factory=VirtualTimeLoop)`; `time()` begins at 0."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._outside = 0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Seconds that have passed here."""
        return self._passed

    @property
    def is_still(self) -> bool:
        """Whether something outside is waited for."""
        return self._outside > 0

    def jump(self, seconds: float) -> None:
        """Let *seconds* pass, and the least bit more: a timer is due only when its time is behind."""
        self._passed = math.nextafter(self._passed + seconds, math.inf)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """While something outside of this loop is under way, no time passes."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._loop.is_still:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self._loop.jump(timeout)
        return ready


class EvaluatorOutside:
    """An evaluator whose work takes no time here (see `runner.engine.turn.Evaluator`)."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    async def render(self, shape: TemplateShape, scope: Scope, *, workflow: str, factor: float = 1.0) -> Json:
        """As `Evaluator.render`."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualTimeLoop):
            return await self._evaluator.render(shape, scope, workflow=workflow, factor=factor)
        with loop.outside():
            return await self._evaluator.render(shape, scope, workflow=workflow, factor=factor)

    async def evaluate(
        self, expression: Expression | ExpressionShape, scope: Scope, *, workflow: str, factor: float = 1.0
    ) -> Json:
        """As `Evaluator.evaluate`."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualTimeLoop):
            return await self._evaluator.evaluate(expression, scope, workflow=workflow, factor=factor)
        with loop.outside():
            return await self._evaluator.evaluate(expression, scope, workflow=workflow, factor=factor)
