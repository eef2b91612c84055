"""What a workflow keeps between its runs: each change once, for whoever asks, however often it is asked."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.runs import NewRun, Replaying, Status
from runner.engine.state import (
    MOST_BYTES,
    SHARED,
    Append,
    Change,
    Delete,
    Effect,
    Held,
    Increment,
    Once,
    Set,
    changed,
)
from runner.errors import Rejected
from runner.store.queries import Statement
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

ROOT = Path(__file__).parents[2]
COUNT = """
steps:
  - id: n
    action: state.increment
    with: {key: orders}
  - action: probe.note
    with: {text: "{{ steps.n }}"}
"""
ONCE = """
steps:
  - id: first
    action: state.once
    with: {key: "{{ payload }}", ttl: 1h}
  - filter: steps.first
  - action: probe.note
    with: {text: "{{ payload }}"}
"""


async def kept(world: World, key: str, space: str = "one") -> Any:
    entry = await world.states.entry(space, key, now=world.clock())
    return entry.value if entry else None


# --- the rules ------------------------------------------------------------------------------


def after(held: Held | None, change: Change, now: float = 0, holder: str = "e") -> tuple[Held | None, Any]:
    return changed(held, change, key="k", holder=holder, now=now)


@given(st.lists(st.integers(-1000, 1000), max_size=20))
def test_a_number_is_the_sum_of_its_increments(steps: list[int]) -> None:
    held: Held | None = None
    value = 0
    for by in steps:
        held, value = after(held, Increment(by))
    assert value == sum(steps)


@given(st.lists(st.integers(), max_size=30), st.integers(1, 10))
def test_a_list_has_the_last_of_what_was_appended_in_its_order(items: list[int], keep: int) -> None:
    held: Held | None = None
    value: list[int] = []
    for one in items:
        held, value = after(held, Append(one, keep))
    assert value == items[-keep:]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20).map(sorted), st.floats(0.1, 50))
def test_once_is_true_again_only_when_its_time_is_over(moments: list[float], ttl: float) -> None:
    held: Held | None = None
    last_yes = None
    for number, now in enumerate(moments):
        if held and held.expires_at is not None and held.expires_at <= now:
            held = None
        held, is_first = after(held, Once(ttl), now, f"event {number}")
        assert is_first == (last_yes is None or now >= last_yes + ttl)
        last_yes = now if is_first else last_yes


def test_whoever_got_once_gets_it_again() -> None:
    held, _yes = after(None, Once(), holder="a")
    assert after(held, Once(), holder="b")[1] is False
    assert after(held, Once(), holder="a")[1] is True


def test_a_count_of_the_hour_begins_with_its_first_increment() -> None:
    held, _one = after(None, Increment(1, 3600), now=0)
    held, _two = after(held, Increment(1, 3600), now=1800)
    assert held == Held(2, 3600.0)


def test_a_list_is_forgotten_so_long_after_the_last() -> None:
    held, _ = after(None, Append("a", None, 60), now=0)
    held, _ = after(held, Append("b", None, 60), now=50)
    assert held
    assert held.expires_at == 110


def test_null_and_delete_take_a_key_away() -> None:
    assert after(Held(1), Set(None)) == (None, None)
    assert after(Held(1), Delete()) == (None, True)
    assert after(None, Delete()) == (None, False)


@pytest.mark.parametrize(
    ("held", "change", "says"),
    [
        (Held("x"), Increment(), 'the state "k" is a text, not a number'),
        (Held(value=True), Increment(), "is true or false, not a number"),
        (Held(1e308), Increment(1e308), "too large a number"),
        (Held(10**400), Increment(0.5), "too large a number"),
        (Held(3), Append(1), "is a number, not a list"),
        (None, Set("x" * MOST_BYTES), "would have 65,538 bytes; at most 65,536"),
        (Held(["x" * 40_000]), Append("x" * 40_000), "keep fewer items"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_way_out(
    held: Held | None, change: Change, says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        after(held, change)


# --- in runs --------------------------------------------------------------------------------


async def test_runs_at_the_same_time_get_a_number_each(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", COUNT)
        for accepted in await asyncio.gather(*(world.send("one") for _ in range(20))):
            assert (await world.turned(accepted.run_id)).status is Status.SUCCEEDED
        assert sorted(outside.notes) == list(range(1, 21))
        assert await kept(world, "orders") == 20


async def test_only_the_first_time_within_an_hour(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = 1_000_000.0
        await world.workflow("one", ONCE)
        ends = [(await world.ran("one", host)).status for host in ("db", "db", "web")]
        world.now += 3600
        ends.append((await world.ran("one", "db")).status)
    assert ends == [Status.SUCCEEDED, Status.FILTERED, Status.SUCCEEDED, Status.SUCCEEDED]
    assert outside.notes == ["db", "web", "db"]


async def test_a_memory_of_the_last_messages(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow(
            "one",
            "steps:\n  - id: chat\n    action: state.append\n"
            "    with: {key: 'chat-{{ payload.chat }}', value: '{{ payload }}', keep: 2}\n"
            "  - action: probe.note\n    with: {text: '{{ steps.chat | map(attribute=\"text\") | list }}'}\n",
        )
        for text in ("a", "b", "c"):
            await world.ran("one", {"chat": 7, "text": text})
    assert outside.notes == [["a"], ["a", "b"], ["b", "c"]]


async def test_a_value_is_set_got_and_deleted_and_a_missing_one_has_its_default(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow(
            "one",
            """
