"""Publishes texts from number FIRST on into a folder until it is killed: `FOLDER DATABASE FIRST`."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from tests.engine.publishing_world import open_publishing, text_of_number


async def main(folder: Path, database: Path, first: int) -> None:
    """Say a line for each version that is live."""
    async with open_publishing(folder, database) as world:
        for number in itertools.count(first):
            live = await world.publish(text_of_number(number, size=20_000), by=f"child {number}")
            print(live.version, flush=True)


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
