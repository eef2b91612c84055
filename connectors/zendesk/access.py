"""How Zendesk is reached: the connection, one request, and what its refusals mean."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    basic,
    in_brief,
)

zendesk = Connector("zendesk", title="Zendesk", summary="Tickets in Zendesk.")

LONGEST_SAID = 500


@zendesk.connection("zendesk")
class ZendeskConnection(Connection):
    """A Zendesk agent's e-mail and API token, or an OAuth access token."""

    title: ClassVar[str] = "Zendesk"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "In the Admin Center open Apps and integrations, APIs, and add an API token; "
            "copy it: it is shown "
            "once."
        ),
        "Give the account's address, such as https://acme.zendesk.com, and the e-mail address of an agent.",
    )

    api_url: str = Field(description="The account's address.", examples=["https://acme.zendesk.com"])
    email: str | None = Field(
        None, description="The e-mail address of the agent. Leave it out for an OAuth access token."
    )
    token: SecretStr = Field(description="The API token, or the OAuth access token.", min_length=1)

    @field_validator("api_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.match(r"https?://[^/?#@]+(/|$)", value) or "?" in value:
            raise ValueError("must start with https:// or http:// and a host, and have no query")
        return value.rstrip("/").removesuffix("/api/v2")

    def apply(self, request: OutgoingRequest) -> None:
        """Add e-mail and token, or the token alone."""
        request.set_header("Authorization", self._authorization())

    def bound_hosts(self) -> list[str]:
        """The account's host."""
        return [urlsplit(self.api_url).hostname or ""]

    def secret_texts(self) -> frozenset[str]:
        """The token, and what is sent of it."""
        return super().secret_texts() | {self._authorization().partition(" ")[2]}

    async def test(self, call: Call) -> str:
        """Ask Zendesk who we are; it answers strangers too, with nobody."""
        user = (await ask(call, self, "GET", "/users/me"))["user"]
        if user.get("id") is None:
            raise ConnectionRejected("Zendesk does not know this e-mail and token")
        return f"connected as {user['name']}"

    def _authorization(self) -> str:
        token = self.token.get_secret_value().strip()
        return f"Bearer {token}" if self.email is None else basic(f"{self.email}/token", token)


async def ask(
    call: Call,
    connection: ZendeskConnection,
    method: Literal["GET", "POST", "PUT"],
    path: str,
    **options: Any,
) -> dict[str, Any]:
    """
    One request; *path* begins with a slash.

    Raises:
        ActionError: Zendesk refuses; the message says what to do.
    """
    url = f"{connection.api_url}/api/v2{path}.json"
    # a POST that follows a redirect would look like a success and do nothing
    reply = await call.http.request(method, url, follow_redirects=False, **options)
    if 300 <= reply.status < 400:
        raise Rejected("Zendesk sends us elsewhere; is api_url the account's own address, with https?")
    said = _reason(reply) if reply.status >= 400 else ""
    match reply.status:
        case 401:
            raise ConnectionRejected(f"Zendesk: {said}: e-mail and token are not right, or the token ended")
        case 403:
            raise ConnectionRejected(f"Zendesk: {said}: the agent or the token may not do this")
        case 409:
            raise Unavailable(f"Zendesk: {said}: it was being changed by another", cause="409")
        case 400 | 404 | 413 | 422:
            raise Rejected(f"Zendesk: {said}")
    answer = reply.accept().json()  # 429 with its Retry-After, 5xx and the rest are as everywhere
    if not isinstance(answer, dict):
        raise OutcomeUnknown(f"Zendesk answered {reply.status} with what is not an object")
    return answer


def _reason(reply: Reply) -> str:
    """Zendesk's own words: `error` (a text, or {title, message}), `description`, `details` by field."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return str(reply.status)
    if not isinstance(answer, dict):
        return str(reply.status)
    error, details = answer.get("error"), answer.get("details")
    parts = [error.get("title"), error.get("message")] if isinstance(error, dict) else [error]
    parts.append(answer.get("description") or answer.get("message"))
    for name, ones in (details if isinstance(details, dict) else {}).items():
        texts = [one.get("description") if isinstance(one, dict) else one for one in ones or []]
        parts.append(f"{name}: {', '.join(map(str, texts))}")
    return in_brief("; ".join(str(one) for one in parts if one), LONGEST_SAID) or str(reply.status)
