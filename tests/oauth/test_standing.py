"""How a connection stands, and the event before its end."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runner.connector import Connection, OAuth2, SecretStr, Tokens
from runner.engine.expiring import warn
from runner.engine.own_events import OwnEvents
from runner.engine.standing import DAY_SECONDS, Standing, described, end_of, read_standing, warning_due
from runner.store.notices import StoredNotices
from runner.store.own_events import StoredOwnEvents
from runner.store.sqlite import SQLiteStore
from tests.engine.world import Outside, opened
from tests.oauth.conftest import Clock, Process

NOW = 1_770_000_000.0
DAY = DAY_SECONDS


class Key(Connection):
    token: SecretStr = SecretStr("t")


def consent(**tokens: float | SecretStr) -> OAuth2:
    one = OAuth2.model_validate(
        {
            "client_id": "c",
            "token_url": "https://auth.example.com/token",
            "authorize_url": "https://auth.example.com/authorize",
            "api_url": "https://api.example.com",
        }
    )
    if not tokens:
        return one
    return one.with_tokens(
        Tokens.model_validate({"access_token": SecretStr("a"), "obtained_at": NOW, **tokens})
    )


R = SecretStr("r")


@pytest.mark.parametrize(
    ("connection", "standing", "state", "sentence"),
    [
        (None, Standing(), "unknown", "set it again"),
        (Key(), Standing(), "untried", "not tried yet"),
        (Key(), Standing(works_since=NOW - 5), "works", "works"),
        (Key(), Standing(works_since=1.0, refused_since=NOW), "refused", "since 2026-02-02 02:40 UTC"),
        (Key(), Standing(works_since=1.0, ends_at=NOW + 30 * DAY), "works", "works, expires in 30 days"),
        (Key(), Standing(works_since=1.0, ends_at=NOW + 6.5 * DAY), "expiring", "expires in 6 days"),
        (Key(), Standing(ends_at=NOW + 3 * 3600 + 9), "expiring", "expires in 3 hours"),
        (Key(), Standing(ends_at=NOW + 61), "expiring", "expires in 1 minute"),
        (Key(), Standing(works_since=1.0, ends_at=NOW - 1), "expired", "ended 2026-02-02 02:39 UTC"),
        (consent(), Standing(), "unconnected", "waits for a person to allow it"),
        (consent(expires_at=NOW + 60, refresh_token=R), Standing(works_since=1.0), "works", "works"),
        (consent(expires_at=NOW + 61), Standing(works_since=1.0), "expiring", "expires in 1 minute"),
        (
            consent(expires_at=NOW + 60, refresh_token=R, refresh_ends_at=NOW + 7 * DAY),
            Standing(works_since=1.0), "expiring", "expires in 7 days",
        ),
    ],
)  # fmt: skip
def test_how_it_stands(connection: Connection | None, standing: Standing, state: str, sentence: str) -> None:
    shown = described("crm", "key", connection, standing, NOW)

    assert (shown["state"], shown["name"]) == (state, "crm")
    assert sentence in shown["sentence"]


def test_it_is_remembered_since_when_it_is_refused_and_forgotten_when_it_works() -> None:
    refused = Standing(works_since=1.0).now_refused(5.0, "no").now_refused(9.0, "never")

    assert (refused.refused_since, refused.refused_why) == (5.0, "never")
    assert refused.now_works(12.0) == Standing(works_since=12.0)
    assert Standing(works_since=1.0).now_works(12.0) == Standing(works_since=1.0)
    assert read_standing(refused.as_json()) == refused
    assert read_standing({"of": "later"}) == Standing()


def given(connection: Connection, standing: Standing, days: Mapping[float, bool]) -> list[float]:
    """The days before the end on which a warning is given, looking on each of *days*."""
    found = []
    end = end_of(connection, standing)
    assert end is not None
    for before in sorted(days, reverse=True):
        warned = warning_due(connection, standing, end - before * DAY)
        if warned is not None:
            standing = warned
            found.append(before)
    return found


def test_it_is_warned_of_a_week_and_a_day_before_once_each() -> None:
    standing = Standing(ends_at=NOW)
    looks = dict.fromkeys([9.0, 7.5, 7.0, 6.9, 3.0, 1.0, 0.9, 0.1, 0.0, -1.0], True)

    assert given(Key(), standing, looks) == [7.0, 1.0]
    assert given(Key(), standing, dict.fromkeys([9.0, 0.5, 0.2], True)) == [0.5]
    assert warning_due(Key(), Standing(), NOW) is None


def test_another_end_is_warned_of_anew() -> None:
    once = warning_due(Key(), Standing(ends_at=NOW + 6 * DAY), NOW)
    assert once is not None

    later = Standing(ends_at=NOW + 20 * DAY, warned=once.warned, warned_of=once.warned_of)
    assert warning_due(Key(), later, NOW) is None
    assert warning_due(Key(), later, NOW + 14 * DAY) is not None


async def test_a_workflow_hears_of_an_end_once_from_all_processes(
    here: Process, store: SQLiteStore, clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with opened(tmp_path_factory.mktemp("world"), Outside()) as world:
        await world.workflow(
            "ops",
            "trigger: {hookline: {on: [connection_expiring]}}\nsteps:\n"
            "  - {action: probe.note, with: {text: '{{ payload.connection.name }} {{ payload.kind }}'}}\n",
        )
        rows = StoredOwnEvents(world.store)
        own = OwnEvents(
            rows, world.door, world.library, show_run=world.history.run, show_problem=world.history.run,
            show_connection=here.connections.item, secrets=frozenset, public_url="http://hookline.test",
        )  # fmt: skip
        await own.advance()
        fields = {"kind": "bearer", "token": "t0k3n", "hosts": ["x.example"]}
        await here.vault.set_connection("crm", fields, ends_at=clock.now + 6 * DAY)
        await here.vault.set_connection("other", fields, ends_at=clock.now + 60 * DAY)

        for _ in range(3):
            await warn(here.vault, rows, clock)
            await own.advance()
            await world.quiet()
        clock.now += 5.5 * DAY
        for _ in range(2):
            await warn(here.vault, rows, clock)
            await own.advance()
            await world.quiet()

        assert world.outside.notes == ["crm connection_expiring"] * 2
        assert await rows.waiting(10) == []


async def test_people_hear_of_an_end_once_from_all_processes(
    here: Process, store: SQLiteStore, clock: Clock
) -> None:
    fields = {"kind": "bearer", "token": "t0k3n", "hosts": ["x.example"]}
    await here.vault.set_connection("crm", fields, ends_at=clock.now + 6 * DAY)
    rows, notices = StoredOwnEvents(store), StoredNotices(store)
    for _process in range(2):
        await warn(here.vault, rows, clock, people=notices, public_url="http://hookline.test")
    (one,) = await notices.take(now=clock.now, seconds=60, limit=10)
    assert one.notice.subject == "The connection crm: expires in 6 days."
    assert one.notice.text.endswith("\nhttp://hookline.test/connections/crm")
    assert "t0k3n" not in one.notice.text


async def test_what_was_set_anew_is_not_refused_any_more(here: Process) -> None:
    fields = {"kind": "bearer", "token": "t0k3n", "hosts": ["x.example"]}
    await here.vault.set_connection("crm", fields)
    await here.keeper.note_refused("crm", "no")
    assert here.connections.item("crm")["state"] == "refused"

    await here.vault.set_connection("crm", fields)

    assert here.connections.item("crm")["state"] == "untried"
