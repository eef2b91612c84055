"""
A connection to a MySQL or MariaDB: one for each call, over a guarded socket, with every statement in a
transaction and prepared by the server, so that no value is ever part of its text.

Sources: MySQL's manual, "Server Error Message Reference", "Server System Variables" and "Statements That
Cause an Implicit Commit"; MariaDB's, "Error Codes" and "max_statement_time"; asyncmy's documentation.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from pydantic import Field

from runner.connector import (
    Call,
    ConnectionRejected,
    DatabaseConnection,
    GuardedLoop,
    OutcomeUnknown,
    Rejected,
    TimedOut,
    Unavailable,
    in_brief,
    tls_context,
)

if TYPE_CHECKING:
    import socket

SERVER_SHARE = 0.9  # of the time: the server gives up first, and then says that nothing happened
MOST_BYTES = 32 * 1024 * 1024  # of all that the server sends in a call
LONGEST_SAID = 500

REFUSED = frozenset({
    1044, 1045, 1049, 1129, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 2059, 2061, 3118, 3159, 3955, 4151,
})  # fmt: skip
"""Who, from where, to which database, by which method of signing in."""
PASSING = frozenset({
    1021, 1040, 1041, 1047, 1053, 1114, 1203, 1205, 1206, 1213, 1226, 1317, 1637, 1836, 1969, 3024, 3101,
    3168, 3572,
})  # fmt: skip
"""Rolled back, or not begun, for a reason that passes: locks, time, room, too many users, a standby."""
BROKEN = frozenset({1152, 1158, 1159, 1160, 1161, 1180, 1184, 1927, 2006, 2013, 2055, 4031})
"""The server lost us, we lost it, or it does not know how a commit went."""
STANDBY = ("--read-only", "--super-read-only")  # 1290 is said of other options too
MENDS = {
    1064: "one statement at a time is taken, and values go into params",
    1142: "the user needs that right: GRANT … TO it",
    1143: "the user needs that right: GRANT … TO it",
    1044: "the user needs that right: GRANT … TO it",
    1227: "the user needs that right: GRANT … TO it",
    1290: "the server's own settings do not allow it",
    1292: "a time is written as 2024-03-01 12:00:00, in UTC",
    1295: "it cannot be prepared, and every statement is",
    1411: "a time is written as 2024-03-01 12:00:00, in UTC",
    1792: "mysql.query only reads; use mysql.execute",
}


class MysqlConnection(DatabaseConnection):
    """A user of a MySQL or MariaDB database."""

    title: ClassVar[str] = "MySQL or MariaDB"
    steps: ClassVar[tuple[str, ...]] = (
        "Make a user for this server: CREATE USER hookline IDENTIFIED BY '…'.",
        (
            "Give it the rights that the steps need, no more: GRANT SELECT, INSERT, UPDATE ON shop.* TO "
            "hookline."
        ),
        (
            "A database in a private network: whoever runs this server allows its address under [network] in "
            "hookline.toml."
        ),
    )

    port: int = Field(3306, gt=0, lt=65536, description="The port.")

    async def test(self, call: Call) -> str:
        """Sign in and ask who we are."""
        async with session(call, self, readonly=True) as database:
            ((who, version),) = (await database.run("SELECT CURRENT_USER(), VERSION()")).rows
        return f"{self.where} ({version}) lets {who} in"


@dataclass(slots=True)
class Progress:
    """How far a call got, for the meaning of an error."""

    where: str
    is_in: bool = False  # let in by the server
    changing: bool = False  # a statement that may change something was sent
    committing: bool = False


class BoundedLoop(GuardedLoop):
    """As that, with a bound on all that the server sends: a row of a gigabyte ends the connection."""

    def __init__(self, connect: Callable[[str, int], Awaitable[socket.socket]]) -> None:
        super().__init__(connect)
        self.received = 0

    async def create_connection(
        self, factory: Callable[[], Any], host: str | None = None, port: int = 0, **options: Any
    ) -> Any:
        """Counts what comes."""
        return await super().create_connection(lambda: Bounded(factory(), self), host, port, **options)


class Bounded(asyncio.BufferedProtocol):
    """What asyncmy reads with, and a count of what came."""

    def __init__(self, inner: Any, loop: BoundedLoop) -> None:
        self._inner = inner
        self._loop = loop
        self._transport: Any = None  # uvloop's are of no class of asyncio

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport, which is what ends it."""
        self._transport = transport
        self._inner.connection_made(transport)

    def get_buffer(self, sizehint: int) -> Any:
        """Where to put what comes."""
        return self._inner.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        """So much came."""
        self._loop.received += nbytes
        if self._loop.received > MOST_BYTES and self._transport:
            self._transport.abort()
        else:
            self._inner.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        """No more comes."""
        answer: bool | None = self._inner.eof_received()
        return answer

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The other side is slow."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It is not any more."""
        self._inner.resume_writing()


