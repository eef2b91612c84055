"""What the doctor finds, through the API and as a page, for admins alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.cli.doctor import examine_outside
from runner.engine.findings import Finding
from runner.settings import Settings
from tests.api.house import World
from tests.api.schema_check import differences
from tests.api.templates import app_of

pytestmark = pytest.mark.both_stores


def examined(world: World, data: Path) -> World:
    """The same with a doctor that looks at *data*, where others may read the key."""
    (data / "key").write_text("k" * 64)
    (data / "key").chmod(0o644)

    async def doctor() -> list[Finding]:
        findings, _can_be_opened = await examine_outside(Settings(), data, seconds=1.0)
        return [*findings]

    house = replace(world.house, doctor=doctor)
    return replace(world, house=house, app=app_of(house))


async def test_the_answer_is_as_described_and_names_the_mend(world: World, tmp_path: Path) -> None:
    world = examined(world, tmp_path)
    found = await world.get("/api/v1/doctor", role="admin")
    document = await world.get("/api/v1/openapi.json")
    described = document["paths"]["/doctor"]["get"]["responses"]["200"]["content"]["application/json"]
    assert differences(found, described["schema"], document) == []
    key = next(one for one in found["findings"] if one["name"] == "Key")
    assert (key["state"], key["mend"]) == ("error", f"chmod 600 {tmp_path / 'key'}")
    assert found["error"] == sum(one["state"] == "error" for one in found["findings"]) == 1


async def test_it_is_for_admins(world: World, tmp_path: Path) -> None:
    world = examined(world, tmp_path)
    await world.get("/api/v1/doctor", role="editor", status=403)
    assert "/health/doctor" not in await world.page("/health", role="editor")
    assert "/health/doctor" in await world.page("/health", role="admin")


async def test_the_page_tells_the_worst_first(world: World, tmp_path: Path) -> None:
    page = await examined(world, tmp_path).page("/health/doctor", role="admin")
    assert "1 thing must be mended" in page
    assert page.index("chmod 600") < page.index("public_url")
