from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Span, Wanted, read_cursor, write_cursor
from runner.engine.runs import Disposition, Gate, Record, RecordStatus, Status
from runner.errors import NotFound, StoreUnavailable
from runner.store import history as looking
from runner.store.bodies import SQL
from runner.store.history import StoredHistory
from runner.store.sqlite import SQLiteStore
from runner.values import Json, iso
from tests.store.rows_made import START, Made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    one = await SQLiteStore.open(tmp_path / "hookline.db")
    yield one
    await one.close()


@pytest.fixture
def made(store: SQLiteStore) -> Made:
    return Made(store)


@pytest.fixture
def history(store: SQLiteStore) -> StoredHistory:
    return StoredHistory(store)


def ids(items: Sequence[Json]) -> list[str]:
    return [item["id"] for item in items]


class TestLists:
    async def test_pages_follow_each_other_without_gap_or_repetition(
        self, made: Made, history: StoredHistory
    ) -> None:
        written = [(await made.event())[0] for _ in range(7)]
        seen: list[str] = []
        cursor = None
        sizes = []
        while True:
            page = await history.events(Wanted(cursor=cursor, limit=3))
            seen += ids(page.items)
            sizes.append(len(page.items))
            cursor = page.next
            if cursor is None:
                break
        assert seen == written[::-1]
        assert sizes == [3, 3, 1]

    async def test_what_arrives_while_paging_does_not_shift_the_pages(
        self, made: Made, history: StoredHistory
    ) -> None:
        written = [(await made.event())[0] for _ in range(4)]
        first = await history.events(Wanted(limit=2))
        await made.event()
        second = await history.events(Wanted(limit=2, cursor=first.next))
        assert ids(first.items + second.items) == written[::-1]

    async def test_an_exactly_full_last_page_has_no_next(self, made: Made, history: StoredHistory) -> None:
        await made.event()
        assert (await history.events(Wanted(limit=1))).next is None

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            pytest.param(Wanted(workflow="a"), ["queued", "failed", "succeeded"], id="workflow"),
            pytest.param(Wanted(workflow="a", status="failed"), ["failed"], id="failed of a workflow"),
            pytest.param(Wanted(workflow="a", status="succeeded"), ["succeeded"], id="others of a workflow"),
            pytest.param(Wanted(workflow="a", status="queued"), ["queued"], id="queued of a workflow"),
            pytest.param(Wanted(status="failed"), ["failed", "failed"], id="status"),
            pytest.param(Wanted(since=START + 3), ["waiting", "queued", "failed"], id="since"),
            pytest.param(Wanted(before=START + 3), ["failed", "succeeded"], id="before"),
            pytest.param(Wanted(since=START + 2, before=START + 4), ["failed", "failed"], id="between"),
            pytest.param(Wanted(text="alPHA"), ["succeeded"], id="part of a title in any case"),
            pytest.param(Wanted(text="evt-9"), ["failed"], id="part of the event's delivery id"),
            pytest.param(Wanted(text="%"), ["queued"], id="a percent sign is itself"),
            pytest.param(Wanted(text="no_such"), [], id="nothing"),
            pytest.param(
                Wanted(workflow="b", text="no_such", status="failed", since=START), [], id="all at once"
            ),
        ],
    )
    async def test_each_given_field_narrows_the_runs(
        self, made: Made, history: StoredHistory, wanted: Wanted, expected: list[str]
    ) -> None:
        await made.run(Status.SUCCEEDED, workflow="a", title="Alpha")
        await made.run(Status.FAILED, workflow="b", title="Beta", delivery_id="evt-99")
        await made.run(Status.FAILED, workflow="a", title="Gamma")
        await made.run(Status.QUEUED, workflow="a", title="100 %")
        await made.run(Status.WAITING, workflow="b", title="Delta")
        page = await history.runs(wanted)
        assert [item["status"] for item in page.items] == expected

    async def test_runs_of_an_event(self, made: Made, history: StoredHistory) -> None:
        event_id, run_id = await made.event()
        await made.event()
        assert ids((await history.runs(Wanted(event=event_id))).items) == [run_id]
        assert (await history.runs(Wanted(event=event_id, status="failed", workflow="orders"))).items == []

    async def test_each_given_field_narrows_the_events(self, made: Made, history: StoredHistory) -> None:
        accepted, _ = await made.event(workflow="a", title="Order #1042", type="orders/create")
        gate = Gate("size", "stopped", "the body has 2,000,000 bytes")
        rejected, _ = await made.event(
            workflow="a",
            title=None,
            disposition=Disposition.REJECTED,
            gates=[Gate("received", "passed"), gate],
        )
        other, _ = await made.event(workflow="b", delivery_id="5f2c")

        async def found(**wanted: Any) -> list[str]:
            return ids((await history.events(Wanted(**wanted))).items)

        assert await found(workflow="a") == [rejected, accepted]
        assert await found(status="rejected") == [rejected]
        assert await found(status="rejected", workflow="b") == []
        assert await found(status="accepted") == [other, accepted]
        assert await found(text="#1042") == [accepted]
        assert await found(text="orders/") == [accepted]
        assert await found(text="5F2C") == [other]
        assert await found(text=other[-8:]) == [other]
        assert await found(since=START + 3) == [other]
        assert await found(before=START + 2) == [accepted]

    async def test_an_event_names_its_runs_and_why_it_was_stopped(
        self, made: Made, history: StoredHistory
    ) -> None:
        _accepted, run_id = await made.event(title="Order")
        gate = Gate("size", "stopped", "the body is too large")
        await made.event(title=None, disposition=Disposition.REJECTED, gates=[gate])
        rejected, accepted = (await history.events(Wanted())).items
        assert rejected["reason"] == "the body is too large"
        assert rejected["runs"] == []
        assert accepted["reason"] is None
        assert accepted["runs"] == [{"id": run_id, "status": "queued", "title": "Order"}]

    async def test_a_page_is_complete_however_many_rows_lie_between(
        self, made: Made, history: StoredHistory, store: SQLiteStore
    ) -> None:
        """Rows that no index knows are judged in portions; two portions lie between these."""
        first, _ = await made.event(type="rare")
        await _many(store, 2 * looking.PORTION + 10)
        last, _ = await made.event(type="rare")
        page = await history.events(Wanted(text="rare", seconds=60.0))
        assert ids(page.items) == [last, first]
        assert page.next is None

    async def test_a_page_that_would_take_too_long_is_given_as_it_is(
        self, made: Made, history: StoredHistory, store: SQLiteStore
    ) -> None:
        first, _ = await made.event(type="rare")
        await _many(store, looking.PORTION + 10)
        page = await history.events(Wanted(text="rare", seconds=0.0))
        assert page.items == []
        assert page.next is not None
        following = await history.events(Wanted(text="rare", cursor=page.next))
        assert ids(following.items) == [first]

    async def test_a_whole_id_is_looked_up_however_far_back_it_is(
        self, made: Made, history: StoredHistory, store: SQLiteStore
    ) -> None:
        first, run_id = await made.event(workflow="a", title="Order")
        assert run_id
        await _many(store, looking.PORTION + 10)
        for identity in (first, run_id):
            runs = await history.runs(Wanted(text=identity, seconds=0.0))
            assert (ids(runs.items), runs.next) == ([run_id], None)
        events = await history.events(Wanted(text=first, workflow="a", seconds=0.0))
        assert (ids(events.items), events.next) == ([first], None)
        assert ids((await history.events(Wanted(text=first, workflow="b", seconds=60.0))).items) == []

    async def test_what_only_looks_like_an_id_is_looked_for_in_titles(
        self, made: Made, history: StoredHistory
    ) -> None:
        word = "a" * 26
        _event, run_id = await made.event(title=f"About {word}")
        assert ids((await history.runs(Wanted(text=word, seconds=60.0))).items) == [run_id]

    @pytest.mark.parametrize(
        "cursor", ["", "x", "YmVmb3JlIDA", "YmVmb3JlIC0x", "é", "A" * 5000, write_cursor(5) + "="]
    )
    def test_a_cursor_that_we_did_not_give_is_refused(self, cursor: str) -> None:
        with pytest.raises(ValueError, match="no cursor of ours"):
            read_cursor(cursor)

    def test_a_cursor_reads_as_it_was_written(self) -> None:
        assert [read_cursor(write_cursor(number)) for number in (1, 2**63 - 1)] == [1, 2**63 - 1]


