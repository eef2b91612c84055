"""A person's consent: the address, PKCE, the callback, once."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from runner.connector import OAuth2
from runner.connector.oauth import challenge_of
from runner.errors import ConnectionRejected, Rejected
from runner.store.sqlite import SQLiteStore
from tests.oauth.conftest import HERE, Clock, Process, fields_of, opened
from tests.servers.authorization_server import Auth


def answer_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


async def test_a_public_client_proves_itself_by_its_verifier(here: Process, auth: Auth) -> None:
    await here.vault.set_connection("crm", fields_of(auth, client_id="public", client_secret=None))
    begun = await here.connections.connect("crm", by="ann")

    await here.connections.connected(answer_of(auth.consent(begun["url"])))

    (asked,) = auth.asked
    assert challenge_of(asked["code_verifier"]) == parse_qs(urlsplit(begun["url"]).query)["code_challenge"][0]
    assert asked["client_id"] == "public"
    assert (await here.get(f"{auth.url}/api"))["body"] == {"scope": "read"}


async def test_the_callback_may_come_to_another_process(
    here: Process, auth: Auth, store: SQLiteStore, clock: Clock
) -> None:
    """The command line begins it, the server ends it."""
    await here.vault.set_connection("crm", fields_of(auth))
    begun = await here.connections.connect("crm", by="ann")

    async with opened(store, clock) as server:
        await server.connections.connected(answer_of(auth.consent(begun["url"])))

    await here.vault.load()
    assert (await here.get(f"{auth.url}/api"))["status"] == 200


async def test_an_address_works_once(here: Process, auth: Auth) -> None:
    await here.vault.set_connection("crm", fields_of(auth))
    begun = await here.connections.connect("crm", by="ann")
    answer = answer_of(auth.consent(begun["url"]))

    await here.connections.connected(answer)
    with pytest.raises(Rejected, match="used already"):
        await here.connections.connected(answer)

    assert len(auth.asked) == 1


async def test_an_address_works_for_ten_minutes(here: Process, auth: Auth, clock: Clock) -> None:
    await here.vault.set_connection("crm", fields_of(auth))
    begun = await here.connections.connect("crm", by="ann")
    clock.now += 600

    with pytest.raises(Rejected, match="too old"):
        await here.connections.connected(answer_of(auth.consent(begun["url"])))

    assert auth.asked == []


async def test_old_consents_are_let_go(here: Process, auth: Auth, clock: Clock, store: SQLiteStore) -> None:
    await here.vault.set_connection("crm", fields_of(auth))
    for _ in range(3):
        await here.connections.connect("crm", by="ann")
        clock.now += 601

    kinds = [kind for kind, _name, _blob in await store.get_all()]
    assert kinds.count("consent") == 1


async def test_a_state_of_one_is_no_state_of_another(here: Process, auth: Auth) -> None:
    await here.vault.set_connection("crm", fields_of(auth))
    begun = await here.connections.connect("crm", by="ann")
    answer = answer_of(auth.consent(begun["url"]))

    for forged in ({**answer, "state": answer["state"][:-1]}, {"code": answer["code"]}):
        with pytest.raises(Rejected, match="used already, or is too old"):
            await here.connections.connected(forged)


async def test_a_code_of_another_consent_is_refused_by_its_verifier(here: Process, auth: Auth) -> None:
    """An attacker's code in our callback: PKCE binds the code to who began."""
    await here.vault.set_connection("crm", fields_of(auth))
    mine, other = [await here.connections.connect("crm", by="ann") for _ in range(2)]
    answer = answer_of(auth.consent(mine["url"]))
    foreign = answer_of(auth.consent(other["url"]))

    with pytest.raises(ConnectionRejected, match="invalid_grant"):
        await here.connections.connected({**answer, "code": foreign["code"]})

    assert here.connections.item("crm")["state"] == "unconnected"


async def test_a_person_may_say_no(here: Process, auth: Auth) -> None:
    await here.vault.set_connection("crm", fields_of(auth))
    begun = await here.connections.connect("crm", by="ann")

    with pytest.raises(ConnectionRejected, match="crm is not connected"):
        await here.connections.connected(answer_of(auth.consent(begun["url"], allow=False)))


async def test_a_connection_that_was_changed_meanwhile_begins_anew(here: Process, auth: Auth) -> None:
    await here.vault.set_connection("crm", fields_of(auth))
    begun = await here.connections.connect("crm", by="ann")
    answer = answer_of(auth.consent(begun["url"]))
    await here.vault.set_connection("crm", fields_of(auth, client_id="public"))

    with pytest.raises(Rejected, match="was changed meanwhile"):
        await here.connections.connected(answer)


async def test_a_connection_that_asks_nobody_has_no_consent(here: Process, auth: Auth) -> None:
    await here.vault.set_connection("crm", fields_of(auth, grant="client_credentials"))
    await here.vault.set_connection("key", {"kind": "bearer", "token": "t", "hosts": ["x.example"]})

    with pytest.raises(Rejected, match="by itself"):
        await here.connections.connect("crm", by="ann")
    with pytest.raises(Rejected, match="is of kind bearer"):
        await here.connections.connect("key", by="ann")


def test_parameters_of_the_services_own_go_along() -> None:
    given = {
        "client_id": "c 1",
        "token_url": "https://auth.example.com/token",
        "authorize_url": "https://auth.example.com/authorize?tenant=1",
        "authorize_parameters": {"access_type": "offline", "state": "mine"},
        "hosts": ["api.example.com"],
    }
    address = OAuth2.model_validate(given).authorize_address(
        state="s", verifier="v" * 43, redirect_uri=f"{HERE}/oauth/callback"
    )

    query = parse_qs(urlsplit(address).query)
    assert query["tenant"] == ["1"]
    assert query["access_type"] == ["offline"]
    assert query["state"] == ["s"]
    assert query["client_id"] == ["c 1"]
