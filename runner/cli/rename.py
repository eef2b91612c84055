"""`hookline rename`: another name for a workflow, which keeps its address, history and state."""

from __future__ import annotations

import re
from pathlib import Path

import click

from runner.cli.options import FOLDER, ask_server, asynchronous, example, json_option, server_option
from runner.cli.showing import note, print_json
from runner.errors import HooklineError, SettingsError

SUFFIXES = (".yaml", ".test.yaml")


@click.command(epilog=example("hookline rename order-alerts big-orders"))
@click.argument("old")
@click.argument("new")
@click.option(
    "--workflows",
    type=FOLDER,
    default=Path("workflows"),
    show_default=True,
    help="The folder of the workflow files.",
)
@server_option
@json_option
@asynchronous
async def rename(workflows: Path, server: str | None, old: str, new: str, as_json: bool) -> None:
    """
    Rename a workflow: its files, with `formerly` in them.

    The server takes notice within a second, or when it starts: address, history and state of OLD are
    NEW's from then on.
    """
    if server is None:
        files = [str(workflows / one) for one in _renamed(workflows, old, new)]
    else:
        done = await ask_server(server, lambda api: api.post("workflows", old, "rename", to=new))
        files = done["files"]
    if as_json:
        print_json({"old": old, "new": new, "files": files})
    else:
        note(f"{old} is {new} now{': ' if files else ''}{', '.join(files)}")
        note("Its address stays; a running server takes notice within a second.")


def _renamed(workflows: Path, old: str, new: str) -> list[str]:
    """The names of the files that are *new*'s now. Raises HooklineError."""
    from runner.engine.filing import rename_files
    from runner.language.formerly import with_formerly

    source = workflows / f"{old}.yaml"
    _check(workflows, old, new)
    text = _read(source)
    try:
        written = with_formerly(text, old, new)
    except ValueError as error:
        raise HooklineError(f"{source}: {error}") from None
    return rename_files(workflows, old, new, written)


def _check(workflows: Path, old: str, new: str) -> None:
    """
    Whether *old* can be called *new*.

    Raises:
        SettingsError: it cannot.
    """
    from runner.engine.library import workflow_files
    from runner.language.keys import SLUG_PATTERN
    from runner.language.suggest import did_you_mean, one_of

    if not (workflows / f"{old}.yaml").exists():
        known = [path.stem for path in workflow_files(workflows)]
        hint = did_you_mean(old, known) or (one_of(known) if known else "it has no workflow files")
        raise SettingsError(f'there is no workflow "{old}" in {workflows}; {hint}')
    if not re.fullmatch(SLUG_PATTERN, new):
        raise SettingsError(f'"{new}" cannot be the id of a workflow: it has a-z, 0-9 and -, and at most 63')
    for suffix in SUFFIXES:
        if (workflows / (new + suffix)).exists():
            raise SettingsError(f"{workflows / (new + suffix)} exists already; choose another name")


def _read(path: Path) -> str:
    from runner.engine.library import text_of

    text = text_of(path)
    if not isinstance(text, str):
        raise HooklineError(str(text))
    return text
