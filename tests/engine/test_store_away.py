"""A store that goes away and comes back: what happened is written down later, and not done twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runner.engine.calls import CallFiles
from runner.engine.runs import Status
from runner.errors import Rejected, Unavailable
from tests.engine.world import Outside, World, opened

ONE = "steps:\n  - action: probe.note\n    with: {text: '{{ payload }}', after: open}\n"
TWO = ONE + "  - action: probe.note\n    with: {text: two}\n"


async def fill_the_disk(world: World) -> None:
    """No page more than there are."""
    cursor = await world.sqlite._writing.execute("PRAGMA page_count")
    row = await cursor.fetchone()
    assert row
    await world.sqlite._writing.execute(f"PRAGMA max_page_count={row[0]}")


async def free_the_disk(world: World) -> None:
    await world.sqlite._writing.execute("PRAGMA max_page_count=1000000")


async def test_an_effect_that_could_not_be_recorded_is_recorded_when_the_disk_is_free_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", TWO)
        accepted = await world.send("one", "x" * 20_000)  # its record needs pages of its own
        await outside.begun.wait()
        await fill_the_disk(world)
        outside.gates["open"].set()
        while "the store cannot write" not in caplog.text:
            await asyncio.sleep(0)
        # the second effect does not begin while the first is not on disk
        assert len(outside.notes) == 1
        await free_the_disk(world)
        assert (await world.turned(accepted.run_id)).status is Status.SUCCEEDED
        run = await world.history.run(accepted.run_id)
    assert outside.notes == ["x" * 20_000, "two"]
    assert [step["attempts"] for step in run["steps"]] == [1, 1]


async def test_an_end_that_could_not_be_written_is_written_when_the_disk_is_free_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", ONE)
        accepted = await world.send("one", "y" * 20_000)
        await outside.begun.wait()
        await fill_the_disk(world)
        outside.gates["open"].set()
        while "the store cannot write" not in caplog.text:
            await asyncio.sleep(0)
        assert (await world.store.answer_of(accepted.run_id))[0] is Status.RUNNING
        await free_the_disk(world)
        assert (await world.turned(accepted.run_id)).status is Status.SUCCEEDED
    assert outside.notes == ["y" * 20_000]


async def test_a_file_that_cannot_be_read_while_the_store_is_away_is_asked_for_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        file = {"filename": "a.bin", "content_type": "application/octet-stream", "size": 1, "file": "d" * 64}
        files = CallFiles(world.tools, frozenset({"d" * 64}))
        with pytest.raises(Rejected, match="no longer stored"):
            await files.read(file)
        await world.sqlite._writing.execute("ALTER TABLE files RENAME TO files_away")
        with pytest.raises(Unavailable, match=r"a\.bin cannot be read now"):
            await files.read(file)
        await world.sqlite._writing.execute("ALTER TABLE files_away RENAME TO files")
