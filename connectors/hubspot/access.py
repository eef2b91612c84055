"""
How HubSpot is reached: the connection, one request, and what its refusals mean.

Sources: developers.hubspot.com, API reference 2026-09, "Account information", "Error handling", "Usage
guidelines". A version of the API is supported for eighteen months; it stands on the connection.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from pydantic import Field

from runner.connector import (
    Bearer,
    Call,
    ConnectionRejected,
    Connector,
    OutcomeUnknown,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
    url_path,
)

hubspot = Connector("hubspot", title="HubSpot", summary="Contacts, deals and notes in HubSpot.")

API = "https://api.hubapi.com"
POLICIES = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "DAILY": 3600.0}
"""How long to wait by the limit that was met; the daily one ends at midnight of the account's time."""


@hubspot.connection("hubspot")
class HubSpotConnection(Bearer):
    """
    A service key of HubSpot, or the access token of a private app, with the scopes that the steps
    need, such as crm.objects.contacts.write.
    """

    title: ClassVar[str] = "HubSpot"
    steps: ClassVar[tuple[str, ...]] = (
        "In HubSpot create a service key, or a private app under Settings, Integrations, Private Apps.",
        (
            "Give it the scopes that the steps need, such as crm.objects.contacts.read and "
            "crm.objects.contacts.write."
        ),
        "Copy the key or the access token; it begins with pat-.",
    )

    token: SecretStr = Field(description="The key or token (pat-…).", min_length=1)
    api_url: str | None = Field(API, description="The address of the API, for tests and gateways.")
    api_version: str = Field(
        "2026-09", description="The version of the API, a year and month.", pattern=r"^\d{4}-\d{2}$"
    )

    async def test(self, call: Call) -> str:
        """Ask HubSpot whose account it is."""
        account = await ask(call, self, "GET", url_path("account-info", self.api_version, "details"))
        return f"connected to the account {account.get('portalId')} ({account.get('accountType')})"


def after_of(answer: dict[str, Any]) -> str | None:
    """The cursor of what follows this portion of a list; None at its end."""
    after = ((answer.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)


async def ask(
    call: Call, connection: HubSpotConnection, method: str, path: str, **options: Any
) -> dict[str, Any]:
    """HubSpot's answer, an object, if it is a yes."""
    reply = await call.http.request(method, f"{(connection.api_url or API).rstrip('/')}{path}", **options)
    if reply.status >= 400:
        _fail(reply)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("HubSpot answered with what is not an object")
    return answer


def _fail(reply: Reply) -> NoReturn:
    """Raise what HubSpot's status means; its answer says more, in words."""
    error = _error(reply)
    said = " ".join(filter(None, (error.get("category"), error.get("message"))))
    sentence = f"HubSpot answered {reply.status}" + (f": {in_brief(said)}" if said else "")
    match reply.status:
        case 401:
            raise ConnectionRejected(f"{sentence}; copy the key or token again")
        case 403:
            raise ConnectionRejected(f"{sentence}; give the key or app the scope that is missing")
        case 423:  # "HubSpot recommends … a delay of at least 2 seconds between requests"
            raise Unavailable(sentence, retry_after_seconds=reply.retry_after() or 2.0, cause="429")
        case 429:
            pause = reply.retry_after()
            known = POLICIES.get(str(error.get("policyName")))
            raise Unavailable(sentence, retry_after_seconds=known if pause is None else pause, cause="429")
        case 477:  # the account is moved to another place; Retry-After says for how long
            raise Unavailable(sentence, retry_after_seconds=reply.retry_after(), cause="429")
    if reply.status < 500 and reply.status != 408 and said:
        raise Rejected(sentence)
    reply.accept()
    raise Rejected(sentence)


def _error(reply: Reply) -> dict[str, Any]:
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return {}
    return answer if isinstance(answer, dict) else {}
