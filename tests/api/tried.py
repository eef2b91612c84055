"""What the tests' house tries workflows with: the real process that looks on, and the real door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from quart import Quart

from runner.cli.trying import DeskPool
from runner.engine.accept import Door
from runner.engine.answer import Callers
from runner.engine.examining import Examiner
from runner.engine.pauses import PauseBoard
from runner.engine.redact import Redactions
from runner.engine.resuming import question_id
from runner.evaluator.pool import EvaluatorPool
from runner.inbound.request import Request
from runner.store.past import StoredPast
from runner.store.pauses import StoredPauses
from runner.workbench.backtests import Backtests
from runner.workbench.trials import Trials
from runner.workbench.wire import Held
from tests.engine.world import NothingToFetch
from web.bodies import Room
from web.hooks import Hooks
from web.inside import Sampled, deliver
from web.senders import Senders

if TYPE_CHECKING:
    from runner.engine.history import History
    from runner.engine.library import Library
    from runner.language.catalogue import Catalogue
    from runner.store.common import CommonStore


@asynccontextmanager
async def opened_trials(
    store: CommonStore,
    library: Library,
    history: History,
    catalogue: Catalogue,
    held: dict[str, str],
    clock: Callable[[], float],
    public_url: str,
) -> AsyncIterator[Trials]:
    """Without a worker: runs stay queued. *held* are the secrets."""
    evaluator = EvaluatorPool()
    door = Door(store, None, Callers(), evaluator, clock, 100, PauseBoard(StoredPauses(store, clock)))
    examiner = Examiner(held.copy, NothingToFetch())
    nobody = Senders((), "")
    pages: Any = Quart(__name__)  # a sample never gets there
    hooks = Hooks(library, door, examiner, nobody, pages, public_url=public_url, room=Room(1 << 24))
    desk = DeskPool()

    async def let_in(request: Request, by: str, is_sent: bool) -> tuple[int, bytes]:
        heard = await deliver(hooks, request, Sampled(by, is_sent))
        return heard.status, heard.body

    try:
        yield Trials(
            library=library,
            history=history,
            past=StoredPast(store),
            desk=desk,
            door=door,
            examiner=examiner,
            redaction_of=Redactions(library, store, store.newest_version),
            held=lambda: Held(secrets=tuple(held)),
            secrets=held.copy,
            secret_values=lambda: frozenset(held.values()),
            catalogue=lambda: catalogue,
            overrides=lambda _slug: {},
            url_of=lambda token: f"{public_url}/hooks/{token}",
            deliver=let_in,
            backtests=Backtests(
                library=library,
                past=StoredPast(store),
                versions=store,
                desk=desk,
                redaction_of=Redactions(library, store, store.newest_version),
                held=lambda: Held(secrets=tuple(held)),
                secret_values=lambda: frozenset(held.values()),
                catalogue=lambda: catalogue,
                overrides=lambda _slug: {},
                token_of=question_id,
                address=public_url,
            ),
        )
    finally:
        await desk.close()
        await evaluator.close()