steps:
  - {id: before, action: state.get, with: {key: 5, default: [nothing]}}
  - {id: put, action: state.set, with: {key: "5", value: {a: "{{ payload }}"}, ttl: 1d}}
  - {id: found, action: state.get, with: {key: "5"}}
  - {id: gone, action: state.delete, with: {key: "5"}}
  - {id: after, action: state.get, with: {key: "5"}}
  - action: probe.note
    with: {text: "{{ [steps.before, steps.put, steps.found, steps.gone, steps.after] }}"}
""",
        )
        assert (await world.ran("one", 1.5)).status is Status.SUCCEEDED
    assert outside.notes == [[["nothing"], {"a": 1.5}, {"a": 1.5}, True, None]]


async def test_a_key_is_the_workflows_own_unless_it_is_shared(tmp_path: Path) -> None:
    text = (
        "steps:\n  - {id: own, action: state.increment, with: {key: k}}\n"
        "  - {id: all, action: state.increment, with: {key: k, scope: shared}}\n"
        "  - action: probe.note\n    with: {text: '{{ [steps.own, steps.all] }}'}\n"
    )
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        for slug in ("one", "two"):
            await world.workflow(slug, text)
            await world.ran(slug)
        assert await kept(world, "k", SHARED) == 2
    assert outside.notes == [[1, 1], [1, 2]]


async def test_a_secret_is_not_kept(tmp_path: Path) -> None:
    async with opened(tmp_path, Outside(), secrets={"KEY": "s3cr3t-value"}) as world:
        await world.workflow(
            "one", "steps:\n  - {action: state.set, with: {key: k, value: ['x {{ secrets.KEY }}']}}\n"
        )
        end = await world.ran("one")
        assert end.reason
        assert "a secret cannot be kept in the state" in end.reason.sentence
        assert await kept(world, "k") is None


async def test_each_part_of_a_split_event_counts(tmp_path: Path) -> None:
    async with opened(tmp_path, Outside()) as world:
        await world.workflow("one", "trigger: {webhook: {split: payload}}\n" + COUNT)
        await world.send("one", ["a", "b", "c"])
        await world.quiet()
        assert await kept(world, "orders") == 3


async def test_the_history_shows_it_as_any_action(tmp_path: Path) -> None:
    async with opened(tmp_path, Outside()) as world:
        await world.workflow("one", COUNT)
        accepted = await world.send("one")
        await world.turned(accepted.run_id)
        step = (await world.history.run(accepted.run_id))["steps"][0]
    assert (step["kind"], step["input"], step["output"]) == ("action", {"key": "orders"}, 1)


# --- once for its event ---------------------------------------------------------------------

DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.engine.world import Outside, opened

class Dies:
    "The state of a process that is killed when a change is on disk and its record is not."
    def __init__(self, states):
        self.states = states
    async def change(self, *given, **options):
        await self.states.change(*given, **options)
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with opened(Path(sys.argv[1]), Outside(), around_states=Dies) as world:
        await world.library.reload()
        accepted = await world.send("one", "x")
        await world.turned(accepted.run_id)

asyncio.run(main())
"""


