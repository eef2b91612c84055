"""
A backtest: what a changed workflow would have done with an event that was, beside what the version did that
its run was pinned to. Both are recomputed with the same recordings; nothing is called.

Each difference is either certain or hangs on an answer that nobody has given. An event is `failed` or
`filtered` where the change certainly makes it so, `differs` where anything else certainly differs, `stale`
where a step was renamed, `unknown` where only what nobody can know differs, else `same`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.engine.paths import steps_by_path, without_indices
from runner.engine.resuming import question_id, without_tokens
from runner.engine.runs import Record, Run
from runner.errors import as_sentence
from runner.language.secrets import MASK
from runner.language.workflow import Wait, WaitFor
from runner.values import Json, iso
from runner.workbench.bench import ADDRESS, Again, Situation, answer_json, perform
from runner.workbench.cutting import cut
from runner.workbench.hanging import hanging
from runner.workbench.preview import bench_of
from runner.workbench.recordings import CALLS, Recordings

if TYPE_CHECKING:
    from runner.engine.redact import Veil
    from runner.engine.runs import Event
    from runner.language.workflow import Workflow
    from runner.workbench.bench import Performance
    from runner.workbench.preview import Desk
    from runner.workbench.wire import Replayed

SAME, DIFFERS, FILTERED, FAILED, UNKNOWN, STALE = VERDICTS = (
    "same", "differs", "filtered", "failed", "unknown", "stale",
)  # fmt: skip
WORST = (FAILED, FILTERED, DIFFERS, STALE, UNKNOWN, SAME)
MOST_DIFFERENCES = 50  # of one event that are told
MOST_ITEMS = 200  # of one split event that are judged
WAITS = frozenset({"wait", "wait_for"})
NO_VERSION = "The version that its run was pinned to cannot be read any more."


@dataclass(slots=True)
class Judged:
    """The entry of one event, and what hides values in it: the outputs of steps by their paths."""

    entry: dict[str, Json]
    outputs: list[tuple[str, Json]] = field(default_factory=list)


@dataclass(slots=True)
class _Side:
    """What one version does with the event."""

    workflow: Workflow
    performance: Performance
    recordings: Recordings


async def backtest(
    desk: Desk,
    changed: Workflow,
    pinned: Workflow | None,
    event: Event,
    runs: Sequence[Replayed],
    *,
    address: str = ADDRESS,
) -> Judged:
    """
    The entry of *event*: `{event, run, title, received_at, version, verdict, sentence, before, after,
    differences, unknown, stale, notes}`. *pinned* is the version of its *runs* (those of an event that was
    passed over: none, and the live version). To be run on a `VirtualTimeLoop`.
    """
    if pinned is None:
        return Judged(_entry(event, None, UNKNOWN, NO_VERSION, None, None))
    by_item = {one.past.run.item or 0: one for one in runs}
    judged = Judged({})
    found: list[dict[str, Json]] = []
    for item in sorted(by_item)[:MOST_ITEMS] or [0]:
        maker = _Comparison(desk, changed, pinned, event, by_item.get(item), item, address)
        found.append(await maker.entry())
        judged.outputs += maker.outputs
    judged.entry = min(found, key=lambda one: WORST.index(one["verdict"]))
    if len(found) > 1 and judged.entry["verdict"] != SAME:
        like = sum(one["verdict"] == judged.entry["verdict"] for one in found)
        judged.entry["notes"].append(f"{like:,} of its {len(found):,} runs end so; this is one of them.")
    return judged


def hidden(entry: Mapping[str, Json], veil: Veil | None) -> dict[str, Json]:
    """*entry* with what *veil* hides masked, and without what would answer a question."""
    shown = without_tokens(dict(entry))
    if veil is None:
        return dict(shown)
    plain = {name: shown[name] for name in ("event", "run", "received_at", "version", "verdict", "stale")}
    if veil.is_all:
        return {
            **shown, "title": MASK, "sentence": MASK, "before": None, "after": None, "differences": [],
            "unknown": [], "notes": [],
        }  # fmt: skip
    differences = [
        {**veil.value(one), **{name: one[name] for name in ("what", "path", "is_known")}}
        for one in shown["differences"]
    ]
    return {**veil.value(shown), **plain, "differences": differences}


class _Comparison:
    """One run of an event, by both versions."""

    def __init__(
        self,
        desk: Desk,
        changed: Workflow,
        pinned: Workflow,
        event: Event,
        replayed: Replayed | None,
        item: int,
        address: str,
    ) -> None:
        self.desk, self.changed, self.pinned = desk, changed, pinned
        self.event, self.replayed, self.item, self.address = event, replayed, item, address
        self.records: Sequence[Record] = replayed.past.records if replayed else ()
        self.outputs: list[tuple[str, Json]] = []
        self.hangs: frozenset[str] = frozenset()
        self.unknown: frozenset[str] = frozenset()

    async def entry(self) -> dict[str, Json]:
        """What came of it."""
        before = await self._side(self.pinned, dropped=frozenset())
        after = await self._side(self.changed, dropped=_other_waits(self.pinned, self.changed))
        unanswered = {
            path: "nobody has answered what it asks now"
            for path, one in after.performance.records.items() if one.kind == "wait_for"
        }  # fmt: skip
        reasons = {**before.recordings.unknown, **after.recordings.unknown, **unanswered}
        self.unknown = frozenset(without_indices(path) for path in reasons)
        self.hangs = hanging(self.changed, self.unknown) | hanging(self.pinned, self.unknown)
        told = list(self._differences(before, after))
        await self._show_requests(told, after)
        verdict = _verdict(told, after, is_open=bool(reasons))
        past = self.replayed.past if self.replayed else None
        entry = _entry(self.event, past.run if past else None, verdict, "", _end(before), _end(after))
        entry["title"] = before.performance.title or after.performance.title
        renamed = after.recordings.renamed
        entry["stale"] = [{"path": path, "was": was} for path, was in renamed.items()]
        entry["unknown"] = [{"path": path, "why": why} for path, why in reasons.items()]
        entry["differences"] = told[:MOST_DIFFERENCES]
        if len(told) > MOST_DIFFERENCES:
            entry["notes"].append(
                f"It differs in {len(told):,} places; the first {MOST_DIFFERENCES} are here."
            )
        if past and past.status != before.performance.status:
            entry["notes"].append(
                f"The run itself ended as {past.status}; recomputed, its version ends as "
                f"{before.performance.status}: {past.sentence}"
            )
        if self.hangs and verdict != SAME:
            steps = ", ".join(sorted(self.hangs))
            entry["notes"].append(f"What hangs on a call that was not recorded is not known either: {steps}.")
        entry["sentence"] = _sentence(verdict, told, renamed, reasons, after)
        return entry

    async def _side(
        self, workflow: Workflow, *, dropped: frozenset[str], withheld: frozenset[str] = frozenset()
    ) -> _Side:
        recordings = Recordings(self.desk.action, self.records, steps_by_path(workflow).keys(), withheld)
        again, own = None, {}
        if self.replayed:
            tokens = self.replayed.tokens
            own = {
                one.path: one for one in self.records
                if one.kind not in CALLS and without_indices(one.path) not in dropped
            }  # fmt: skip
            again = Again(
                self.replayed.past.run, own, recordings,
                lambda run_id, path: tokens.get(path) or question_id(run_id, path), self.address,
            )  # fmt: skip
        situation = Situation(item=self.item, again=again)
        live = replace(workflow, mode="live")
        performance = await perform(bench_of(self.desk, recordings), live, self.event, recordings, situation)
        if performance.reason.code == "diverged" and not dropped:  # a wait of another item than now
            return await self._side(workflow, dropped=frozenset(without_indices(one) for one in own))
        self.outputs += performance.steps.items()
        return _Side(workflow, performance, recordings)

    # --- what differs -------------------------------------------------------------------------

    def _differences(self, before: _Side, after: _Side) -> Iterator[dict[str, Json]]:
        one, other = before.performance, after.performance
        if self.pinned.mode != self.changed.mode:
            yield _told("mode", "", self.pinned.mode, self.changed.mode)
        if one.runs != other.runs:
            yield _told("runs", "", one.runs, other.runs)
        names = {without_indices(now): without_indices(was) for now, was in after.recordings.renamed.items()}
        if _end_key(one, {}) != _end_key(other, names):
            where = [_step_of(each) for each in (one, other)]
            is_known = not any(path in self.hangs or path in self.unknown for path in where)
            yield _told("end", where[1] or where[0], _end(before), _end(after), is_known=is_known)
        yield from self._branches(one, other)
        yield from self._calls(before.recordings, after.recordings)
        yield from self._waits(other)
        for what, was, now in (
            ("title", one.title, other.title),
            ("key", one.key, other.key),
            ("answer", answer_json(one.answer), answer_json(other.answer)),
            ("output", *self._outputs(one, other)),
        ):
            if was != now:
                is_known = what in ("title", "key") or not (self.hangs or self.unknown)
                yield _told(what, "", was, now, is_known=is_known)

    def _outputs(self, one: Performance, other: Performance) -> tuple[Json, Json]:
        is_given = self.pinned.output is not None or self.changed.output is not None
        return (one.output, other.output) if is_given else (None, None)

    def _branches(self, one: Performance, other: Performance) -> Iterator[dict[str, Json]]:
        was, now = (
            {each["path"]: each["case"] for each in side.trace if "case" in each} for side in (one, other)
        )
        for path in was.keys() & now.keys():
            if was[path] != now[path]:
                yield self._at("branch", path, was[path], now[path])

    def _calls(self, before: Recordings, after: Recordings) -> Iterator[dict[str, Json]]:
        was, now = before.asked, dict(after.asked)
        for path, old in was.items():
            new = now.pop(path, None)
            if new is None and path not in after.renamed.values():
                yield self._at("call", path, self._call(self.pinned, old), None)
            elif new is not None and new.input_digest != old.input_digest:
                yield self._at("call", path, self._call(self.pinned, old), self._call(self.changed, new))
        for path, new in now.items():
            if path not in after.renamed:
                yield self._at("call", path, None, self._call(self.changed, new))

    def _waits(self, other: Performance) -> Iterator[dict[str, Json]]:
        known = {one.path: one.input for one in self.records if one.kind in WAITS}
        for path, one in other.records.items():
            if one.kind in WAITS and self.replayed and known.get(path) != one.input:
                yield self._at("wait", path, known.get(path), one.input)

    def _at(self, what: str, path: str, before: Json, after: Json) -> dict[str, Json]:
        return _told(what, path, before, after, is_known=without_indices(path) not in self.hangs)

    @staticmethod
    def _call(workflow: Workflow, record: Record) -> dict[str, Json]:
        """`{name, connection, input, request}`."""
        body = steps_by_path(workflow)[without_indices(record.path)].body
        name = getattr(body, "action", None) or getattr(body, "workflow", "")
        connection = getattr(body, "connection", None)
        return {"name": name, "connection": connection, "input": cut(record.input)[0], "request": None}

    async def _show_requests(self, told: Sequence[Mapping[str, Json]], after: _Side) -> None:
        """Put to each differing call the requests that its connector can show, of before and of now."""
        calls = {one["path"]: one for one in told if one["what"] == "call"}
        if not calls:
            return
        gone = frozenset(path for path, one in calls.items() if one["before"])
        then = await self._side(self.pinned, dropped=frozenset(), withheld=gone) if gone else None
        for path, one in calls.items():
            for name, side in (("before", then), ("after", after)):
                made = side.recordings.made.get(path) if side else None
                if one[name] and made and made.request:
                    one[name]["request"] = made.request.as_json()


def _other_waits(pinned: Workflow, changed: Workflow) -> frozenset[str]:
    """The paths of waits that are others now: what is recorded of them does not stand."""
    was = steps_by_path(pinned)
    return frozenset(
        path
        for path, step in steps_by_path(changed).items()
        if isinstance(step.body, Wait | WaitFor) and path in was and was[path].body != step.body
    )


def _verdict(told: Sequence[Mapping[str, Json]], after: _Side, *, is_open: bool) -> str:
    certain = [one for one in told if one["is_known"]]
    ended = next((one for one in certain if one["what"] == "end"), None)
    if ended and ended["after"]["status"] != ended["before"]["status"]:
        status = ended["after"]["status"]
        if status in ("failed", "rejected"):
            return FAILED
        if status in ("filtered", "ignored"):
            return FILTERED
    if certain:
        return DIFFERS
    if after.recordings.renamed:
        return STALE
    return UNKNOWN if told or is_open else SAME


def _sentence(
    verdict: str,
    told: Sequence[Mapping[str, Json]],
    renamed: Mapping[str, str],
    reasons: Mapping[str, str],
    after: _Side,
) -> str:
    """Why it is judged so."""
    if verdict == SAME:
        return "It does what it did."
    if verdict == STALE:
        now, was = next(iter(renamed.items()))
        return (
            f"What {was} recorded is stale: the step is called {now} now, and would send again in a replay."
        )
    if verdict == UNKNOWN:
        path, why = next(iter(reasons.items()), ("", ""))
        return f"It cannot be known what {path} gives: {why}." if path else "It cannot be known."
    if verdict in (FAILED, FILTERED):
        return as_sentence(after.performance.reason.sentence) or f"It would be {verdict}."
    return next(_words(one) for one in told if one["is_known"])


def _words(one: Mapping[str, Json]) -> str:
    """A difference in a sentence."""
    what, path, before, after = one["what"], one["path"], one["before"], one["after"]
    if what == "call":
        if before is None:
            return f"{path} would call {after['name']}, which was not called."
        if after is None:
            return f"{path} would not call {before['name']}."
        return f"{path} would send something else to {after['name']}."
    words: dict[str, Callable[[], str]] = {
        "end": lambda: (
            f"It would end as {after['status']}, and ended as {before['status']}."
            if after["status"] != before["status"]
            else f"It would end as {after['status']} for another reason."
        ),
        "mode": lambda: f"It would run in mode {after}, and ran in mode {before}.",
        "runs": lambda: f"It would start {after:,} runs, and started {before:,}.",
        "branch": lambda: f"{path} would take another branch.",
        "wait": lambda: f"{path} would wait otherwise.",
        "title": lambda: "Its title would be another one.",
        "key": lambda: "It would stand in another line of `concurrency`.",
        "answer": lambda: "Its sender would hear another answer.",
        "output": lambda: "Its output would be another one.",
    }
    return words[what]()


def _told(what: str, path: str, before: Json, after: Json, *, is_known: bool = True) -> dict[str, Json]:
    before, after = cut(before)[0], cut(after)[0]
    found = {"what": what, "path": path, "is_known": is_known, "before": before, "after": after}
    return {**found, "sentence": _words(found)}


def _entry(
    event: Event, run: Run | None, verdict: str, sentence: str, before: Json, after: Json
) -> dict[str, Json]:
    return {
        "event": event.id, "run": run.id if run else None, "title": run.title if run else "",
        "received_at": iso(event.received_at), "version": run.version if run else None,
        "verdict": verdict, "sentence": sentence, "before": before, "after": after,
        "differences": [], "unknown": [], "stale": [], "notes": [],
    }  # fmt: skip


def _end(side: _Side) -> dict[str, Json]:
    """`{status, sentence}`."""
    performance = side.performance
    is_done = performance.reason.code == "succeeded"  # how many calls were made of it is no outcome
    sentence = "It ran to its end." if is_done else as_sentence(performance.reason.sentence)
    return {"status": performance.status, "sentence": sentence}


def _end_key(performance: Performance, names: Mapping[str, str]) -> Json:
    """What makes two ends the same. The test of a filter is text of the file, and no outcome."""
    reason, step = performance.reason, _step_of(performance)
    error = (
        performance.failures.get(str(reason.facts.get("step"))) if performance.status == "failed" else None
    )
    return [performance.status, reason.code, names.get(step, step), error and error["message"]]


def _step_of(performance: Performance) -> str:
    step = performance.reason.facts.get("step")
    return without_indices(step) if isinstance(step, str) else ""
