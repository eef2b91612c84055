"""Slack's connection, and how its methods are called."""

from __future__ import annotations

from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.slack.errors import answer, fail
from runner.connector import Call, Connection, Connector, Json, OutgoingRequest, Rejected, SecretStr

slack = Connector(
    "slack", title="Slack", summary="Messages, reactions and files in Slack channels and direct messages."
)


@slack.connection("slack")
class SlackConnection(Connection):
    """A Slack app's bot token, or the address of an incoming webhook."""

    title: ClassVar[str] = "Slack"
    steps: ClassVar[tuple[str, ...]] = (
        "At https://api.slack.com/apps choose Create New App, From scratch, and your workspace.",
        (
            "Under OAuth & Permissions add Bot Token Scopes: chat:write to post, channels:read and "
            "groups:read for the list of channels."
        ),
        "Choose Install to Workspace and allow it; copy the Bot User OAuth Token, which begins with xoxb-.",
        "In Slack, type /invite @ and the app's name in each channel that it is to post in.",
        (
            "To post in one channel only, switch on Incoming Webhooks in place of 2 and 3, and copy the "
            "address of a new webhook."
        ),
    )

    token: SecretStr | None = Field(
        None,
        description="The bot token (xoxb-…), with the scope chat:write; other actions name the "
        "scopes that they need.",
    )
    webhook_url: SecretStr | None = Field(
        None, description="An incoming webhook, in place of a token; it posts to its own channel."
    )
    api_url: str = Field(
        "https://slack.com/api", description="The address of the API, for tests and gateways."
    )

    @field_validator("token", "webhook_url")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token is None) == (self.webhook_url is None):
            raise ValueError("give either token or webhook_url")
        return self

    def apply(self, request: OutgoingRequest) -> None:
        """Add the token to calls of the API; other addresses of Slack's are their own credentials."""
        base, target = urlsplit(self.method_url("")), urlsplit(request.url)
        own = base.hostname == target.hostname and target.path.startswith(base.path)
        if self.token is not None and own:
            request.set_header("Authorization", f"Bearer {self.token.get_secret_value().strip()}")

    def bound_hosts(self) -> list[str]:
        """Slack's hosts, and those of the addresses given here."""
        given = [self.api_url] if self.webhook_url is None else [self.webhook_url.get_secret_value()]
        own = [urlsplit(one.strip()).hostname or "" for one in given]
        return [*own, "*.slack.com", "*.slack-gov.com"]

    def method_url(self, method: str) -> str:
        """The address of a method of the Web API."""
        return f"{self.api_url.strip().rstrip('/')}/{method}"

    async def test(self, call: Call) -> str:
        """Ask Slack who the token is; of a webhook, send it an empty message, which it refuses."""
        if self.webhook_url is not None:
            reply = await call.http.post(self.webhook_url.get_secret_value(), json={"text": ""})
            if reply.status in {200, 400}:
                return "Slack knows the webhook"
            fail(reply, reply.text().strip())
        known = answer(await call.http.post(self.method_url("auth.test")))
        return f"connected to {known.get('team')} as {known.get('user')}"


async def ask(
    call: Call, connection: SlackConnection, method: str, arguments: dict[str, Any], *fine: str
) -> dict[str, Json]:
    """
    Call a method of the Web API and give its answer, also a no with one of the words *fine*.

    The arguments go as a form, which every method takes; not all take JSON. Those that are lists or
    objects are given as JSON texts.
    """
    if connection.token is None:
        raise Rejected(f"Slack: {method} needs a connection with a token; a webhook can only post")
    reply = await call.http.post(connection.method_url(method), form=arguments)
    return answer(reply, *fine)
