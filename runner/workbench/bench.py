"""
The bench: one event's way through the engine, with recorded answers in place of connectors.

The gates at the door, the turns, retries and waits are the engine's own. Nothing is sent or stored,
and on a loop of `virtual_time.py` nothing is waited for. Signatures are not checked, and
`deduplicate`, `concurrency`, `allow_ips` and `rate_limit`, which look at other events and at the
sender's network, are passed over.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from runner.engine.accept import Door, new_run
from runner.engine.answer import Answer, Callers, fixed, of_event, of_run, responded
from runner.engine.examining import Examined, Stopped, examine_trusted
from runner.engine.execute import execute
from runner.engine.library import Live
from runner.engine.names import bounds_of, payload_of
from runner.engine.places import Destinations
from runner.engine.resuming import question_id
from runner.engine.runs import NO_END, Disposition, Gate, Reason, Run, Status
from runner.engine.splitting import items_of
from runner.engine.turn import Done, Frame, Result, Tools, Turn
from runner.errors import InboundError
from runner.inbound.events import matches
from runner.inbound.inputs import in_words, judged
from runner.inbound.media import read_media
from runner.values import Json, loads, sortable_id
from runner.workbench.answers import Answers, GivenCalling, GivenReplies
from runner.workbench.events import url_of
from runner.workbench.memory import OneRun, OneState
from runner.workbench.rehearsal import NoWayOut, Placeholders

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.connector import Action, Connection
    from runner.engine.resuming import TokenOf
    from runner.engine.runs import Event, Record, Store, TurnEnd
    from runner.engine.turn import Evaluator, Outbound, Recordings
    from runner.language.workflow import Step, Workflow
    from runner.settings_commands import Commands

MOST_TURNS = 20_000  # a retry of a day has a hundred, a loop of waits has one a round
ADDRESS = "https://hookline.test"


@dataclass(frozen=True, slots=True)
class Bench:
    """
    What every run here has in common: `action(name)` finds an action, whose inputs are checked. Where
    the answers leave a call to its action, that has `outbound` and what `connection(name)` gives.
    """

    evaluator: Evaluator
    action: Callable[[str], Action | None]
    outbound: Outbound = field(default_factory=NoWayOut)
    connection: Callable[[str], Connection | None] = lambda _name: None
    commands: Commands = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """
    A run that was: what it is known by, its waits and bounds as they are recorded, and what its calls
    gave. `token(run id, path)` and `address` are what the addresses of its questions were made of.
    """

    run: Run
    records: Mapping[str, Record]
    recordings: Recordings
    token: TokenOf = question_id
    address: str = ADDRESS


@dataclass(frozen=True, slots=True)
class Situation:
    """
    What an event meets. `event_type` and `delivery_id` stand for what its provider would tell of it;
    `item` says whose run is followed where it is split; `state` is what the workflow kept before; `again`
    is the run that is recomputed, if it is one.
    """

    secrets: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Json] = field(default_factory=dict)
    event_type: str | None = None
    delivery_id: str | None = None
    item: int = 0
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """One call as it was made, of an action or of a workflow: its inputs with secrets as their names."""

    name: str
    path: str
    inputs: Json
    is_given: bool


@dataclass(slots=True)
class Performance:
    """
    What came of an event. `status` is the run's, or the event's where no run began. `steps` and
    `outcomes` are by path; `reached` has the paths of steps that ran, with their indices; `failures` are
    the errors of steps by path, the innermost first, also of those that have no id.
    """

    status: str
    reason: Reason
    answer: Answer
    title: str = ""
    output: Json = None
    runs: int = 0
    steps: dict[str, Json] = field(default_factory=dict)
    outcomes: dict[str, Json] = field(default_factory=dict)
    calls: Sequence[Made] = ()
    notes: Sequence[str] = ()
    reached: frozenset[str] = frozenset()
    failures: Mapping[str, Json] = field(default_factory=dict)
    state: dict[str, Json] = field(default_factory=dict)
    seconds: float = 0.0  # on the run's own clock
    trace: Sequence[Json] = ()  # of all turns
    key: str | None = None  # of its line, where the workflow has `concurrency`
    records: Mapping[str, Record] = field(default_factory=dict)  # that were made here, by path


@dataclass(slots=True)
class _Watched:
    """What a run's steps came to."""

    steps: dict[str, Json] = field(default_factory=dict)
    outcomes: dict[str, Json] = field(default_factory=dict)
    last: Json = None

    def watch(self, step: Step, frame: Frame, result: Result) -> None:
        """See `runner.engine.turn.Turn.watch`."""
        path = frame.prefix + step.key
        value = result.value if isinstance(result, Done) else None
        names = frame.names
        self.steps[path] = names["steps"].get(step.id) if step.id else value
        self.outcomes[path] = names["outcomes"].get(step.id) if step.id else None
        if not frame.prefix and isinstance(result, Done):
            self.last = value


