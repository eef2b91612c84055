"""
The model of a workflow: what the loader makes of a file and the engine runs.

Every expression and template in it is compiled. A step's *key* names it in a path: its id, or
`<kind>#<position>` with the position counted from 1 in its list (execution.md, "A path").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.paths import ValuePath
    from runner.language.payload_schema import PayloadSchema
    from runner.language.poll import Current
    from runner.language.templates import TemplateShape
    from runner.language.verification import Verification
    from runner.values import Json

CALL_SECONDS = 30.0  # one call of an action, unless the step says otherwise (execution.md, "Who is dead")
RUN_SECONDS = 3600.0  # running time of a run, waits not counted
ANSWER_SECONDS = 20.0  # how long a caller of `answer: result` waits
MOST_ROUNDS = 100  # of a `repeat` that does not say otherwise
DELIVERY_SECONDS = 7 * 86400.0  # providers repeat for three days at most


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column in the file, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed attempt is made again; whichever of `for_seconds` and `attempts` ends first."""

    for_seconds: float | None = 86400.0  # a night and a day: an outage found in the morning still heals
    attempts: int | None = None
    delay_seconds: float = 2.0
    backoff: float = 2.0
    max_delay_seconds: float = 900.0
    jitter: bool = True
    on: frozenset[str] | None = None  # None: all that can pass; else of network, timeout, 429, 5xx, a status


