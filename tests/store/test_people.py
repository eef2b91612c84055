from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.people import Holder
from runner.store.people import StoredPeople
from runner.store.sqlite import SQLiteStore
from runner.values import iso
from tests.store.rows_made import START


class Clock:
    """Stands still until told otherwise."""

    now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    one = await SQLiteStore.open(tmp_path / "hookline.db")
    yield one
    await one.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: SQLiteStore, clock: Clock) -> StoredPeople:
    return StoredPeople(store, clock)


def _who(holder: Holder | None) -> tuple[str, str, str] | None:
    return (holder.key, holder.name, holder.role) if holder else None


async def test_a_token_is_known_as_what_it_was_issued_for(people: StoredPeople) -> None:
    token = await people.issue("api", name="deploy", role="editor", seconds=None)
    assert _who(await people.known("api", token)) == ("token:deploy", "deploy", "editor")
    assert await people.known("session", token) is None
    assert await people.known("api", token[:-1]) is None
    assert await people.known("api", "") is None


async def test_a_token_has_256_random_bits_and_only_its_digest_is_stored(
    people: StoredPeople, store: SQLiteStore
) -> None:
    token = await people.issue("api", name="deploy", role="editor", seconds=None)
    assert token.startswith("hl_")
    assert len(token) == len("hl_") + 43  # 32 bytes in base 64
    rows = list(await store.reading.execute_fetchall("SELECT * FROM tokens"))
    assert [row[0] for row in rows] == [hashlib.sha256(token.encode()).hexdigest()]
    assert token not in str([tuple(row) for row in rows])


async def test_a_token_ends_with_its_time(people: StoredPeople, clock: Clock) -> None:
    token = await people.issue("session", name="ada", role="admin", seconds=60)
    clock.now += 59
    assert _who(await people.known("session", token)) == ("token:ada", "ada", "admin")
    clock.now += 1
    assert await people.known("session", token) is None


async def test_a_link_works_once(people: StoredPeople) -> None:
    link = await people.issue("link", name="ada", role="admin", seconds=86400)
    assert _who(await people.spend_link(link)) == ("token:ada", "ada", "admin")
    assert await people.spend_link(link) is None


async def test_a_link_works_for_its_time_only(people: StoredPeople, clock: Clock) -> None:
    link = await people.issue("link", name="ada", role="admin", seconds=86400)
    clock.now += 86400
    assert await people.spend_link(link) is None


async def test_a_link_is_no_token_and_a_token_no_link(people: StoredPeople) -> None:
    link = await people.issue("link", name="ada", role="admin", seconds=86400)
    token = await people.issue("api", name="deploy", role="viewer", seconds=None)
    assert await people.known("api", link) is None
    assert await people.spend_link(token) is None
    assert _who(await people.known("api", token)) == ("token:deploy", "deploy", "viewer")


async def test_an_ended_session_is_not_known(people: StoredPeople) -> None:
    one = await people.issue("session", name="ada", role="admin", seconds=60)
    other = await people.issue("session", name="ada", role="admin", seconds=60)
    await people.end(one)
    await people.end("never issued")
    assert await people.known("session", one) is None
    assert await people.known("session", other) is not None


async def test_the_list_of_tokens_never_holds_a_token(people: StoredPeople) -> None:
    token = await people.issue("api", name="deploy", role="editor", seconds=60)
    await people.issue("session", name="ada", role="admin", seconds=60)
    tokens = await people.tokens()
    (one,) = tokens
    assert (one["name"], one["role"], one["may_run"]) == ("deploy", "editor", True)
    assert (one["created_at"], one["expires_at"]) == (iso(START), iso(START + 60))
    assert token not in str(tokens)


async def test_sessions_whose_time_is_over_do_not_pile_up(
    people: StoredPeople, clock: Clock, store: SQLiteStore
) -> None:
    for _ in range(5):
        await people.issue("session", name="ada", role="admin", seconds=60)
        clock.now += 60
    rows = list(await store.reading.execute_fetchall("SELECT count(*) FROM tokens"))
    assert rows[0][0] == 1


async def test_a_name_that_is_sql_is_a_name(people: StoredPeople) -> None:
    name = "'; DROP TABLE tokens; --"
    token = await people.issue("api", name=name, role="viewer", seconds=None)
    assert _who(await people.known("api", token)) == (f"token:{name}", name, "viewer")
