"""
How Shopify is reached: the connections, one GraphQL request, and what its refusals mean.

Sources: shopify.dev, "GraphQL Admin API", "API limits" (cost), "API response status and error codes",
"Implementing idempotency", "Using the client credentials grant", "API versioning" (a version is
supported for a year; it stands on the connection).
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, ClassVar, NoReturn, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    Http,
    Json,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    TokenConnection,
    Tokens,
    Unavailable,
    in_brief,
    tokens_of,
)

shopify = Connector("shopify", title="Shopify", summary="Orders, customers and stock in Shopify.")

VERSION = "2026-10"
TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105 - a header's name
CREDENTIALS = {
    "ACCESS_DENIED": "give the app the access scope, and install it again",
    "SHOP_INACTIVE": "the shop is closed or frozen",
}
"""Codes until a person mends the connection, each with the mend."""

LATER = {"IDEMPOTENCY_CONCURRENT_REQUEST", "SERVICE_UNAVAILABLE"}
"""Codes of a mutation's own after which nothing happened and that pass."""


def _shop(text: str) -> str:
    """The shop's host, from its name, its host or its address."""
    host = re.sub(r"^https?://", "", text.strip().lower()).partition("/")[0]
    host = host if "." in host else f"{host}.myshopify.com"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", host):
        raise ValueError("write the shop's own address, such as acme.myshopify.com")
    return host


Shop = Annotated[str, AfterValidator(_shop)]
SHOP = "The shop's address at Shopify, such as acme.myshopify.com."
URL = "Another address of the shop, for tests and gateways."
VERSIONED = "The version of the API, a year and month."

shopify.explains(CREDENTIALS)


@shopify.connection("shopify")
class ShopifyConnection(Connection):
    """
    A shop, by an Admin API access token (shpat_…) of a custom app. The app needs the access scopes of
    what the steps do: read_orders, write_orders, write_customers, write_inventory, read_locations,
    write_merchant_managed_fulfillment_orders.
    """

    title: ClassVar[str] = "Shopify: token of a custom app"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "For an app that was made in the shop's admin: Settings, Apps, Develop apps, and the app. A new "
            "app is made in the Dev Dashboard: choose that way in."
        ),
        "Under Configuration, Admin API integration, choose the access scopes that the steps need.",
        "Under API credentials choose Reveal token once and copy it; it begins with shpat_.",
    )

    shop: Shop = Field(description=SHOP)
    token: SecretStr = Field(description="The app's Admin API access token (shpat_…).", min_length=1)
    api_version: str = Field(VERSION, description=VERSIONED, pattern=r"^\d{4}-\d{2}$")
    api_url: str | None = Field(None, description=URL)

    def apply(self, request: OutgoingRequest) -> None:
        """Add the token."""
        request.set_header(TOKEN_HEADER, self.token.get_secret_value().strip())

    def bound_hosts(self) -> list[str]:
        """The shop."""
        return [urlsplit(base(self)).hostname or ""]

    async def test(self, call: Call) -> str:
        """Ask Shopify which shop it is."""
        return await _which(call, self)


@shopify.connection("shopify_app")
class ShopifyApp(TokenConnection):
    """
    A shop, by the client id and secret of an app of the Dev Dashboard that is installed in it and
    belongs to the same organization: its tokens last a day and are renewed by themselves.
    """

    title: ClassVar[str] = "Shopify: app of the Dev Dashboard"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://dev.shopify.com/dashboard choose Create app; give its version the access scopes that "
            "the steps need, and release it."
        ),
        "Install the app in the shop, which has to belong to the same organization.",
        "Under Settings of the app copy the client ID and the client secret.",
    )

    shop: Shop = Field(description=SHOP)
    client_id: str = Field(description="The app's client id, from its settings.", min_length=1)
    client_secret: SecretStr = Field(description="The app's client secret.", min_length=1)
    api_version: str = Field(VERSION, description=VERSIONED, pattern=r"^\d{4}-\d{2}$")
    api_url: str | None = Field(None, description=URL)

    async def obtain(self, http: Http, now: float) -> Tokens:
        """A token by the client credentials grant."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
        }
        try:
            url = f"{base(self)}/admin/oauth/access_token"
            return tokens_of(await http.post(url, form=form, follow_redirects=False), now)
        except OutcomeUnknown as error:  # of the call that waits for the token, nothing has happened
            raise Unavailable(str(error), cause=error.cause) from error

    def apply(self, request: OutgoingRequest) -> None:
        """Add the token. Raises ConnectionRejected: there is none yet."""
        if self.tokens is None:
            raise ConnectionRejected("this connection has no token yet")
        request.set_header(TOKEN_HEADER, self.tokens.access_token.get_secret_value())

    def bound_hosts(self) -> list[str]:
        """The hosts given, else the shop."""
        return self.hosts or [urlsplit(base(self)).hostname or ""]

    async def test(self, call: Call) -> str:
        """Ask Shopify which shop it is."""
        return await _which(call, self)


Shopify: TypeAlias = ShopifyConnection | ShopifyApp


def base(connection: Shopify) -> str:
    """The shop's address."""
    return (connection.api_url or f"https://{connection.shop}").rstrip("/")


