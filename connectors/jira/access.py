"""How Jira is reached: the connection, one request, and what its refusals mean."""

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

jira = Connector("jira", title="Jira", summary="Issues, comments and searches in Jira.")

GATEWAY = "api.atlassian.com"  # for tokens with scopes: https://api.atlassian.com/ex/jira/CLOUD-ID
LONGEST_SAID = 500
# Jira lets a failed sign-in go on as nobody, who then sees nothing: only this header tells.
FAILED_SIGN_IN = re.compile(r"AUTHENTICATED_FAILED|AUTHENTICATION_DENIED")


@jira.connection("jira")
class JiraConnection(Connection):
    """Jira Cloud by e-mail and API token, or a Jira of your own by a personal access token."""

    title: ClassVar[str] = "Jira"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "Cloud: at https://id.atlassian.com/manage-profile/security/api-tokens choose Create API token "
            "and copy it."
        ),
        (
            "Give the address of the site, such as https://acme.atlassian.net, and the e-mail address of the "
            "token's account."
        ),
        (
            "A Jira of your own: in your profile, Personal Access Tokens, choose Create token; leave the "
            "e-mail address empty."
        ),
    )

    api_url: str = Field(
        description="The site's address. For a Cloud token with scopes: "
        "https://api.atlassian.com/ex/jira/ and the site's cloud id.",
        examples=["https://acme.atlassian.net", "https://jira.example.com"],
    )
    email: str | None = Field(
        None, description="Cloud: the e-mail address of the token's account. Data Center: leave it out."
    )
    token: SecretStr = Field(description="The API token, or the personal access token.", min_length=1)

    @field_validator("api_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.match(r"https?://[^/?#@]+(/|$)", value) or "?" in value:
            raise ValueError("must start with https:// or http:// and a host, and have no query")
        return value.rstrip("/")

    @property
    def is_cloud(self) -> bool:
        """Whether it is Jira Cloud."""
        return self.email is not None

    def apply(self, request: OutgoingRequest) -> None:
        """Add e-mail and token, or the token alone."""
        request.set_header("Authorization", self._authorization())

    def bound_hosts(self) -> list[str]:
        """The site's host."""
        return [urlsplit(self.api_url).hostname or ""]

    def secret_texts(self) -> frozenset[str]:
        """The token, and what is sent of it."""
        return super().secret_texts() | {self._authorization().partition(" ")[2]}

    async def test(self, call: Call) -> str:
        """Ask Jira who we are."""
        return f"connected as {(await send(call, self, 'GET', '/myself'))['displayName']}"

    def browse(self, key: str) -> str | None:
        """The page of an issue; None where the site's own address is not known."""
        return None if self.bound_hosts() == [GATEWAY] else f"{self.api_url}/browse/{key}"

    def _authorization(self) -> str:
        token = self.token.get_secret_value().strip()
        return f"Bearer {token}" if self.email is None else basic(self.email, token)


async def ask(
    call: Call,
    connection: JiraConnection,
    method: Literal["GET", "POST", "PUT"],
    path: str,
    **options: Any,
) -> Reply:
    """
    One request to the REST API; *path* begins with a slash.

    Raises:
        ActionError: Jira refuses; the message says what to do.
    """
    url = f"{connection.api_url}/rest/api/{3 if connection.is_cloud else 2}{path}"
    # a POST that follows a redirect to a sign-in page would look like a success and do nothing
    reply = await call.http.request(method, url, follow_redirects=False, **options)
    if 300 <= reply.status < 400:
        raise Rejected("Jira sends us elsewhere; is api_url the site's address, with https?")
    return _accepted(reply)


async def send(
    call: Call, connection: JiraConnection, method: Literal["GET", "POST", "PUT"], path: str, **options: Any
) -> dict[str, Any]:
    """As `ask`, for an answer that is an object."""
    reply = await ask(call, connection, method, path, **options)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown(f"Jira answered {reply.status} with what is not an object")
    return answer


def _accepted(reply: Reply) -> Reply:
    if reply.status < 400:
        return reply
    said = _reason(reply) or str(reply.status)
    if FAILED_SIGN_IN.search(reply.headers.get("x-seraph-loginreason", "")):
        asks = "CAPTCHA" in reply.headers.get("x-authentication-denied-reason", "")
        mend = "it asks for a CAPTCHA; sign in with a browser once" if asks else "check e-mail and token"
        raise ConnectionRejected(f"Jira did not let us in: {mend}")
    match reply.status:
        case 401:
            raise ConnectionRejected(f"Jira: {said}: e-mail and token are not right, or the token has ended")
        case 403:
            raise ConnectionRejected(f"Jira: {said}: the token's account may not do this")
        case 409:
            raise Unavailable(f"Jira: {said}: it was being changed by another", cause="409")
        case 400 | 404 | 413 | 422:
            raise Rejected(f"Jira: {said}")
    return reply.accept()  # 429 with its Retry-After, 5xx and the rest are as everywhere


def _reason(reply: Reply) -> str:
    """Jira's own sentences: a list, and more by field."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return ""
    if not isinstance(answer, dict):
        return ""
    messages, errors = answer.get("errorMessages"), answer.get("errors")
    parts = [str(one) for one in messages] if isinstance(messages, list) else []
    if isinstance(errors, dict):
        parts += [f"{name}: {one}" for name, one in errors.items()]
    if not parts and (said := answer.get("message")):  # of what stands in front of Jira
        parts = [str(said)]
    return in_brief("; ".join(parts), LONGEST_SAID)
