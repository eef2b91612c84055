"""
Where an action's address gets its host from: a sender must not choose where our requests go, least of all
those that carry credentials (server-side request forgery).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.language.visibility import offset_in, place_in

if TYPE_CHECKING:
    from runner.language.catalogue import ActionInfo
    from runner.language.nodes import Node
    from runner.language.reading import Reader
    from runner.language.templates import TemplateShape

OPT_IN = "allow_any_host"
TAGS = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
OURS = frozenset({"vars", "secrets"})  # written by whoever writes workflows, or holds the server
FROM_VARS = re.compile(r"vars(\.\w+|\[(\*|\d*)\])+")
SCHEMES = ("https://", "http://")
END_OF_HOST = re.compile(r"[/?#\\]")


def is_of_vars(expression: str) -> bool:
    """Whether all that a JMESPath gives stands in `vars`: a path such as `vars.shops[].hosts`."""
    return FROM_VARS.fullmatch(expression.strip()) is not None


def check_hosts(
    reader: Reader,
    node: Node,
    info: ActionInfo,
    shape: TemplateShape | None,
    where: str,
    *,
    own_items: frozenset[str] = frozenset(),
) -> None:
    """
    Judge the addresses among the inputs of the action's step *node*: a host that comes with the data is a
    fault where the step has a connection or secrets, and a warning where not, unless `allow_any_host`
    says that it is meant. *own_items* are the names of loops' items that stand in `vars`.
    """
    assert isinstance(node.value, dict)
    inputs = node.value.get("with")
    if shape is None or inputs is None or not isinstance(inputs.value, dict):
        return
    if reader.view.only is not None:  # before there is a run there are no data, which is said elsewhere
        return
    opted = inputs.value.get(OPT_IN)
    if opted is not None and opted.value is True:
        return
    has_credentials = "connection" in node.value or bool(shape.secret_names)
    for name in sorted(info.addresses & inputs.value.keys()):
        given = inputs.value[name]
        if not isinstance(given.value, str):
            continue
        end = host_end(given.value)
        for one in shape.references:
            is_here = one.path == (name,) and one.kind == "root" and one.name not in OURS | own_items
            if is_here and offset_in(given.value, one.line, one.column) < end:
                reader.fault(
                    place_in(given, one.line, one.column),
                    f"{where}.with.{name}",
                    "host-from-data",
                    f"`{one.name}` decides to which host this goes"
                    + (", with credentials" if has_credentials else ""),
                    "write the host out, or take it from `vars`" + _way_out(info),
                    severity="error" if has_credentials else "warning",
                )
                break


def host_end(text: str) -> int:
    """How much of *text*, a template of an address, may decide on its host; 0 where it is a path."""
    position, before = 0, ""  # `before`: what is written out so far
    has_tag = False
    for piece in TAGS.split(text):
        if TAGS.fullmatch(piece):
            if not has_tag and not _may_become_a_scheme(before.strip()):
                return 0
            has_tag = True
            before += "…"
        else:
            found = _end_in(before, piece, after_tag=has_tag)
            if found is not None:
                return position + found
            before += piece
        position += len(piece)
    return position


def _end_in(before: str, piece: str, *, after_tag: bool) -> int | None:
    """Where in *piece*, which follows *before*, the host has ended."""
    if "://" in before:
        start = 0
    elif "://" in piece:
        start = piece.index("://") + 3
    elif after_tag:  # the tags gave scheme and host: what is written after them begins the path
        start = 0
    else:
        return None
    match = END_OF_HOST.search(piece, start)
    return match.start() if match else None


def _may_become_a_scheme(written: str) -> bool:
    """Whether what follows *written*, the beginning of an address, may still make a host of it."""
    lowered = written.lower()
    return any(one.startswith(lowered) or lowered.startswith(one) for one in SCHEMES)


def _way_out(info: ActionInfo) -> str:
    return f"; `{OPT_IN}: true` allows any" if OPT_IN in info.inputs else ""
