"""What people do with connections, put together of a server's data and its way out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.engine.connecting import Connections
from runner.engine.custody import Custody
from runner.engine.library import text_of, workflow_files
from runner.language.uses import uses

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.turn import Tools


MOST_TEXTS = 1000  # whose names are remembered


def custody_of(rooms: Rooms, tools: Tools) -> Custody:
    """The secrets and connections of *rooms* in a person's hands, tried with *tools*."""

    def texts() -> Mapping[str, str]:
        live = {one.workflow.slug: one.source for one in rooms.library.all()}
        found = {path.stem: text_of(path) for path in workflow_files(rooms.library.folder)}
        return live | {slug: text for slug, text in found.items() if isinstance(text, str)}

    used = lru_cache(MOST_TEXTS)(uses)
    return Custody(rooms.vault, tools, texts, used, rooms.shelf.described_kinds)


def connections_of(rooms: Rooms, tools: Tools) -> Connections:
    """The connections of *rooms*, tried with *tools*."""
    return Connections(rooms.vault, tools, rooms.shelf.chooser, rooms.settings.address)
