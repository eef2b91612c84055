"""
The law of resuming: a run that was killed at any recorded point comes to the same end as one that
was left in peace, and no effect ever goes out under another key or with another input.

Random workflows, each run once in peace and then killed after each of its writes and before each.
`make soak` tries many more of them: HOOKLINE_DETERMINISM_EXAMPLES says how many.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.engine.runs import Record, Run, Store, TurnEnd
from runner.errors import StaleFence, StoreUnavailable
from runner.store.queries import Statement
from runner.values import dumps
from tests.engine.world import Outside, World, opened

FEW = 4  # workflows, so that it is over in some seconds
MOST_KILLS = 24  # of one workflow; more than that are tried where more workflows are
EXAMPLES = int(os.environ.get("HOOKLINE_DETERMINISM_EXAMPLES", str(FEW)))
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
PAYLOAD = {"items": ["a", "b", "c"], "yes": True, "no": False, "n": 2}
LATER = 7.0  # seconds that a process is away in the second law
MOST_IDLE = 60  # times that nothing is due and the clock goes on
CHILD = """
steps:
  - id: told
    action: probe.note
    with: {text: ["child", "{{ payload.text }}", "{{ uuid() }}"]}
  - wait: 20m
  - transform: {at: now(), id: uuid(), text: steps.told.text}
