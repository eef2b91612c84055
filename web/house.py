"""What the web needs of everything else: ports and callables, put together by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from runner.engine.connecting import Connections
from runner.engine.history import History, People
from runner.engine.library import Library, Live
from runner.engine.pauses import PauseBoard, Pauses
from runner.engine.problems import Problems
from runner.engine.replaying import Replayer
from runner.engine.replays import Replays
from runner.engine.resuming import Resuming
from runner.engine.runs import Store
from runner.language.faults import Fault
from runner.values import Json

Origin = Literal["failed", "start"]
Version = Literal["live", "original"]


class Recheck(Protocol):
    """Judges refused requests again."""

    async def __call__(self, *, workflow: str | None, since: float | None) -> Json:
        """
        What became of those of *workflow* (None: of each), as a list of `Rechecked.as_json()`.

        Raises:
            NotFound, StoreUnavailable.
        """


class StartReplay(Protocol):
    """Starts a replay of one run."""

    async def __call__(self, run_id: str, *, origin: Origin, version: Version) -> Json:
        """
        `{id, …}` of the run that goes on: the same one from its failed step, a new one from the start.

        Raises:
            NotFound, MoveRefused, StoreUnavailable; LanguageError: the version cannot be run.
        """


class StartRun(Protocol):
    """Starts a run of a workflow by hand."""

    async def __call__(self, slug: str, inputs: Json, *, by: str) -> Json:
        """
        `{id, event, workflow}` of the run that begins.

        Raises:
            NotFound: there is no such workflow; MoveRefused: it has no `manual` trigger.
            InputsRefused: it does not take these inputs. StoreUnavailable.
        """


class CheckText(Protocol):
    """Finds what is wrong with the text of a workflow."""

    async def __call__(self, text: str, slug: str) -> Sequence[Fault]:
        """
        All faults of *text* as the file of *slug*, tried on its last events too; paths are names of files.

        Raises:
            StoreUnavailable.
        """


@dataclass(frozen=True)
class House:
    """
    `url_of(live)` is a workflow's address, `actions()` the catalogue as a list of `{name, summary,
    …}`, `clock()` UTC seconds. `ping()` raises StoreUnavailable when nothing can be written. `timed()` lists
    what starts by itself (`runner.engine.timed`). New
    events are refused when `store.backlog` reaches `backlog_limit`. `timezone` (IANA) is that of
    the times on the pages.
    """

    history: History
    people: People
    library: Library
    store: Store
    url_of: Callable[[Live], str]
    actions: Callable[[], Json]
    clock: Callable[[], float]
    start_replay: StartReplay
    start_run: StartRun
    form_url_of: Callable[[Live], str | None]  # of its public form; None: it has none
    recheck: Recheck
    check: CheckText
    ping: Callable[[], Awaitable[None]]
    timed: Callable[[], Awaitable[Json]]
    pauses: Pauses
    problems: Problems
    replays: Replays
    replayer: Replayer
    resuming: Resuming
    holding: PauseBoard
    backlog_limit: int
    public_url: str
    timezone: str = "UTC"
    connections: Connections | None = None  # None: this process reaches no services
