"""
What one turn of a run works with: its tools, its frames, and the results that steps return.

Outcomes are values: a step never raises for what the world did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from runner.engine.bounds import NO_BOUNDS, Bounds
from runner.engine.fairness import is_long
from runner.engine.measures import Measures
from runner.engine.rendering import evaluate, render
from runner.engine.resuming import NoAnswers, question_id, urls_of
from runner.engine.runs import Event, Record, Run, Store
from runner.errors import StaleFence, StoreUnavailable
from runner.language.awaited import paths_seen_from
from runner.language.scope import Scope
from runner.language.shelf import Shelf
from runner.settings_commands import Commands
from runner.values import Json

if TYPE_CHECKING:
    import socket

    from pydantic import BaseModel

    from runner.connector import Action, Connection, Http, Places
    from runner.engine.calling import Calling
    from runner.engine.calls import Prepared
    from runner.engine.exchanges import Tape
    from runner.engine.fairness import Fairness
    from runner.engine.places import Destinations
    from runner.engine.resuming import Heard, TokenOf
    from runner.engine.state import States
    from runner.engine.tokens import Keeper
    from runner.engine.tracing import Tracer
    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.templates import TemplateShape
    from runner.language.workflow import Step, Workflow

Renew: TypeAlias = Callable[["Connection"], Awaitable["Connection | None"]]
STORE_PAUSE_SECONDS = 1.0  # between tries while the store is away


@dataclass(frozen=True, slots=True)
class Done:
    """The step or list ended; `value` is its output."""

    value: Json


@dataclass(frozen=True, slots=True)
class Failed:
    """The step failed: `step` is its path, `type` one of language.md's (`rejected`, `timeout`, …)."""

    step: str
    type: str
    message: str
    attempts: int = 1

    def as_error(self) -> Json:
        """What `error` is inside `on_error` and `on_failure`."""
        return {
            "step": self.step,
            "type": self.type,
            "message": self.message,
            "attempts": self.attempts,
        }


@dataclass(frozen=True, slots=True)
class Pending:
    """
    Nothing more can be done here before `due_at`; `waiting_for` says in a sentence what it waits
    for. `parked_at`: the destination or connection that may wake it before.
    """

    due_at: float
    waiting_for: str
    parked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Filtered:
    """A filter was not passed; `facts` says which and by what."""

    facts: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run ends here as succeeded, or as cancelled; no new step starts."""

    message: str
    cancelled: bool = False


Result: TypeAlias = Done | Failed | Pending | Filtered | Stopped


class Outbound(Protocol):
    """The guarded way out."""

    def for_call(
        self,
        *,
        connection: Connection | None,
        idempotency_key: str | None,
        timeout_seconds: float,
        places: Places | None = None,
        renew: Renew | None = None,
        bounds: Bounds = NO_BOUNDS,
        tape: Tape | None = None,
    ) -> Http:
        """
        The client of one call, which asks *places* before it sends, *renew* for another connection
        where a 401 comes, goes nowhere but where *bounds* lets the secrets of its inputs go, and notes on
        *tape* what it sends and hears.
        """

    async def connect(
        self, host: str, port: int, *, timeout_seconds: float, places: Places | None = None
    ) -> socket.socket:
        """A connected socket to an address that is allowed."""


class Evaluator(Protocol):
    """Where templates run that cannot be bounded inside this process."""

    async def render(self, shape: TemplateShape, scope: Scope, *, workflow: str, factor: float = 1.0) -> Json:
        """Render; raises ExpressionError or LimitExceeded."""

    async def evaluate(
        self, expression: Expression | ExpressionShape, scope: Scope, *, workflow: str, factor: float = 1.0
    ) -> Json:
        """Evaluate; raises ExpressionError or LimitExceeded."""


class Safe(Protocol):
    """The secrets and connections of this server."""

    def secrets(self) -> Mapping[str, str]:
        """Values by name."""

    def secret_values(self) -> frozenset[str]:
        """All that must be masked."""

    def bounds(self) -> Bounds:
        """The hosts that secrets may go to, by name; one that may go anywhere is left out."""

    def connection_for(self, action: Action, name: str | None) -> Connection | None:
        """
        The connection of that name, ready for use; None where none is named and none needed.

        Raises:
            ConnectionRejected: this server has none of that name, or it is of another kind.
        """


@dataclass(frozen=True, slots=True)
class Tools:
    """
    What the composition root hands to every turn. `clock()` is UTC seconds, `jitter()` is in 0…1,
    `action(name)` finds an action, `on_answer(run id, answer)` reaches a waiting caller,
    `destinations` says whether a call may begin. Where there is a `stand_in`, it gives
    what the action would have given, or raises what it would have raised. `sleep(seconds)` is for pauses
    that are too short to hand the run back, `answers` has what came to `wait_for` steps, and
    `resume_token(run id, path)` is what their addresses end in; `measures` counts what is done, and `tracer`
    hears of it; the defaults are a rehearsal's.
    """

    store: Store
    outbound: Outbound
    evaluator: Evaluator
    safe: Safe
    action: Callable[[str], Action | None]
    clock: Callable[[], float]
    jitter: Callable[[], float]
    on_answer: Callable[[str, Json], None]
    destinations: Destinations
    public_url: str = ""
    stand_in: StandIn | None = None
    states: States | None = None  # None: actions find no state here
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    answers: Heard = field(default_factory=NoAnswers)
    resume_token: TokenOf = question_id
    calling: Calling | None = None  # None: no other workflow is started here, and its output is null
    fairness: Fairness | None = None  # None: no other run has to get on
    keeper: Keeper | None = None  # None: no tokens are had, and nothing is noted of connections
    commands: Commands = field(default_factory=dict)  # those that the configuration allows
    measures: Measures = field(default_factory=Measures)
    tracer: Tracer | None = None  # None: nobody is told


class StandIn(Protocol):
    """Recorded answers in place of actions: a test's, a backtest's."""

    async def __call__(self, prepared: Prepared) -> BaseModel | None:
        """What the call gives, or None where the action itself is to give it; raises ActionError."""


class Recordings(Protocol):
    """What actions and calls gave in a past run, to stand in for the same ones now: a backtest's."""

    def find(self, asked: Record) -> Record | None:
        """
        What was recorded of the call that *asked* begins (its path, kind, input and digests), for the item
        that stands there now. None: it was not made so, and has to be answered otherwise.
        """


