"""The one way out: a guarded HTTP client, and guarded sockets for other protocols."""

from __future__ import annotations

from runner.outbound.client import Outbound

__all__ = ["Outbound"]