class NoClearPassword:
    """Refuses what a server may ask for: the password itself, over a connection that anyone can read."""

    def __init__(self, _connection: object) -> None:
        pass

    def authenticate(self, _packet: object) -> NoReturn:
        """Raises ConnectionRejected, always."""
        raise ConnectionRejected(
            "the server asks for the password itself, over a connection without encryption; set tls to verify"
        )

    prompt = authenticate


class Database:
    """A connection within a transaction."""

    def __init__(self, connection: Any, progress: Progress, *, readonly: bool) -> None:
        self._connection = connection
        self._progress = progress
        self._readonly = readonly

    async def settings(self, text: str) -> None:
        """Run `SET …` of ours."""
        await self._connection.query(text)

    async def run(self, sql: str, values: Sequence[Any] = (), *, reads: bool = False) -> Any:
        """
        Run one statement, prepared; `rows`, `fields`, `affected_rows` and `insert_id` of the result. *reads*:
        it changes nothing, whatever the transaction may do.
        """
        statement = await self._connection.prepare(sql)
        if statement.parameter_count != len(values):
            raise Rejected(
                f"the SQL has {statement.parameter_count} parameters, and params has {len(values)}"
            )
        self._progress.changing = self._progress.changing or not (self._readonly or reads)
        return await statement.execute(tuple(values))


@asynccontextmanager
async def session(call: Call, connection: MysqlConnection, *, readonly: bool) -> AsyncIterator[Database]:
    """
    A connection within a transaction, which is committed at the end.

    Raises:
        ActionError: what went wrong, and whether it may have happened.
    """
    asyncmy = driver()
    progress = Progress(connection.where)
    loop = BoundedLoop(call.connect)
    async with errors(asyncmy, progress, loop, call.timeout_seconds):
        wire = asyncmy.connection.Connection(
            host=connection.host,
            port=connection.port,
            database=connection.database,
            user=connection.user,
            password=connection.password.get_secret_value().encode(),
            ssl=tls_context(connection.tls, connection.ca_certificate),
            auth_plugin_map=(
                dict.fromkeys(("mysql_clear_password", "dialog"), NoClearPassword)
                if connection.tls == "none"
                else {}
            ),
            charset="utf8mb4",
            conv={},  # texts stay texts: values.py knows what they are
            autocommit=None,
            connect_timeout=call.timeout_seconds + 1,  # the bound around all of it comes first
            program_name="hookline",
        )
        wire._loop = loop  # noqa: SLF001 - there is no other way in; the next line sees to it that this one is
        if wire.loop is not loop:
            raise RuntimeError("this version of asyncmy does not take its loop from `_loop`")
        try:
            await wire.connect()
            progress.is_in = True
            await wire.query(_settings(wire.get_server_info(), call.timeout_seconds * SERVER_SHARE))
            if readonly:  # the session too: else MariaDB lets DROP TABLE, which commits before itself, pass
                await wire.query("SET SESSION TRANSACTION READ ONLY")
            await wire.query("START TRANSACTION")
            yield Database(wire, progress, readonly=readonly)
            progress.committing = not readonly
            await wire.commit()
            progress.changing = progress.committing = False
            await wire.ensure_closed()
        finally:
            wire.close()  # the server takes back what was not committed


def driver() -> Any:
    """asyncmy, imported when it is first used. Raises Rejected: it is not installed."""
    try:
        return import_module("asyncmy")
    except ImportError:
        raise Rejected(
            "this server has no driver for MySQL: pip install 'hookline[mysql]', then start it again"
        ) from None


