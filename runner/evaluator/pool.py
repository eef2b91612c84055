"""
The evaluator processes, seen from the engine: started on first use, one evaluation at a time,
never two for one workflow, killed past their bound and replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.evaluator.processes import Processes, value_of
from runner.evaluator.wire import framed, request_of, request_to_evaluate

if TYPE_CHECKING:
    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.scope import Scope
    from runner.language.templates import TemplateShape
    from runner.values import Json


class EvaluatorPool:
    """
    At most *processes* evaluators, each with *seconds* of CPU for an evaluation and *mebibytes*
    of memory for what it builds. Belongs to one event loop; `close` it.
    """

    def __init__(self, *, seconds: float = 1.0, mebibytes: int = 64, processes: int = 2) -> None:
        self._seconds = seconds
        self._processes = Processes("runner.evaluator", mebibytes=mebibytes, count=processes)

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

    @property
    def restarts(self) -> int:
        """How many processes were ended, worn out or past their bounds, and are replaced when needed."""
        return self._processes.restarts

    async def close(self) -> None:
        """End all processes; an evaluation that runs fails. A second call does nothing."""
        await self._processes.close()

    async def _evaluated(self, asked: Json, scope: Scope, seconds: float, workflow: str) -> Json:
        answer = await self._processes.ask(framed(asked), seconds=seconds, key=workflow)
        if scope.files is not None:
            scope.files.wanted.update(answer.get("wanted") or {})
        return value_of(answer)
