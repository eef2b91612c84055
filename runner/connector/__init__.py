"""
What a connector is made of: the one module of ours that a connector imports.

A connector module makes one `Connector`, a pydantic model for each connection, input and output,
and an async function for each action:

    slack = Connector("slack", title="Slack", summary="Messages to Slack channels.")

    @slack.connection("slack")
    class SlackBot(Connection): ...

    @slack.action(after_crash="repeat")
    async def post_message(call: Call, connection: SlackBot, input: PostMessage) -> Posted:
        "Post a message to a channel."

The form, the reference, the JSON Schema and the checker all read these types. An action fails
with one of the four errors re-exported here; any other exception is a bug: the step fails, the
traceback goes to the operator's log.
"""

from __future__ import annotations

from pydantic import SecretStr

from runner.connector.content import content_of
from runner.connector.databases import DatabaseConnection, GuardedLoop
from runner.connector.encryption import CaCertificate, ServerHost, Tls, tls_context
from runner.connector.kinds import Basic, Bearer, Header, HttpConnection, Query, basic, checked_hosts, goes_to
from runner.connector.models import (
    Address,
    Choice,
    Choices,
    Connection,
    Constant,
    FileInput,
    GivenFile,
    Html,
    Input,
    Output,
    Part,
)
from runner.connector.oauth import Endpoints, HttpCredentials, OAuth2, OAuthConnection, tokens_of
from runner.connector.paths import url_path
from runner.connector.ports import NO_STATE, Call, Files, Http, OutgoingRequest, Places, Reply, State
from runner.connector.registry import Action, AfterCrash, Chooser, Connector, sentences
from runner.connector.tokens import TokenConnection, Tokens
from runner.connector.words import hidden, hiding, in_brief
from runner.errors import ConnectionRejected, OutcomeUnknown, Parked, Rejected, TimedOut, Unavailable
from runner.language.catalogue import ActionInfo
from runner.settings_commands import Command
from runner.values import File, Json, duration_seconds, is_file

__all__ = [
    "NO_STATE",
    "Action",
    "ActionInfo",
    "Address",
    "AfterCrash",
    "Basic",
    "Bearer",
    "CaCertificate",
    "Call",
    "Choice",
    "Choices",
    "Chooser",
    "Command",
    "Connection",
    "ConnectionRejected",
    "Connector",
    "Constant",
    "DatabaseConnection",
    "Endpoints",
    "File",
    "FileInput",
    "Files",
    "GivenFile",
    "GuardedLoop",
    "Header",
    "Html",
    "Http",
    "HttpConnection",
    "HttpCredentials",
    "Input",
    "Json",
    "OAuth2",
    "OAuthConnection",
    "OutcomeUnknown",
    "OutgoingRequest",
    "Output",
    "Parked",
    "Part",
    "Places",
    "Query",
    "Rejected",
    "Reply",
    "SecretStr",
    "ServerHost",
    "State",
    "TimedOut",
    "Tls",
    "TokenConnection",
    "Tokens",
    "Unavailable",
    "basic",
    "checked_hosts",
    "content_of",
    "duration_seconds",
    "goes_to",
    "hidden",
    "hiding",
    "in_brief",
    "is_file",
    "sentences",
    "tls_context",
    "tokens_of",
    "url_path",
]
