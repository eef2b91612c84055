"""
One call of a connector's action: its inputs as types, its connection, its files, its key, its
bound in time. Whatever happens comes back as a value or as one of the four action errors.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from runner.connector import (
    NO_STATE,
    Action,
    Call,
    Chooser,
    Command,
    Connection,
    File,
    FileInput,
    Input,
    State,
    hiding,
)
from runner.engine.bounds import NO_BOUNDS, Bounds, check_bounds
from runner.engine.exchanges import Tape
from runner.engine.state import CallState, Effect
from runner.errors import (
    ActionError,
    ConnectionRejected,
    NotFound,
    Rejected,
    StoreUnavailable,
    TimedOut,
    Unavailable,
)
from runner.language.secrets import masked
from runner.settings_commands import refusal
from runner.values import Json, dumps, is_file

if TYPE_CHECKING:
    import socket

    from pydantic import BaseModel

    from runner.connector import Http
    from runner.engine.places import Places
    from runner.engine.turn import Tools

MOST_OUTPUT_BYTES = 1024 * 1024  # of one output, without its files (language.md, "Limits")

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Called:
    """What a call gave: the action's result as JSON, and the files it made."""

    output: Json
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose call it is: the workflow's state it may use, and what it is in every replay of its event."""

    workflow: str
    event_id: str
    holder: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call ready to be made, as often as it takes."""

    action: Action
    connection: Connection | None
    given: Input
    key: str
    timeout_seconds: float
    readable: frozenset[str]  # the files of this run: no other may be read
    parked_at: str | None = None  # where its step was parked before
    path: str = ""  # of its step
    owner: Owner | None = None  # None: it belongs to no run, and has no state
    connection_name: str | None = None
    # the hosts that the secrets in `given` may go to, by their names
    bounds: Bounds = field(default_factory=lambda: NO_BOUNDS)
    tape: Tape = field(default_factory=Tape)  # of the attempt that is under way


def effect_key(event_id: str, workflow: str, path: str, generation: int, *, item: int | None = None) -> str:
    """
    The Idempotency-Key of an effect: the same for every attempt, after every crash.

    The path holds the loop's index; *item* is that of an event that was split. Only [a-z0-9.]: a
    Message-ID is made of it too.
    """
    parts = [workflow, path, str(generation), *([] if item is None else [str(item)])]
    rest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    return f"{event_id}.{rest}"


def prepare(
    tools: Tools,
    name: str,
    connection: str | None,
    inputs: Json,
    *,
    key: str,
    timeout_seconds: float,
    readable: frozenset[str],
    parked_at: str | None = None,
    path: str = "",
    owner: Owner | None = None,
    secrets: frozenset[str] = frozenset(),
) -> Prepared:
    """
    A call of the action *name* with *inputs*, *secrets* (their names) put in, for the step at *path* of
    *owner*'s run.

    Raises:
        Rejected: no such action, or its inputs are wrong.
        ConnectionRejected: the connection is missing here or of the wrong kind.
    """
    action = tools.action(name)
    if action is None:
        raise Rejected(f"this Hookline has no action {name}")
    return Prepared(
        action, tools.safe.connection_for(action, connection), read_input(tools, action, inputs), key,
        timeout_seconds, readable, parked_at, path, owner, connection, _bounds(tools, secrets),
    )  # fmt: skip


def read_input(tools: Tools, action: Action, inputs: Json) -> Input:
    """As `Action.read_input`; what the refusal quotes of *inputs* shows no secret."""
    with hiding(tools.safe.secret_values):
        try:
            return action.read_input(inputs)
        except Rejected as error:
            error.args = (masked(str(error), tools.safe.secret_values()),)
            raise


async def call(tools: Tools, prepared: Prepared) -> Called:
    """
    Make the call once.

    Raises:
        ActionError: as the connector judged it; a bug of the connector is a Rejected whose
            traceback is in the operator's log. Parked: nothing was sent, and no attempt was made.
    """
    action = prepared.action
    files = CallFiles(tools, prepared.readable)
    seconds = prepared.timeout_seconds
    places = tools.destinations.places(parked_at=prepared.parked_at, connection=prepared.connection_name)
    handle = _handle(tools, prepared, files, places, _state(tools, prepared))
    began, outcome = time.perf_counter(), "cancelled"
    try:
        with places:
            making = _judged(tools, action.name, seconds, _result(tools, prepared, handle, places))
            result = await _noted(tools, prepared.connection_name, making)
        outcome = "succeeded"
    except ActionError as error:
        outcome = error.type
        raise
    finally:
        tools.measures.called.add(action.name, outcome)
        if outcome != "parked":
            tools.measures.calling.add(action.name, time.perf_counter() - began)
    output = masked(result.model_dump(mode="json", by_alias=True), tools.safe.secret_values())
    size = len(dumps(output))
    if size > MOST_OUTPUT_BYTES:
        raise Rejected(f"{action.name} gave {size:,} bytes; an output may have {MOST_OUTPUT_BYTES:,}")
    return Called(output, files.made)


async def _result(tools: Tools, prepared: Prepared, handle: Call, places: Places) -> BaseModel:
    """What the action gives, or what stands in for it."""
    if tools.stand_in and (given := await tools.stand_in(prepared)) is not None:
        return given
    connection, handle = await _ready(tools, prepared, handle, places)
    return await prepared.action.function(handle, connection, prepared.given)


async def test_connection(
    tools: Tools, connection: Connection, *, name: str | None, timeout_seconds: float
) -> str:
    """
    What the connection, which is called *name* here, says of itself, by the same path as sending.

    Raises:
        ActionError: it does not work; the message is the service's own reason.
    """
    asked = Asking(connection, timeout_seconds, name)
    what = f"the test of a connection of kind {connection.kind}"
    return str(await _asked(tools, asked, what, lambda call, ready: ready.test(call)))


async def choices(
    tools: Tools,
    connection: Connection,
    chooser: Chooser,
    *,
    given: Mapping[str, Json],
    search: str | None,
    cursor: str | None,
    timeout_seconds: float,
    name: str | None,
) -> Json:
    """
    What the service offers for an input, as `{items: [{value, label, note}], next}`: what *chooser*
    gives for the other inputs *given* so far, by the same path as sending.

    Raises:
        ActionError: it cannot be had; the message is the service's own reason.
    """

    async def choose(call: Call, ready: Connection) -> Json:
        return (await chooser(call, ready, given, search or "", cursor)).model_dump(mode="json")

    what = f"the list of choices of a connection of kind {connection.kind}"
    return await _asked(tools, Asking(connection, timeout_seconds, name), what, choose)


@dataclass(frozen=True, slots=True)
class Asking:
    """A call that belongs to no run: a person asks for it, and waits."""

    connection: Connection | None
    timeout_seconds: float
    connection_name: str | None
    key: str | None = None  # nothing is done twice that does nothing
    bounds: Bounds = field(default_factory=lambda: NO_BOUNDS)
    tape: None = None  # it has no step to be kept with


async def _asked(
    tools: Tools, asked: Asking, what: str, ask: Callable[[Call, Connection], Awaitable[Json]]
) -> Json:
    # whoever asks whether it works again is not made to wait for our own next try; and if it does, good
    places = tools.destinations.places(may_park=False, connection=asked.connection_name)
    handle = _handle(tools, asked, CallFiles(tools, frozenset()), places, NO_STATE)

    def hidden() -> frozenset[str]:
        """Those of a connection too that is tried before it is kept."""
        own = asked.connection.secret_texts() if asked.connection else frozenset[str]()
        return tools.safe.secret_values() | own

    async def answer() -> Json:
        connection, ready = await _ready(tools, asked, handle, places)
        assert connection is not None
        return await ask(ready, connection)

    with places:
        asking = _judged(tools, what, asked.timeout_seconds, answer(), hidden=hidden)
        said = await _noted(tools, asked.connection_name, asking)
    return masked(said, hidden())


async def _ready(
    tools: Tools, asked: Prepared | Asking, handle: Call, places: Places
) -> tuple[Connection | None, Call]:
    """The connection with good tokens, and *handle* with a client that uses it."""
    connection, name = asked.connection, asked.connection_name
    if connection is None or name is None or tools.keeper is None:
        return connection, handle
    ready = await tools.keeper.ready(name, connection)
    if ready is connection:
        return connection, handle
    return ready, replace(handle, http=_client(tools, asked, ready, places))


async def _noted(tools: Tools, name: str | None, calling: Awaitable[T]) -> T:
    """What *calling* gives, masked as it is; whether the service took the connection is remembered."""
    keeper = tools.keeper if name is not None and tools.stand_in is None else None
    try:
        result = await calling
    except ConnectionRejected as error:
        if keeper and name:
            await keeper.note_refused(name, str(error))
        raise
    if keeper and name:
        await keeper.note_works(name)
    return result


def _bounds(tools: Tools, secrets: frozenset[str]) -> Bounds:
    return {name: hosts for name, hosts in tools.safe.bounds().items() if name in secrets} if secrets else {}


def _state(tools: Tools, prepared: Prepared) -> State:
    """What the call's workflow keeps between its runs."""
    owner = prepared.owner
    if tools.states is None or owner is None:
        return NO_STATE
    effect = Effect(owner.event_id, prepared.key, owner.holder)
    return CallState(tools, tools.states, owner.workflow, effect)


