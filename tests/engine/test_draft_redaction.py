"""What is hidden of a workflow that was never published is what its drafts say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.redact import EVERYTHING, Redactions
from tests.engine.publishing_world import TEXT, Publishing, open_publishing

HIDES = "redact: [payload.email]\n"


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    folder = tmp_path / "workflows"
    folder.mkdir()
    async with open_publishing(folder, tmp_path / "hookline.db") as opened:
        yield opened


def hiding(world: Publishing) -> Redactions:
    return Redactions(world.library, world.store, world.store.newest_version, world.drafts)


async def draft(world: Publishing, text: str, person: str) -> None:
    await world.drafts.put("orders", person, by=person, text=text, base=None, revision=None)


async def test_without_a_draft_all_is_hidden(publishing: Publishing) -> None:
    assert await hiding(publishing)("orders", None) == EVERYTHING


async def test_what_any_draft_hides_is_hidden(publishing: Publishing) -> None:
    await draft(publishing, TEXT, "ada")
    assert not await hiding(publishing)("orders", None)
    await draft(publishing, TEXT + HIDES, "grace")
    found = await hiding(publishing)("orders", None)
    assert [one.text for one in found.paths] == ["payload.email"]
    assert not found.is_all


async def test_a_draft_that_cannot_be_read_hides_all(publishing: Publishing) -> None:
    await draft(publishing, "name: [", "ada")
    assert (await hiding(publishing)("orders", None)).is_all


async def test_the_defaults_of_the_folder_hold_for_drafts(publishing: Publishing) -> None:
    (publishing.library.folder / "_defaults.yaml").write_text(HIDES, encoding="utf-8")
    await draft(publishing, TEXT, "ada")
    found = await hiding(publishing)("orders", None)
    assert [one.text for one in found.paths] == ["payload.email"]


async def test_once_published_the_version_says_it(publishing: Publishing) -> None:
    await draft(publishing, TEXT + HIDES, "ada")
    await publishing.publish(TEXT, by="Ada")
    assert not await hiding(publishing)("orders", None)
