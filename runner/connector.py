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

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
)

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)

from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.language.catalogue import ActionInfo
from runner.values import File, Json, is_file

if TYPE_CHECKING:
    import socket

__all__ = [
    "Action",
    "ActionInfo",
    "Call",
    "Connection",
    "ConnectionRejected",
    "Connector",
    "File",
    "FileInput",
    "Files",
    "GivenFile",
    "Html",
    "Http",
    "Input",
    "Json",
    "OutcomeUnknown",
    "OutgoingRequest",
    "Output",
    "Part",
    "Places",
    "Rejected",
    "Reply",
    "SecretStr",
    "TimedOut",
    "Unavailable",
]

T = TypeVar("T", bound="Connection")
AfterCrash: TypeAlias = Literal["repeat", "stop"]

Html = Annotated[str, Field(json_schema_extra={"format": "html"})]
"""A text input in which every expression is escaped unless it says `| safe_html`."""


class Input(BaseModel):
    """The base of an action's inputs: unknown ones are refused, each field has a description."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Output(BaseModel):
    """The base of an action's result."""

    model_config = ConfigDict(hide_input_in_errors=True)


class FileInput(BaseModel):
    """A file made on the spot: `content` is base64."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    filename: str
    content_type: str = "application/octet-stream"
    content: str


def _file_reference(value: File) -> File:
    if not is_file(value):
        raise ValueError("a file is {filename, content_type, content}, or one of this run's files")
    return value


GivenFile: TypeAlias = FileInput | Annotated[File, AfterValidator(_file_reference)] | str
"""An input that takes a file: one of the run's, one made on the spot, or a text. `call.files` reads it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file as a part of a `multipart` body, its bytes at hand."""

    filename: str
    content_type: str
    content: bytes


class Connection(BaseModel):
    """
    The base of a connection's fields. A field typed `SecretStr` is write-only everywhere.

    `apply` adds the credentials to a request of `call.http`; `bound_hosts` limits where they may
    go. They never follow a redirect to another origin.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: ClassVar[str] = ""

    def apply(self, request: OutgoingRequest) -> None:
        """Add the credentials to *request*; the default adds none."""

    def bound_hosts(self) -> Sequence[str] | None:
        """
        The hosts that may get the credentials, as `api.example.com` or `*.example.com`; None:
        any that the action calls. A call to another host is refused before it is made.
        """
        return None

    def secret_texts(self) -> frozenset[str]:
        """The values of the secret fields: what is masked in messages and records."""
        values = (getattr(self, name) for name in type(self).model_fields)
        texts = (one.get_secret_value() for one in values if isinstance(one, SecretStr))
        return frozenset(text for text in texts if text)

    async def test(self, call: Call) -> str:  # noqa: ARG002 - for those who override it
        """
        Say in a sentence that the connection works, by the same path as sending.

        Raises:
            ActionError: it does not; the message is the service's own reason.
        """
        raise Rejected(f"a connection of kind {self.kind} cannot be tested without sending")


@dataclass(slots=True)
class OutgoingRequest:
    """A request on its way out, before it is sent; `Connection.apply` may change it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    query: list[tuple[str, str]] = field(default_factory=list)

    def set_header(self, name: str, value: str) -> None:
        """Set a header in place of one of that name in any case."""
        for known in [one for one in self.headers if one.lower() == name.lower()]:
            del self.headers[known]
        self.headers[name] = value


class Reply(Protocol):
    """An answer, read whole and bounded."""

    status: int
    headers: Mapping[str, str]  # lower-case names
    content: bytes
    url: str

    def text(self) -> str:
        """The body as text, by the answer's charset, or UTF-8."""

    def json(self) -> Json:
        """
        The body as JSON.

        Raises:
            OutcomeUnknown: it is not JSON.
        """

    def accept(self, *also: int) -> Reply:
        """
        This reply if its status is below 400 or among *also*.

        Raises:
            ConnectionRejected: 401 (and 403 where a connection is used).
            Unavailable: 429 and 503, with Retry-After.
            OutcomeUnknown: 408 and other 5xx.
            Rejected: any other status from 400.
        """

    def retry_after(self) -> float | None:
        """The seconds that the other side asks us to wait; None where it does not say."""


class Places(Protocol):
    """The places that one call holds at the destinations that it calls, until it ends."""

    async def enter(self, host: str, port: int, *, acts: bool) -> None:
        """
        Take a place at a destination before anything is sent to it; one that is held already
        serves again. *acts*: what is sent may do something.

        Raises:
            Parked: it takes no call now.
        """


class Http(Protocol):
    """
    The guarded client: private addresses are refused unless the configuration allows them,
    answers are bounded in size and time, and the call's connection and Idempotency-Key go along.
    """

    async def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        json: Json | BaseModel = None,
        form: Mapping[str, Any] | None = None,
        multipart: Mapping[str, Any] | None = None,
        body: bytes | str | None = None,
        timeout_seconds: float | None = None,
        follow_redirects: bool = True,
    ) -> Reply:
        """
        Send one request and read the answer, whatever its status.

        `query`, `form` and `multipart` take texts, numbers, booleans, and lists of them for a
        repeated field; null leaves a field or a header out. A file in `multipart` is a `Part`.

        Raises:
            Rejected: the address is not allowed, or the request cannot be formed.
            Unavailable: no connection could be made.
            OutcomeUnknown: the connection broke after the request was sent.
            TimedOut: no answer in time.
            Parked: its destination takes no call now; let it pass, the step waits.
        """

    async def get(self, url: str, **options: Any) -> Reply:
        """`request("GET", …)`."""

    async def post(self, url: str, **options: Any) -> Reply:
        """`request("POST", …)`."""


