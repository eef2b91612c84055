from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash.kills import hammer


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("workers", "events", "kills", "seed"), [(1, 400, 2, 7), (2, 120, 1, 8)])
async def test_every_event_answered_with_200_is_delivered_after_kills_under_load(
    tmp_path: Path, workers: int, events: int, kills: int, seed: int
) -> None:
    account = await hammer(tmp_path, events=events, kills=kills, chance=random.Random(seed), workers=workers)
    assert len(account.accepted) == events
    assert account.missing == []
    assert account.under_another_key == []
    assert set(account.ends) == {"succeeded"}
    assert account.kills["never ended"] == 0
