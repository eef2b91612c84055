"""What a doctor looks at in the store from outside: whether it is there, whole, and of our time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.engine.findings import Finding, bytes_in_words, error, ok, warning
from runner.errors import StoreUnavailable
from runner.store.inspecting import Inspected, inspect

if TYPE_CHECKING:
    from pathlib import Path

    from runner.settings import Settings

LARGE_LOG_BYTES = 256 << 20  # four times what it keeps after a burst
UNUSED_SHARE = 0.3  # of the file; a twentieth is left on purpose
UNUSED_BYTES = 256 << 20
CONNECT_SECONDS = 5.0
SKEW_SECONDS = 5.0
OLDEST_POSTGRES = 14
RESTORE = "Stop the server and bring back a backup: hookline restore FILE"
VACUUM = "Stop the server, then: hookline vacuum"


def examine_file(path: Path, settings: Settings, *, seconds: float) -> tuple[Sequence[Finding], bool]:
    """
    The database at *path*, whose integrity is checked for *seconds* at most; and whether it can be opened as
    it is, without being brought up to date first.
    """
    if not path.exists():
        return [ok("Database", f"{path} is not there yet; hookline serve makes it.")], False
    try:
        found = inspect(path, seconds=seconds)
    except StoreUnavailable as problem:
        sentence = f"{problem}."
        return [error("Database", sentence, f"Let this user read and write it. {RESTORE}")], False
    findings = [_whole(path, found, seconds), _schema(found), _space(found, settings)]
    if found.journal != "wal":
        sentence = f"Its journal is {found.journal} in place of wal: pages and senders wait for each other."
        findings.append(warning("Journal", sentence, "Start the server once: it sets that right."))
    if found.log_bytes > LARGE_LOG_BYTES:
        sentence = f"Its log has {bytes_in_words(found.log_bytes)}: somebody has been reading for long."
        mend = "End what reads the database from outside, such as a backup that hangs."
        findings.append(warning("Log", sentence, mend))
    is_usable = found.schema >= found.known >= found.needs
    return findings, is_usable and not found.damage


def _whole(path: Path, found: Inspected, seconds: float) -> Finding:
    size = f"{path}, {bytes_in_words(found.file_bytes)}"
    if found.damage:
        return error("Database", f"{size}, is damaged: {found.damage}.", RESTORE)
    if not found.is_checked_whole:
        sentence = f"{size}; nothing wrong with what was looked at in {seconds:g} s."
        return ok("Database", f"{sentence} Look through all of it: hookline doctor --seconds 600")
    return ok("Database", f"{size}, is whole.")


def _schema(found: Inspected) -> Finding:
    if found.schema > found.known:
        sentence = f"It is at schema {found.schema}, and this Hookline knows {found.known}"
        if found.needs > found.known:
            return error("Schema", f"{sentence}.", "Use the newer Hookline that wrote it.")
        mend = "Upgrade this Hookline too, when the newer one stays."
        return warning("Schema", f"{sentence}, which can still use it.", mend)
    if found.schema < found.known:
        sentence = f"It is at schema {found.schema} of {found.known}; what is in it was not looked at."
        return warning("Schema", sentence, "Make a backup, then start the server: it brings it up to date.")
    return ok("Schema", f"{found.schema}, as this Hookline writes it.")


def _space(found: Inspected, settings: Settings) -> Finding:
    used, unused = found.file_bytes - found.unused_bytes, found.unused_bytes
    said = f"{bytes_in_words(used)} are used and {bytes_in_words(unused)} free in its file"
    if not found.shrinks:
        return warning("Space", f"{said}, which never shrinks: it was made without auto_vacuum.", VACUUM)
    if settings.retention.max_bytes and used > settings.retention.max_bytes:
        sentence = f"{said}; max_bytes is {bytes_in_words(settings.retention.max_bytes)}."
        mend = "Let the server run: the oldest that have ended go; what has not ended stays until it has."
        return warning("Space", sentence, mend)
    if unused > max(UNUSED_BYTES, UNUSED_SHARE * found.file_bytes):
        sentence = f"{said}; a running server gives it back to the disk little by little."
        return warning("Space", sentence, f"Wait, or: {VACUUM[0].lower()}{VACUUM[1:]}")
    return ok("Space", f"{said}.")


async def examine_postgres(url: str) -> Sequence[Finding]:
    """The server of a PostgreSQL store: whether it answers, its version, its clock."""
    import asyncpg

    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        why = str(problem) or type(problem).__name__
        mend = "Start PostgreSQL, or set [store] url in hookline.toml right."
        return [error("PostgreSQL", f"It cannot be reached: {why}.", mend)]
    try:
        began = time.time()
        moment = (
            await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        ) - time.time()
        took = time.time() - began
        version = connection.get_server_version()
        synchronous = await connection.fetchval("SHOW synchronous_commit")
    finally:
        await connection.close()
    findings = [ok("PostgreSQL", f"Version {version.major}.{version.minor} answers in {took * 1000:.0f} ms.")]
    if version.major < OLDEST_POSTGRES:
        sentence = f"Version {version.major} is too old."
        findings = [error("PostgreSQL", sentence, f"Use PostgreSQL {OLDEST_POSTGRES} or newer.")]
    if abs(moment) > SKEW_SECONDS:
        sentence = (
            f"Its clock is {abs(moment):.0f} s {'ahead of' if moment > 0 else 'behind'} this machine's."
        )
        findings.append(warning("PostgreSQL's clock", sentence, "Let a time service keep both right."))
    if synchronous == "off":
        sentence = "synchronous_commit is off: what was accepted can be lost when its machine stops."
        findings.append(error("PostgreSQL's commits", sentence, "Set synchronous_commit = on."))
    return findings