async def persistently(write: Callable[[], Awaitable[None]]) -> None:
    """What happened must be written down: while the store is away, try again."""
    while True:
        try:
            return await write()
        except StoreUnavailable:
            await asyncio.sleep(STORE_PAUSE_SECONDS)


@dataclass(slots=True)
class Frame:
    """
    Where in the run a list of steps stands: the names it sees, the path it hangs under, and the
    time of the last durable write before it in its branch (`now()`).
    """

    names: dict[str, Json]
    prefix: str
    now: float
    item_digest: str | None = None

    def inside(self, prefix: str, **names: Json) -> Frame:
        """A frame whose steps see these and, apart from these, keep theirs to themselves."""
        own = {"steps": dict(self.names["steps"]), "outcomes": dict(self.names["outcomes"])}
        return replace(self, names={**self.names, **own, **names}, prefix=prefix)

    def under(self, prefix: str, **names: Json) -> Frame:
        """A frame deeper in the path whose steps let their ids out."""
        return replace(self, names={**self.names, **names} if names else self.names, prefix=prefix)


@dataclass(slots=True)
class Turn:
    """One turn: its run, what is recorded of it, and what is not written yet."""

    run: Run
    event: Event
    workflow: Workflow
    records: dict[str, Record]
    tools: Tools
    files: set[str]
    began_at: float
    trace: list[Json] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answer: Json = None
    stopped: Stopped | None = None
    item_errors: dict[str, Json] = field(default_factory=dict)  # of for_each under `continue`, by path
    calls: int = 0
    shelf: Shelf = field(default_factory=Shelf)
    alone_since: float = field(default_factory=time.perf_counter)  # computing, and nobody else
    spans: int = 0  # of its steps, told to the tracer
    begin: Callable[[Step, Frame], None] | None = None  # hears of each step before it does anything
    watch: Callable[[Step, Frame, Result], None] | None = None  # hears of each step that came to a result
    recordings: Recordings | None = None  # looked at where nothing is recorded of this run itself
    _unwritten: dict[str, Record] = field(default_factory=dict)
    _unwritten_files: dict[str, bytes] = field(default_factory=dict)
    _writing: asyncio.Task[None] | None = None
    _lost: StaleFence | None = None

    @property
    def is_shadow(self) -> bool:
        """
        Whether actions are shown and not sent: of a run that began so, for good, and of one that goes
        on with a version that says so; and of a sample. A test has its own answers in their place.
        """
        if self.run.mode == "live":
            return self.workflow.mode == "shadow"
        return self.run.mode in ("shadow", "sample")

    def scope(self, frame: Frame, path: str) -> Scope:
        """What an expression at *path* sees."""
        entropy = f"{self.run.seed}/{path}"
        return Scope(
            frame.names, frame.now, entropy, self.workflow.timezone, resume_urls=self.resume_urls(frame),
            files=self.shelf,
        )  # fmt: skip

    def resume_urls(self, frame: Frame) -> Mapping[str, str]:
        """The addresses of the `wait_for` steps that can be told from *frame*, by their ids."""
        if not self.workflow.awaited:
            return {}
        paths = paths_seen_from(frame.prefix, self.workflow.awaited)
        return urls_of(self.run.id, paths, self.tools.resume_token, self.tools.public_url)

    async def render(self, shape: TemplateShape, scope: Scope) -> Json:
        """
        Render *shape* as `runner.engine.rendering.render`.

        Raises:
            ExpressionError: as the template's author needs to know it.
        """
        return await render(
            shape, scope, self.tools.evaluator, workflow=self.workflow.slug, factor=self._factor
        )

    async def evaluate(self, expression: Expression | ExpressionShape, scope: Scope) -> Json:
        """
        Evaluate *expression* as `runner.engine.rendering.evaluate`.

        Raises:
            ExpressionError: as the expression's author needs to know it.
        """
        return await evaluate(
            expression, scope, self.tools.evaluator, workflow=self.workflow.slug, factor=self._factor
        )

    @property
    def _factor(self) -> float:
        return 3.0 if self.run.turns > 1 else 1.0  # what passed once must not fail when recomputed

    async def let_others_go(self) -> None:
        """Between steps: pause if this turn has computed for long without waiting for anything."""
        if self.tools.fairness is not None and is_long(self.alone_since):
            await self.tools.fairness.pause()
            self.alone_since = time.perf_counter()

    def has_begun(self, prefix: str) -> bool:
        """Whether an effect is recorded under *prefix*."""
        return any(path.startswith(prefix) for path in self.records)

    def keep(self, record: Record, files: Mapping[str, bytes] | None = None) -> None:
        """
        Have *record* written: with the end of the turn if that comes in this same tick, else now.

        Steps without effect follow in the same tick, so a run whose last effect this was costs
        one write for both. Whoever starts another effect awaits `written` first.
        """
        self.alone_since = time.perf_counter()  # others had their time during the effect
        self.records[record.path] = record
        self._unwritten[record.path] = record
        self._unwritten_files.update(files or {})
        asyncio.get_running_loop().call_soon(self._start_writing)

    async def written(self) -> None:
        """
        Wait until all that was kept is on disk, however long the store is away.

        Raises:
            StaleFence: another worker has the run.
        """
        while self._writing or self._unwritten:
            self._start_writing()
            if self._writing:
                # shielded: what one branch is waiting for is also another's
                await asyncio.shield(self._writing)
        if self._lost:
            raise self._lost

    def unwritten_file(self, digest: str) -> bytes | None:
        """A file that was kept and is not being written yet."""
        return self._unwritten_files.get(digest)

    def take_unwritten(self) -> tuple[list[Record], dict[str, bytes]]:
        """What the last write of the turn takes along."""
        records, files = list(self._unwritten.values()), self._unwritten_files
        self._unwritten, self._unwritten_files = {}, {}
        return records, files

    def is_writing(self) -> bool:
        """Whether a write is on its way."""
        return self._writing is not None

    def _start_writing(self) -> None:
        if self._writing is None and self._unwritten:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        records, files = self.take_unwritten()
        try:
            await persistently(lambda: self.tools.store.record(self.run, records, files))
        except StaleFence as error:
            self._lost = error  # for whoever waits for the writing; nobody may
        finally:
            self._writing = None