class _Clock:
    """The time of one run: its event's, and what has passed on the loop since."""

    def __init__(self, start: float) -> None:
        self.start = start
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._reached = start

    def __call__(self) -> float:
        return max(self._reached, self.start + self._loop.time() - self._began)

    def reach(self, moment: float) -> None:
        """It is *moment* at least, without a wait."""
        self._reached = max(self._reached, moment)

    async def sleep_until(self, due_at: float) -> None:
        """Wait; afterwards it is *due_at* at least, whatever the last bit of a sum is."""
        await asyncio.sleep(max(0.0, due_at - self()))
        self._reached = max(self._reached, due_at)


async def perform(
    bench: Bench,
    workflow: Workflow,
    event: Event,
    answers: Answers,
    situation: Situation,
    *,
    begin: Callable[[Step, Frame], None] | None = None,
) -> Performance:
    """Let *event* go its way through *workflow*, in *situation*; `begin` is that of each turn."""
    event_type, delivery_id, item = situation.event_type, situation.delivery_id, situation.item
    live = Live(workflow, 1, "", "")
    examined = _examined(live, event, event_type)
    if isinstance(examined, Stopped):
        return _at_the_door(Disposition.REJECTED, examined.gate, Answer(examined.status, b""))
    event = examined.event
    event = replace(event, type=event_type or event.type, delivery_id=delivery_id or event.delivery_id)
    if examined.is_ignored:
        gate = next(one for one in event.gates if one.verdict == "stopped")
        return _at_the_door(Disposition.IGNORED, gate, of_event(event.id, "ignored"))
    try:
        items = items_of(workflow, event, examined.payload)
    except InboundError as error:
        gate = Gate("split", "stopped", str(error))
        return _at_the_door(Disposition.REJECTED, gate, Answer(error.status, b""))
    runs = 1 if items is None else len(items)
    if item >= runs:
        reason = f"split gave {runs} items" + (f", and none of number {item}" if runs else "")
        performance = _at_the_door(
            Disposition.ACCEPTED, Gate("split", "passed", reason), of_event(event.id, "accepted")
        )
        performance.runs = runs
        return performance
    payload = examined.payload if items is None else items[item]
    one = _OneRun(bench, live, event, answers, situation, examined.files, begin)
    performance = await one.performed(payload, None if items is None else item)
    performance.runs = runs
    return performance


def _examined(live: Live, event: Event, event_type: str | None) -> Examined | Stopped:
    """The gates at the door, as far as they look at this event alone."""
    webhook = live.workflow.webhook
    if event.trigger != "webhook" or webhook is None:
        try:
            decoded = payload_of(event, bounds_of(live.workflow))
        except InboundError as error:
            return Stopped(Gate("body", "stopped", str(error)), error.status)
        payload = decoded.payload
        if event.trigger in ("manual", "call") and live.workflow.manual:
            payload, mismatches = judged(live.workflow.manual, payload)
            if mismatches:
                return Stopped(Gate("inputs", "stopped", in_words(mismatches)), 422)
        return Examined(event, payload, decoded.files)
    if event.method not in webhook.methods:
        return Stopped(Gate("method", "stopped", f"the workflow takes no {event.method}"), 405)
    examined = examine_trusted(live, event, url=url_of(event))
    if isinstance(examined, Examined) and event_type:
        is_ignored = bool(webhook.events) and not matches(webhook.events, [event_type])
        return replace(examined, is_ignored=is_ignored)
    return examined


def _at_the_door(disposition: Disposition, gate: Gate, answer: Answer) -> Performance:
    reason = Reason(gate.name, gate.reason, gate.facts)
    return Performance(disposition.value, reason, answer)