"""


# --- workflows --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lines:
    """Steps as JSON, which is YAML, made from *draw*; ids count up over the file."""

    draw: st.DrawFn
    numbers: count[int] = field(default_factory=lambda: count(1))

    def steps(self, depth: int, seen: Sequence[str], *, item: bool = False) -> list[dict[str, Any]]:
        """A list that sees *seen* and whose last step gives all that it computed."""
        steps: list[dict[str, Any]] = []
        known = list(seen)
        kinds = [
            self.note, self.note, self.pure, self.text, self.wait, self.short_wait, self.fails, self.flaky,
            self.count, self.call,
        ]  # fmt: skip
        inner = [self.for_each, self.parallel, self.switch, self.repeat, self.group]
        for _ in range(self.draw(st.integers(1, 3 if depth else 2))):
            kind = self.draw(st.sampled_from([*kinds, *(inner * 2 if depth else [])]))
            name = f"s{next(self.numbers)}"
            steps.append({"id": name, **kind(name, depth, known)})
            known.append(self.value_of(steps[-1]))
        if item and self.draw(st.booleans()):
            steps.insert(0, {"filter": self.draw(st.sampled_from(["index != `1`", "index < `2`", "`1`"]))})
        own = known[len(seen) :]
        steps.append({"transform": {"at": "now()", "id": "uuid()", "own": f"[{', '.join(own)}]"}})
        return steps

    def value_of(self, step: Mapping[str, Any]) -> str:
        """The expression for what *step* gave, without the count of a call, which a kill may raise."""
        name = f"steps.{step['id']}"
        return f"{name}.text" if str(step.get("action", "")).startswith("probe.") else name

    def one_of(self, known: Sequence[str]) -> str:
        return self.draw(st.sampled_from(["payload.n", *known]))

    def note(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        text = [
            name,
            "{{ now() }}",
            "{{ uuid() }}",
            "{{ uuid() }}",
            f"{{{{ {self.one_of(known)} | tojson }}}}",
        ]
        return {"action": "probe.note", "with": {"text": text}}

    def flaky(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        step = self.note(name, depth, known)
        step["with"] |= {"fail": "unavailable", "times": 1}
        return {**step, "retry": {"delay": "10ms", "jitter": False}}

    def fails(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        step = self.note(name, depth, known)
        step["with"]["fail"] = self.draw(st.sampled_from(["rejected", "connection"]))
        mended = self.steps(0, []) if self.draw(st.booleans()) else "continue"
        return {**step, "on_error": mended}

    def count(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        return {
            "action": "state.increment",
            "with": {"key": "{{ uuid() }}"},
        }  # its own: the order of branches is no law

    def pure(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        return {"transform": {"at": "now()", "ids": "[uuid(), uuid()]", "of": self.one_of(known)}}

    def text(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        return {"template": f"{{{{ now() }}}} {{{{ uuid() }}}} {{{{ {self.one_of(known)} | tojson }}}}"}

    def wait(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        return {"wait": self.draw(st.sampled_from(["10m", "1h"]))}

    def short_wait(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        return {"wait": {"until": "{{ now() }}"}}

    def call(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        text = f"{name} {{{{ {self.one_of(known)} | tojson }}}}"
        return {"call": "child", "with": {"text": text}, "wait": self.draw(st.booleans())}

    def for_each(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        return {
            "for_each": "payload.items",
            "concurrency": self.draw(st.integers(1, 3)),
            "on_item_error": self.draw(st.sampled_from(["fail", "continue"])),
            "steps": self.steps(depth - 1, [*known, "item", "index"], item=True),
        }

    def parallel(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        return {
            "parallel": {branch: self.steps(depth - 1, known) for branch in ("b", "a", "c")[: 2 + depth % 2]}
        }

    def switch(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        when = self.draw(st.sampled_from(["payload.yes", "payload.no"]))
        cases = [{"when": when, "steps": self.steps(depth - 1, known)}, {"steps": self.steps(0, known)}]
        return {"switch": cases}

    def repeat(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        every = self.draw(st.sampled_from([{}, {"every": "5m"}]))
        until = {"until": "index == `1`", **every}
        return {"repeat": until, "steps": self.steps(depth - 1, [*known, "index", "previous"], item=True)}

    def group(self, name: str, depth: int, known: Sequence[str]) -> dict[str, Any]:
        steps = self.steps(depth - 1, known)
        if self.draw(st.booleans()):
            return {"steps": [*steps, {"fail": "{{ now() }} {{ uuid() }}"}], "on_error": self.steps(0, [])}
        return {"steps": steps}


@st.composite
def workflows(draw: st.DrawFn) -> str:
    """The text of a workflow whose every computed value stands in its output."""
    steps = Lines(draw).steps(2, [])
    last = {"id": "last", **steps.pop()}
    whole: dict[str, Any] = {"output": "steps.last", "steps": [*steps, last]}
    if draw(st.booleans()):
        whole["concurrency"] = {"limit": 1}
    return orjson.dumps(whole).decode()[1:-1]


# --- processes that die -----------------------------------------------------------------------


class Dying:
    """
    The store of a process that is killed around its write number *at*: at once after it, or *before*
    it, when what it would have recorded has happened. Whatever is written from then on never is.
    """

    def __init__(self, at: int | None, *, before: bool = False) -> None:
        self.writes = 0
        self.dead = asyncio.Event()
        self._at, self._before = at, before
        self._store: Any = None

    def around(self, store: Any) -> Store:
        self._store = store
        return cast("Store", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def record(self, run: Run, records: Sequence[Record], files: Mapping[str, bytes]) -> None:
        self._begins()
        await self._store.record(run, records, files)
        self._done()

    async def finish(
        self, run: Run, end: TurnEnd, records: Sequence[Record], files: Mapping[str, bytes]
    ) -> None:
        self._begins()
        await self._store.finish(run, end, records, files)
        self._done()

    async def give_back(self, run: Run, *, due_at: float, is_stalled: bool = False) -> None:
        if self.dead.is_set():
            raise StoreUnavailable("the process is dead")
        await self._store.give_back(run, due_at=due_at, is_stalled=is_stalled)

    def _begins(self) -> None:
        self.writes += 1
        if self._before and self.writes == self._at:
            self.dead.set()
        self._lives()

    def _done(self) -> None:
        if not self._before and self.writes == self._at:
            self.dead.set()
        self._lives()

    def _lives(self) -> None:
        if self.dead.is_set():
            raise StaleFence("the process is dead")  # ends the turn here and now, and nothing is written


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run and those it called came to; `said`: the inputs that went out under each key."""

    runs: Any
    said: Mapping[str, frozenset[str]]
    kept: Any
    notes: Sequence[str]
    writes: int


async def outcome(ready: Path, folder: Path, deaths: Sequence[tuple[int, bool]], away: float) -> Outcome:
    """Run what is accepted in *ready* to its end, over a copy in *folder*, with *deaths* on the way."""
    await asyncio.to_thread(shutil.copytree, ready, folder)
    outside = Outside()
    now = START
    writes = 0
    for death in [*deaths, None]:
        dying = Dying(death[0], before=death[1]) if death else Dying(None)
        async with opened(folder, outside, grace_seconds=0, around_store=dying.around, now=now) as world:
            await _run_to_the_end(world, dying)
            now = world.clock()
            if not dying.dead.is_set():
                writes = dying.writes
                return await _outcome(world, outside, writes)
        now += away
    raise AssertionError("unreachable")