class TestItems:
    async def test_an_event_alone_shows_its_payload_headers_and_gates(
        self, made: Made, history: StoredHistory
    ) -> None:
        event_id, _ = await made.event(body={"id": 2**70, "a": ["é"]}, headers={"x-a": "b"}, query="q=1")
        event = await history.event(event_id)
        assert event["payload"] == {"id": 2**70, "a": ["é"]}
        assert event["headers"] == {"x-a": "b"}
        assert event["query"] == "q=1"
        assert event["gates"] == [{"name": "received", "verdict": "passed", "reason": "", "facts": {}}]
        assert event["received_at"] == iso(START + 1)

    async def test_an_event_that_cannot_be_read_shows_its_body_and_why(
        self, made: Made, history: StoredHistory
    ) -> None:
        event_id, _ = await made.event(body=b'{"a": \xff', disposition=Disposition.REJECTED, title=None)
        event = await history.event(event_id)
        assert "payload" not in event
        assert event["body"] == '{"a": \ufffd'
        assert "JSON" in event["unreadable"]

    async def test_what_does_not_exist_is_not_found(self, history: StoredHistory) -> None:
        with pytest.raises(NotFound, match="no event nothing"):
            await history.event("nothing")
        with pytest.raises(NotFound, match="no run nothing"):
            await history.run("nothing")

    async def test_a_run_shows_its_steps_as_they_stand_in_the_file(
        self, made: Made, history: StoredHistory
    ) -> None:
        """The engine traces a step when it ends, so a group comes after what it holds."""
        sent = Record(
            path="notify.sales.send", kind="action", status=RecordStatus.FAILED, attempts=3, started_at=START,
            input={"channel": "#sales", "token": "{{ secrets.TOKEN }}"},
            error={"type": "rejected", "message": "no such channel"}, ended_at=START + 1,
        )  # fmt: skip
        trace = [
            {"path": "filter#1", "kind": "filter", "status": "succeeded", "at": 0, "ms": 0.1},
            {"path": "extra", "status": "skipped", "test": "payload.extra"},
            {"path": "notify.sales.send", "kind": "action", "status": "failed", "at": 1, "ms": 900},
            {"path": "notify", "kind": "parallel", "status": "failed", "at": 1, "ms": 901},
        ]
        run_id = await made.run(
            Status.FAILED, sentence="notify.sales.send failed", records=[sent], trace=trace, notes=["noted"],
            output={"a": 1},
        )  # fmt: skip
        run = await history.run(run_id)
        steps = {step["path"]: step for step in run["steps"]}
        assert list(steps) == ["filter#1", "extra", "notify", "notify.sales.send"]
        assert [step["id"] for step in run["steps"]] == [None, "extra", "notify", "send"]
        send = steps["notify.sales.send"]
        assert send["attempts"] == 3
        assert send["input"] == {"channel": "#sales", "token": "{{ secrets.TOKEN }}"}
        assert send["error"]["message"] == "no such channel"
        assert send["started_at"] == iso(START)
        assert send["ms"] == 900
        assert steps["extra"]["attempts"] == 0
        assert run["reason"]["sentence"] == "notify.sales.send failed"
        assert run["notes"] == ["noted"]
        assert run["output"] == {"a": 1}
        assert run["trace"] == trace

    async def test_a_run_under_way_shows_what_is_recorded(self, made: Made, history: StoredHistory) -> None:
        sent = Record(path="send", kind="action", status=RecordStatus.STARTED, attempts=1, started_at=START)
        run = await history.run(await made.run(Status.RUNNING, records=[sent]))
        assert [(step["path"], step["status"]) for step in run["steps"]] == [("send", "started")]
        assert run["ended_at"] is None

    async def test_a_waiting_run_says_for_what_and_until_when(
        self, made: Made, history: StoredHistory
    ) -> None:
        run = await history.run(await made.run(Status.WAITING))
        assert run["waiting"] == {"for": "send is tried again", "until": iso(START + 61)}

    async def test_counts_are_those_of_the_rows(
        self, made: Made, history: StoredHistory, store: SQLiteStore
    ) -> None:
        for workflow in ("a", "b", "never"):
            await store.save_version(workflow, "d", "", now=START)
        await made.run(Status.FAILED, workflow="a")
        await made.run(Status.FAILED, workflow="a")
        await made.run(Status.SUCCEEDED, workflow="a")
        await made.run(Status.FAILED, workflow="b")
        assert await history.counts(since=START + 2) == {
            "a": {"runs": 2, "failed": 1, "last_at": iso(START + 3), "last_status": "succeeded"},
            "b": {"runs": 1, "failed": 1, "last_at": iso(START + 4), "last_status": "failed"},
            "never": {"runs": 0, "failed": 0, "last_at": None, "last_status": None},
        }
        assert (await history.counts(since=START + 99))["a"]["runs"] == 0

    async def test_spans_count_each_run_once(self, made: Made, history: StoredHistory) -> None:
        for status, workflow in ((Status.FAILED, "a"), (Status.SUCCEEDED, "a"), (Status.FAILED, "b")):
            await made.run(status, workflow=workflow)
        await made.run(Status.QUEUED, workflow="a")  # accepted at START + 1 … + 4
        bounds = [START - 7200, START - 3600, START + 2, START + 4, START + 3600, START + 7200]
        assert await history.spans(["a", "b", "never"], bounds) == {
            "a": [Span(0, 0), Span(1, 1), Span(1, 0), Span(1, 0), Span(0, 0)],
            "b": [Span(0, 0), Span(0, 0), Span(1, 1), Span(0, 0), Span(0, 0)],
            "never": [Span(0, 0)] * 5,
        }

    async def test_what_was_stopped_is_counted_where_it_was(self, made: Made, history: StoredHistory) -> None:
        for workflow, disposition in (
            ("a", Disposition.HELD), ("a", Disposition.REJECTED), ("a", Disposition.REJECTED),
            ("b", Disposition.REJECTED), ("c", Disposition.ACCEPTED), ("d", Disposition.HELD),
        ):  # fmt: skip
            await made.event(workflow=workflow, disposition=disposition, title=None)
        assert await history.stopped(since=START + 3) == {
            "a": {"held": 1, "rejected": 1},
            "b": {"held": 0, "rejected": 1},
            "d": {"held": 1, "rejected": 0},
        }

    async def test_a_store_that_is_gone_says_so(
        self, made: Made, history: StoredHistory, store: SQLiteStore
    ) -> None:
        run_id = await made.run()
        await store._writer.write(lambda connection: connection.execute("ALTER TABLE records RENAME TO gone"))
        with pytest.raises(StoreUnavailable, match="cannot be read"):
            await history.run(run_id)


