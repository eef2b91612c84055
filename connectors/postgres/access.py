"""
A connection to a PostgreSQL: one for each call, over a guarded socket, with every statement in a
transaction, so that whatever fails before the commit is known to have done nothing.

Sources: PostgreSQL's manual, appendix A (SQLSTATE) and 55.2 (message flow); asyncpg's API reference.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, NoReturn

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

SERVER_SHARE = 0.9  # of the time: the server gives up first, and then says that nothing happened
MENDS = {
    "25001": "it cannot run in a transaction, and every statement does",
    "25006": "postgres.query only reads; use postgres.execute, and a server that is no standby",
    "42601": "one statement at a time is taken; values go into params",
    "42P10": "`keys` must be exactly the columns of a unique constraint",
    "42P18": "say its type in the SQL: $1::text",
}


class PostgresConnection(DatabaseConnection):
    """A user of a database."""

    title: ClassVar[str] = "PostgreSQL"
    steps: ClassVar[tuple[str, ...]] = (
        "Make a user for this server: CREATE USER hookline PASSWORD '…'.",
        (
            "Give it the rights that the steps need, no more: GRANT SELECT, INSERT, UPDATE ON orders TO "
            "hookline."
        ),
        (
            "A database in a private network: whoever runs this server allows its address under [network] in "
            "hookline.toml."
        ),
    )

    port: int = Field(5432, gt=0, lt=65536, description="The port.")

    async def test(self, call: Call) -> str:
        """Sign in and ask who we are."""
        async with session(call, self, readonly=True) as database:
            who = await database.fetchval("SELECT current_user::text")
            version = database.get_server_version()
        return f"{self.where} (PostgreSQL {version.major}.{version.minor}) lets {who} in"


@dataclass(slots=True)
class Progress:
    """How far a transaction got, for the meaning of an error."""

    where: str
    committing: bool = False


@asynccontextmanager
async def session(call: Call, connection: PostgresConnection, *, readonly: bool) -> AsyncIterator[Any]:
    """
    An asyncpg connection within a transaction, which is committed at the end.

    Raises:
        ActionError: what went wrong, and whether it may have happened.
    """
    asyncpg = driver()
    progress = Progress(connection.where)
    async with errors(asyncpg, progress, call.timeout_seconds):
        database = await asyncpg.connect(
            host=connection.host,
            port=connection.port,
            database=connection.database,
            user=connection.user,
            # everything is given: nothing is taken from the environment or the home of the server's account
            password=connection.password.get_secret_value(),
            ssl=tls_context(connection.tls, connection.ca_certificate) or False,
            direct_tls=False,
            target_session_attrs="any",
            timeout=call.timeout_seconds,
            loop=GuardedLoop(call.connect),
            statement_cache_size=0,  # poolers such as PgBouncer keep none
            server_settings={"application_name": "hookline"},
        )
        try:
            transaction = database.transaction(readonly=readonly)
            await transaction.start()
            milliseconds = max(1, int(call.timeout_seconds * 1000 * SERVER_SHARE))
            await database.execute(f"SET LOCAL statement_timeout = {milliseconds}")
            yield database
            progress.committing = not readonly
            await transaction.commit()
            progress.committing = False
        finally:
            database.terminate()  # the server takes back what was not committed


def driver() -> Any:
    """asyncpg, imported when it is first used. Raises Rejected: it is not installed."""
    try:
        return import_module("asyncpg")
    except ImportError:
        raise Rejected(
            "this server has no driver for PostgreSQL: pip install 'hookline[postgres]', then start it again"
        ) from None


@asynccontextmanager
async def errors(asyncpg: Any, progress: Progress, seconds: float) -> AsyncIterator[None]:
    """Tell apart what happened, what may have, and what did not."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:  # before OSError, which it is
        if progress.committing:
            raise TimedOut(f"{progress.where} did not answer a commit in time") from None
        raise Unavailable(
            f"{progress.where} did not answer within {seconds:g} s; nothing was changed"
        ) from None
    except asyncpg.PostgresError as error:
        _said(progress, error)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or (error.reason or "TLS failed").lower()
        raise ConnectionRejected(
            f"{progress.where} cannot be trusted: {reason}; mend the host, tls or ca_certificate"
        ) from None
    except OSError as error:
        if "rejected SSL upgrade" in str(error):
            raise ConnectionRejected(
                f"{progress.where} offers no encryption; set tls to none where the network can be trusted"
            ) from None
        _broken(progress, error)
    except asyncpg.InterfaceError as error:
        if progress.committing or "closed" in str(error):
            _broken(progress, error)
        raise Rejected(f"a value does not fit: {in_brief(str(error))}") from None


def _said(progress: Progress, error: Any) -> NoReturn:
    """Judge an error of the server by its SQLSTATE."""
    state = error.sqlstate or ""
    if state[:2] == "08" or state in {"40003", "57P01", "57P02"}:
        _broken(progress, error)
    said = f"{progress.where} said: {_reason(error)} ({state})"
    if state[:2] == "28" or state == "3D000":
        raise ConnectionRejected(f"{said}; mend user, password or database of the connection") from None
    if state == "57014":
        raise Unavailable(f"{said}; nothing was changed") from None
    # rolled back for a reason that passes: a deadlock, no memory, no place, a start
    if state[:2] in {"40", "53", "57", "58"} or state == "55P03":
        raise Unavailable(said) from None
    raise Rejected(f"{said}; {MENDS[state]}" if state in MENDS else said) from None


def _broken(progress: Progress, error: Exception) -> NoReturn:
    if progress.committing:
        raise OutcomeUnknown(f"{progress.where}: the connection broke during the commit") from error
    raise Unavailable(f"{progress.where}: the connection broke; nothing was changed") from error


def _reason(error: Any) -> str:
    said = str(error.args[0]) if error.args else type(error).__name__
    parts = [said, *(text for text in (error.detail, error.hint) if text)]
    if error.position:
        parts.append(f"at character {error.position} of the SQL")
    return in_brief("; ".join(parts), 500)
