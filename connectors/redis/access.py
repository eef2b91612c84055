"""
A connection to a Redis or Valkey: one for each call, over a guarded socket, speaking RESP2.

Nothing is sent twice: redis-py's own repeating of commands, which would count an INCR double, is not used.
Sources: Redis' documentation, "Redis serialization protocol specification", "AUTH", "Transactions" and "ACL".
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, NoReturn, TypeAlias

from pydantic import Field, SecretStr

from runner.connector import (
    CaCertificate,
    Call,
    Connection,
    ConnectionRejected,
    OutcomeUnknown,
    Rejected,
    ServerHost,
    TimedOut,
    Tls,
    Unavailable,
    in_brief,
    tls_context,
)

MOST_BYTES = 16 * 1024 * 1024  # of all that the server sends in a call
Word: TypeAlias = str | bytes | int | float
REFUSED = ("NOAUTH", "WRONGPASS", "DENIED")
"""Beginnings of errors: who we are, or that we are nobody."""
PASSING = (
    "LOADING", "BUSY ", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "OOM", "MISCONF", "NOREPLICAS",
    "ERR max number of clients",
)  # fmt: skip
"""Nothing was done, for a reason that passes: a start, a change of primaries, no memory, no disk."""
MENDS = {
    "WRONGTYPE": "the key holds another kind of value",
    "NOPERM": "the user needs that right: ACL SETUSER",
    "MOVED": "this is a cluster; name the node that has the key, or a proxy before it",
    "ASK": "this is a cluster; name the node that has the key, or a proxy before it",
    "CROSSSLOT": "in a cluster all keys of a step must be of one slot: {tag} in their names",
}


class RedisConnection(Connection):
    """A database of a Redis or Valkey server."""

    title: ClassVar[str] = "Redis or Valkey"
    steps: ClassVar[tuple[str, ...]] = (
        "Where the server has users, make one with the rights that the steps need: ACL SETUSER.",
        (
            "A server in a private network: whoever runs Hookline allows its address under [network] in "
            "hookline.toml."
        ),
    )

    host: ServerHost = Field(examples=["cache.example.com"])
    port: int = Field(6379, gt=0, lt=65536, description="The port.")
    database: int = Field(0, ge=0, description="The number of the database.")
    user: str | None = Field(
        None,
        min_length=1,
        description="The user (ACL), where the server has any; give it the rights it needs.",
    )
    password: SecretStr = Field(SecretStr(""), description="The password.")
    tls: Tls = "verify"
    ca_certificate: CaCertificate = None

    @property
    def where(self) -> str:
        """Host, port and database, for messages."""
        return f"the Redis at {self.host}:{self.port}/{self.database}"

    async def test(self, call: Call) -> str:
        """Sign in and ask for an answer."""
        async with session(call, self, changes=False) as database:
            await database.run("PING")
        who = f"{self.user} in" if self.user else "us in"
        return f"{self.where} lets {who}"


@dataclass(slots=True)
class Progress:
    """How far a call got, for the meaning of an error."""

    where: str
    encrypting: bool = False  # TLS is being agreed on
    is_in: bool = False  # let in by the server
    changing: bool = False  # a command that changes something was sent


class BoundedReader(asyncio.StreamReader):
    """A stream that ends when too much came: a value may have half a gigabyte."""

    received = 0

    def feed_data(self, data: Any) -> None:
        """So much came."""
        self.received += len(data)
        if self.received > MOST_BYTES:
            self.set_exception(TooMuch())
        else:
            super().feed_data(data)


class TooMuch(Exception):
    """More came than a call may take."""


class Database:
    """A connection that is let in. Answers are as RESP2 has them: bytes, int, None and lists of these."""

    def __init__(self, wire: Any, progress: Progress, *, changes: bool) -> None:
        self._wire = wire
        self._progress = progress
        self._changes = changes

    async def run(self, *words: Word) -> Any:
        """Run one command."""
        await self._send([words])
        return await self._wire.read_response(disable_decoding=True)

    async def run_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Run commands together: no other client's come between, and if one is not understood none runs."""
        await self._send([("MULTI",), *commands, ("EXEC",)])
        refused: Exception | None = None
        for _ in range(len(commands) + 1):
            try:
                await self._wire.read_response(disable_decoding=True, disconnect_on_error=False)
            except library().ResponseError as error:  # EXEC will say no more than that there was one
                refused = refused or error
        if refused:
            raise refused
        answers = await self._wire.read_response(disable_decoding=True)
        for one in answers:
            if isinstance(one, Exception):
                raise one
        return list(answers)

    async def _send(self, commands: Sequence[Sequence[Word]]) -> None:
        self._progress.changing = self._changes
        await self._wire.send_packed_command(self._wire.pack_commands(commands))