BY_WORKFLOW = "by_workflow (workflow=? AND number"
BY_STATUS = "by_status (status=? AND number"
PLANS = [
    pytest.param("events", Wanted(), "PRIMARY KEY", id="events"),
    pytest.param("events", Wanted(workflow="a"), BY_WORKFLOW, id="events of a workflow"),
    pytest.param("events", Wanted(workflow="a", text="x", since=1.0), BY_WORKFLOW, id="events with a text"),
    pytest.param("events", Wanted(workflow="a", status="rejected"), "INDEX events_", id="rejected events"),
    pytest.param("events", Wanted(status="ignored"), "unusual_newest (disposition=? AND", id="ignored"),
    pytest.param("events", Wanted(status="held"), "events_held_newest (number>?", id="held"),
    pytest.param("events", Wanted(workflow="a", status="held"), "held (workflow=? AND", id="held here"),
    pytest.param(
        "events", Wanted(workflow="a", status="ignored"), "n=? AND workflow=? AND", id="ignored here"
    ),
    pytest.param("events", Wanted(id="e", workflow="a"), "autoindex_events_1 (id=?", id="an event"),
    pytest.param(
        "events", Wanted(delivery_id="d", workflow="a"), "by_delivery (delivery_id=? AND", id="a delivery"
    ),
    pytest.param("runs", Wanted(id="e", status="failed"), "autoindex_runs_1 (id=?", id="a run"),
    pytest.param("runs", Wanted(workflow="a", type="t"), BY_WORKFLOW, id="of a type"),
    pytest.param("runs", Wanted(), "PRIMARY KEY", id="runs"),
    pytest.param("runs", Wanted(workflow="a"), BY_WORKFLOW, id="runs of a workflow"),
    pytest.param("runs", Wanted(workflow="a", status="failed"), "runs_failed (workflow=? AND", id="failed"),
    pytest.param("runs", Wanted(workflow="a", status="waiting"), BY_STATUS, id="waiting"),
    pytest.param("runs", Wanted(workflow="a", status="filtered"), BY_WORKFLOW, id="filtered"),
    pytest.param("runs", Wanted(status="filtered"), BY_STATUS, id="all filtered"),
    pytest.param(
        "runs", Wanted(event="e", status="failed", workflow="a"), "by_event (event_id=? AND", id="event"
    ),
]