def _handle(tools: Tools, asked: Prepared | Asking, files: CallFiles, places: Places, state: State) -> Call:
    async def connect(host: str, port: int) -> socket.socket:
        check_bounds(asked.bounds, host)
        return await tools.outbound.connect(host, port, timeout_seconds=asked.timeout_seconds, places=places)

    return Call(
        http=_client(tools, asked, asked.connection, places),
        files=files,
        connect=connect,
        command=lambda name: _command(tools, name, asked.connection_name),
        idempotency_key=asked.key or "",
        timeout_seconds=asked.timeout_seconds,
        state=state,
    )


def _command(tools: Tools, name: str, connection: str | None) -> Command:
    """The command *name*, if it may be run there. Raises Rejected."""
    if why := refusal(tools.commands, name, connection):
        raise Rejected(why)
    return tools.commands[name]


def _client(tools: Tools, asked: Prepared | Asking, connection: Connection | None, places: Places) -> Http:
    keeper, name = tools.keeper, asked.connection_name
    return tools.outbound.for_call(
        connection=connection,
        idempotency_key=asked.key,
        timeout_seconds=asked.timeout_seconds,
        places=places,
        renew=partial(keeper.after_refusal, name) if keeper and name else None,
        bounds=asked.bounds,
        tape=asked.tape,
    )


