"""What a connector's types are made of: connections, inputs, outputs, files, choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from runner.errors import Rejected
from runner.values import File, Json, is_file

if TYPE_CHECKING:
    from runner.connector.ports import Call, OutgoingRequest

Html = Annotated[str, Field(json_schema_extra={"format": "html"})]
"""A text input in which every expression is escaped unless it says `| safe_html`."""


Address = Annotated[str, Field(json_schema_extra={"format": "address"})]
"""An input that says to which host a request goes: the checker sees to it that no sender decides that."""


Constant = Annotated[str, Field(json_schema_extra={"format": "constant"})]
"""An input that the service executes, such as SQL: the checker sees to it that no sender writes in it."""


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
    title: ClassVar[str] = ""  # how people call the kind; empty: as its connector
    steps: ClassVar[tuple[str, ...]] = ()  # where each value is found, one sentence or two a step

    def shared_with(self) -> str | None:
        """The address that things have to be shared with before this connection sees them, if any."""
        return None

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


class Choice(BaseModel):
    """One value that a service offers for an input: a channel, a board, a column."""

    value: Json
    label: str
    note: str = ""  # what tells two of the same label apart


class Choices(BaseModel):
    """A portion of what can be chosen; `next` is the cursor of the following one, None at the end."""

    items: list[Choice]
    next: str | None = None
