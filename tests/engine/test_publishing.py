"""Publishing by several processes at once, and by some that die on the way."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.folder import (
    DELETED,
    FolderShut,
    last_put_away,
    put_away,
    why_shut,
    write_text,
    written_alone,
)
from runner.engine.library import text_of
from runner.engine.publishing import Outrun
from runner.engine.versions import Signed
from runner.language.faults import WorkflowInvalid
from runner.store.keeping_sqlite import SQLiteKeeping
from tests.engine.publishing_world import TEXT, Publishing, open_publishing, text_of_number

pytestmark = pytest.mark.both_stores

ROOT = Path(__file__).parents[2]
KILLS = 6


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "workflows"
    made.mkdir()
    return made


@pytest.fixture
async def one(folder: Path, tmp_path: Path) -> AsyncIterator[Publishing]:
    async with open_publishing(folder, tmp_path / "hookline.db") as world:
        yield world


@pytest.fixture
async def other(one: Publishing, folder: Path, tmp_path: Path) -> AsyncIterator[Publishing]:
    """A second process on the same folder and the same store."""
    assert one.library.folder == folder
    async with open_publishing(folder, tmp_path / "hookline.db") as world:
        yield world


async def test_two_processes_overwrite_nothing_of_each_other(one: Publishing, other: Publishing) -> None:
    await one.publish(TEXT, by="ada")
    with pytest.raises(Outrun) as refused:  # it has not looked since
        await other.publisher.publish("orders", text_of_number(2), base=None, signed=Signed("bo"))
    assert refused.value.live is not None
    assert (refused.value.live.version, refused.value.live.by) == (1, "ada")
    tries = [
        one.publisher.publish("orders", text_of_number(3), base=1, signed=Signed("ada")),
        other.publisher.publish("orders", text_of_number(4), base=1, signed=Signed("bo")),
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["Live", "Outrun"]


async def test_all_processes_agree_on_the_number_of_a_text_that_is_published_again(
    one: Publishing, other: Publishing
) -> None:
    await one.publish(TEXT, by="ada")
    await one.publish(text_of_number(2), by="ada")
    await other.library.reload()
    again = await one.publish(TEXT, by="ada")
    await other.library.reload()
    await one.library.reload()
    assert [one.library.get("orders"), other.library.get("orders")] == [again, again]
    assert again.version == 3
    async with open_publishing(one.library.folder, one.store.nodes.parent / "hookline.db") as later:
        live = later.library.get("orders")
        assert live is not None
        assert live.version == 3


async def test_what_a_process_wrote_that_died_then_is_a_version_of_nobody(
    one: Publishing, folder: Path
) -> None:
    await one.publish(TEXT, by="ada")
    write_text(folder / "orders.yaml", text_of_number(2))
    (folder / ".orders-1234.new").write_text("half of a te", encoding="utf-8")
    await one.library.reload()
    live = one.library.get("orders")
    assert live is not None
    assert (live.version, live.source) == (2, text_of_number(2))
    assert (await one.versions.one("orders", 2)).by is None
    await one.publish(text_of_number(3), by="bo")
    assert names(folder) == ["orders.yaml"]


async def test_who_published_is_known_also_where_another_process_read_the_file_first(
    one: Publishing, other: Publishing, folder: Path
) -> None:
    await one.publish(TEXT, by="ada")
    write_text(folder / "orders.yaml", text_of_number(2))
    await other.library.reload()  # its version is nobody's now
    live = await one.library.read("orders", signed=Signed("bo", "why"))
    assert live is not None
    info = await other.versions.one("orders", live.version)
    assert (info.version, info.by, info.message) == (2, "bo", "why")


async def test_killed_at_any_instant_the_file_is_whole_and_what_is_live(folder: Path, tmp_path: Path) -> None:
    said = 0
    for kill in range(KILLS):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.engine.publishing_child",
            folder, tmp_path / "hookline.db", str(1000 * (kill + 1)),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout is not None
        for _ in range(1 + kill):  # each time a little later within its next publishing
            line = await asyncio.wait_for(child.stdout.readline(), 30)
            assert line, (await child.communicate())[1]
            said = int(line)
        await asyncio.wait_for(_some_work(kill), 5)
        child.kill()
        rest = (await child.communicate())[0].decode().split()
        said = int(rest[-1]) if rest else said
        text = text_of(folder / "orders.yaml")
        assert isinstance(text, str)
        numbers = set(re.findall(r"# (\d+) of this text\n", text)) | set(re.findall(r"> (\d+)", text))
        assert len(numbers) == 1  # whole: one text and not two halves
        assert text == text_of_number(int(numbers.pop()), size=20_000)
        async with open_publishing(folder, tmp_path / "hookline.db") as world:
            live = world.library.get("orders")
            assert live is not None
            assert live.source == text
            assert live.version in (said, said + 1)  # what was said is there, or what came right after


async def _some_work(amount: int) -> None:
    """As long as comparing some texts takes: another instant each time."""
    for number in range(amount * 7):
        await asyncio.to_thread(text_of_number, number, size=200_000)


async def test_a_text_with_errors_or_with_what_is_live_already_writes_nothing(
    one: Publishing, folder: Path
) -> None:
    first = await one.publish(TEXT, by="ada")
    before = (folder / "orders.yaml").stat().st_mtime_ns
    with pytest.raises(WorkflowInvalid):
        await one.publish("name: x\n", by="bo")
    again = await one.publish(TEXT, by="bo")
    assert (again.version, (folder / "orders.yaml").stat().st_mtime_ns) == (first.version, before)
    assert (await one.versions.one("orders", 1)).by == "ada"


async def test_a_version_that_a_draft_was_made_from_is_kept_for_merging(
    one: Publishing, tmp_path: Path
) -> None:
    await one.publish(TEXT, by="ada")
    await one.publish(text_of_number(2), by="ada")
    await one.publish(text_of_number(3), by="ada")
    await one.drafts.put("orders", "u1", by="bo", text="x", base=1, revision=None)
    keeping = SQLiteKeeping(one.store)
    assert await keeping.let_go_versions({"orders": 3}, before=1e12) == 1
    assert [one.version for one in await one.versions.page("orders", before=None, limit=9)] == [3, 1]


# --- the folder


def test_a_file_keeps_its_mode_and_a_link_stays_one(folder: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", folder / "orders.yaml"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    write_text(link, "new\r\n")
    assert link.is_symlink()
    assert (real.read_bytes(), stat.S_IMODE(real.stat().st_mode)) == (b"new\r\n", 0o640)


async def test_one_task_writes_at_a_time(folder: Path) -> None:
    inside: list[int] = []

    async def write(number: int) -> None:
        async with written_alone(folder):
            inside.append(number)
            await asyncio.to_thread(write_text, folder / "a.yaml", str(number))
            assert inside[-1] == number

    await asyncio.gather(*map(write, range(8)))
    assert sorted(inside) == list(range(8))


async def test_a_folder_that_is_not_there_is_shut(folder: Path, tmp_path: Path) -> None:
    assert why_shut(folder) is None
    assert why_shut(tmp_path / "none") == "The folder of the workflow files is not there now."
    with pytest.raises(FolderShut):
        async with written_alone(tmp_path / "none"):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="who may do all is stopped by no mode")
def test_a_folder_that_we_may_not_write_to_is_shut(folder: Path) -> None:
    folder.chmod(0o555)
    assert "may not write" in (why_shut(folder) or "")
    folder.chmod(0o755)


async def test_a_disk_that_fails_is_told_as_a_shut_folder(folder: Path) -> None:
    (folder / "orders.yaml").mkdir()  # no file can take its place
    with pytest.raises(FolderShut, match="cannot be written to"):
        async with written_alone(folder):
            write_text(folder / "orders.yaml", "x")
    assert names(folder) == ["orders.yaml"]


def test_of_several_that_were_deleted_the_last_comes_back(folder: Path) -> None:
    for day, text in ((1, "first"), (2, "second")):
        (folder / "orders.yaml").write_text(text, encoding="utf-8")
        put_away(folder, "orders", 86400.0 * day)
    last = last_put_away(folder, "orders", 86400.0 * 3)
    assert last is not None
    assert (last.path.read_text(encoding="utf-8"), last.at) == ("second", 86400.0 * 2)
    (folder / "sales.yaml").write_text("x", encoding="utf-8")
    put_away(folder, "sales", 86400.0 * 31.5)  # lets go of what is older than thirty days
    assert len(list((folder / DELETED).iterdir())) == 2
    assert last_put_away(folder, "orders", 86400.0 * 40) is None
    assert last_put_away(folder, "sal", 86400.0 * 32) is None
