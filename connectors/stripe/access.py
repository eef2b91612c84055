"""
How Stripe is reached: the connection, one request with its nested form, and what its refusals mean.

Sources: docs.stripe.com, API reference, "Authentication", "Errors", "Idempotent requests",
"Versioning", "Connected accounts"; "Advanced error handling", "Rate limits".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NoReturn

from pydantic import Field

from runner.connector import (
    Bearer,
    Call,
    ConnectionRejected,
    Connector,
    Json,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

stripe = Connector("stripe", title="Stripe", summary="Payments, invoices and customers in Stripe.")

API = "https://api.stripe.com/v1"
PAGE = 100  # the most that one answer holds


@stripe.connection("stripe")
class StripeConnection(Bearer):
    """A secret or restricted key of a Stripe account, for real money or for tests."""

    title: ClassVar[str] = "Stripe"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://dashboard.stripe.com/apikeys choose Create restricted key, with the permissions that "
            "the steps need."
        ),
        (
            "Copy it; it begins with rk_. To try things, take one of a sandbox or the test mode: it has "
            "_test_ in it."
        ),
    )

    token: SecretStr = Field(description="The key (sk_… or rk_…), from Developers → API keys.", min_length=1)
    account: str | None = Field(
        None, description="A connected account (acct_…) for which the requests are made.", pattern="^acct_"
    )
    api_version: str = Field(
        "2026-10-28.endive",
        description="The version of the API that answers, whatever the account's own is.",
        pattern=r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$",
    )
    api_url: str | None = Field(API, description="The address of the API, for tests and gateways.")

    def apply(self, request: OutgoingRequest) -> None:
        """Add the key, the version and the connected account."""
        super().apply(request)
        request.set_header("Stripe-Version", self.api_version)
        if self.account is not None:
            request.set_header("Stripe-Account", self.account)

    async def test(self, call: Call) -> str:
        """Ask Stripe whose key it is."""
        key = self.token.get_secret_value()
        mode = "test mode" if "_test_" in key else "real money"
        reply = await _send(call, self, "GET", "/account")
        if reply.status == 403 and key.startswith("rk_"):
            return f"Stripe knows the restricted key ({mode}); it may not see the account's name"
        account = _object(reply)
        dashboard = (account.get("settings") or {}).get("dashboard") or {}
        return f"connected to {dashboard.get('display_name') or account.get('id')} ({mode})"


async def post(
    call: Call, connection: StripeConnection, path: str, values: Mapping[str, Any], *, part: str = ""
) -> dict[str, Any]:
    """
    Change something; *values* may be nested. Each *part* of a step that makes several requests has
    a key of its own, or Stripe would give the first answer to all of them.
    """
    key = f"{call.idempotency_key}.{part}" if part else call.idempotency_key
    headers = {"Idempotency-Key": key} if key else {}
    return _object(await _send(call, connection, "POST", path, form=dict(flat(values)), headers=headers))


async def get(
    call: Call, connection: StripeConnection, path: str, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Read something."""
    return _object(await _send(call, connection, "GET", path, query=dict(flat(values or {}))))


def flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str | int | float | bool]]:
    """The fields of a form for nested values: `items[0][price]`. Null leaves a field out."""
    for name, value in values.items():
        yield from _fields(str(name), value)


def _fields(name: str, value: Json) -> Iterator[tuple[str, str | int | float | bool]]:
    match value:
        case None:
            return
        case dict():
            for key, each in value.items():
                yield from _fields(f"{name}[{key}]", each)
        case list():
            for index, each in enumerate(value):
                yield from _fields(f"{name}[{index}]", each)
        case _:
            yield name, value


async def _send(call: Call, connection: StripeConnection, method: str, path: str, **options: Any) -> Reply:
    return await call.http.request(method, f"{(connection.api_url or API).rstrip('/')}{path}", **options)


def _object(reply: Reply) -> dict[str, Any]:
    """Stripe's answer, an object, if it is a yes."""
    if reply.status >= 400:
        _fail(reply)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Stripe answered with what is not an object")
    return answer


def _fail(reply: Reply) -> NoReturn:
    """Raise what Stripe's status means; its answer says more, in words."""
    error = _error(reply)
    words = (error.get("code") or error.get("type"), error.get("decline_code"), error.get("message"))
    said = in_brief(": ".join(str(one) for one in words if one), 400)
    at = f" (at {error['param']})" if error.get("param") else ""
    sentence = f"Stripe answered {reply.status}" + (f": {said}{at}" if said else "")
    match reply.status:
        case 401:
            raise ConnectionRejected(f"{sentence}; copy the key again")
        case 403:
            raise ConnectionRejected(f"{sentence}; give the restricted key the permission")
        case 409:  # an earlier attempt with the same key is still at work: the next one gets its answer
            raise Unavailable(sentence, retry_after_seconds=reply.retry_after(), cause="429")
        case 424:
            raise OutcomeUnknown(sentence, cause="424")
    if said and reply.status < 500 and reply.status not in {408, 429}:
        raise Rejected(sentence)
    if reply.status == 429:
        raise Unavailable(sentence, retry_after_seconds=reply.retry_after(), cause="429")
    if reply.status >= 500:  # "the result of the request … should be treated as indeterminate"
        raise OutcomeUnknown(sentence, cause=str(reply.status))
    reply.accept()
    raise Rejected(sentence)


def _error(reply: Reply) -> dict[str, Any]:
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return {}
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, dict) else {}
