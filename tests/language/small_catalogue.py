"""A few actions as real connectors declare them, and a server that holds little."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from runner.connector import Address, Call, Connection, Connector, Constant, Html, Input, Output
from runner.language.catalogue import Catalogue
from runner.language.verification import OptionInfo, ProviderInfo

chat = Connector("slack", title="Slack", summary="Messages.")
mail = Connector("email", title="Email", summary="Mails.")
web = Connector("http", title="HTTP", summary="Requests.")
rows = Connector("postgres", title="PostgreSQL", summary="Rows.")
host = Connector("command", title="Command", summary="Commands.")


@chat.connection("slack")
class Bot(Connection):
    """A bot."""


@mail.connection("smtp")
class Smtp(Connection):
    """A mail server."""


@rows.connection("postgres")
class Database(Connection):
    """A database."""


@host.connection("ssh")
class Machine(Connection):
    """A machine."""


class Message(Input):
    """What is posted."""

    channel: str = Field(description="Where to.")
    text: str = Field(description="What to say.")
    blocks: list[dict[str, Any]] | None = None


class Mail(Input):
    """What is mailed."""

    to: str | list[str] = Field(description="Who gets it.")
    subject: str
    html: Html | None = None
    text: str | None = None


class Request(Input):
    """What is requested."""

    url: Address = Field(description="Where to.")
    method: str = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    json_body: Any = None
    seconds: int = Field(30, ge=1, le=60, description="How long to wait.")


class Query(Input):
    """What is asked of a database."""

    sql: Constant
    params: list[Any] | dict[str, Any] = Field(default_factory=list)


class Run(Input):
    """What is run."""

    name: str = Field(description="The command.")
    arguments: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Done(Output):
    """Nothing of interest."""


class Posted(Output):
    """Where it is."""

    channel: str
    ts: str


class Response(Output):
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: Any


@chat.action()
async def post_message(call: Call, connection: Bot, input: Message) -> Posted:  # noqa: A002 - the name that connectors use
    """Post a message to a channel."""
    raise NotImplementedError


@mail.action()
async def send(call: Call, connection: Smtp, input: Mail) -> Done:  # noqa: A002 - the name that connectors use
    """Send a mail."""
    raise NotImplementedError


@web.action()
async def request(call: Call, connection: None, input: Request) -> Response:  # noqa: A002 - the name that connectors use
    """Send a request."""
    raise NotImplementedError


@rows.action()
async def query(call: Call, connection: Database, input: Query) -> Done:  # noqa: A002 - the name that connectors use
    """Read rows."""
    raise NotImplementedError


@host.action()
async def run(call: Call, connection: Machine | None, input: Run) -> Done:  # noqa: A002 - the name that connectors use
    """Run a command."""
    raise NotImplementedError


CATALOGUE = Catalogue(
    actions={
        one.name: one.info()
        for connector in (chat, mail, web, rows, host)
        for one in connector.actions.values()
    },
    connections={"team-slack": "slack", "mail": "smtp", "shop-db": "postgres", "web-1": "ssh"},
    secrets={"TOKEN"},
    providers={
        one.name: one
        for one in (
            ProviderInfo("github", "GitHub"),
            ProviderInfo("shopify", "Shopify"),
            ProviderInfo(
                "paypal",
                "PayPal",
                needs_secret=False,
                options=(OptionInfo("webhook_id", "The webhook's id.", is_required=True),),
            ),
            ProviderInfo("websub", "WebSub", needs_secret=False),
            ProviderInfo(
                "meta",
                "Meta",
                options=(
                    OptionInfo("verify_token", "The name of the secret that Meta shows first.", "secret"),
                    OptionInfo("topics", "What to let in.", "texts"),
                    OptionInfo("strict", "Whether to be strict.", "boolean"),
                ),
            ),
        )
    },
)
