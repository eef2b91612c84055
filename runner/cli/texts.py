"""Texts of workflows as a server deals with them: checked, published, filed, and those that come along."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import connectors
from runner.cli.house import Rooms, catalogue
from runner.cli.init import starters_folder
from runner.engine.checking import check_text
from runner.engine.filing import Filing
from runner.engine.publishing import Publisher
from runner.engine.starters import starter_items
from runner.inbound.providers import provider_infos
from runner.language.faults import Fault
from runner.values import Json
from web.house import CheckText


def checker_of(rooms: Rooms) -> CheckText:
    """What finds the faults of a text among the files, connections, secrets and events of *rooms*."""

    async def check(text: str, slug: str) -> Sequence[Fault]:
        return await check_text(
            text,
            slug,
            rooms.library.folder,
            catalogue(rooms.vault, rooms.settings.server, rooms.settings.commands, shelf=rooms.shelf),
            overrides=rooms.settings.vars.of,
            history=rooms.history,
            clock=time.monotonic,
        )

    return check


def publisher_of(rooms: Rooms) -> Publisher:
    """What makes a text live in the folder of *rooms*."""
    return Publisher(rooms.library, rooms.versions, checker_of(rooms), time.time)


def filing_of(rooms: Rooms) -> Filing:
    """What begins, renames, deletes and restores workflows in the folder of *rooms*."""
    return Filing(rooms.library, rooms.drafts, rooms.addresses, time.time)


@cache
def starters() -> Json:
    """The workflows that come along (`runner.engine.starters`)."""

    def title(name: str) -> str | None:
        return connectors.connector(name).title if name in connectors.names() else None

    return starter_items(starters_folder(), title, provider_infos())