@pytest.mark.of_sqlite
@pytest.mark.parametrize(
    ("step", "gives"),
    [
        ("state.increment, with: {key: k}", 1),
        ("state.append, with: {key: k, value: '{{ payload }}'}", ["x"]),
        ("state.once, with: {key: k}", True),
        ("state.set, with: {key: k, value: 5}", 5),
    ],
)
async def test_a_change_whose_process_died_before_its_record_is_made_once(
    tmp_path: Path, step: str, gives: object
) -> None:
    note = "  - action: probe.note\n    with: {text: '{{ steps.it }}'}\n"
    text = f"steps:\n  - {{id: it, action: {step}}}\n{note}"
    outside = Outside()
    async with opened(tmp_path) as world:
        await world.workflow("one", text)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIES, str(tmp_path), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _out, err = await killed.communicate()
    assert killed.returncode == -signal.SIGKILL, err.decode()
    async with opened(tmp_path, outside) as world:
        assert await kept(world, "k") is not None
        (run,) = await world.store.read(Statement.of("SELECT count(*) FROM records"))
        assert run[0] == 0
        await world.quiet()
        assert await kept(world, "k") == gives
    assert outside.notes == [gives]


async def test_a_replay_from_the_start_counts_its_event_no_second_time_unless_it_is_sent_as_new(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", COUNT)
        accepted = await world.send("one")
        await world.turned(accepted.run_id)
        await world.ran("one")
        for run_id, how in (("r1", Replaying()), ("r2", Replaying(as_new=True))):
            new = NewRun(run_id, "one", 1, "again", "00" * 16, None)
            await world.store.replay_start(accepted.run_id, new, now=world.clock(), how=how)
            await world.quiet()
    assert outside.notes == [1, 2, 1, 3]


async def test_the_event_that_got_once_gets_it_again_in_every_replay(tmp_path: Path) -> None:
    async with opened(tmp_path, Outside()) as world:
        await world.workflow("one", ONCE)
        accepted = await world.send("one", "db")
        await world.turned(accepted.run_id)
        for run_id, as_new in (("r1", False), ("r2", True)):
            new = NewRun(run_id, "one", 1, "again", "00" * 16, None)
            how = Replaying(as_new=as_new)
            await world.store.replay_start(accepted.run_id, new, now=world.clock(), how=how)
            await world.quiet()
            assert (await world.history.run(run_id))["status"] == "succeeded"


async def test_what_is_over_is_taken_away_and_what_an_effect_gave_goes_with_its_event(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, Outside()) as world:
        world.now = 1000.0
        await world.workflow("one", ONCE)
        accepted = await world.send("one", "db")
        await world.turned(accepted.run_id)
        await world.states.change("one", "k", Set(1), now=1000.0, effect=Effect("no event", "key", "h"))
        assert await world.states.tidy(now=4599.0, most=10) == 0
        assert await world.states.tidy(now=4600.0, most=10) == 1
        assert await world.states.tidy(now=1000.0 + 31 * 86400, most=10) == 1
        remembered = "SELECT count(*) FROM state_effects"
        ((before,),) = await world.store.read(Statement.of(remembered))
        await world.keeping.forget([accepted.event_id])
        ((rest,),) = await world.store.read(Statement.of(remembered))
    assert (before, rest) == (1, 0)