async def _run_to_the_end(world: World, dying: Dying) -> None:
    dead = asyncio.create_task(dying.dead.wait())
    try:
        for _ in range(MOST_IDLE):
            quiet = asyncio.create_task(world.quiet())
            await asyncio.wait({quiet, dead}, return_when=asyncio.FIRST_COMPLETED)
            if dead.done():
                quiet.cancel()
                await asyncio.gather(quiet, return_exceptions=True)
                return
            await quiet
            due = await world.store.next_due(now=world.clock())
            if due is None:
                return
            world.now = due
    finally:
        dead.cancel()
    raise AssertionError("the run does not end")


async def _outcome(world: World, outside: Outside, writes: int) -> Outcome:
    rows = await world.store.read(Statement.of("SELECT id FROM runs ORDER BY workflow, id"))
    shown = [await world.history.run(row[0]) for row in rows]
    said: dict[str, set[str]] = defaultdict(set)
    for key in outside.calls:
        said[key] = set()
    for key, text in zip(outside.keys, outside.notes, strict=True):
        said[key].add(dumps(text))
    kept = await world.store.read(Statement.of("SELECT * FROM state ORDER BY 1, 2"))
    return Outcome(
        [_end(one) for one in shown],
        {key: frozenset(texts) for key, texts in said.items()},
        [tuple(row) for row in kept],
        [note for one in shown for note in one["notes"]],
        writes,
    )


def _end(run: Mapping[str, Any]) -> Any:
    """The end of *run*; the sentence of one that succeeded counts the calls of its last turn."""
    reason = {**run["reason"], "sentence": ""} if run["status"] == "succeeded" else run["reason"]
    return [run["id"], run["workflow"], run["status"], reason, run["output"]]


async def accepted(folder: Path, text: str) -> None:
    """*folder* with an event of the workflow *text*, whose run nobody has begun."""
    async with opened(folder, places=0, now=START) as world:
        await world.workflow("child", f"trigger: {{manual: {{}}}}\n{CHILD}")
        (folder / "workflows" / "one.yaml").write_text(
            f'{{"name": one, "trigger": {{"webhook": {{}}}}, {text}}}'
        )
        await world.library.reload()
        assert not [str(one) for one in world.library.faults["one"] if one.severity == "error"]
        await world.send("one", PAYLOAD)


TRIED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each is short, and to shrink one takes minutes
)


@given(workflows())
@TRIED
async def test_a_run_that_is_killed_anywhere_comes_to_the_end_of_one_left_in_peace(text: str) -> None:
    """Law: whatever the write around which the process dies, all that is left of the run is the same."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        await accepted(folder / "ready", text)
        calm = await outcome(folder / "ready", folder / "calm", [], 0)
        assert calm.notes == []
        deaths = _deaths(calm.writes)
        every = 1 if EXAMPLES > FEW else len(deaths) // MOST_KILLS * 2 + 1  # odd: before and after
        for death in deaths[::every]:
            killed = await outcome(folder / "ready", folder / f"{death}", [death], 0)
            assert dumps(killed.runs) == dumps(calm.runs), death
            assert killed.said == calm.said, death
            assert killed.kept == calm.kept, death
            assert killed.notes == [], death


@given(workflows(), st.data())
@TRIED
async def test_a_process_that_is_away_for_some_time_sends_nothing_twice_with_another_input(
    text: str, data: st.DataObject
) -> None:
    """Law: killed twice and away in between, what was computed before stands, and so do its effects."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        await accepted(folder / "ready", text)
        calm = await outcome(folder / "ready", folder / "calm", [], 0)
        all_of_them = _deaths(calm.writes)
        for number in range(3):
            deaths = data.draw(st.lists(st.sampled_from(all_of_them), min_size=2, max_size=2))
            killed = await outcome(folder / "ready", folder / f"{number}", deaths, LATER)
            assert [one[1:3] for one in killed.runs] == [one[1:3] for one in calm.runs], deaths
            assert len(killed.said) == len(calm.said), deaths
            assert all(len(inputs) <= 1 for inputs in killed.said.values()), deaths
            assert killed.notes == [], deaths


def _deaths(writes: int) -> list[tuple[int, bool]]:
    """Before and after each of so many writes."""
    return [(number, before) for number in range(1, writes + 1) for before in (True, False)]
