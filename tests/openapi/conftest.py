from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.connectors.conftest import MakeCall, files, make_call, sink
from tests.openapi.services import Shop

__all__ = ["MakeCall", "files", "make_call", "sink"]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with Shop() as one:
        yield one
