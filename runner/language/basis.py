"""
What a workflow's file is read with beside its own text: the defaults of its folder, and the vars that
this server sets. A version carries what it took of them, so that a run which goes on later computes
with what it began with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.values import dumps

if TYPE_CHECKING:
    from runner.language.nodes import Node
    from runner.language.scalars import ScalarReader
    from runner.values import Json

DEFAULTS_FILE = "_defaults.yaml"


@dataclass(frozen=True, slots=True)
class Basis:
    """
    `defaults` is the text of the folder's `_defaults.yaml`, empty where there is none, and `path` that
    file's name as faults show it. `overrides` has vars by name as this server's configuration sets
    them; those that the file does not declare are passed over.
    """

    defaults: str = ""
    overrides: Mapping[str, Json] = field(default_factory=dict)
    path: str = DEFAULTS_FILE

    def digest(self, text: str) -> str:
        """SHA-256 (hex) of a file's *text* with all that it is read with: that of a version."""
        parts = [text]
        if self.defaults or self.overrides:
            parts += [self.defaults, dumps(dict(sorted(self.overrides.items())))]
        return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


NO_BASIS = Basis()


def check_overrides(reader: ScalarReader, root: Node, overrides: Mapping[str, Json]) -> None:
    """A var that this server gives another kind of value than the file *root* does is a warning."""
    declared = root.value.get("vars") if isinstance(root.value, dict) else None
    if declared is None or not isinstance(declared.value, dict):
        return
    for name in overrides.keys() & declared.value.keys():
        node, value = declared.value[name], overrides[name]
        ours, theirs = _kind(value), _kind(node.plain())
        if ours != theirs and node.value is not None:
            reader.fault(
                node.place,
                f"vars.{name}",
                "override",
                f"this server's configuration gives `vars.{name}` {ours}, and the file {theirs}",
                f"write {theirs} in the configuration",
                severity="warning",
            )


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "null"
