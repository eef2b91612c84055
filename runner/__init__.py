"""Hookline's engine: from the bytes of an event to the effects of a workflow."""

from __future__ import annotations

__version__ = "0.1.0"