NO_RETRY = Retry(attempts=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """Ends the run, item or branch unless `test` is truthy."""

    test: Expression


@dataclass(frozen=True, slots=True)
class Transform:
    """Moves values: a shape whose leaf texts are JMESPath."""

    shape: ExpressionShape


@dataclass(frozen=True, slots=True)
class TemplateStep:
    """Makes text: a Jinja text or a shape of them."""

    shape: TemplateShape


@dataclass(frozen=True, slots=True)
class Action:
    """Calls `connector.action`. `inputs` is the shape under `with`; None where there is none."""

    action: str
    connection: str | None
    inputs: TemplateShape | None


@dataclass(frozen=True, slots=True)
class Group:
    """Steps run as one."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One way of a switch; `when` is None for the last, taken otherwise."""

    when: Expression | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """The first case that holds is taken."""

    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class ForEach:
    """Runs `steps` for each item of a list."""

    items: Expression
    steps: tuple[Step, ...]
    name: str = "item"  # by `as`
    concurrency: int = 1
    on_item_error: Literal["fail", "continue"] = "fail"


@dataclass(frozen=True, slots=True)
class Parallel:
    """Runs all branches at once; the order is the file's."""

    branches: Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Runs `steps` until `until` holds, at most `at_most` rounds; between two it waits `every_seconds`."""

    until: Expression
    steps: tuple[Step, ...]
    at_most: int = MOST_ROUNDS
    every_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Waits for `seconds`, or until the date that the template `until` gives: one of the two."""

    seconds: float | None = None
    until: TemplateShape | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """
    A question to people: `message` is a template, `choices` are what can be answered. Only those
    whom `assignees` names may answer when they are signed in; empty: whoever may replay a run.
    """

    message: TemplateShape
    choices: tuple[str, ...] = ("approve", "reject")
    assignees: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Waits for what is sent to the step's address: by one of `methods`, or an `approval`'s answer."""

    methods: tuple[str, ...] = ("POST",)
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Respond:
    """Answers a waiting caller: a shape of `status`, `headers`, `body`."""

    shape: TemplateShape


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the run as succeeded."""

    message: TemplateShape


@dataclass(frozen=True, slots=True)
class Fail:
    """Fails the step."""

    message: TemplateShape


@dataclass(frozen=True, slots=True)
class CallWorkflow:
    """Starts a run of another workflow; `waits` for its end, or goes on at once."""

    workflow: str
    inputs: TemplateShape | None
    waits: bool = True


Body: TypeAlias = (
    Filter
    | Transform
    | TemplateStep
    | Action
    | Group
    | Switch
    | ForEach
    | Repeat
    | Parallel
    | Wait
    | WaitFor
    | Respond
    | Stop
    | Fail
    | CallWorkflow
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its kind's body and the modifiers."""

    kind: str
    position: int  # in its list, from 1
    body: Body
    place: Place
    id: str | None = None
    label: str | None = None
    condition: Expression | None = None
    timeout_seconds: float | None = None
    retry: Retry | None = None  # None: the workflow's
    on_error: Literal["fail", "continue"] | tuple[Step, ...] = "fail"
    after_crash: Literal["repeat", "stop"] | None = None  # None: the action's own

    @property
    def key(self) -> str:
        """The step's part of a path."""
        return self.id or f"{self.kind}#{self.position}"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a sender gets: `mode` "accepted", "fixed" (then `fixed` is the shape of status, headers
    and body) or "result" (then the caller waits `wait_seconds`).
    """

    mode: Literal["accepted", "fixed", "result"] = "accepted"
    wait_seconds: float = ANSWER_SECONDS
    fixed: TemplateShape | None = None


@dataclass(frozen=True, slots=True)
class Deduplicate:
    """When an event is the same as an earlier one. `key` is None for the provider's delivery id."""

    key: Expression | None = None
    within_seconds: float = DELIVERY_SECONDS
    retries_failed: bool = True  # a repeated event starts a new run when all of the first one failed


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many runs of one key go at a time. `key` is None where all runs stand in one line."""

    limit: int
    key: Expression | None = None
    when_full: Literal["queue", "drop", "replace"] = "queue"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a sender's certificate must name, beside being signed by a trusted CA; all that is given."""

    subject: str | None = None  # the common name, or the whole subject as RFC 4514 writes it
    san: str | None = None  # a DNS name, URI, e-mail or IP address among the alternative names
    fingerprint: str | None = None  # SHA-256 of the certificate: 64 hexadecimal digits in lower case


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `count` requests within any `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Webhook:
    """
    The `webhook` trigger. `verification` is None where everybody may send; `deduplicate` is None
    where it is turned off; `events` and `allow_ips` are empty where all are wanted, `cors` where no
    page of another origin may send.
    """

    methods: tuple[str, ...] = ("POST",)
    answer: Answer = Answer()
    deduplicate: Deduplicate | None = Deduplicate()
    max_body_bytes: int = 1024 * 1024
    max_file_bytes: int = 25 * 1024 * 1024
    verification: Verification | None = None
    events: tuple[str, ...] = ()  # names, `*` at the end or as a whole segment stands for any
    schema: PayloadSchema | None = None
    on_mismatch_rejects: bool = True  # False: accepted, and the mismatch is recorded
    split: Expression | None = None  # gives a list: one run for each item
    allow_ips: tuple[IPv4Network | IPv6Network, ...] = ()
    client_certificate: ClientCertificate | None = None
    rate_limit: RateLimit | None = None
    cors: tuple[str, ...] = ()  # origins in lower case, or "*" alone
    expect_every_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    The `schedule` trigger: either `cron` (five fields in upper case) in a time zone (None: the
    workflow's), or `every_seconds`.
    """

    cron: str | None = None
    every_seconds: float | None = None
    timezone: str | None = None
    overlap: Literal["skip", "queue"] = "skip"
    catch_up: Literal["none", "one", "all"] = "one"


@dataclass(frozen=True, slots=True)
class Poll:
    """
    The `poll` trigger: `call` gives what there is. `items` sees that as its current value (None: it is
    the list itself), `id` an item; see `runner.language.poll`. With `runs_first` the first poll
    starts runs too.
    """

    call: Action
    every_seconds: float
    items: Current | None
    id: Current
    runs_first: bool = False


@dataclass(frozen=True, slots=True)
class Manual:
    """The `manual` trigger. `inputs` is None where whatever object is given will do."""

    inputs: PayloadSchema | None = None
    is_public: bool = False  # the form is anyone's who has its address


@dataclass(frozen=True, slots=True)
class OwnEvents:
    """The `hookline` trigger: the server's own events that start a run, by `manual_keys.OWN_KINDS`."""

    on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what has ended is kept; None: as long as the server's settings say."""

    events_seconds: float | None = None
    runs_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """One file, checked and compiled. `slug` is its id; `digest` that of its text."""

    slug: str
    name: str
    digest: str
    steps: tuple[Step, ...]
    webhook: Webhook | None = None
    description: str = ""
    title: TemplateShape | None = None
    tags: tuple[str, ...] = ()
    timezone: str = "UTC"
    vars: Mapping[str, Json] = field(default_factory=dict)
    retry: Retry = Retry()
    timeout_seconds: float = RUN_SECONDS
    enabled: bool = True
    concurrency: Concurrency | None = None
    on_failure: tuple[Step, ...] = ()
    output: Expression | None = None
    retention: Retention = Retention()
    redact: tuple[ValuePath, ...] = ()  # beginning with payload, event.<name> or steps.<id>
    formerly: tuple[str, ...] = ()  # slugs that it had
    schedule: Schedule | None = None
    poll: Poll | None = None
    mode: Literal["live", "shadow"] = "live"  # shadow: actions are shown, not sent
    overridden: Mapping[str, Json] = field(default_factory=dict)  # of vars that the server sets: the file's
    awaited: Mapping[str, str] = field(default_factory=dict)  # paths of each `wait_for` that has an id
    manual: Manual | None = None
    hookline: OwnEvents | None = None