async def query(call: Call, connection: Shopify, text: str, **variables: Json) -> dict[str, Any]:
    """
    The data of a GraphQL request.

    Raises:
        ConnectionRejected, Unavailable, OutcomeUnknown, Rejected: as Shopify's errors say.
    """
    url = f"{base(connection)}/admin/api/{connection.api_version}/graphql.json"
    reply = await call.http.post(url, json={"query": text, "variables": variables})
    if reply.status >= 400:
        _refused(reply)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Shopify answered with what is not an object")
    if answer.get("errors"):
        _fail(answer)
    if not isinstance(data := answer.get("data"), dict):
        raise OutcomeUnknown("Shopify answered without data")
    return data


async def change(call: Call, connection: Shopify, text: str, **variables: Json) -> dict[str, Any]:
    """
    What a mutation gives: the one object of its data.

    Raises:
        Rejected: it has `userErrors`; the message names them and their fields.
    """
    data = await query(call, connection, text, **variables)
    result = next(iter(data.values()), None)
    if not isinstance(result, dict):
        raise OutcomeUnknown("Shopify answered without a result")
    errors = result.get("userErrors") or []
    if not errors:
        return result
    sentence = "Shopify: " + in_brief("; ".join(_sentence(one) for one in errors), 400)
    if any(one.get("code") in LATER for one in errors):
        raise Unavailable(sentence, cause="429")
    raise Rejected(sentence)


def gid(kind: str, given: str) -> str | None:
    """The global id for a global id or a number; None where *given* is neither. Raises Rejected."""
    if given.startswith("gid://"):
        if not re.fullmatch(rf"gid://shopify/{kind}/\d+", given):
            raise Rejected(f"{in_brief(given, 100)} is not the id of a {kind}")
        return given
    return f"gid://shopify/{kind}/{given}" if re.fullmatch(r"[0-9]+", given) else None


def quoted(text: str) -> str:
    """A value in a search query, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _which(call: Call, connection: Shopify) -> str:
    shop = (await query(call, connection, "query Shop { shop { name myshopifyDomain } }"))["shop"]
    return f"connected to {shop['name']} ({shop['myshopifyDomain']})"


def _sentence(error: dict[str, Any]) -> str:
    field = ".".join(str(one) for one in error.get("field") or [])
    head = ": ".join(filter(None, (error.get("code"), field)))
    return f"{head}: {error.get('message')}" if head else str(error.get("message"))


def _fail(answer: dict[str, Any]) -> NoReturn:
    """Raise what the errors of a GraphQL answer mean; Shopify gives them with HTTP 200."""
    errors = answer["errors"]
    if not isinstance(errors, list):
        raise Rejected(f"Shopify: {in_brief(errors)}")
    codes = [str((one.get("extensions") or {}).get("code") or "") for one in errors]
    sentence = "Shopify: " + in_brief("; ".join(str(one.get("message")) for one in errors))
    if "THROTTLED" in codes:
        raise Unavailable(sentence, retry_after_seconds=_pause(answer), cause="429")
    for code in codes:
        if code in CREDENTIALS:
            raise ConnectionRejected(f"{sentence}; {CREDENTIALS[code]}")
    if "INTERNAL_SERVER_ERROR" in codes:
        raise OutcomeUnknown(sentence, cause="500")
    raise Rejected(sentence)


def _pause(answer: dict[str, Any]) -> float:
    """How long it takes until there is room for the query: its cost, at so many points a second."""
    cost = (answer.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    missing = (cost.get("requestedQueryCost") or 0) - (status.get("currentlyAvailable") or 0)
    return max(1.0, math.ceil(missing / (status.get("restoreRate") or 50.0)))


def _refused(reply: Reply) -> NoReturn:
    """Raise what a status means."""
    sentence = f"Shopify answered {reply.status}"
    match reply.status:
        case 401:
            raise ConnectionRejected(f"{sentence}: it does not know the token; install the app again")
        case 402:
            raise ConnectionRejected(f"{sentence}: the shop is frozen until its bill is paid")
        case 403:
            raise ConnectionRejected(f"{sentence}: the app lacks an access scope, or the shop is blocked")
        case 404:
            raise ConnectionRejected(f"{sentence}: there is no such shop, or no such version of the API")
        case 423:
            raise Unavailable(
                f"{sentence}: the shop is locked", retry_after_seconds=reply.retry_after(), cause="429"
            )
    reply.accept()
    raise Rejected(sentence)
