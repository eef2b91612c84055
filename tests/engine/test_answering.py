"""`wait_for`: an answer is taken once, whenever it comes, and its run goes on with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.resuming import (
    Given,
    Question,
    Told,
    decision,
    may_answer,
    question_id,
    read_question_id,
    read_token,
    resume_token_deriver,
    without_tokens,
)
from runner.engine.runs import Status
from runner.errors import NotFound
from runner.language.awaited import paths_seen_from
from runner.language.templates import compile_template
from runner.language.workflow import Approval
from runner.store.queries import Statement
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86400.0

ASK = """
output: steps.ok
steps:
  - action: probe.note
    with: {text: "{{ resume_url('ok') }}"}
  - id: ok
    wait_for: {approval: {message: "Refund {{ payload.total }}?", choices: [refund, decline]}}
    timeout: 2d
  - action: probe.note
    with: {text: "{{ steps.ok }}"}
"""
CALL = ASK.replace(
    'approval: {message: "Refund {{ payload.total }}?", choices: [refund, decline]}', "callback: {}"
)


@asynccontextmanager
async def at(folder: Path, now: float = START, outside: Outside | None = None) -> AsyncIterator[World]:
    """A world whose clock stands at *now*."""
    async with opened(folder, outside) as world:
        world.now = now
        yield world


async def asked(world: World, run_id: str, path: str = "ok") -> Question:
    return await world.resuming.by_token(world.tools.resume_token(run_id, path))


async def answer(world: World, run_id: str, value: Any, *, path: str = "ok", by: str = "ada") -> Told:
    return await world.resuming.answer(await asked(world, run_id, path), value, by=by)


async def test_a_run_waits_with_its_question_and_goes_on_with_the_answer(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", ASK)
        run_id = (await world.send("one", {"total": 12})).run_id
        end = await world.turned(run_id)
        assert (end.status, end.due_at) == (Status.WAITING, START + 2 * DAY)
        shown = await world.history.run(run_id)
        sentence = "ok waits for an approval: Refund 12?, until 2026-03-04T09:00:00.000Z"
        assert shown["waiting"] == {"for": sentence, "until": "2026-03-04T09:00:00.000Z"}
        assert shown["reason"]["sentence"] == f"{sentence}."
        told = await answer(world, run_id, {"choice": "refund", "by": "ada", "comment": None})
        assert told.verdict == "accepted"
        await world.quiet()
        shown = await world.history.run(run_id)
        assert shown["status"] == "succeeded"
        assert shown["output"] == outside.notes[1] == {"choice": "refund", "by": "ada", "comment": None}


async def test_the_address_stands_before_the_step_is_reached_and_is_the_steps_own(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", CALL)
        first = (await world.send("one")).run_id
        second = (await world.send("one")).run_id
        await world.quiet()
        urls = [
            f"http://hookline.test/resume/{world.tools.resume_token(one, 'ok')}" for one in (first, second)
        ]
        assert sorted(outside.notes) == sorted(urls)
        found = await world.resuming.by_token(urls[0].rpartition("/")[2])
        assert (found.asked.run_id, found.asked.path, found.body.methods) == (first, "ok", ("POST",))


async def test_an_answer_that_comes_before_the_step_is_used_when_it_is_reached(tmp_path: Path) -> None:
    outside = Outside()
    text = """
steps:
  - wait: 1h
  - id: ok
    wait_for: {callback: {}}
  - action: probe.note
    with: {text: "{{ steps.ok }}"}
"""
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        assert (await answer(world, run_id, "early")).verdict == "accepted"
        await world.quiet()
        assert len(world.ends[run_id]) == 1  # it still waits for something else, and is not woken for nothing
        world.now = START + HOUR
        await world.quiet()
        assert outside.notes == ["early"]


async def test_an_answer_that_comes_in_the_turn_that_reaches_the_step_is_not_lost(tmp_path: Path) -> None:
    """It comes while the run is running: after the step has looked, before the turn is written."""
    outside = Outside()
    text = """
