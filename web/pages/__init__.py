"""The pages: rendered here, readable without a script."""

from __future__ import annotations