@asynccontextmanager
async def session(call: Call, connection: RedisConnection, *, changes: bool) -> AsyncIterator[Database]:
    """
    A connection that is let in. *changes*: its commands change something.

    Raises:
        ActionError: what went wrong, and whether it may have happened.
    """
    redis = library()
    progress = Progress(connection.where)
    async with errors(redis, progress, call.timeout_seconds):
        reader, writer = await _streams(call, connection, progress)
        wire = import_module("connectors.redis.wire").Wire(
            reader, writer, where=connection.where, db=connection.database, username=connection.user,
            password=connection.password.get_secret_value() or None,
        )  # fmt: skip
        try:
            await wire.connect()
            progress.is_in = True
            yield Database(wire, progress, changes=changes)
        finally:
            await wire.disconnect(nowait=True)
            writer.close()


def library() -> Any:
    """redis-py, imported when it is first used. Raises Rejected: it is not installed."""
    try:
        return import_module("redis.exceptions")
    except ImportError:
        raise Rejected(
            "this server has no library for Redis: pip install 'hookline[redis]', then start it again"
        ) from None


async def _streams(
    call: Call, connection: RedisConnection, progress: Progress
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A guarded connection, encrypted where it should be."""
    loop = asyncio.get_running_loop()
    context = tls_context(connection.tls, connection.ca_certificate)
    sock = await call.connect(connection.host, connection.port)
    reader = BoundedReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    progress.encrypting = context is not None
    try:
        transport, _ = await loop.create_connection(
            lambda: protocol,
            sock=sock,
            ssl=context,
            server_hostname=connection.host if context else None,
        )
    except BaseException:
        sock.close()
        raise
    progress.encrypting = False
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


@asynccontextmanager
async def errors(redis: Any, progress: Progress, seconds: float) -> AsyncIterator[None]:
    """Tell apart what happened, what may have, and what did not."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        if progress.changing:
            raise TimedOut(f"{progress.where} did not answer within {seconds:g} s") from None
        if progress.encrypting:  # a server that has none waits for the end of a command
            raise Unavailable(
                f"{progress.where} did not begin encryption within {seconds:g} s; set tls to none where it "
                "offers none and the network can be trusted"
            ) from None
        raise Unavailable(
            f"{progress.where} did not answer within {seconds:g} s; nothing was changed"
        ) from None
    except TooMuch:
        raise Rejected(f"{progress.where} sent more than {MOST_BYTES // 1024**2} MiB; ask for less") from None
    except redis.InvalidResponse as error:
        if progress.is_in:
            _broken(progress, error)
        _other_protocol(progress, error)
    except redis.RedisError as error:
        _said(redis, progress, error)
    except ssl.SSLCertVerificationError as error:
        raise ConnectionRejected(
            f"{progress.where} cannot be trusted: {error.verify_message}; "
            "mend the host, tls or ca_certificate"
        ) from None
    except ssl.SSLError as error:
        reason = (error.reason or "TLS failed").lower().replace("_", " ")
        raise ConnectionRejected(
            f"{progress.where} does not agree on encryption ({reason}); set tls to none where it offers none "
            "and the network can be trusted"
        ) from None
    except (OSError, EOFError) as error:
        _broken(progress, error)
    except (ValueError, TypeError, LookupError) as error:
        if progress.is_in:
            raise
        _other_protocol(progress, error)


def _said(redis: Any, progress: Progress, error: Any) -> NoReturn:
    """Judge an error of the server by its first word, or of the library by its class."""
    # redis-py takes the word off some messages, and keeps it beside them
    words = str(error)
    code = getattr(error, "status_code", None) or ""
    whole = f"{code} {words}" if code and not words.startswith(code) else words
    reason = f"{progress.where} said: {in_brief(whole)}"
    if isinstance(error, redis.AuthenticationError) or whole.startswith(REFUSED):
        raise ConnectionRejected(f"{reason}; mend user or password of the connection") from None
    if whole.startswith(PASSING) or "max number of clients" in whole:
        raise Unavailable(f"{reason}; nothing was changed") from None
    if not progress.is_in and ("Invalid Database" in whole or "DB index" in whole):
        raise ConnectionRejected(f"{reason}; mend the database of the connection") from None
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        _broken(progress, error)
    word = whole.partition(" ")[0]
    raise Rejected(f"{reason}; {MENDS[word]}" if word in MENDS else reason) from None


def _other_protocol(progress: Progress, error: Exception) -> NoReturn:
    raise ConnectionRejected(
        f"{progress.where}: what answers there does not speak as Redis does; mend host or port"
    ) from error


def _broken(progress: Progress, error: Exception) -> NoReturn:
    if progress.changing:
        raise OutcomeUnknown(f"{progress.where}: the connection broke after the command was sent") from error
    raise Unavailable(f"{progress.where}: the connection broke; nothing was changed") from error
