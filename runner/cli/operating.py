"""`hookline operating`: the pages and files for those who operate a server, as this version has them."""

from __future__ import annotations

import click

from runner import operating as kept
from runner.cli.options import example, json_option
from runner.cli.showing import print_json
from runner.errors import NotFound
from runner.language.suggest import did_you_mean, one_of


@click.command(
    epilog=example(
        "hookline operating two-nodes",
        "hookline operating hookline.service > /etc/systemd/system/hookline.service",
    )
)
@click.argument("name", required=False)
@json_option
def operating(name: str | None, as_json: bool) -> None:
    """
    Print a page about operating a server, or a file for it.

    Without NAME, say which there are. The pages also stand in the reference of a running server.
    """
    if name is None and as_json:
        print_json({"pages": list(kept.PAGES), "files": kept.shipped()})
        return
    if name is None:
        click.echo("Pages: " + ", ".join(kept.PAGES))
        click.echo("Files: " + ", ".join(kept.shipped()))
        return
    known = [*kept.PAGES, *kept.shipped()]
    if name not in known:
        hint = did_you_mean(name, known) or one_of(known)
        raise NotFound(f'there is no page or file "{name}"; {hint}')
    if as_json:
        print_json({"name": name, "text": kept.text(name)})
        return
    click.echo(kept.text(name), nl=False)
