"""All providers by name. One that is not listed here does not exist."""

from __future__ import annotations

from collections.abc import Mapping

from runner.inbound.providers.provider import Provider

PROVIDERS: Mapping[str, Provider] = {}
