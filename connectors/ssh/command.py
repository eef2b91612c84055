"""
Commands, on this host or over SSH: only those that `[commands]` of hookline.toml allows, by their names,
with arguments that fit the patterns given there (`runner/settings_commands.py` has all of it).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import NoReturn

from pydantic import Field

from connectors.ssh.access import SHARE, SshConnection, over
from connectors.ssh.finished import Finished
from connectors.ssh.here import run_here
from connectors.ssh.there import run_there
from runner.connector import (
    AfterCrash,
    Call,
    Command,
    Connector,
    Input,
    OutcomeUnknown,
    Output,
    Rejected,
    TimedOut,
    Unavailable,
    in_brief,
)

command = Connector(
    "command", title="Command", summary="Commands that this server allows by name, here or over SSH."
)
command.connection("ssh")(SshConnection)

TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h: "the user is invited to retry"
SAID = 400


class Run(Input):
    """The inputs of `command.run`."""

    name: str = Field(description="The command, by its name under [commands] in the server's hookline.toml.")
    arguments: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="Its arguments, by name. Each is one argument of the program, never more, and has to fit "
        "its pattern.",
    )
    repeatable: bool = Field(
        False,
        description="Whether running it twice is the same as once: then it is repeated after a crash, where "
        "else a person is asked.",
    )


class Ran(Output):
    """How it ended."""

    exit_status: int = Field(description="Its exit status, one of those that count as good.")
    stdout: str = Field(description="What it wrote, or the end of that.")
    stderr: str = Field(description="What it wrote as errors, or the end of that.")
    cut: bool = Field(description="Whether it wrote more than is kept.")
    seconds: float = Field(description="How long it took.")


def _run_rule(given: Run) -> AfterCrash:
    return "repeat" if given.repeatable else "stop"


@command.action(
    after_crash=_run_rule,
    example="""\
action: command.run
connection: web-1
with:
  name: deploy
  arguments: {branch: "{{ payload.branch }}"}
timeout: 10m
""",
)
async def run(call: Call, connection: SshConnection | None, input: Run) -> Ran:  # noqa: A002 - the contract of an action
    """
    Run a command that the server's configuration allows, on its own host, or over the connection.

    Another exit status than a good one fails the step, with the end of what the command said; 75 (a
    temporary failure) is tried again. Past its time, or when the run is cancelled, it is ended with all
    that it started. A step has 30 s unless its `timeout` says more.
    """
    allowed = call.command(input.name)
    try:
        words = allowed.words({name: _text(value) for name, value in input.arguments.items()})
    except ValueError as error:
        raise Rejected(f"the command {allowed.name}: {error}") from None
    began = time.monotonic()
    if connection is None:
        seconds = min(allowed.timeout_seconds, call.timeout_seconds * SHARE)
        how = "and was ended"
        finished = await _in_time(run_here(allowed, words), allowed, seconds, how)
    else:
        # the share of `over` is for a server that does not answer at all
        seconds = min(allowed.timeout_seconds, call.timeout_seconds * SHARE * SHARE)
        how = "and its host was asked to end it, which not every server does (OpenSSH does not for root)"
        finished = await over(
            call,
            connection,
            lambda there, progress: _in_time(
                run_there(there, progress, allowed, words), allowed, seconds, how
            ),
        )
    if finished.status is None or finished.status not in allowed.success:
        _fail(allowed, finished)
    return Ran(
        exit_status=finished.status,
        stdout=finished.stdout.text(),
        stderr=finished.stderr.text(),
        cut=finished.stdout.is_cut or finished.stderr.is_cut,
        seconds=round(time.monotonic() - began, 3),
    )


async def _in_time(running: Awaitable[Finished], allowed: Command, seconds: float, how: str) -> Finished:
    try:
        async with asyncio.timeout(seconds):
            return await running
    except TimeoutError:
        raise TimedOut(
            f"the command {allowed.name} took longer than {seconds:.3g} s {how}; its `timeout` in "
            "hookline.toml and that of the step bound it"
        ) from None


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _fail(allowed: Command, finished: Finished) -> NoReturn:
    """Raise what another end than a good one means."""
    words = finished.stderr.text().strip() or finished.stdout.text().strip()
    line = in_brief(words, len(words))
    end = line if len(line) <= SAID else f"…{line[1 - SAID :]}"  # the reason stands at the end
    said = f": {end}" if end else ""
    if finished.status is None:
        raise OutcomeUnknown(f"the command {allowed.name} was ended by {finished.signal or 'a signal'}{said}")
    sentence = f"the command {allowed.name} ended with {finished.status}{said}"
    if finished.status == TEMPORARY:
        raise Unavailable(sentence)
    raise Rejected(sentence)
