"""The API under /api/v1: each route is described once, and served and documented from that."""

from __future__ import annotations
