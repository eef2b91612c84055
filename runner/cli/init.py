"""`hookline init`: a new folder with a first workflow that needs no account."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.options import example, json_option
from runner.cli.showing import print_json
from runner.errors import SettingsError

ROOT = Path(__file__).parents[2]
STARTERS = (Path(__file__).parents[1] / "starters", ROOT / "workflows")  # installed; in a checkout
SETTINGS = Path(__file__).with_name("hookline.toml")
FIRST = ("hello.yaml", "hello.test.yaml", "fixtures/hello.json")


@click.command(epilog=example("hookline init automations"))
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@json_option
def init(folder: Path, as_json: bool) -> None:
    """
    Make a folder with a first workflow.

    Writes workflows/hello.yaml, its test, an event to try it with, and hookline.toml with every
    setting at its default. Nothing that exists is overwritten.
    """
    starters = starters_folder()
    texts = {f"workflows/{name}": (starters / name).read_bytes() for name in FIRST}
    texts["hookline.toml"] = SETTINGS.read_bytes()
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise SettingsError(
            f"{folder / there[0]} exists already and is not overwritten; "
            "name another folder: hookline init DIR"
        )
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text)
        files = [*texts, *_keep_out_of_git(folder)]
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written to: {error.strerror}") from error
    if as_json:
        print_json({"folder": str(folder.resolve()), "files": files})
        return
    go_there = "" if folder == Path() else f"  cd {folder}\n"
    click.echo(
        f"Made in {folder.resolve()}:\n"
        "  workflows/hello.yaml           a first workflow: it answers whoever calls it\n"
        "  workflows/hello.test.yaml      its test\n"
        "  workflows/fixtures/hello.json  an event to try it with\n"
        "  hookline.toml                  every setting, at its default\n"
        "Next:\n"
        f"{go_there}"
        "  hookline check\n"
        "  hookline test\n"
        "  hookline run hello --payload workflows/fixtures/hello.json\n"
        "  hookline serve"
    )


def starters_folder() -> Path:
    """Where the workflows are that come along."""
    return next(one for one in STARTERS if one.is_dir())


def _keep_out_of_git(folder: Path) -> list[str]:
    """Keep out the data folder, whose key makes all secrets readable; the files that were made for it."""
    path = folder / ".gitignore"
    if path.exists():
        return []
    path.write_text(".hookline/\n", encoding="utf-8")
    return [path.name]
