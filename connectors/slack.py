"""
Slack: messages to channels, by a bot's token or an incoming webhook.

Slack says no with HTTP 200 and `{"ok": false, "error": …}`; incoming webhooks answer with a status
and a word. Sources: docs.slack.dev, chat.postMessage and auth.test (errors), "Sending messages
using incoming webhooks" (errors).
"""

from __future__ import annotations

from typing import Any, NoReturn, Self

from pydantic import Field, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    Input,
    Json,
    OutcomeUnknown,
    OutgoingRequest,
    Output,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
)

slack = Connector("slack", title="Slack", summary="Messages to Slack channels.")

CREDENTIALS = {
    "account_inactive": "the token's user or workspace was deleted; install the app again",
    "invalid_auth": "the token is not valid; copy the bot token (xoxb-…) of the app again",
    "not_authed": "no token was sent; set the connection's token",
    "token_expired": "the token has expired; install the app again",
    "token_revoked": "the token was revoked; install the app again",
    "not_allowed_token_type": "a bot token (xoxb-…) is needed",
    "missing_scope": "the app lacks a scope; add it under OAuth & Permissions and install again",
    "no_permission": "the token's user may not do this; use another token",
    "access_denied": "the token may not do this; use another token",
    "team_access_not_granted": "the app is not approved for this workspace; ask an administrator",
    "team_not_found": "the token's workspace is not there; install the app again",
    "two_factor_setup_required": "the token's user must set up two-factor sign-in",
    "enterprise_is_restricted": "the token is an enterprise's; use one of a workspace",
    "ekm_access_denied": "the workspace's administrators have suspended posting",
    "invalid_token": "the webhook's address is not valid; copy it again",
    "no_active_hooks": "the webhook is switched off; make a new one",
    "no_service": "the webhook was removed or switched off; make a new one",
    "no_service_id": "the webhook's address is not complete; copy it again",
    "no_team": "the webhook's workspace is not there; make a new one",
    "team_disabled": "the webhook's workspace is switched off",
}
"""Errors until a person mends the connection, each with the mend."""

LATER = {
    "ratelimited": "too many messages",
    "rate_limited": "too many messages",
    "message_limit_exceeded": "the workspace has sent too many messages",
    "service_unavailable": "Slack is not available",
    "team_added_to_org": "the workspace is moving to an organisation",
    "org_login_required": "the workspace is moving to an organisation",
    "request_timeout": "the message arrived incomplete",
}
"""Errors after which nothing happened and that pass."""

UNKNOWN = {"fatal_error", "internal_error", "rollup_error"}
"""Errors of Slack's own, "possibly after some aspect succeeded"."""

MENDS = {
    "channel_not_found": "no such channel, or it is private and the app is not in it; use its id "
    "(C…), or /invite the app there",
    "not_in_channel": "the app is not in the channel; /invite it there",
    "is_archived": "the channel is archived; choose another",
    "channel_is_archived": "the channel is archived; choose another",
    "msg_too_long": "the text is longer than 40,000 characters; use `| truncate(…)`",
    "msg_blocks_too_long": "the blocks are longer than Slack allows; shorten them",
    "no_text": "the message is empty; give text or blocks",
    "invalid_blocks": "the blocks are not as Slack wants them; try them in the Block Kit Builder",
    "invalid_blocks_format": "blocks must be a list of blocks",
    "invalid_payload": "Slack cannot read the message; check its blocks",
    "too_many_attachments": "too many attachments; 100 are allowed",
    "cannot_reply_to_message": "this message takes no replies; leave thread_ts out",
    "thread_not_found": "no such thread; thread_ts is the ts of the first message in it",
    "restricted_action": "the workspace does not let the app post there; ask an administrator",
    "action_prohibited": "the workspace does not let the webhook post; ask an administrator",
    "posting_to_general_channel_denied": "the workspace keeps the app out of #general",
    "messages_tab_disabled": "the app takes no direct messages; switch on its Messages Tab",
    "user_not_found": "no such user",
}
"""Other errors that we can say more of than their word; the rest is shown as it is."""


