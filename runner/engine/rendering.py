"""
Where templates and expressions are evaluated: here what is known to be short, the rest in the evaluator,
a process that can be killed and that nobody else waits for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import LimitExceeded
from runner.language.scope import Allowance

if TYPE_CHECKING:
    from runner.engine.turn import Evaluator
    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.scope import Scope
    from runner.language.templates import TemplateShape
    from runner.values import Json

BRIEF_OPERATIONS = 20_000  # some 2 ms at what most take, 20 ms at what the dearest take
BRIEF_WEIGHT = 2 * 1024 * 1024  # about bytes: an ordinary payload looked through a few times


async def render(
    shape: TemplateShape, scope: Scope, evaluator: Evaluator, *, workflow: str, factor: float = 1.0
) -> Json:
    """
    Render *shape*; *factor* stretches the bound in time.

    Raises:
        ExpressionError: as the template's author needs to know it.
    """
    if shape.is_plain:
        return shape.render(scope)
    return await evaluator.render(shape, scope, workflow=workflow, factor=factor)


async def evaluate(
    expression: Expression | ExpressionShape,
    scope: Scope,
    evaluator: Evaluator,
    *,
    workflow: str,
    factor: float = 1.0,
) -> Json:
    """
    Evaluate *expression*: here as far as that is brief, and where it is not, from its beginning in the
    evaluator, which gives the same; *factor* stretches the bound in time.

    Raises:
        ExpressionError: as the expression's author needs to know it.
    """
    if expression.is_brief:
        return expression.evaluate(scope)
    try:
        return expression.evaluate(replace(scope, allowance=Allowance(BRIEF_OPERATIONS, BRIEF_WEIGHT)))
    except LimitExceeded:
        return await evaluator.evaluate(expression, scope, workflow=workflow, factor=factor)
