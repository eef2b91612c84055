"""The Store port on SQLite, and what the pages read."""

from __future__ import annotations
