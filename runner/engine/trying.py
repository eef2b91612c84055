"""
What the last events of a workflow say of its paths: a field that was in none of them, a list whose
fields are taken without `[]`, a text that is ordered against a number. Names are shown, values never;
what `redact` hides is not looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from runner.engine.history import Wanted
from runner.language.faults import Fault
from runner.language.fixes import within
from runner.language.paths import replaced_at
from runner.language.reads import Part, Read, written
from runner.language.redact import redact_of
from runner.language.secrets import MASK
from runner.language.suggest import nearest, surely
from runner.language.visibility import leaf

if TYPE_CHECKING:
    from runner.engine.history import History
    from runner.language.faults import Fix
    from runner.language.load import Loaded
    from runner.language.nodes import Node
    from runner.language.visibility import Use
    from runner.values import Json

MOST_EVENTS = 40
MOST_SECONDS = 2.0  # of reading them
MOST_WORK = 400_000  # values that are looked at for one file
MOST_ITEMS = 200  # of one list
MOST_NAMES = 500  # among which a nearest one is sought
ROOTS = ("payload", "event")
SEEN_OF_EVENT = ("headers", "query")  # the rest of `event` is always there


async def recorded_samples(
    history: History, slug: str, clock: Callable[[], float], *, most: int = MOST_EVENTS
) -> list[Mapping[str, Json]]:
    """
    `{payload, event}` of the last events of *slug* that were accepted, as they may be shown; fewer where
    reading them takes longer than MOST_SECONDS by `clock()`.

    Raises:
        StoreUnavailable.
    """
    end = clock() + MOST_SECONDS
    page = await history.events(Wanted(workflow=slug, status="accepted", limit=most))
    found: list[Mapping[str, Json]] = []
    for item in page.items:
        if clock() > end:
            break
        one = await history.event(item["id"])
        if "payload" in one:
            query = dict(parse_qsl(one["query"], keep_blank_values=True))
            event = {"headers": one["headers"], "query": query} if one["trigger"] == "webhook" else {}
            found.append({"payload": one["payload"], "event": event})
    return found


def tried(loaded: Loaded, samples: Sequence[Mapping[str, Json]], path: str, text: str) -> list[Fault]:
    """
    What *samples* say of the paths of a file, *text* at *path*; nothing where there are none, where what
    is hidden cannot be known, or where a run's payload is a part of its event's (`split`).
    """
    hidden = redact_of(text, loaded.basis.defaults)
    splits = loaded.workflow is not None and loaded.workflow.webhook and loaded.workflow.webhook.split
    if not samples or hidden is None or splits:
        return []
    for one in hidden:
        if one.root == "payload":
            samples = [
                {**sample, "payload": replaced_at(sample["payload"], one.parts[1:], lambda _value: MASK)}
                for sample in samples
            ]
    budget = [MOST_WORK]
    found: dict[tuple[str, int, int], Fault] = {}
    for use in loaded.uses:
        for read in use.reads:
            if _is_tried(read) and budget[0] > 0:
                for fault in _judged(use, read, samples, path, budget):
                    found.setdefault((fault.code, fault.line, fault.column), fault)
    return list(found.values())


def _is_tried(read: Read) -> bool:
    root = read.parts[0].name
    if len(read.parts) < 2 or root not in ROOTS:
        return False
    return root == "payload" or (len(read.parts) > 2 and read.parts[1].name in SEEN_OF_EVENT)


@dataclass(slots=True)
class _Tally:
    """How many events have the path, by the part at which one goes wrong; names that stand there instead."""

    judged: int = 0
    present: int = 0
    texts: int = 0
    absent: dict[int, int] = field(default_factory=dict)
    lists: dict[int, int] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)


def _judged(
    use: Use, read: Read, samples: Sequence[Mapping[str, Json]], path: str, budget: list[int]
) -> Iterator[Fault]:
    tally = _Tally()
    for sample in samples:
        if budget[0] <= 0:
            return
        _follow(sample, read.parts, tally, budget)
    if not tally.judged:
        return
    node = leaf(use.node, read.path)
    total = f"{tally.judged} of {tally.judged} events"
    for at, count in tally.absent.items():
        if count == tally.judged:
            yield from _absent(use, read, node, at, tally, total, path)
    for at, count in tally.lists.items():
        if count == tally.judged:
            yield _list(use, read, node, at, total, path)
    if read.compared == "number" and tally.texts == tally.judged:
        yield _text(use, read, node, total, path)


def _follow(sample: Mapping[str, Json], parts: Sequence[Part], tally: _Tally, budget: list[int]) -> None:
    """Count what one event has at *parts*; nothing where that cannot be said: behind null, in no item."""
    values: list[Json] = [sample]
    for at, part in enumerate(parts):
        budget[0] -= len(values)
        if part.name is None:
            lists = [one for one in values if isinstance(one, list)]
            values = [item for one in lists for item in one[:MOST_ITEMS]]
            if part.is_flat:
                values = [
                    item for one in values for item in (one[:MOST_ITEMS] if isinstance(one, list) else [one])
                ]
        else:
            name = part.name
            if any(one == MASK for one in values):
                return
            objects = [one for one in values if isinstance(one, dict)]
            if not objects:
                if values and all(isinstance(one, list) for one in values) and any(values):
                    tally.judged += 1
                    tally.lists[at] = tally.lists.get(at, 0) + 1
                return
            found = [one[name] for one in objects if name in one]
            if not found:
                tally.judged += 1
                tally.absent[at] = tally.absent.get(at, 0) + 1
                for one in objects:
                    if len(tally.names) < MOST_NAMES:
                        tally.names |= dict.fromkeys(list(one)[:MOST_NAMES])
                return
            values = found
        values = values[:MOST_ITEMS]
        if not values:
            return
    tally.judged += 1
    tally.present += 1
    if all(isinstance(one, str) and one != MASK for one in values):
        tally.texts += 1


def _absent(
    use: Use, read: Read, node: Node, at: int, tally: _Tally, total: str, path: str
) -> Iterator[Fault]:
    name = str(read.parts[at].name)
    sure = surely(name, tally.names)
    if read.is_guarded and sure is None:
        return  # that it may not be there is what the guard says
    close = nearest(name, tally.names)
    shown = written(read.parts[: at + 1])
    hint = f"did you mean `{close}`?" if close else "where it may be missing, say what stands instead"
    if not close:
        hint += ": `| default(…)`" if use.site != "expression" else ": `|| …`"
    fix = within(node, offset, offset + len(name), sure) if (offset := read.parts[at].offset) >= 0 else None
    yield _fault(use, node, read.parts[at].offset, "absent-path", f"`{shown}` was absent in {total}", hint,
                 path, fix=fix)  # fmt: skip


def _list(use: Use, read: Read, node: Node, at: int, total: str, path: str) -> Fault:
    before, name = written(read.parts[:at]), read.parts[at].name
    hint = f"write `{before}[].{name}`" if use.site == "expression" else (
        f"write `{before} | map(attribute='{name}')`"
    )  # fmt: skip
    message = f"`{before}` was a list in {total}, which has no field `{name}`"
    return _fault(use, node, read.parts[at].offset, "list-field", message, hint, path)


def _text(use: Use, read: Read, node: Node, total: str, path: str) -> Fault:
    shown = read.text
    first, last = read.parts[0], read.parts[-1]
    fix = None
    if isinstance(node.value, str) and all(one.name and one.offset >= 0 for one in read.parts):
        end = last.offset + len(str(last.name))
        if node.value[first.offset : end] == shown:
            fix = within(node, first.offset, end, f"to_number({shown})")
    message, hint = f"`{shown}` was a text in {total}, and is compared with a number", f"to_number({shown})"
    return _fault(use, node, first.offset, "text-number", message, f"write `{hint}`", path, fix=fix)


def _fault(
    use: Use,
    node: Node,
    offset: int,
    code: str,
    message: str,
    hint: str,
    path: str,
    *,
    fix: Fix | None = None,
) -> Fault:
    place = node.place_at(offset) if offset >= 0 else node.place
    return Fault(path, place.line, place.column, use.where, code, "warning", message, hint, fix)
