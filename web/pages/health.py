"""Health: is the server well, and where it is not, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import render_template

from runner import __version__
from web.house import House
from web.wellness import health as health_of

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 240, 40  # of the picture, in its own units


async def health(house: House) -> str:
    """Numbers, checks and destinations."""
    found = await health_of(house)
    most = max((max(one["accepted"], one["finished"]) for one in found["rates"]), default=0.0)
    return await render_template(
        "health.html",
        health=found,
        accepted=line([one["accepted"] for one in found["rates"]], most),
        finished=line([one["finished"] for one in found["rates"]], most),
        most=most,
        public_url=house.public_url,
        version=__version__,
    )


def line(values: Sequence[float], most: float) -> str:
    """The path of *values*, the newest at the right; empty where it would be a point."""
    if len(values) < 2:
        return ""
    step = WIDTH / (len(values) - 1)
    points = [
        f"{place * step:.1f} {HEIGHT - 2 - (value / most if most else 0) * (HEIGHT - 4):.1f}"
        for place, value in enumerate(values)
    ]
    return f"M{points[0]}" + "".join(f"L{one}" for one in points[1:])
