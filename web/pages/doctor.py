"""The doctor's page: what is wrong with this installation, and how it is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import render_template

from runner.engine.findings import counted

if TYPE_CHECKING:
    from web.house import House

WORST_FIRST = ("error", "warning", "ok")


async def doctor(house: House) -> str:
    """All that was looked at just now, the worst first."""
    findings = await house.doctor() if house.doctor else ()
    return await render_template(
        "doctor.html",
        findings=sorted(findings, key=lambda one: WORST_FIRST.index(one.state)),
        counts=counted(findings),
    )
