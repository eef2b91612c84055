"""How PagerDuty is reached: the connection, an event, one request, and what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
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

pagerduty = Connector("pagerduty", title="PagerDuty", summary="Alerts to those on call.")

REGIONS = {
    "us": ("https://events.pagerduty.com", "https://api.pagerduty.com"),
    "eu": ("https://events.eu.pagerduty.com", "https://api.eu.pagerduty.com"),
}
MOST_BYTES = 512 * 1024  # of an event
THROTTLED_SECONDS = 60.0  # "preferably with a backoff of a few minutes": ours grows from here
LONGEST_SAID = 500


@pagerduty.connection("pagerduty")
class PagerDutyConnection(Connection):
    """A service's integration key for alerts, and an API key for notes and who is on call."""

    title: ClassVar[str] = "PagerDuty"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "For alerts: open the service, Integrations, add the integration Events API V2, and copy its "
            "Integration Key."
        ),
        (
            "For notes and who is on call: Integrations, API Access Keys, Create New API Key; copy it and "
            "give the e-mail address of a user."
        ),
    )

    routing_key: SecretStr | None = Field(
        None, description="The integration key of a service's Events API v2 integration, for alerts."
    )
    api_token: SecretStr | None = Field(
        None, description="A REST API key, for notes and for who is on call (Integrations → API Access Keys)."
    )
    from_email: str | None = Field(
        None, description="The e-mail address of the PagerDuty user in whose name notes are written."
    )
    region: Literal["us", "eu"] = Field("us", description="Where the account is: eu has eu in its address.")
    events_url: str | None = Field(
        None, description="Another address of the Events API, for tests and gateways."
    )
    api_url: str | None = Field(None, description="Another address of the REST API, for tests and gateways.")

    @field_validator("routing_key", "api_token")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.routing_key is None and self.api_token is None:
            raise ValueError("give routing_key, api_token, or both")
        return self

    @property
    def events(self) -> str:
        """The address of the Events API."""
        return (self.events_url or REGIONS[self.region][0]).rstrip("/")

    @property
    def rest(self) -> str:
        """The address of the REST API."""
        return (self.api_url or REGIONS[self.region][1]).rstrip("/")

    def apply(self, request: OutgoingRequest) -> None:
        """Add the API key to requests of the REST API; an event holds its key itself."""
        if self.api_token is not None and request.url.startswith(f"{self.rest}/"):
            request.set_header("Authorization", f"Token token={self.api_token.get_secret_value().strip()}")

    def bound_hosts(self) -> list[str]:
        """The hosts of the two APIs."""
        return [urlsplit(one).hostname or "" for one in (self.events, self.rest)]

    async def test(self, call: Call) -> str:
        """
        With an API key, ask who is on call; of an integration key, resolve an alert that is not there,
        which PagerDuty drops.
        """
        said = []
        if self.routing_key is not None:
            event = {"event_action": "resolve", "dedup_key": "hookline-connection-test"}
            await enqueue(call, self, "/v2/enqueue", event)
            said.append("PagerDuty takes events with this integration key")
        if self.api_token is not None:
            await ask(call, self, "GET", "/oncalls", query={"limit": 1})
            said.append("the API key works")
        return ", and ".join(said)


async def enqueue(
    call: Call, connection: PagerDutyConnection, path: str, event: Mapping[str, Json]
) -> dict[str, Any]:
    """
    Send an event with the connection's integration key.

    Raises:
        ActionError: PagerDuty refuses it; the message says what to do.
    """
    if connection.routing_key is None:
        raise Rejected("this connection has no routing_key, which alerts need")
    body: Any = {"routing_key": connection.routing_key.get_secret_value().strip(), **event}
    if len(json.dumps(body, ensure_ascii=False).encode()) > MOST_BYTES:
        raise Rejected("PagerDuty takes events of at most 512 KB; leave out some of custom_details")
    reply = await call.http.post(f"{connection.events}{path}", json=body, follow_redirects=False)
    if reply.status == 429:
        wait = reply.retry_after()
        raise Unavailable(
            "PagerDuty: too many events",
            retry_after_seconds=THROTTLED_SECONDS if wait is None else wait,
            cause="429",
        )
    if reply.status == 400:
        said = _reason(reply)
        if "routing" in said.lower() or "invalid key" in said.lower():
            raise ConnectionRejected(f"PagerDuty: {said}: copy the integration key again")
        raise Rejected(f"PagerDuty: {said}")
    return _object(reply.accept())


async def ask(
    call: Call,
    connection: PagerDutyConnection,
    method: Literal["GET", "POST"],
    path: str,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """
    One request to the REST API; *path* begins with a slash.

    Raises:
        ActionError: PagerDuty refuses; the message says what to do.
    """
    if connection.api_token is None:
        raise Rejected("this connection has no api_token, which notes and who is on call need")
    accept = {"Accept": "application/vnd.pagerduty+json;version=2"}
    reply = await call.http.request(
        method, f"{connection.rest}{path}", headers=accept | dict(headers or {}), **options
    )
    if reply.status == 429:
        reset = reply.headers.get("ratelimit-reset", "")  # in seconds from now
        wait = reply.retry_after() or (float(reset) if reset.isdecimal() else None)
        raise Unavailable("PagerDuty: too many requests", retry_after_seconds=wait, cause="429")
    if reply.status in {401, 403}:
        raise ConnectionRejected(f"PagerDuty: {_reason(reply)}: the API key is not valid or may not do this")
    if 400 <= reply.status < 500 and reply.status != 408:
        raise Rejected(f"PagerDuty: {_reason(reply)}")
    return _object(reply.accept())


def _reason(reply: Reply) -> str:
    """PagerDuty's own words: `message` and `errors`, in the REST API inside `error`."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return str(reply.status)
    inner = answer.get("error", answer) if isinstance(answer, dict) else {}
    if not isinstance(inner, dict):
        return in_brief(inner, LONGEST_SAID)
    errors = inner.get("errors")
    if isinstance(errors, dict):
        errors = [f"{name} {one}" for name, one in errors.items()]
    parts = [inner.get("message"), *(errors if isinstance(errors, list) else [])]
    return in_brief("; ".join(str(one) for one in parts if one), LONGEST_SAID) or str(reply.status)


def _object(reply: Reply) -> dict[str, Any]:
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown(f"PagerDuty answered {reply.status} with what is not an object")
    return answer
