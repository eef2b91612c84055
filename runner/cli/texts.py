"""The check of a workflow's text as a server makes it, with all that the server knows."""

from __future__ import annotations

import time
from collections.abc import Sequence

from runner.cli.house import Rooms, catalogue
from runner.engine.checking import check_text
from runner.language.faults import Fault
from web.house import CheckText


def checker_of(rooms: Rooms) -> CheckText:
    """What finds the faults of a text among the files, connections, secrets and events of *rooms*."""

    async def check(text: str, slug: str) -> Sequence[Fault]:
        return await check_text(
            text,
            slug,
            rooms.library.folder,
            catalogue(rooms.vault, rooms.settings.server),
            overrides=rooms.settings.vars.of,
            history=rooms.history,
            clock=time.monotonic,
        )

    return check
