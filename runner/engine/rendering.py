"""Where a template renders: here if it is plain, else in the evaluator, which can be killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.engine.turn import Evaluator
    from runner.language.scope import Scope
    from runner.language.templates import TemplateShape
    from runner.values import Json


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
