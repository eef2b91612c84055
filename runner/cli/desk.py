"""
`python -m runner.cli.desk`: the process that looks on while workflows are written, put together (see
runner/workbench/looking.py); started by trying.py only.

It opens no socket, whatever a connector tries: the interpreter refuses what would.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.shelf import Shelf
from runner.errors import LimitExceeded
from runner.evaluator.child import serve, within
from runner.evaluator.wire import unframed
from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from runner.language.command_checks import allowed_inputs
from runner.outbound.unsent import UnsentOutbound
from runner.workbench.looking import Looking
from runner.workbench.unsent import NotSent
from runner.workbench.wire import commands_of

if TYPE_CHECKING:
    from runner.connector import Action, Connection
    from runner.values import Json

REFUSED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind", "socket.getaddrinfo",
           "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")  # fmt: skip
"""Events of the interpreter's audit (PEP 578) that lead out of this process."""


def main() -> None:
    """Serve what is asked, each within the seconds of CPU time that it names."""
    sys.addaudithook(_refuse)
    shelves = _Shelves()
    looking = Looking(shelves.catalogue, shelves.action, shelves.connection_model, UnsentOutbound())

    def answered(body: bytes) -> dict[str, Json]:
        request = unframed(body)
        try:
            with within(request["seconds"]):
                shelves.go_to(Path(request["basis"]["path"]).parent)
                return {"value": looking.answer(request)}
        except LimitExceeded as error:
            return {"error": str(error), "kind": "limit"}

    serve(answered)


class _Shelves:
    """The connectors as they are where the workflow in hand stands: a server has one such folder."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._shelf = Shelf()

    def go_to(self, folder: Path) -> None:
        """Take up the connectors that stand as files in *folder*."""
        if folder != self._folder:
            self._folder, self._shelf = folder, Shelf(folder)
        else:
            self._shelf.refresh()

    def action(self, full_name: str) -> Action | None:
        """As `Shelf.action`."""
        return self._shelf.action(full_name)

    def connection_model(self, kind: str) -> type[Connection] | None:
        """As `Shelf.connection_model`."""
        return self._shelf.connection_model(kind)

    def catalogue(self, held: Json) -> Catalogue:
        """What the checker knows, with what the server holds."""
        kinds = {name: one["kind"] for name, one in held["connections"].items()}
        commands = commands_of(held["commands"])
        actions = self._shelf.catalogue_actions(allowed_inputs(commands))
        known = Catalogue(actions, kinds, frozenset(held["secrets"]), provider_infos(), commands=commands)
        return replace(known, workflows=held["workflows"])


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in REFUSED:  # as what would be sent otherwise: no connector takes it for an error of its own
        raise NotSent(None, "")


if __name__ == "__main__":
    main()
