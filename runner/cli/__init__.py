"""
The command line, and the composition root: the only room that puts a store, a queue, connectors
and the web together. One module a group of commands; each imports what it needs when it runs, so
that `hookline --help` is quick.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from runner import __version__
from runner.cli.actions import actions, schema
from runner.cli.backtest import backtest
from runner.cli.backup import backup
from runner.cli.check import check
from runner.cli.connections import connections
from runner.cli.connector import connector
from runner.cli.doctor import doctor
from runner.cli.events import events
from runner.cli.functions import functions
from runner.cli.importing import import_
from runner.cli.init import init
from runner.cli.login import login, logout
from runner.cli.operating import operating
from runner.cli.options import example
from runner.cli.pause import pause, resume
from runner.cli.problems import problems
from runner.cli.rename import rename
from runner.cli.replays import replays
from runner.cli.restore import restore
from runner.cli.run import run
from runner.cli.runs import runs
from runner.cli.schedules import schedules
from runner.cli.secrets import secrets
from runner.cli.serve import serve
from runner.cli.showing import is_plain_wanted, printable
from runner.cli.state import state
from runner.cli.store import store
from runner.cli.testing import test
from runner.cli.url import url
from runner.cli.user import user
from runner.cli.vacuum import vacuum
from runner.cli.verify import verify
from runner.cli.worker import worker
from runner.errors import HooklineError, NotFound, SettingsError

WRONG_USAGE = 2
FAILED = 1


class Refused(click.ClickException):
    """An error of ours: its sentence on stderr, no traceback."""

    def __init__(self, error: HooklineError) -> None:
        super().__init__(str(error))
        self.is_usage = isinstance(error, SettingsError | NotFound)

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # a variable there
        """2 where what was asked for is wrong, 1 where it did not succeed."""
        return WRONG_USAGE if self.is_usage else FAILED

    def show(self, file: Any = None) -> None:
        """Print the sentence, or one line for each of several."""
        for line in self.message.splitlines() or [self.message]:
            click.echo(f"hookline: {printable(line)}", file=file or sys.stderr)


class Commands(click.Group):
    """A group whose commands may raise our errors."""

    def invoke(self, ctx: click.Context) -> Any:
        """As `click.Group.invoke`."""
        try:
            return super().invoke(ctx)
        except HooklineError as error:
            raise Refused(error) from error


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example("hookline init automations", "cd automations", "hookline serve"),
)
@click.version_option(__version__, prog_name="hookline", message="%(prog)s %(version)s")
@click.pass_context
def hookline(context: click.Context) -> None:
    """Self-hosted automation: a webhook in, a workflow in plain YAML, actions out, nothing lost."""
    if is_plain_wanted():
        context.color = False


for command in (
    init,
    import_,
    serve,
    check,
    verify,
    run,
    test,
    backtest,
    url,
    events,
    runs,
    problems,
    rename,
    replays,
    schedules,
    secrets,
    connections,
    connector,
    actions,
    functions,
    operating,
    schema,
    state,
    user,
    worker,
    doctor,
    vacuum,
    store,
    backup,
    restore,
    login,
    logout,
):
    hookline.add_command(command)
hookline.add_command(pause)
hookline.add_command(resume)


def main() -> None:
    """The entry point of the process."""
    # a command says what it has to say itself; `serve` sets up its own log
    logging.basicConfig(level=logging.CRITICAL)
    hookline(prog_name="hookline")
