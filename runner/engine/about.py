"""What a task is about: the event, run and workflow whose ids stand in each line that it logs."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

NOTHING: Mapping[str, str] = {}
ABOUT: ContextVar[Mapping[str, str]] = ContextVar("hookline_about", default=NOTHING)


def be_about(**ids: str) -> None:
    """From now on this task, and those that it starts, are about *ids*: `event`, `run`, `workflow`."""
    ABOUT.set(ids)
