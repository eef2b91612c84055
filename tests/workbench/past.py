"""Real runs of a real engine, and what changed texts would have done with their events."""

from __future__ import annotations

import asyncio
from typing import Any

import connectors
from runner.engine.redact import Redactions
from runner.evaluator.wire import framed, unframed
from runner.language.catalogue import Catalogue
from runner.outbound.unsent import UnsentOutbound
from runner.store.past import StoredPast
from runner.values import Json
from runner.workbench.backtests import Backtests
from runner.workbench.looking import Looking
from runner.workbench.wire import Held
from tests.engine.world import Outside, World


class Desk:
    """Looks on as the process does, beside this one's loop; its `probe` notes elsewhere."""

    def __init__(self, world: World) -> None:
        self.outside = Outside()
        probe = self.outside.connector()
        known = catalogue_of(world)
        self._looking = Looking(
            lambda _held: known,
            lambda name: (
                probe.actions[name.partition(".")[2]]
                if name.startswith("probe.")
                else connectors.action(name)
            ),
            connectors.connection_model,
            UnsentOutbound(),
        )

    async def ask(self, request: Json, *, seconds: float, key: str) -> Json:
        return await asyncio.to_thread(self._looking.answer, unframed(framed(request)[4:]))

    async def warm(self) -> None:
        """It is."""


def catalogue_of(world: World) -> Catalogue:
    """What the library's own checker knows."""
    return world.library._catalogue()


def backtests_of(world: World, secrets: frozenset[str] = frozenset()) -> Backtests:
    return Backtests(
        library=world.library,
        past=StoredPast(world.store),
        versions=world.store,
        desk=Desk(world),
        redaction_of=Redactions(world.library, world.store, world.store.newest_version),
        held=lambda: Held(secrets=("KEY",)),
        secret_values=lambda: secrets,
        catalogue=lambda: catalogue_of(world),
        overrides=lambda _slug: {},
        token_of=world.tools.resume_token,
        address=world.tools.public_url,
    )


async def judged(world: World, slug: str, text: str, secrets: frozenset[str] = frozenset()) -> list[Any]:
    """The entries of all past events, the oldest first."""
    backtests = backtests_of(world, secrets)
    trigger = "" if "trigger:" in text else "trigger: {webhook: {}}\n"
    ids = await backtests.events(slug, last=100)
    before = list(world.outside.notes)
    found = await backtests.judged(slug, f"name: {slug}\n{trigger}{text}", ids)
    assert world.outside.notes == before  # nothing was called
    return found[::-1]
