"""What each kind of step does: one function a kind, from a step and its frame to a result."""

from __future__ import annotations
