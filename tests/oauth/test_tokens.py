"""Tokens against a real authorization server: had, renewed before their end, one renewal at a time."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web

from runner.engine.connecting import CALLBACK
from runner.errors import ConnectionRejected, Unavailable
from runner.store.sqlite import SQLiteStore
from tests.oauth.conftest import Clock, Process, fields_of, opened
from tests.servers.authorization_server import SECRET, Auth


def own(auth: Auth, **more: object) -> dict[str, object]:
    return fields_of(auth, grant="client_credentials", authorize_url=None, **more)


async def allowed(here: Process, auth: Auth, name: str = "crm", **more: object) -> None:
    """A connection that a person allowed."""
    await here.vault.set_connection(name, fields_of(auth, **more))
    begun = await here.connections.connect(name, by="ann")
    back = urlsplit(auth.consent(begun["url"]))
    assert back.path == CALLBACK
    assert await here.connections.connected(dict(parse_qsl(back.query))) == name


@pytest.mark.parametrize("client_auth", ["basic", "body"])
async def test_a_client_speaks_for_itself_and_keeps_its_token(
    here: Process, auth: Auth, client_auth: str
) -> None:
    await here.vault.set_connection("crm", own(auth, client_auth=client_auth))

    answers = [await here.get(f"{auth.url}/api") for _ in range(3)]

    assert [one["body"] for one in answers] == [{"scope": "read"}] * 3
    assert [one["grant_type"] for one in auth.asked] == ["client_credentials"]
    assert ("client_secret" in auth.asked[0]) == (client_auth == "body")


async def test_a_token_is_renewed_before_its_end(here: Process, auth: Auth, clock: Clock) -> None:
    await allowed(here, auth)
    await here.get(f"{auth.url}/api")
    clock.now += 3600 - 119  # two minutes before it ends

    await here.get(f"{auth.url}/api")

    assert [one["grant_type"] for one in auth.asked] == ["authorization_code", "refresh_token"]
    assert len(set(auth.seen)) == 2


async def test_a_renewed_token_is_sealed_and_outlives_the_process(
    here: Process, auth: Auth, clock: Clock, store: SQLiteStore
) -> None:
    await allowed(here, auth)
    clock.now += 7200
    await here.get(f"{auth.url}/api")

    async with opened(store, clock) as later:
        await later.get(f"{auth.url}/api")

    assert len(auth.asked) == 2
    rows = await store.get_all()
    for token in auth.tokens:
        for _kind, _name, blob in rows:
            assert token.access.encode() not in blob
            assert token.refresh is None or token.refresh.encode() not in blob


async def test_a_hundred_calls_at_once_make_one_renewal(here: Process, auth: Auth, clock: Clock) -> None:
    """The server takes a second use of a refresh token for a theft, and would end them all."""
    await allowed(here, auth)
    clock.now += 7200

    await asyncio.gather(*(here.get(f"{auth.url}/api") for _ in range(100)))
    await here.get(f"{auth.url}/api")

    assert [one["grant_type"] for one in auth.asked] == ["authorization_code", "refresh_token"]


async def test_three_processes_at_once_make_one_renewal(
    here: Process, auth: Auth, clock: Clock, store: SQLiteStore
) -> None:
    await allowed(here, auth)
    async with opened(store, clock) as second, opened(store, clock) as third:
        clock.now += 7200
        processes = [here, second, third]

        await asyncio.gather(*(one.get(f"{auth.url}/api") for one in processes for _ in range(10)))

        assert [one["grant_type"] for one in auth.asked] == ["authorization_code", "refresh_token"]
        clock.now += 7200
        await third.get(f"{auth.url}/api")
        await here.get(f"{auth.url}/api")
        assert len(auth.asked) == 3


async def test_a_token_that_is_refused_before_its_end_is_renewed_and_the_call_sent_once_more(
    here: Process, auth: Auth
) -> None:
    await allowed(here, auth)
    auth.end_access()

    answer = await here.get(f"{auth.url}/api", method="POST", json={"a": 1})

    assert answer["status"] == 200
    assert len(auth.seen) == 2
    assert auth.seen[0] != auth.seen[1]


async def test_what_was_taken_back_waits_for_a_person(here: Process, auth: Auth) -> None:
    await allowed(here, auth)
    auth.revoke()

    with pytest.raises(ConnectionRejected, match=r"invalid_grant.*connect it again"):
        await here.get(f"{auth.url}/api")

    shown = here.connections.item("crm")
    assert shown["state"] == "refused"
    assert "invalid_grant" in shown["reason"]
    await allowed(here, auth)
    assert here.connections.item("crm")["state"] == "works"
    await here.get(f"{auth.url}/api")


async def test_many_runs_that_wait_for_a_refused_connection_ask_once(here: Process, auth: Auth) -> None:
    await allowed(here, auth)
    auth.revoke()
    asked = len(auth.asked)

    for _ in range(5):
        with pytest.raises(ConnectionRejected):
            await here.get(f"{auth.url}/api")

    assert len(auth.asked) == asked + 1


async def test_a_token_that_is_still_good_serves_while_none_can_be_had(
    here: Process, auth: Auth, clock: Clock
) -> None:
    await allowed(here, auth)
    clock.now += 3600 - 60
    auth.fails = [web.Response(status=503), web.Response(status=503)]

    assert (await here.get(f"{auth.url}/api"))["status"] == 200
    clock.now += 61
    with pytest.raises(Unavailable, match="503"):
        await here.get(f"{auth.url}/api")
    assert (await here.get(f"{auth.url}/api"))["status"] == 200


@pytest.mark.parametrize(
    ("status", "code"), [(429, "slow_down"), (500, "server_error"), (503, "temporarily_unavailable")]
)
async def test_a_token_endpoint_that_is_in_trouble_is_no_fault_of_the_connection(
    here: Process, auth: Auth, clock: Clock, status: int, code: str
) -> None:
    """Whatever words it has for it: a person could mend nothing."""
    await allowed(here, auth)
    clock.now += 3700
    auth.fails = [web.json_response({"error": code}, status=status)]

    with pytest.raises(Unavailable, match=str(status)):
        await here.get(f"{auth.url}/api")

    assert here.connections.item("crm")["state"] == "works"
    assert (await here.get(f"{auth.url}/api"))["status"] == 200


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (web.json_response({"error": "invalid_client"}, status=401), "does not know this client_id"),
        (web.json_response({"error": "invalid_scope", "error_description": "x\ny"}, status=400), r"\(x y\)"),
        (web.json_response({"error": "bad_verification_code"}), "says bad_verification_code"),
        (web.Response(status=404), "404"),
    ],
)
async def test_a_no_of_the_token_endpoint_is_the_connections_fault(
    here: Process, auth: Auth, answer: web.Response, says: str
) -> None:
    await here.vault.set_connection("crm", own(auth))
    auth.fails = [answer]

    with pytest.raises(ConnectionRejected, match=says):
        await here.get(f"{auth.url}/api")

    assert auth.seen == []


async def test_a_renewal_is_brought_to_its_end_though_its_call_is_broken_off(
    here: Process, auth: Auth, clock: Clock
) -> None:
    """The refresh token is spent by then: what came of it must not be lost."""
    await allowed(here, auth)
    clock.now += 7200
    asked, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        asked.set()
        await go.wait()

    auth.before_token = hold
    calling = asyncio.create_task(here.get(f"{auth.url}/api"))
    await asked.wait()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    go.set()
    auth.before_token = None

    assert (await here.get(f"{auth.url}/api"))["status"] == 200
    assert len(auth.asked) == 2


async def test_rotating_works_from_the_next_call_on(here: Process, auth: Auth) -> None:
    await here.vault.set_connection("crm", own(auth))
    await here.get(f"{auth.url}/api")
    auth.clients["client-1"].secret = "another"
    await here.vault.set_connection("crm", own(auth, client_secret="another"))

    await here.get(f"{auth.url}/api")

    assert len(auth.asked) == 2  # the token of the old secret is not used any more


async def test_a_new_secret_of_a_client_keeps_what_a_person_allowed(here: Process, auth: Auth) -> None:
    await allowed(here, auth)
    auth.clients["client-1"].secret = "another"
    await here.vault.set_connection("crm", fields_of(auth, client_secret="another"))
    auth.end_access()

    assert (await here.get(f"{auth.url}/api"))["status"] == 200


async def test_another_scope_asks_the_person_again(here: Process, auth: Auth) -> None:
    await allowed(here, auth)
    await here.vault.set_connection("crm", fields_of(auth, scope="read write"))

    assert here.connections.item("crm")["state"] == "unconnected"
    with pytest.raises(ConnectionRejected, match="is not connected"):
        await here.get(f"{auth.url}/api")


async def test_tokens_are_masked_wherever_they_come_back(here: Process, auth: Auth) -> None:
    await allowed(here, auth)
    echoed = await here.get(f"{auth.url}/api", headers={"X-Note": "x"}, expect=[401])
    (token,) = auth.tokens
    auth.revoke()

    assert echoed["status"] == 200
    with pytest.raises(ConnectionRejected) as caught:
        await here.get(f"{auth.url}/api")

    assert {token.access, token.refresh, SECRET} <= here.vault.secret_values()
    for secret in (token.access, token.refresh or "", SECRET):
        assert secret not in str(caught.value)
    connection = here.vault.open_connection("crm")
    for secret in (token.access, token.refresh or "", SECRET):
        assert secret not in repr(connection)


async def test_a_credential_goes_to_its_own_hosts_only(here: Process, auth: Auth) -> None:
    await allowed(here, auth)

    answer = await here.connections.test("crm")

    assert answer["works"]
    await here.vault.set_connection("crm", fields_of(auth, hosts=["api.example.com"]))
    with pytest.raises(Exception, match=r"api\.example\.com only"):
        await here.get(f"{auth.url}/api")