class Files(Protocol):
    """Stored bytes of this run."""

    async def read(self, file: File | FileInput | str) -> bytes:
        """
        The bytes of a file of this run, of a file made on the spot, or of a text (UTF-8).

        Raises:
            Rejected: not a file of this run, or not base64.
        """

    async def save(self, content: bytes, *, filename: str, content_type: str) -> File:
        """Keep *content* with the run; the reference may be part of the action's result."""


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call of an action: what it may use. `idempotency_key` holds only [a-z0-9.] and is the
    same for every attempt of the same effect. `connect(host, port)` gives a connected, guarded,
    non-blocking socket for protocols other than HTTP.
    """

    http: Http
    files: Files
    connect: Callable[[str, int], Awaitable[socket.socket]]
    idempotency_key: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a connector, with its types read from its function's annotations."""

    name: str  # connector.action
    summary: str
    function: Callable[..., Awaitable[BaseModel]]
    input: type[Input]
    output: type[BaseModel]
    connections: tuple[type[Connection], ...]
    connection_required: bool
    after_crash: AfterCrash | Callable[[Any], AfterCrash]
    example: str

    def crash_rule(self, given: Input) -> AfterCrash:
        """What happens to a call that was in flight when the process died."""
        return self.after_crash(given) if callable(self.after_crash) else self.after_crash

    def read_input(self, value: Json) -> Input:
        """
        *value* as the action's typed input.

        Raises:
            Rejected: an input is missing, unknown or of the wrong type; all of them are named.
        """
        try:
            return self.input.model_validate(value)
        except ValidationError as error:
            raise Rejected(f"{self.name}: {sentences(error)}") from None

    def info(self) -> ActionInfo:
        """What the checker knows of this action."""
        schema = self.input.model_json_schema()
        properties: dict[str, Any] = schema.get("properties", {})
        definitions = schema.get("$defs", {})
        fields = {info.alias or name: info for name, info in self.input.model_fields.items()}

        def check_literal(name: str, value: Json) -> str | None:
            info = fields[name]
            annotation: Any = info.annotation
            if info.metadata:
                annotation = Annotated[annotation, *info.metadata]
            try:
                TypeAdapter(annotation).validate_python(value)
            except ValidationError as error:
                return sentences(error)
            return None

        return ActionInfo(
            name=self.name,
            summary=self.summary,
            inputs={
                name: {**one, **({"$defs": definitions} if definitions else {})}
                for name, one in properties.items()
            },
            required=frozenset(schema.get("required", ())),
            html=frozenset(name for name, one in properties.items() if _is_html(one)),
            connection_kinds=tuple(each.kind for each in self.connections),
            connection_required=self.connection_required,
            check_literal=check_literal,
        )


class Connector:
    """A service: its connections and actions, in the order of their definition."""

    def __init__(self, name: str, *, title: str, summary: str) -> None:
        self.name = name
        self.title = title
        self.summary = summary
        self.actions: dict[str, Action] = {}
        self.connections: dict[str, type[Connection]] = {}

    def connection(self, kind: str) -> Callable[[type[T]], type[T]]:
        """Register the decorated model as the connection kind *kind*."""

        def register(model: type[T]) -> type[T]:
            model.kind = kind
            self.connections[kind] = model
            return model

        return register

    def action(
        self, *, after_crash: AfterCrash | Callable[[Any], AfterCrash] = "repeat", example: str = ""
    ) -> Callable[[Callable[..., Awaitable[BaseModel]]], Callable[..., Awaitable[BaseModel]]]:
        """
        Register the decorated function `(call, connection, input) -> output` as an action.

        `after_crash="stop"` means that a repeated call would be a second effect: after a crash
        the run stops for a person to decide. `example` is YAML for the reference.
        """

        def register(
            function: Callable[..., Awaitable[BaseModel]],
        ) -> Callable[..., Awaitable[BaseModel]]:
            hints = typing.get_type_hints(function)
            models, required = _connection_models(hints["connection"])
            name = f"{self.name}.{function.__name__}"
            self.actions[function.__name__] = Action(
                name=name,
                summary=inspect.getdoc(function) or "",
                function=function,
                input=hints["input"],
                output=hints["return"],
                connections=models,
                connection_required=required,
                after_crash=after_crash,
                example=example,
            )
            return function

        return register


def sentences(error: ValidationError) -> str:
    """Pydantic's findings as one sentence: `channel: Field required; text: Input should be …`."""
    parts = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        # steps with a bracket or of this beginning are pydantic's own words for a type
        steps = [str(step) for step in one["loc"]]
        inner = ("function-", "tagged-")
        place = ".".join(step for step in steps if "[" not in step and not step.startswith(inner))
        said = one["msg"].removeprefix("Value error, ")
        parts.append(f"{place}: {said}" if place else said)
    return "; ".join(dict.fromkeys(parts))


def _connection_models(hint: Any) -> tuple[tuple[type[Connection], ...], bool]:
    """The connection classes of an annotation, and whether one is required (None not among them)."""
    if hint is type(None):
        return (), False
    options = typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)
    models = tuple(one for one in options if one is not type(None))
    return models, type(None) not in options


def _is_html(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") == "html" or any(_is_html(one) for one in schema.get("anyOf", ()))
