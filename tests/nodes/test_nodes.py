from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.nodes.chaos import chaos
from tests.servers.postgres import postgres_server


@pytest.mark.timeout(240)
def test_nodes_are_killed_paused_and_cut_off_and_the_database_ends(tmp_path: Path) -> None:
    """Each once, under load: nothing is lost, no limit exceeded, each line in order, each firing once."""
    with postgres_server() as server:
        account = asyncio.run(chaos(tmp_path, server, seconds=1, every=0.7, chance=random.Random(8)))
    assert account.faults == [], str(account)
    assert all(len(numbers) > 5 for numbers in account.accepted.values()), str(account)
    assert account.done["killed"] == account.done["killed again"] == account.done["paused"] == 1
