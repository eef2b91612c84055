"""What a call may use: the guarded client, files, state; each a port that the engine fills."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from runner.errors import Rejected
from runner.settings_commands import Command
from runner.values import File, Json

if TYPE_CHECKING:
    import socket

    from pydantic import BaseModel

    from runner.connector.models import FileInput


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


class State(Protocol):
    """
    What the workflow keeps between its runs, by key, or, with `shared`, what all workflows keep
    together. A key whose `ttl_seconds` are over is gone. What a call changes is changed once, also when
    the call is made again: then each method gives what it gave.

    All methods raise Rejected: the value is of another kind, or there is too much; and Unavailable.
    """

    async def get(self, key: str, *, shared: bool = False) -> Json:
        """The value; None where there is none."""

    async def set(
        self, key: str, value: Json, *, shared: bool = False, ttl_seconds: float | None = None
    ) -> None:
        """Keep *value* in place of what was there; None takes the key away."""

    async def delete(self, key: str, *, shared: bool = False) -> bool:
        """Take the key away; whether it was there."""

    async def increment(
        self, key: str, by: float = 1, *, shared: bool = False, ttl_seconds: float | None = None
    ) -> float:
        """Add to a number, from 0, that begins anew so long after its first increment; the new number."""

    async def append(
        self,
        key: str,
        value: Json,
        *,
        keep: int | None = None,
        shared: bool = False,
        ttl_seconds: float | None = None,
    ) -> list[Json]:
        """Put *value* at the end of a list of the last *keep*, gone so long after the last; the new list."""

    async def once(self, key: str, *, shared: bool = False, ttl_seconds: float | None = None) -> bool:
        """Whether it is the first time within *ttl_seconds*, which begin with the first."""


class NoState:
    """The state of a call that belongs to no workflow, such as a message of the server's own."""

    async def get(self, _key: str, **_options: Any) -> Json:
        """Raises Rejected, as all the others do."""
        raise Rejected("there is no state here: this call belongs to no workflow")

    set = delete = increment = append = once = get


NO_STATE = typing.cast("State", NoState())


def no_commands(name: str) -> Command:
    """The commands of a call that may run none."""
    raise Rejected(f"there are no commands here, so {name} cannot be run")


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call of an action: what it may use. `idempotency_key` holds only [a-z0-9.] and is the
    same for every attempt of the same effect. `connect(host, port)` gives a connected, guarded,
    non-blocking socket for protocols other than HTTP. `command(name)` gives what the configuration allows
    under that name where the call's connection leads, and raises Rejected.

    `http` sends the key as `Idempotency-Key` with the first request that may do something, with the
    second one the key and `.2`, with the third `.3`: a service that remembers keys shall not take one
    for a repetition of another. An action that leaves some out in a later attempt, or sends the same to
    several services, gives the header itself.
    """

    http: Http
    files: Files
    connect: Callable[[str, int], Awaitable[socket.socket]]
    idempotency_key: str
    timeout_seconds: float
    state: State = NO_STATE
    command: Callable[[str], Command] = no_commands
