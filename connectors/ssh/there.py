"""
A command on a host that SSH reaches. The server hands one text to its user's shell (RFC 4254, 6.5), so
each word is quoted such that sh, bash, zsh, ksh, csh and fish read the same one word.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from connectors.ssh.access import Progress
from connectors.ssh.finished import Finished, Tail
from runner.connector import Command, OutcomeUnknown, Rejected

PIECE = 64 * 1024
PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*")
UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f\\]")  # a line break ends csh's quotes, a backslash works in fish's


async def run_there(there: Any, progress: Progress, command: Command, words: Sequence[str]) -> Finished:
    """
    Run *words* over asyncssh's connection *there*.

    Raises:
        Rejected: they cannot be quoted, or its shell is none that we can quote for.
        OutcomeUnknown: the connection ended before the command did.
    """
    if "windows" in str(there.get_extra_info("server_version")).lower():
        raise Rejected(f"{progress.where} runs Windows, whose shells read quotes otherwise; nothing was sent")
    line = quoted(words, command)
    out, err = Tail(command.output_bytes), Tail(command.output_bytes)
    progress.acting = True
    process = await there.create_process(line, stdin=asyncio.subprocess.DEVNULL, encoding=None)
    try:
        async with asyncio.TaskGroup() as group:
            for stream, tail in ((process.stdout, out), (process.stderr, err)):
                group.create_task(_read(stream, tail))
        await process.wait_closed()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        if process.exit_status is None and process.exit_signal is None:
            with suppress(OSError):
                process.send_signal("TERM")  # which not every server passes on
        process.close()
    if process.exit_signal is not None:
        return Finished(None, str(process.exit_signal[0]), out, err)
    if process.exit_status is None or process.exit_status < 0:
        raise OutcomeUnknown(f"{progress.where}: the connection ended before the command {command.name} did")
    return Finished(process.exit_status, None, out, err)


async def _read(stream: Any, tail: Tail) -> None:
    while data := await stream.read(PIECE):
        tail.add(data)


def quoted(words: Sequence[str], command: Command) -> str:
    """The line for the shell. Raises Rejected: a word has what shells read differently."""
    settings = [f"{name}={text}" for name, text in command.environment.items()]
    line = ["env", *settings, *words] if settings else [*words]
    if any(UNQUOTABLE.search(word) for word in line):
        raise Rejected(
            f"the command {command.name}: over SSH an argument holds no line break, no other control "
            "character and no backslash, which shells read in different ways"
        )
    return " ".join(map(_quoted, line))


def _quoted(word: str) -> str:
    if PLAIN.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"
