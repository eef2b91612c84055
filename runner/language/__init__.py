"""The workflow language: text to Workflow to values. Pure."""

from __future__ import annotations