@slack.connection("slack")
class SlackConnection(Connection):
    """A Slack app's bot token, or the address of an incoming webhook."""

    token: SecretStr | None = Field(None, description="The bot token (xoxb-…), with the scope chat:write.")
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
        """Add the token; a webhook's address is its own credential."""
        if self.token is not None:
            request.set_header("Authorization", f"Bearer {self.token.get_secret_value().strip()}")

    async def test(self, call: Call) -> str:
        """Ask Slack who the token is; of a webhook, send it an empty message, which it refuses."""
        if self.webhook_url is not None:
            reply = await call.http.post(self.webhook_url.get_secret_value(), json={"text": ""})
            if reply.status in {200, 400}:
                return "Slack knows the webhook"
            _fail(reply, reply.text().strip())
        answer = _answer(await call.http.post(f"{self.api_url.rstrip('/')}/auth.test"))
        return f"connected to {answer.get('team')} as {answer.get('user')}"


class PostMessage(Input):
    """The inputs of `slack.post_message`."""

    channel: str | None = Field(
        None,
        description="A channel's name (#sales) or id (C…), or a user's id (U…). A webhook has its "
        "own and needs none.",
    )
    text: str | None = Field(
        None, description="The text, in Slack's mrkdwn; with blocks, what notifications show."
    )
    blocks: list[dict[str, Any]] | None = Field(None, description="Block Kit blocks.")
    thread_ts: str | None = Field(
        None, description="The `ts` of the message to reply to.", examples=["1700000000.000100"]
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.text and self.text.strip()) and not self.blocks:
            raise ValueError("the message is empty; give text or blocks")
        return self


class Posted(Output):
    """Where the message stands; both are null for a webhook, which does not say."""

    channel: str | None
    ts: str | None


@slack.action(
    # Slack knows no idempotency key. An alert that stands twice after a crash is a lesser evil
    # than one that waits for a person; a step that sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: slack.post_message
connection: team-slack
with:
  channel: "#sales"
  text: "Order {{ payload.name }}: {{ payload.total_price }}"
""",
)
async def post_message(call: Call, connection: SlackConnection, input: PostMessage) -> Posted:  # noqa: A002 - the contract of an action
    """
    Post a message to a channel.

    Slack has no idempotency key: if the server dies while a message is on its way, the message
    may stand twice. `after_crash: stop` on the step asks a person instead.
    """
    if connection.webhook_url is not None:
        reply = await call.http.post(
            connection.webhook_url.get_secret_value(),
            json=input.model_dump(exclude_none=True, exclude={"channel"}),
        )
        if reply.status != 200:
            _fail(reply, reply.text().strip())
        return Posted(channel=None, ts=None)
    if input.channel is None:
        raise Rejected("slack.post_message: channel: a connection with a token needs a channel")
    url = f"{connection.api_url.rstrip('/')}/chat.postMessage"
    answer = _answer(await call.http.post(url, json=input))
    return Posted(channel=answer.get("channel"), ts=answer.get("ts"))


def _answer(reply: Reply) -> dict[str, Json]:
    """Slack's answer if it is a yes."""
    answer = reply.accept().json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("Slack answered with what is not an object")
    if answer.get("ok") is not True:
        _fail(reply, str(answer.get("error", "unknown_error")), str(answer.get("needed") or ""))
    return answer


def _fail(reply: Reply, code: str, needed: str = "") -> NoReturn:
    """
    Raise what Slack's word *code* means; *needed* names a missing scope. A word that we do not
    know is a rejection with HTTP 200, and else what the status says.
    """
    if code in CREDENTIALS:
        scope = f" ({needed})" if needed else ""
        raise ConnectionRejected(f"Slack: {code}{scope}: {CREDENTIALS[code]}")
    if code in LATER:
        raise Unavailable(
            f"Slack: {code}: {LATER[code]}", retry_after_seconds=reply.retry_after(), cause="429"
        )
    if code in UNKNOWN:
        raise OutcomeUnknown(f"Slack: {code}", cause="500")
    if code in MENDS:
        raise Rejected(f"Slack: {code}: {MENDS[code]}")
    if reply.status != 200:
        reply.accept()
    raise Rejected(f"Slack: {code[:100]}")
