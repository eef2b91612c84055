"""The connections of the tests' house: one of a service that lists shelves, one that waits for a person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from pydantic import Field

from connectors import described_kind
from runner.cli.safe import HeldSafe
from runner.connector import (
    Call,
    Choice,
    Choices,
    Connection,
    ConnectionRejected,
    Connector,
    Input,
    OAuth2,
    Output,
    SecretStr,
)
from runner.engine.connecting import Connections
from runner.engine.custody import Custody
from runner.engine.places import Destinations
from runner.engine.tokens import Keeper
from runner.engine.turn import Tools
from runner.evaluator.pool import EvaluatorPool
from runner.language.uses import uses
from runner.outbound import Outbound
from runner.store.common import CommonStore
from runner.values import Json
from runner.vault import Vault

SHELVES = ["novels", "poems", "plays"]
PORTION = 2
TOKEN = "t0k3n-of-the-library"

library = Connector("library", title="Library", summary="A library.")


@library.connection("library")
class Card(Connection):
    """A reader's card."""

    token: SecretStr = Field(description="Its number.")

    async def test(self, call: Call) -> str:
        if self.token.get_secret_value() != TOKEN:
            raise ConnectionRejected(f"the card {self.token.get_secret_value()} is not known")
        return "the card works"


class Put(Input):
    """Where to put it."""

    shelf: str = Field(description="The shelf.")
    author: str | None = Field(None, description="Who wrote it.")


class Done(Output):
    """Nothing."""


@library.action()
async def put(call: Call, connection: Card, input: Put) -> Done:  # noqa: A002 - the contract of an action
    """Put a book."""
    return Done()


@library.choices("put.shelf")
async def shelves(
    call: Call, connection: Connection, given: Mapping[str, Json], search: str | None, cursor: str | None
) -> Choices:
    """The shelves whose names have *search* in them."""
    assert isinstance(connection, Card)
    if connection.token.get_secret_value() != TOKEN:
        raise ConnectionRejected(f"the card {connection.token.get_secret_value()} is not known")
    found = [one for one in SHELVES if (search or "") in one]
    start = int(cursor or 0)
    items = [
        Choice(value=one, label=one.title(), note=given.get("author") or "")
        for one in found[start : start + PORTION]
    ]
    return Choices(items=items, next=str(start + PORTION) if start + PORTION < len(found) else None)


OAuth2.kind = "oauth2"
MODELS: Mapping[str, type[Connection]] = {"library": Card, "oauth2": OAuth2}
KINDS: list[Json] = [
    described_kind("library", "library", Card, "Library"),
    described_kind("oauth2", "http", OAuth2, "HTTP"),
]
SHOP = {
    "kind": "oauth2",
    "client_id": "c1",
    "token_url": "http://127.0.0.1:1/token",
    "authorize_url": "http://127.0.0.1:1/authorize",
    "api_url": "http://127.0.0.1:1",
}


@asynccontextmanager
async def opened_connections(
    store: CommonStore,
    clock: Callable[[], float],
    public_url: str,
    texts: Callable[[], Mapping[str, str]] = dict,
) -> AsyncIterator[tuple[Connections, Custody]]:
    """
    The connections `card`, `lost` (which the library refuses) and `shop` (which waits for a person), and
    what keeps them; *texts()* are those of the workflows.
    """
    vault = Vault(store, b"k" * 32, {}, models=MODELS.get)
    await vault.set_connection("card", {"kind": "library", "token": TOKEN})
    await vault.set_connection("lost", {"kind": "library", "token": "n0t-a-token"})
    await vault.set_connection("shop", SHOP)
    outbound = Outbound(allow=["127.0.0.0/8"])
    destinations = Destinations(limit=8, clock=clock)
    keeper = Keeper(vault, outbound, destinations, clock)
    actions = {one.name: one for one in library.actions.values()}
    tools = Tools(
        store=store,
        outbound=outbound,
        evaluator=EvaluatorPool(),  # nothing here needs its process
        safe=HeldSafe(vault),
        action=actions.get,
        clock=clock,
        jitter=lambda: 0.0,
        on_answer=lambda _run, _answer: None,
        destinations=destinations,
        keeper=keeper,
    )
    try:
        connections = Connections(
            vault,
            tools,
            lambda action, name: library.choosers.get(f"{action}.{name}".partition(".")[2]),
            public_url,
        )
        yield connections, Custody(vault, tools, texts, uses, lambda: KINDS)
    finally:
        await keeper.close()
        await outbound.close()
