from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.house import WORKFLOW, World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A house with one workflow, `orders`."""
    async with open_world(tmp_path, workflows={"orders": WORKFLOW}) as one:
        yield one
