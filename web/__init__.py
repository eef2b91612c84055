"""The way in, the API and the pages."""

from __future__ import annotations
