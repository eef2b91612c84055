"""What the web needs of everything else: ports and callables, put together by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from runner.engine.again import EventDesk
from runner.engine.audit import NOBODY, AuditLog, Deed
from runner.engine.changes import Changes
from runner.engine.connecting import Connections
from runner.engine.custody import Custody
from runner.engine.details import Details
from runner.engine.drafts import Drafts
from runner.engine.filing import Filing
from runner.engine.findings import Finding
from runner.engine.history import History, Wanted
from runner.engine.library import Library, Live
from runner.engine.pauses import PauseBoard, Pauses
from runner.engine.people import People, Users
from runner.engine.problems import Problems
from runner.engine.publishing import Publisher
from runner.engine.replaying import Replayer
from runner.engine.replays import Replays
from runner.engine.resuming import Resuming
from runner.engine.runs import Store
from runner.engine.single_sign_on import SingleSignOn
from runner.engine.state import States
from runner.engine.versions import Versions
from runner.engine.vitals import Vitals
from runner.engine.watching import Watcher
from runner.language.faults import Fault
from runner.values import Json
from runner.workbench.trials import Trials
from web.attempts import Attempts
from web.passwords import Passwords

if TYPE_CHECKING:
    from web.auth import Person

Origin = str  # "failed", "start", or the id of a step at the top level
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

    async def __call__(
        self,
        run_id: str,
        *,
        origin: Origin,
        version: Version,
        run_missing: bool = False,
        as_new: bool = False,
    ) -> Json:
        """
        `{id, …}` of the run that goes on: the same one from a step, a new one from the start. *run_missing*
        and *as_new* as `runner.engine.replays.Terms` has them.

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


class Release(Protocol):
    """Lets go of what is held of a workflow."""

    async def __call__(self, slug: str) -> Json:
        """
        `{released, held, reasons: [{reason, count}], backlog_full}`: what is held still could not be
        accepted, or had no room.

        Raises:
            NotFound: nothing of that name is live. StoreUnavailable.
        """


class CheckText(Protocol):
    """Finds what is wrong with the text of a workflow."""

    async def __call__(self, text: str, slug: str) -> Sequence[Fault]:
        """
        All faults of *text* as the file of *slug*, tried on its last events too; paths are names of files.

        Raises:
            StoreUnavailable.
        """


class MakeConnector(Protocol):
    """Makes a connector from an OpenAPI document, beside the workflows."""

    async def __call__(self, document: str | None, wanted: Mapping[str, Json]) -> Json:
        """
        `{name, file, actions, connection_kinds, not_converted, notes}`: of *document*, or of the one at
        `wanted["address"]`; *wanted* has the fields of `runner.openapi.Wanted`, and `replace`.

        Raises:
            SettingsError: nothing can be made of it, or its name is taken.
            HooklineError: it cannot be written.
        """


class Addressing(Protocol):
    """Where a workflow is called, after what is to be changed of it."""

    async def __call__(
        self,
        slug: str,
        *,
        rotate: bool = False,
        keep: float | None = None,
        also: str | None = None,
        not_at: str | None = None,
    ) -> Json:
        """
        `{workflow, url, addresses: [{url, kind, until}], warnings}`; *keep*: how many seconds the old one
        answers too.

        Raises:
            SettingsError: it cannot answer at that path. MoveRefused, NotFound, StoreUnavailable.
            HooklineError: it has no address.
        """


class MakeLetter(Protocol):
    """Makes a sample event as its provider would send it."""

    async def __call__(self, slug: str, *, event_type: str | None, provider: str | None) -> Json:
        """
        `{provider, type, method, url, headers, body, unsigned: {method, headers, body}}`; *body* in base64.

        Raises:
            SettingsError: it is not said which one. NotFound: there is none such.
            HooklineError: it cannot be signed.
        """


class Forget(Protocol):
    """Erases events."""

    async def __call__(self, wanted: Wanted, *, with_open: bool, is_plan: bool) -> Json:
        """
        `Touched.as_json()`, with `erased_from_disk`, `remains` and `is_to_repeat` unless it only *is_plan*.

        Raises:
            StoreUnavailable.
        """


class Examine(Protocol):
    """Looks for what is wrong with the installation."""

    async def __call__(self) -> Sequence[Finding]:
        """All that was looked at, in the order of looking. Raises StoreUnavailable."""


class MakeCase(Protocol):
    """Makes a test of a run."""

    async def __call__(self, run_id: str, *, is_written: bool) -> Json:
        """
        `{workflow, file, text, note}`: the text of a test file with this case alone; with *is_written* the
        case stands behind those of the workflow's test file.

        Raises:
            NotFound; MoveRefused: none can be made of it, or the folder cannot be written to.
        """


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as people see it: `set_by` is a variable's name, the file's, or empty: nothing set it."""

    key: str  # as the file has it: `retention.runs`
    title: str
    value: str
    set_by: str

    @property
    def variable(self) -> str:
        """The environment's variable that sets it."""
        return "HOOKLINE_" + self.key.replace(".", "_").upper()


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
    users: Users
    audit_log: AuditLog
    attempts: Attempts  # to sign in
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
    drafts: Drafts
    versions: Versions
    publisher: Publisher
    filing: Filing
    release: Release
    starters: Callable[[], Json]  # `runner.engine.starters.starter_items`
    changes: Changes  # what changes here, for pages that stay open
    watcher: Watcher  # tells them what changes in the store
    details: Details
    event_desk: EventDesk
    backlog_limit: int
    public_url: str
    states: States
    timezone: str = "UTC"
    connections: Connections | None = None  # None: this process reaches no services
    custody: Custody | None = None  # as connections
    trials: Trials | None = None  # None: this process tries no workflows
    vitals: Vitals | None = None  # None: this process does not look at how it is
    doctor: Examine | None = None  # None: this process does not look at the installation
    make_case: MakeCase | None = None  # None: this process has no workbench
    make_connector: MakeConnector | None = None  # None: this process makes none
    addressing: Addressing | None = None  # None: this process changes no addresses
    make_letter: MakeLetter | None = None  # None: this process makes no samples
    forget: Forget | None = None  # None: this process erases nothing
    mends: Callable[[str], Json] = lambda _connector: []  # what codes of its service mean: `{code, mend}`
    settings: Sequence[Shown] = ()
    single_sign_on: SingleSignOn | None = None  # None: nobody signs in elsewhere
    passwords: Passwords = field(default_factory=Passwords)

    async def audit(self, person: Person | None, verb: str, kind: str, name: str, /, **facts: Json) -> None:
        """
        Write down that *person* did this (`runner.engine.audit.Deed`); *facts* without secrets.

        Raises:
            StoreUnavailable.
        """
        key, who = (person.key, person.name) if person else NOBODY
        await self.audit_log.note(Deed(key, who, verb, kind, name, facts))
