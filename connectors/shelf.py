"""
The connectors of one place: those of this installation, and those that stand as files beside its
workflows (`runner.openapi`).

A file that changes is taken up by the next `refresh`; what is asked for meanwhile comes from before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType

import connectors
from connectors import Allowed
from runner.connector import Action, ActionInfo, Chooser, Connection, Json
from runner.openapi import FileConnector, connector_files

NOTHING_SAID: Allowed = MappingProxyType({})
PREPARED = 20  # actions described in one go: some tenth of a second beside other work


class Shelf:
    """*folders* are those of workflows; the connectors' files stand in `connectors/` of each."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._files: dict[str, FileConnector] = {}
        self._stamps: dict[Path, tuple[int, ...]] = {}
        self._described: dict[str, list[Json]] = {}
        self._preparing: dict[str, tuple[Iterator[Action], list[Json]]] = {}
        self.refresh()

    def refresh(self) -> list[str]:
        """Take notice of files that are new, changed or gone; the names of their connectors."""
        builtin = set(connectors.names())
        found: dict[str, tuple[Path, tuple[int, ...]]] = {}
        for path in [one for folder in self._folders for one in connector_files(folder)]:
            if path.stem not in builtin and (stamp := _stamp(path)) is not None:
                found.setdefault(path.stem, (path, stamp))
        changed = [name for name, (path, stamp) in found.items() if self._stamps.get(path) != stamp]
        gone = [name for name in self._files if name not in found]
        # a dictionary of its own: this may run in a thread while others look things up
        files = {name: one for name, one in self._files.items() if name in found}
        for name in changed:
            files[name] = FileConnector(found[name][0], files.get(name))
        self._files = files
        for name in (*changed, *gone):
            self._described.pop(name, None)
            self._preparing.pop(name, None)
        self._stamps = dict(found.values())
        return [*changed, *gone]

    def keep_up(self) -> None:
        """`refresh`, and some of what `prepare` does: for a server, every second."""
        self.refresh()
        self.prepare()

    def files(self) -> Mapping[str, FileConnector]:
        """Those that stand as files, by name."""
        return dict(self._files)

    def names(self) -> list[str]:
        """The names of all, sorted."""
        return sorted({*connectors.names(), *self._files})

    def action(self, full_name: str) -> Action | None:
        """Find an action by `connector.action`, or None."""
        name, _, verb = full_name.partition(".")
        found = self._file(name)
        return connectors.action(full_name) if found is None else found.action(verb)

    def info(self, full_name: str) -> ActionInfo | None:
        """What the checker knows of an action that stands in a file, or None."""
        name, _, verb = full_name.partition(".")
        found = self._file(name)
        return None if found is None else found.info(verb)

    def chooser(self, full_name: str, name: str) -> Chooser | None:
        """Find what lists the values of the input *name* of an action, or None."""
        return None if full_name.partition(".")[0] in self._files else connectors.chooser(full_name, name)

    def connection_model(self, kind: str) -> type[Connection] | None:
        """Find the model of a connection kind, or None."""
        for name, file in self._files.items():
            if (kind == name or kind.startswith(f"{name}_")) and kind in file.connections:
                return file.connections[kind]
        return connectors.connection_model(kind)

    def catalogue_actions(self, allowed: Allowed = NOTHING_SAID) -> Mapping[str, ActionInfo]:
        """All actions for the checker. Looking one up reads that one alone."""
        builtin = connectors.catalogue_actions(allowed)
        return _Actions(self, builtin) if self._files else builtin

    def described(self, name: str | None = None, *, allowed: Allowed = NOTHING_SAID) -> list[Json]:
        """
        As `connectors.described`.

        Raises:
            LookupError: there is no connector of that name.
        """
        if name is None:
            return [row for one in self.names() for row in self.described(one, allowed=allowed)]
        found = self._file(name)
        if found is None:
            if name not in connectors.names():
                raise LookupError(f'no connector "{name}"; there are {", ".join(self.names())}')
            return connectors.described(name, allowed=allowed)
        if name not in self._described:
            self._described[name] = [connectors.described_action(name, one) for one in found.all()]
        return self._described[name]

    def prepare(self, most: int = PREPARED) -> None:
        """
        Describe the next *most* actions of files, so that whoever asks for them need not wait: for
        hundreds of them that takes seconds. May be called from a thread.
        """
        name = next((one for one in self._files if one not in self._described), None)
        if name is None:
            return
        found = self._file(name)
        if found is None:
            return
        coming, rows = self._preparing.setdefault(name, (found.all(), []))
        new = [connectors.described_action(name, one) for one in islice(coming, most)]
        rows += new
        if len(new) < most and self._preparing.pop(name, None) is not None:
            self._described.setdefault(name, rows)

    def described_kinds(self) -> list[Json]:
        """As `connectors.described_kinds`."""
        own = [
            connectors.described_kind(kind, name, model, str(file.file.head.get("title") or name))
            for name, file in self._files.items()
            for kind, model in file.connections.items()
        ]
        return sorted([*connectors.described_kinds(), *own], key=itemgetter("kind"))

    def described_mends(self, name: str) -> list[Json]:
        """As `connectors.described_mends`; nothing of what stands in a file or is not there."""
        return connectors.described_mends(name) if name in connectors.names() else []

    def hidden(self) -> list[Path]:
        """Files whose names this installation's own connectors have, and which are not read therefore."""
        builtin = set(connectors.names())
        found = [one for folder in self._folders for one in connector_files(folder)]
        return [one for one in found if one.stem in builtin]

    def _file(self, name: str) -> FileConnector | None:
        found = self._files.get(name)
        if found is not None and not found.connections:
            connectors.connector("http")  # whose kinds of connections are taken
        return found


class _Actions(Mapping[str, ActionInfo]):
    def __init__(self, shelf: Shelf, builtin: Mapping[str, ActionInfo]) -> None:
        self._shelf = shelf
        self._builtin = builtin

    def __getitem__(self, full_name: str) -> ActionInfo:
        found = self._shelf.info(full_name)
        return self._builtin[full_name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        yield from self._builtin
        for name, file in self._shelf.files().items():
            yield from (f"{name}.{verb}" for verb in file.verbs())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
