"""The engine with stand-ins in place of connectors."""

from __future__ import annotations
