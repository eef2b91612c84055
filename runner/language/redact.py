"""
`redact`: the paths to values that are shown as •••, judged with the file, and found again in the
text of a version that no longer loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.language.paths import ValuePath, read_path
from runner.language.source import compose
from runner.language.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.language.nodes import Node
    from runner.language.scalars import ScalarReader

ROOTS = ("payload", "event", "steps")
EVENT_NAMES = ("headers", "query", "path", "rest", "source_ip", "type", "delivery_id")
MEND = "write for example payload.customer.email, event.headers.x-api-key or steps.order.email"


def check_redact(
    reader: ScalarReader, found: Iterable[tuple[ValuePath, Node, str]], ids: Mapping[str, object]
) -> tuple[ValuePath, ...]:
    """The paths that hide something; each other is a fault. *ids* are those of the file's steps."""
    paths = []
    for path, node, where in found:
        fault = _fault(path, ids)
        if fault:
            reader.fault(node.place, where, "path", *fault)
        else:
            paths.append(_as_it_stands(path))
    return tuple(paths)


def redact_of(text: str, defaults: str = "") -> tuple[ValuePath, ...] | None:
    """
    The paths of a file's text, whatever else is wrong with it, or else those of the *defaults* that it
    takes; None where they cannot be read.
    """
    source = compose(text, path="")
    if source.root is None or not isinstance(source.root.value, dict):
        return None
    node = source.root.value.get("redact")
    if node is None:
        if any(one.severity == "error" for one in source.faults):
            return None
        return redact_of(defaults) if defaults.strip() else ()
    if not isinstance(node.value, list):
        return None
    try:
        return tuple(_as_it_stands(read_path(str(one.value))) for one in node.value)
    except ValueError:
        return None


def splits(text: str) -> bool:
    """Whether a file's text says `split`, whatever else is wrong with it."""
    node = compose(text, path="").root
    for key in ("trigger", "webhook", "split"):
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node is not None


def _fault(path: ValuePath, ids: Mapping[str, object]) -> tuple[str, str] | None:
    """What is wrong with it, and the way out."""
    root, second = path.root, path.parts[1] if len(path.parts) > 1 else None
    if root not in ROOTS:
        near = nearest(root, ROOTS)
        better = f"{near}{path.text[len(root) :]}" if near else f"payload.{path.text}"
        message = f"a path begins with payload, event or steps; `{root}` is none of them"
        return message, f"did you mean `{better}`?"
    if root == "event" and second not in EVENT_NAMES:
        return (
            f"`{path.text}` is nothing that can be hidden; of `event` only {', '.join(EVENT_NAMES)} can",
            MEND,
        )
    if root == "steps" and second not in ids:
        near = nearest(str(second), ids) if second else None
        way_out = f"did you mean `steps.{near}`?" if near else "name the step by its `id`"
        return f"`{path.text}`: there is no step of that id", way_out
    return None


def _as_it_stands(path: ValuePath) -> ValuePath:
    """Names of headers are in lower case wherever they stand."""
    if path.parts[:2] != ("event", "headers"):
        return path
    parts = tuple(one.lower() if isinstance(one, str) else one for one in path.parts)
    return ValuePath(path.text, parts)
