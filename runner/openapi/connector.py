"""A connector that stands as a file: read when it is first needed, each action when it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from runner.connector import Action, ActionInfo, Connection
from runner.openapi.acting import FileAction
from runner.openapi.connections import connection_models
from runner.openapi.files import ConnectorFile, FileFaulty, fault_in

log = logging.getLogger(__name__)


class FileConnector:
    """
    The connector in the file at *path*. Where the file, or one action of it, is faulty, *before*, which is
    the same file as it was, goes on.
    """

    def __init__(self, path: Path, before: FileConnector | None = None) -> None:
        self.path = path
        self.name = path.stem
        self._before = before
        self._actions: dict[str, Action | None] = {}
        self._infos: dict[str, ActionInfo] = {}
        self._text: str | None = None  # None: it cannot be read, and `_why` says why
        self._why = ""
        try:
            self._text = path.read_bytes().decode()  # now: it may change before it is looked into
        except (OSError, UnicodeDecodeError) as error:
            self._why = f"cannot be read: {error}"
        if before is not None:
            before._before = None  # noqa: SLF001 - one of ours: one step back is enough

    @cached_property
    def file(self) -> ConnectorFile:
        """The file as it is, be it faulty."""
        file = ConnectorFile(self.path, self._text or "")
        if self._text is None:
            file.faults = [fault_in(self.path, 1, 1, "", self._why)]
        self._text = ""  # its pieces are kept
        for fault in file.faults[:3]:
            log.warning("%s", fault, extra={"action": "connector_faults", "connector": self.name})
        return file

    @cached_property
    def connections(self) -> Mapping[str, type[Connection]]:
        """Models by kind; none where its actions take those of any service."""
        if self.file.faults:
            return self._before.connections if self._before else {}
        hosts = [host for one in self._own_addresses() if (host := urlsplit(one).hostname)]
        return connection_models(self.file.head, list(dict.fromkeys(hosts)))

    def verbs(self) -> list[str]:
        """The names of its actions."""
        if self.file.faults:
            return self._before.verbs() if self._before else []
        return list(self.file.actions)

    def action(self, verb: str) -> Action | None:
        """The action *verb*; None: there is none, or none that can be used."""
        if verb not in self._actions:
            self._actions[verb] = self._made(verb)
        return self._actions[verb]

    def info(self, verb: str) -> ActionInfo | None:
        """What the checker knows of it."""
        if verb not in self._infos:
            found = self.action(verb)
            if found is None:
                return None
            self._infos[verb] = found.info()
        return self._infos[verb]

    def all(self) -> Iterator[Action]:
        """All actions that can be used; those that were not asked for by name are not kept."""
        for verb in self.verbs():
            made = self._actions[verb] if verb in self._actions else self._made(verb)
            if made is not None:
                yield made

    def _made(self, verb: str) -> Action | None:
        file = self.file
        if not file.faults:
            if verb not in file.actions:
                return None
            try:
                return FileAction(file, verb, file.entry(verb), self.connections).action()
            except FileFaulty as faulty:
                log.warning("%s", faulty, extra={"action": "connector_faults", "connector": self.name})
        return self._before._made(verb) if self._before is not None else None  # noqa: SLF001 - one of ours

    def _own_addresses(self) -> Iterator[str]:
        """The addresses of single actions, found without reading each."""
        for piece in self.file.actions.values():
            for line in piece.text.splitlines():
                if line.startswith("    url: "):
                    yield line.removeprefix("    url: ").strip("'\" ")
