from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash.kills import hammer


@pytest.mark.timeout(180)
async def test_every_event_answered_with_200_is_delivered_after_kills_under_load(tmp_path: Path) -> None:
    account = await hammer(tmp_path, events=600, kills=3, chance=random.Random(7))
    assert len(account.accepted) == 600
    assert account.missing == []
    assert account.under_another_key == []
    assert set(account.ends) == {"succeeded"}
