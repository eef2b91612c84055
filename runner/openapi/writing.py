"""The text of a connector's file: YAML in blocks, each action and schema a piece of lines of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from runner.language.nodes import scalar
from runner.language.source import UNPRINTABLE
from runner.values import Json

WIDTH = 110
DUMPER: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
HEAD = """\
# A connector, made by `hookline connector from-openapi`. `hookline check` reads it, and it may be edited:
# an action's name, what its call repeats after a crash, which inputs it has. Indentation stays as it is.
"""


class _Dumper(DUMPER):  # type: ignore[misc]  # the base is one of two
    """Texts that YAML 1.2 would take for something else stand in quotes, and nothing is an alias."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write what stands in two places twice."""
        return True


def _text(dumper: Any, value: str) -> yaml.Node:
    style = None
    if UNPRINTABLE.search(value):
        style = '"'
    else:
        try:
            style = None if isinstance(scalar(value), str) else "'"
        except ValueError:
            style = "'"
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)
    return node


_Dumper.add_representer(str, _text)


def written(head: Mapping[str, Json], actions: Mapping[str, Json], schemas: Mapping[str, Json]) -> str:
    """The file. Every entry of `actions` and `schemas` begins two spaces in, and all of it stands deeper."""
    parts = [HEAD, _dumped(dict(head)), "\n", _dumped({"actions": dict(actions)})]
    if schemas:
        parts += ["\n", _dumped({"schemas": dict(schemas)})]
    return "".join(parts)


def _dumped(value: Json) -> str:
    return str(
        yaml.dump(
            value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=None
        )
    )