async def _judged(
    tools: Tools,
    name: str,
    seconds: float,
    calling: Awaitable[T],
    *,
    hidden: Callable[[], frozenset[str]] | None = None,
) -> T:
    """The result of *calling*, or one of the four action errors with no secret in it."""
    hidden = hidden or tools.safe.secret_values
    try:
        with hiding(hidden):
            async with asyncio.timeout(seconds):
                return await calling
    except ActionError as error:
        error.args = (masked(str(error), hidden()),)
        raise
    except TimeoutError:
        raise TimedOut(f"{name} gave no answer within {seconds:g} s") from None
    except Exception as error:
        # the traceback as a text: an exception may quote what it was given
        trace = masked("".join(traceback.format_exception(error)), hidden())
        log.error("%s has a bug: %s", name, trace, extra={"action": "connector_bug"})  # noqa: TRY400
        raise Rejected(
            f"{name} failed inside ({type(error).__name__}); the server's log has the details"
        ) from error


@dataclass(slots=True)
class CallFiles:
    """See `runner.connector.Files`."""

    tools: Tools
    readable: frozenset[str]
    made: dict[str, bytes] = field(default_factory=dict)

    async def read(self, file: File | FileInput | str) -> bytes:
        """The bytes of a file of this run, of a file made on the spot, or of a text. Raises Rejected."""
        if isinstance(file, str):
            return file.encode()
        if isinstance(file, FileInput):
            try:
                return base64.b64decode(file.content, validate=True)
            except binascii.Error as error:
                raise Rejected(f'the content of "{file.filename}" is not base64: {error}') from None
        digest = file.get("file") if is_file(file) else None
        if digest in self.made:
            return self.made[digest]
        if digest not in self.readable:
            # a payload may look like a reference; only what this run received or made is one
            raise Rejected("this is no file of this run")
        try:
            return await self.tools.store.read_file(digest)
        except NotFound:
            raise Rejected(f"the file {file['filename']} is no longer stored") from None
        except StoreUnavailable as error:
            raise Unavailable(f"the file {file['filename']} cannot be read now: {error}") from error

    async def save(self, content: bytes, *, filename: str, content_type: str) -> File:
        """Keep *content* with the run; written together with the call's record."""
        digest = hashlib.sha256(content).hexdigest()
        self.made[digest] = content
        return {
            "filename": filename,
            "content_type": content_type,
            "size": len(content),
            "file": digest,
        }
