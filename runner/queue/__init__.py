"""The Queue port: in one process, over the store."""

from __future__ import annotations