class _OneRun:
    """A run of *event* from its first turn to where it ends, or to where nothing wakes it."""

    def __init__(
        self,
        bench: Bench,
        live: Live,
        event: Event,
        answers: Answers,
        situation: Situation,
        files: Mapping[str, bytes],
        begin: Callable[[Step, Frame], None] | None,
    ) -> None:
        self.live, self.event, self.answers, self.begin = live, event, answers, begin
        self.again = again = situation.again
        self.key: str | None = None
        self.clock = _Clock(event.received_at)
        self.kept = OneRun(files)
        self.state = OneState({(event.workflow, key): value for key, value in situation.state.items()})
        answers.reach = self.clock.reach
        self.replies = GivenReplies(answers, self.clock)
        self.watched = _Watched()
        self.skipped: set[str] = set()
        self.notes: list[str] = []
        self.trace: list[Json] = []
        self.failures: dict[str, Json] = {}
        self.responded: tuple[float, Json] | None = None
        self.tools = Tools(
            store=cast("Store", self.kept),  # of which a turn uses no more
            outbound=bench.outbound,
            evaluator=bench.evaluator,
            safe=Placeholders(live.workflow, situation.secrets, bench.connection),
            action=bench.action,
            clock=self.clock,
            jitter=lambda: 0.0,
            on_answer=self._answered,
            destinations=Destinations(limit=1, clock=self.clock),
            public_url=again.address if again else ADDRESS,
            resume_token=again.token if again else question_id,
            commands=bench.commands,
            stand_in=answers,
            states=self.state,
            answers=self.replies,
            calling=GivenCalling(answers, lambda records: self.kept.keep(records, {})),
        )

    async def performed(self, payload: Json, item: int | None) -> Performance:
        run = await self._run(payload, item)
        first = end = await self._turn(run, payload)
        first_ended = self.clock()
        for turn in range(2, MOST_TURNS):
            if end.status is not Status.WAITING or end.due_at is None:
                break
            due_at = min(end.due_at, self.replies.next_at() or NO_END)
            if due_at >= NO_END:  # for an answer that nobody gives
                break
            await self.clock.sleep_until(due_at)
            end = await self._turn(replace(run, turns=turn, fence=turn), payload)
        return Performance(
            status=end.status.value,
            reason=end.reason or Reason(end.status.value, ""),
            answer=await self._answer(run.id, payload, first, first_ended),
            title=run.title,
            output=end.output if end.output is not None else self.watched.last,
            steps=self.watched.steps,
            outcomes=self.watched.outcomes,
            calls=self._calls(),
            notes=list(dict.fromkeys(self.notes)),
            reached=frozenset(self.watched.steps.keys() | self.answers.calls.keys()) - self.skipped,
            failures=self.failures,
            state=self.state.values(self.event.workflow),
            seconds=self.clock() - self.clock.start,
            trace=self.trace,
            key=self.key,
            records=self.kept.records,
        )

    async def _run(self, payload: Json, item: int | None) -> Run:
        now = self.event.received_at
        entropy = hashlib.sha256(self.event.id.encode()).digest()
        identity = self.again.run.id if self.again else sortable_id(now, entropy[:10])
        door = Door(self.tools.store, None, Callers(), self.tools.evaluator, self.clock, 1)
        new = await new_run(door, self.live, self.event, payload, run_id=identity, owner=None, mode="test")
        self.key = new.slot.key if new.slot else None
        if self.again:
            return replace(self.again.run, title=new.title, turns=1, fence=1, attempt=1)
        return Run(
            id=identity, event_id=self.event.id, workflow=new.workflow, version=1, title=new.title,
            seed=entropy[:16].hex(), attempt=1, fence=1, turns=1, stalled=1, accepted_at=now, base_at=now,
            mode="test", item=item,
        )  # fmt: skip

    async def _turn(self, run: Run, payload: Json) -> TurnEnd:
        turn = Turn(
            run=run, event=self.event, workflow=self.live.workflow,
            records={**(self.again.records if self.again else {}), **self.kept.records},
            tools=self.tools, files=set(self.kept.files), began_at=self.clock(), begin=self.begin,
            watch=self.watched.watch, recordings=self.again.recordings if self.again else None,
        )  # fmt: skip
        end = await execute(turn, payload)
        if turn.is_writing():
            await turn.written()
        self.kept.keep(*turn.take_unwritten())
        ran = {one["path"] for one in end.trace if one.get("status") not in (None, "skipped")}
        self.skipped |= {one["path"] for one in end.trace if one.get("status") == "skipped"}
        self.skipped -= ran
        self.notes += end.notes
        self.trace += end.trace
        self.failures |= {one["path"]: one["error"] for one in end.trace if "error" in one}
        return end

    def _answered(self, _run_id: str, answer: Json) -> None:
        if self.responded is None:
            self.responded = self.clock(), answer

    async def _answer(self, run_id: str, payload: Json, first: TurnEnd, first_ended: float) -> Answer:
        """What the sender hears (language.md, `answer`)."""
        workflow, event = self.live.workflow, self.event
        webhook = workflow.webhook
        if webhook is None or webhook.answer.mode == "accepted":
            return of_event(event.id, "accepted")
        if webhook.answer.mode == "fixed" and webhook.answer.fixed:
            return await fixed(
                webhook.answer.fixed, workflow, event, payload, self.tools.evaluator, run_id=run_id
            )
        until = self.clock.start + webhook.answer.wait_seconds
        if self.responded and self.responded[0] <= min(until, first_ended):
            return responded(self.responded[1])
        if first_ended > until:
            return of_event(event.id, "accepted", status=202)
        code = first.reason.code if first.reason else ""
        return of_run(event.id, first.status, code, first.answer, first.output)

    def _calls(self) -> list[Made]:
        records = self.kept.records
        return [
            Made(one.name, one.path, records[one.path].input if one.path in records else None, one.is_given)
            for one in self.answers.calls.values()
        ]


def answer_json(answer: Answer) -> Json:
    """`{status, headers, body}`, the body as its value where it is JSON."""
    body: Json = answer.body.decode(errors="replace")
    content_type = answer.headers.get("content-type", "")
    if answer.body and content_type and read_media(content_type).kind == "json":
        body = loads(answer.body)
    return {"status": answer.status, "headers": dict(answer.headers), "body": body}