class TestPlans:
    @pytest.mark.parametrize(("kind", "wanted", "expected"), PLANS)
    async def test_a_list_is_read_by_an_index_and_never_sorted(
        self, store: SQLiteStore, kind: str, wanted: Wanted, expected: str
    ) -> None:
        fragments, asked = {
            "events": (looking.EVENTS, looking._events_asked),
            "runs": (looking.RUNS, looking._runs_asked),
        }[kind]
        looked_up, judged = asked(wanted)
        narrowing = looking.Narrowing(
            tuple(fragments[name] for name in looked_up), tuple(fragments[name] for name in judged)
        )
        parameters = {**looking._parameters(wanted), "first": 0, "end": 9, "limit": 5, "looked_at": 5}
        for statement in (kind, f"{kind}_floor"):
            sql = SQL[statement].replace("{where}", narrowing.where(judged=statement == kind))
            plan = await _plan(store, sql, parameters)
            assert "TEMP B-TREE" not in plan
            if statement == kind:
                assert expected in plan

    @pytest.mark.parametrize(
        "statement",
        [
            "events_first",
            "runs_first",
            "runs_of_events",
            "records",
            "counts",
            "runs_firsts",
            "spans",
            "stopped",
            "whole_events",
            "outputs",
            "traces",
        ],
    )
    async def test_no_table_is_walked(self, store: SQLiteStore, statement: str) -> None:
        parameters = {"id": "x", "ids": "[]", "first": 1, "workflows": "[]", "spans": "[]"}
        plan = await _plan(store, SQL[statement], parameters)
        for table in ("events", "runs", "records"):
            assert f"SCAN {table}\n" not in plan
        if statement == "counts":
            assert plan.count("COVERING INDEX runs_") == 3
        if statement == "spans":
            assert plan.count("COVERING INDEX runs_") == 2


async def _plan(store: SQLiteStore, sql: str, parameters: dict[str, Any]) -> str:
    rows = await store.reading.execute_fetchall(f"EXPLAIN QUERY PLAN {sql}", parameters)
    return "".join(f"{row[3]}\n" for row in rows)


async def _many(store: SQLiteStore, count: int) -> None:
    """That many small events, by one statement."""
    sql = """
    INSERT INTO events (id, workflow, trigger, disposition, received_at, method, path, query, headers,
                        content_type, size, source_ip, gates, body)
    SELECT 'filler' || value, 'orders', 'webhook', 'accepted', 1750000001.5, 'POST', '', '', '{}', '', 0, '',
           '[]', x''
    FROM (WITH RECURSIVE numbers (value) AS
          (SELECT 1 UNION ALL SELECT value + 1 FROM numbers WHERE value < :count) SELECT value FROM numbers)
    """
    await store._writer.write(lambda connection: connection.execute(sql, {"count": count}))


async def test_the_payload_of_a_large_event_is_shown_from_its_packed_body(
    made: Made, history: StoredHistory
) -> None:
    event_id, _run_id = await made.event(body={"text": "a" * 40_000})
    assert (await history.event(event_id))["payload"] == {"text": "a" * 40_000}
