"""What people do with connections, put together of a server's data and its way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import connectors
from runner.engine.connecting import Connections

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.turn import Tools


def connections_of(rooms: Rooms, tools: Tools) -> Connections:
    """The connections of *rooms*, tried with *tools*."""
    return Connections(rooms.vault, tools, connectors.chooser, rooms.settings.address)