steps:
  - parallel:
      asked:
        - id: ok
          wait_for: {callback: {}}
        - action: probe.note
          with: {text: "{{ steps.ok }}"}
      busy:
        - action: probe.note
          with: {text: busy, after: gate}
"""
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        await outside.begun.wait()  # the first branch has looked, and the second holds the turn
        path = "parallel#1.asked.ok"
        assert (await answer(world, run_id, "in the middle", path=path)).verdict == "accepted"
        outside.gates["gate"].set()
        end = await world.turned(run_id)
        assert end.status is Status.WAITING
        await world.quiet()
        assert outside.notes == ["busy", "in the middle"]


async def test_of_two_answers_at_once_one_counts_and_the_other_hears_of_it(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", CALL)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        question = await asked(world, run_id)
        told = await asyncio.gather(
            *(world.resuming.answer(question, number, by=f"person {number}") for number in range(20))
        )
        assert [one.verdict for one in told].count("accepted") == 1
        winner = next(number for number, one in enumerate(told) if one.verdict == "accepted")
        firsts = {one.first.by for one in told if one.first}
        assert firsts == {f"person {winner}"}
        await world.quiet()
        assert outside.notes[1:] == [winner]


async def test_a_later_answer_hears_who_was_first_also_when_the_run_has_ended(tmp_path: Path) -> None:
    async with at(tmp_path) as world:
        await world.workflow("one", CALL)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        await answer(world, run_id, 1)
        await world.quiet()
        told = await answer(world, run_id, 2, by="grace")
        assert told.verdict == "over"
        assert told.first
        assert (told.first.by, told.first.at) == ("ada", START)


async def test_nobody_answers_in_time_and_the_step_fails_as_a_timeout(tmp_path: Path) -> None:
    outside = Outside()
    text = ASK.replace(
        "timeout: 2d", "timeout: 2d\n    on_error: [{template: '{{ error.type }}: {{ error.message }}'}]"
    )
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", ASK)
        await world.workflow("two", text)
        one, two = (
            (await world.send("one", {"total": 1})).run_id,
            (await world.send("two", {"total": 1})).run_id,
        )
        await world.quiet()
        world.now = START + 2 * DAY
        await world.quiet()
        failed = await world.history.run(one)
        assert failed["reason"]["code"] == "timeout"
        assert failed["reason"]["sentence"] == "ok failed: nobody answered within 2d"
        assert (await world.history.run(two))["output"] == "timeout: nobody answered within 2d"
        assert (await answer(world, one, {})).verdict == "over"
        assert (await asked(world, one)).asked.is_over


async def test_the_end_of_the_time_and_an_answer_cannot_both_be_true(tmp_path: Path) -> None:
    async with at(tmp_path) as world:
        await world.workflow("one", CALL)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        answers = world.resuming.answers
        closed, told = await asyncio.gather(
            answers.close(run_id, "ok", now=START), answer(world, run_id, "just in time")
        )
        assert (closed.by is None) == (told.verdict == "over")
        stands = await answers.given(run_id, "ok")
        assert stands
        assert (stands.by is None) == (closed.by is None)


async def test_without_a_timeout_it_waits_for_ever_and_no_date_is_shown(tmp_path: Path) -> None:
    async with at(tmp_path) as world:
        await world.workflow("one", "steps:\n  - id: ok\n    wait_for: {callback: {}}\n")
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        shown = await world.history.run(run_id)
        assert shown["waiting"] == {"for": "ok waits for a call of its address", "until": None}
        assert shown["steps"][0]["due_at"] is None
        world.now = START + 3000 * DAY
        await world.quiet()
        assert (await world.history.run(run_id))["status"] == "waiting"
        assert (await answer(world, run_id, None)).verdict == "accepted"
        await world.quiet()
        assert (await world.history.run(run_id))["status"] == "succeeded"


async def test_an_answer_while_the_server_is_down_is_found_by_the_next_one(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", CALL)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        await world.worker.drain(0)  # this process executes nothing any more
        given = Given(run_id, "ok", "late in the day", "ada", START)
        await world.resuming.answers.record(given, {})
    async with at(tmp_path, START + HOUR, outside) as world:
        await world.quiet()
        assert outside.notes[1:] == ["late in the day"]


async def test_each_item_and_round_has_an_address_of_its_own(tmp_path: Path) -> None:
    outside = Outside()
    text = """
