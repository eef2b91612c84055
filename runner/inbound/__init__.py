"""Bytes to a decoded event. Pure."""

from __future__ import annotations
