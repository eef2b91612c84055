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
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from runner.connector import Action, Call, Connection, File, FileInput, Input
from runner.engine.state import CallState, Effect
from runner.errors import ActionError, NotFound, Rejected, StoreUnavailable, TimedOut, Unavailable
from runner.language.secrets import masked
from runner.values import Json, dumps, is_file

if TYPE_CHECKING:
    from pydantic import BaseModel

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
) -> Prepared:
    """
    A call of the action *name* with *inputs*, secrets put in, for the step at *path* of *owner*'s run.

    Raises:
        Rejected: no such action, or its inputs are wrong.
        ConnectionRejected: the connection is missing here or of the wrong kind.
    """
    action = tools.action(name)
    if action is None:
        raise Rejected(f"this Hookline has no action {name}")
    return Prepared(
        action, tools.safe.connection_for(action, connection), action.read_input(inputs), key,
        timeout_seconds, readable, parked_at, path, owner,
    )  # fmt: skip


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
    places = tools.destinations.places(parked_at=prepared.parked_at)
    handle = _handle(tools, prepared.connection, files, prepared.key, seconds, places)
    if tools.states and prepared.owner:
        effect = Effect(prepared.owner.event_id, prepared.key, prepared.owner.holder)
        state = CallState(tools, tools.states, prepared.owner.workflow, effect)
        handle = replace(handle, state=state)
    with places:
        result = await _judged(tools, action.name, seconds, _result(tools, prepared, handle))
    output = masked(result.model_dump(mode="json", by_alias=True), tools.safe.secret_values())
    size = len(dumps(output))
    if size > MOST_OUTPUT_BYTES:
        raise Rejected(f"{action.name} gave {size:,} bytes; an output may have {MOST_OUTPUT_BYTES:,}")
    return Called(output, files.made)


async def _result(tools: Tools, prepared: Prepared, handle: Call) -> BaseModel:
    """What the action gives, or what stands in for it."""
    if tools.stand_in and (given := await tools.stand_in(prepared)) is not None:
        return given
    return await prepared.action.function(handle, prepared.connection, prepared.given)


async def test_connection(tools: Tools, connection: Connection, *, timeout_seconds: float) -> str:
    """
    What the connection says of itself, by the same path as sending.

    Raises:
        ActionError: it does not work; the message is the service's own reason.
    """
    # whoever asks whether it works again is not made to wait for our own next try; and if it does, good
    places = tools.destinations.places(may_park=False)
    handle = _handle(tools, connection, CallFiles(tools, frozenset()), None, timeout_seconds, places)
    name = f"the test of a connection of kind {connection.kind}"
    with places:
        said = await _judged(tools, name, timeout_seconds, connection.test(handle))
    return str(masked(said, tools.safe.secret_values()))


def _handle(
    tools: Tools,
    connection: Connection | None,
    files: CallFiles,
    key: str | None,
    seconds: float,
    places: Places,
) -> Call:
    return Call(
        http=tools.outbound.for_call(
            connection=connection, idempotency_key=key, timeout_seconds=seconds, places=places
        ),
        files=files,
        connect=partial(tools.outbound.connect, timeout_seconds=seconds, places=places),
        idempotency_key=key or "",
        timeout_seconds=seconds,
    )


async def _judged(tools: Tools, name: str, seconds: float, calling: Awaitable[T]) -> T:
    """The result of *calling*, or one of the four action errors with no secret in it."""
    try:
        async with asyncio.timeout(seconds):
            return await calling
    except ActionError as error:
        error.args = (masked(str(error), tools.safe.secret_values()),)
        raise
    except TimeoutError:
        raise TimedOut(f"{name} gave no answer within {seconds:g} s") from None
    except Exception as error:
        log.exception("%s has a bug", name, extra={"action": "connector_bug"})
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