output: steps.all
steps:
  - id: all
    for_each: payload
    concurrency: 5
    steps:
      - action: probe.note
        with: {text: "{{ resume_url('ok') }}"}
      - repeat: {until: "steps.again == 'no'"}
        steps:
          - id: again
            wait_for: {callback: {}}
      - id: ok
        wait_for: {callback: {}}
"""
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", text)
        run_id = (await world.send("one", ["a", "b"])).run_id
        await world.turned(run_id)
        tokens = [world.tools.resume_token(run_id, f"all[{index}].ok") for index in (0, 1)]
        assert sorted(outside.notes) == sorted(f"http://hookline.test/resume/{one}" for one in tokens)
        for path, value in (
            ("all[1].ok", "B"), ("all[0].repeat#2{0}.again", "yes"), ("all[0].repeat#2{1}.again", "no"),
            ("all[1].repeat#2{0}.again", "no"), ("all[0].ok", "A"),
        ):  # fmt: skip
            assert (await answer(world, run_id, value, path=path)).verdict == "accepted"
            await world.quiet()
        assert (await world.history.run(run_id))["output"] == ["A", "B"]


async def test_a_replay_of_what_nobody_answered_asks_again(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", CALL)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        world.now = START + 2 * DAY
        await world.quiet()
        assert (await world.history.run(run_id))["status"] == "failed"
        await world.store.replay_failed(run_id, version=None, now=world.now)
        await world.quiet()
        shown = await world.history.run(run_id)
        assert shown["status"] == "waiting"
        assert shown["waiting"]["until"] == "2026-03-06T09:00:00.000Z"  # the whole time again
        assert (await answer(world, run_id, "at last")).verdict == "accepted"
        await world.quiet()
        assert outside.notes[1:] == ["at last"]  # and what was sent out was not sent twice


async def test_an_answer_that_was_given_stands_through_a_replay(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        text = CALL.replace('text: "{{ steps.ok }}"', 'text: "{{ steps.ok }}", fail: rejected')
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        await answer(world, run_id, "yes")
        await world.quiet()
        await world.workflow("one", CALL)
        live = world.library.get("one")
        assert live
        await world.store.replay_failed(run_id, version=live.version, now=world.now or 0)
        await world.quiet()
        assert outside.notes[1:] == ["yes"]


async def test_approvals_that_wait_are_listed_without_the_address_that_answers(tmp_path: Path) -> None:
    text = ASK.replace("Refund {{ payload.total }}?", "Refund {{ payload.total }} ({{ resume_url('ok') }})?")
    async with at(tmp_path) as world:
        await world.workflow("one", text + "redact: [payload.total]\n")
        await world.workflow("two", CALL)
        runs = [(await world.send("one", {"total": f"total-{index}"})).run_id for index in range(5)]
        await world.send("two")
        await world.quiet()
        await answer(world, runs[1], {})
        await world.store.cancel(runs[2], now=START)
        found, rest = await world.resuming.open(limit=2)
        more, end = await world.resuming.open(after=rest or 0, limit=2)
        assert [one.asked.run_id for one in found + more] == [runs[0], runs[3], runs[4]]
        assert end is None
        item = found[0].as_json("http://hookline.test")
        assert item == {
            "id": found[0].id, "run": runs[0], "workflow": "one", "title": "one", "step": "ok",
            "message": "Refund ••• (http://hookline.test/resume/•••)?", "choices": ["refund", "decline"],
            "assignees": [], "since": "2026-03-02T09:00:00.000Z", "until": "2026-03-04T09:00:00.000Z",
            "url": f"http://hookline.test/approvals#{found[0].id}",
        }  # fmt: skip
        shown = await world.history.run(runs[0])
        assert world.tools.resume_token(runs[0], "ok") not in str(shown)
        assert (await world.resuming.by_id(found[0].id)).asked.path == "ok"


async def test_a_run_that_is_erased_takes_its_answers_along(tmp_path: Path) -> None:
    async with at(tmp_path) as world:
        await world.workflow("one", CALL)
        accepted = await world.send("one")
        await world.turned(accepted.run_id)
        await answer(world, accepted.run_id, "x")
        await world.quiet()
        rows = await world.store.read(Statement.of("SELECT count(*) FROM answers"))
        assert [row[0] for row in rows] == [1]
        await world.store.execute(Statement.of("DELETE FROM runs"))
        rows = await world.store.read(Statement.of("SELECT count(*) FROM answers"))
        assert [row[0] for row in rows] == [0]


async def test_what_is_none_of_ours_is_not_found(tmp_path: Path) -> None:
    async with at(tmp_path) as world:
        await world.workflow("one", CALL)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        token = world.tools.resume_token
        for one in ("", "x", token(run_id, "ok")[:-1], token(run_id, "no"), token("0" * 26, "ok")):
            with pytest.raises(NotFound):
                await world.resuming.by_token(one)
        with pytest.raises(NotFound):
            await world.resuming.by_id(question_id(run_id, "ok"))  # a callback is no approval


TOKEN_OF = resume_token_deriver(b"k" * 32)
run_ids = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
paths = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=40)


@given(run_ids, paths)
def test_a_token_is_read_back_and_nothing_else_is(run_id: str, path: str) -> None:
    token = TOKEN_OF(run_id, path)
    assert read_token(token, TOKEN_OF) == (run_id, path)
    assert read_question_id(question_id(run_id, path)) == (run_id, path)
    assert read_token(token, resume_token_deriver(b"j" * 32)) is None


@given(run_ids, paths, st.data())
def test_no_other_spelling_of_a_token_works(run_id: str, path: str, data: st.DataObject) -> None:
    token = TOKEN_OF(run_id, path)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([c for c in "abcXYZ019-_=%/ é" if c != token[place]]))
    assert read_token(token[:place] + other + token[place + 1 :], TOKEN_OF) is None


def test_an_address_is_hidden_wherever_it_stands() -> None:
    token = TOKEN_OF("0" * 26, "lines[3].ok")
    text = f"see https://x.example/resume/{token}?a=1 now"
    assert without_tokens({"a": [text]}) == {"a": ["see https://x.example/resume/•••?a=1 now"]}


def test_the_indices_of_loops_are_those_of_the_place_that_asks() -> None:
    awaited = {"a": "a", "b": "all[*].b", "c": "all[*].r{*}.c"}
    assert paths_seen_from("", awaited) == {"a": "a"}
    assert paths_seen_from("all[3].", awaited) == {"a": "a", "b": "all[3].b"}
    assert paths_seen_from("all[3].r{12}.", awaited) == {"a": "a", "b": "all[3].b", "c": "all[3].r{12}.c"}
    assert paths_seen_from("all!error.", awaited) == {"a": "a"}


APPROVAL = Approval(compile_template("?"), ("yes", "no"))


def test_a_decision_is_one_of_the_choices() -> None:
    assert decision(APPROVAL, "yes", "  ", by="ada") == {"choice": "yes", "by": "ada", "comment": None}
    assert decision(APPROVAL, "no", " why ", by="link")["comment"] == "why"
    with pytest.raises(ValueError, match="choose one of yes, no"):
        decision(APPROVAL, "maybe", "", by="ada")
    with pytest.raises(ValueError, match="2,000"):
        decision(APPROVAL, "yes", "x" * 2001, by="ada")


def test_who_may_answer() -> None:
    assert may_answer(APPROVAL, "ada", may_run=True, is_admin=False)
    assert not may_answer(APPROVAL, "ada", may_run=False, is_admin=False)
    named = Approval(compile_template("?"), ("yes",), ("ada",))
    assert may_answer(named, "ada", may_run=False, is_admin=False)
    assert not may_answer(named, "grace", may_run=True, is_admin=False)
    assert may_answer(named, "root", may_run=True, is_admin=True)