@asynccontextmanager
async def errors(asyncmy: Any, progress: Progress, loop: BoundedLoop, seconds: float) -> AsyncIterator[None]:
    """Tell apart what happened, what may have, and what did not."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        if progress.changing:
            raise TimedOut(f"{progress.where} did not answer within {seconds:g} s") from None
        raise Unavailable(
            f"{progress.where} did not answer within {seconds:g} s; nothing was changed"
        ) from None
    except asyncmy.errors.Error as error:
        if isinstance(error.__cause__, ssl.SSLError):
            _untrusted(progress, error.__cause__)
        _said(progress, error, is_full=loop.received > MOST_BYTES)
    except ssl.SSLError as error:
        _untrusted(progress, error)
    except OSError as error:
        _broken(progress, error)
    except RuntimeError as error:  # a way of signing in that needs another package
        if progress.is_in:
            raise
        raise ConnectionRejected(f"{progress.where}: signing in failed: {error}; mend the user") from error
    except (ValueError, ArithmeticError) as error:  # such as the 31st of February
        if not progress.is_in:
            _other_protocol(progress, error)
        raise Rejected(
            f"a value does not fit, or has no form here: {in_brief(error)}; cast it in the SQL, such as "
            "CAST(made AS CHAR)"
        ) from None
    except (TypeError, LookupError, AssertionError, struct.error) as error:
        if progress.is_in:
            raise
        _other_protocol(progress, error)


def _settings(version: str, seconds: float) -> str:
    """What holds for our session: bounds of time, UTC, and values that do not fit are refused, not cut."""
    bound = (
        f"max_statement_time = {max(seconds, 0.001):.3f}"
        if "mariadb" in version.lower()
        else f"max_execution_time = {max(1, int(seconds * 1000))}"  # of reading ones; others wait for locks
    )
    locks = max(1, int(seconds))
    return (
        f"SET SESSION {bound}, innodb_lock_wait_timeout = {locks}, lock_wait_timeout = {locks}, "
        "time_zone = '+00:00', sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_ALL_TABLES')"
    )


def _said(progress: Progress, error: Any, *, is_full: bool) -> NoReturn:
    """Judge an error of the server, or of the driver, by its number."""
    if is_full:
        raise Rejected(
            f"{progress.where} sent more than {MOST_BYTES // 1024**2} MiB; ask for fewer rows or columns"
        ) from None
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if not (progress.is_in or number):
        _other_protocol(progress, error)
    words = in_brief(error.args[-1] if error.args else type(error).__name__, LONGEST_SAID)
    reason = f"{progress.where} said: {words} ({number})"
    if number in REFUSED and not progress.is_in:
        raise ConnectionRejected(f"{reason}; mend user, password or database of the connection") from None
    if number in BROKEN:
        _broken(progress, error)
    is_standby = number == 1290 and any(one in words for one in STANDBY)
    if number in PASSING or is_standby or not progress.is_in:
        raise Unavailable(f"{reason}; nothing was changed") from None
    raise Rejected(f"{reason}; {MENDS[number]}" if number in MENDS else reason) from None


def _other_protocol(progress: Progress, error: Exception) -> NoReturn:
    raise ConnectionRejected(
        f"{progress.where}: what answers there does not speak as MySQL does; mend host or port"
    ) from error


def _untrusted(progress: Progress, error: ssl.SSLError) -> NoReturn:
    if isinstance(error, ssl.SSLCertVerificationError):
        raise ConnectionRejected(
            f"{progress.where} cannot be trusted: {error.verify_message}; "
            "mend the host, tls or ca_certificate"
        ) from None
    reason = (error.reason or "TLS failed").lower().replace("_", " ")
    raise ConnectionRejected(
        f"{progress.where} does not agree on encryption ({reason}); set tls to none where it offers none "
        "and the network can be trusted"
    ) from None


def _broken(progress: Progress, error: Exception) -> NoReturn:
    if progress.changing:
        during = "during the commit" if progress.committing else "while a statement ran"
        raise OutcomeUnknown(f"{progress.where}: the connection broke {during}") from error
    raise Unavailable(f"{progress.where}: the connection broke; nothing was changed") from error
