"""What changed from one text of a workflow to another, in words: steps, the trigger, and the other keys."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.language.source import compose
from runner.values import Json, digest, dumps

if TYPE_CHECKING:
    from collections.abc import Callable

LISTS = ("steps", "on_failure")
NESTED = ("steps", "switch", "parallel", "on_error")
BESIDE = frozenset({"id", "name", "if", "with", "connection", "timeout", "retry", "on_error", "after_crash"})
MOST_VALUES = 3  # told of one step or key
MOST_SENTENCES = 50
LONGEST_VALUE = 40  # characters that are shown
MISSING: Any = object()  # what stands where nothing does
UNREADABLE = "One of the two texts cannot be read, so only their lines can be compared."
UNSEEN = "Only comments, spaces or the order of keys changed."


def sentences(old: str, new: str) -> list[str]:
    """
    What changed from *old* to *new*, each a sentence; none where the texts are equal. What is said is
    true, and short: at most 50 sentences, the last of which then counts those left out.
    """
    if old == new:
        return []
    before, after = _plain(old), _plain(new)
    if before is None or after is None:
        return [UNREADABLE]
    found = [*_of_keys(before, after), *_of_steps(before, after)]
    if len(found) > MOST_SENTENCES:
        rest = len(found) - MOST_SENTENCES + 1
        found = [*found[: MOST_SENTENCES - 1], f"And {rest} more changes."]
    return found or [UNSEEN]


@dataclass(slots=True, eq=False)
class _Step:
    """A step, the list that it stands in, and what it holds beside steps of its own."""

    value: dict[str, Json]
    owner: _Step | None
    slot: str
    index: int
    own: dict[str, Json] = field(default_factory=dict)
    other: _Step | None = None  # what it is in the other text

    @property
    def kind(self) -> str:
        action = self.value.get("action")
        if isinstance(action, str):
            return action
        return next((key for key in self.value if key not in BESIDE), "")

    def label(self) -> str:
        """What a sentence calls it."""
        called = self.value.get("name") or self.value.get("id")
        if isinstance(called, str):
            return f'the step "{_cut(called)}"'
        return f"the step {_cut(self.kind)}" if "." in self.kind else f"a {_cut(self.kind) or 'new'} step"


def _of_keys(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[str]:
    """All but the steps."""
    for key in dict.fromkeys([*after, *before]):
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        if key in LISTS or _are_equal(old, new):
            continue
        if key == "name" and old is not MISSING and new is not MISSING:
            yield f"Renamed from {_shown(old)} to {_shown(new)}."
        elif key == "trigger" and isinstance(old, dict) and isinstance(new, dict):
            yield from _of_triggers(old, new)
        elif old is MISSING:
            yield f"Added `{_cut(key)}`{_value(new)}."
        elif new is MISSING:
            yield f"Removed `{_cut(key)}`."
        else:
            yield f"Changed {_told(list(_leaves(key, old, new)))}."


def _of_triggers(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[str]:
    yield from (f"Added the trigger {_cut(kind)}." for kind in after if kind not in before)
    yield from (f"Removed the trigger {_cut(kind)}." for kind in before if kind not in after)
    for kind, new in after.items():
        if kind in before and not _are_equal(before[kind], new):
            yield f"Changed the trigger: {_told(list(_leaves(kind, before[kind], new)))}."


def _of_steps(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[str]:
    old = [step for key in LISTS for step in _walk(before.get(key), None, key)]
    new = [step for key in LISTS for step in _walk(after.get(key), None, key)]
    _match(old, new)
    for step in old:
        if step.other is None and (step.owner is None or step.owner.other is not None):
            yield f"Removed {step.label()}{_inside(step)}."
    moved = _moved(old)
    for step in new:
        if step.other is None:
            if step.owner is None or step.owner.other is not None:
                yield f"Added {step.label()}{_place(step, new)}."
            continue
        if step in moved:
            yield f"Moved {step.label()}{_place(step, new)}."
        changes = list(_leaves("", step.other.own, step.own))
        if changes:
            yield f"Changed {step.label()}: {_told(changes)}."


def _walk(value: Json, owner: _Step | None, slot: str) -> Iterator[_Step]:
    """The steps of a list in the order of reading, those inside of them too."""
    if not isinstance(value, list):
        return
    for index, one in enumerate(value):
        if not isinstance(one, dict):
            continue
        step = _Step(one, owner, slot, index)
        inner: list[tuple[Json, str]] = []
        for key, held in one.items():
            if key == "switch" and isinstance(held, list):
                cases = [case if isinstance(case, dict) else {} for case in held]
                step.own[key] = [case.get("when") for case in cases]
                inner += [(case.get("steps"), f"case {at + 1}") for at, case in enumerate(cases)]
            elif key == "parallel" and isinstance(held, dict):
                step.own[key] = list(held)
                inner += [(steps, branch) for branch, steps in held.items()]
            elif key in NESTED and isinstance(held, list):
                inner.append((held, key))
            else:
                step.own[key] = held
        yield step
        for steps, name in inner:
            yield from _walk(steps, step, name)


def _match(old: Sequence[_Step], new: Sequence[_Step]) -> None:
    """Find each step in the other text: by its id, its name, its content, or its kind where it stood."""

    def called(key: str) -> Callable[[_Step], Hashable]:
        return lambda step: step.value[key] if isinstance(step.value.get(key), str) else None

    def content(step: _Step) -> Hashable:
        return dumps(step.value)

    def standing(step: _Step) -> Hashable:
        if isinstance(step.value.get("id"), str):  # another id is another step
            return None
        owner = step.owner.other if step.owner in ours else step.owner
        return (step.kind, id(owner), step.slot) if step.owner is None or owner else None

    ours = set(old)
    for key_of in (called("id"), called("name"), content):
        _pair(old, new, key_of)
    _pair(old, new, standing)


def _pair(old: Sequence[_Step], new: Sequence[_Step], key_of: Callable[[_Step], Hashable]) -> None:
    waiting: dict[Hashable, list[_Step]] = {}
    for step in new:
        if step.other is None and (key := key_of(step)) is not None:
            waiting.setdefault(key, []).append(step)
    for step in old:
        if step.other is None and (key := key_of(step)) is not None and waiting.get(key):
            step.other = waiting[key].pop(0)
            step.other.other = step


def _moved(old: Sequence[_Step]) -> set[_Step]:
    """The new steps that stand in another list, or in another order than those around them."""
    moved: set[_Step] = set()
    stayed: dict[tuple[int, str], list[_Step]] = {}
    for step in old:
        if (new := step.other) is None:
            continue
        owner = step.owner.other if step.owner else None
        if new.owner is owner and new.slot == step.slot and (owner or step.owner is None):
            stayed.setdefault((id(owner), new.slot), []).append(new)
        else:
            moved.add(new)
    for steps in stayed.values():
        kept = _rising([one.index for one in steps])
        moved |= {one for one in steps if one.index not in kept}
    return moved


def _rising(numbers: Sequence[int]) -> set[int]:
    """The members of a longest rising part of *numbers*, none of which stands there twice."""
    ends: list[int] = []  # of the best part of each length
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        before[number] = ends[at - 1] if at else None
        ends[at : at + 1] = [number]
    kept: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept


def _place(step: _Step, new: Sequence[_Step]) -> str:
    """Where it stands now: after which step, or first."""
    above = [one for one in new if one.owner is step.owner and one.slot == step.slot]
    earlier = [one for one in above if one.index < step.index]
    if earlier:
        return f" after {_name(earlier[-1])}"
    inside = _inside(step)
    return f"{inside}, first" if inside else " as the first step"


def _inside(step: _Step) -> str:
    if step.owner is None:
        return " in `on_failure`" if step.slot == "on_failure" else ""
    return f" in {_name(step.owner)}"


def _name(step: _Step) -> str:
    return step.label().removeprefix("the step ")


def _leaves(path: str, old: Json, new: Json) -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ: the path, and what stands there before and after; MISSING is nothing."""
    if _are_equal(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*new, *old]):
            yield from _leaves(f"{path}.{key}" if path else key, old.get(key, MISSING), new.get(key, MISSING))
    else:
        yield path, old, new


def _told(changes: Sequence[tuple[str, Any, Any]]) -> str:
    shown = [_change(*one) for one in changes[:MOST_VALUES]]
    if len(changes) > MOST_VALUES:
        shown.append(f"{len(changes) - MOST_VALUES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _change(path: str, old: Any, new: Any) -> str:
    where = f"`{_cut(path)}`"
    if old is MISSING:
        return f"{where} added{_value(new)}"
    if new is MISSING:
        return f"{where} removed"
    if _is_short(old) and _is_short(new):
        return f"{where} from {_shown(old)} to {_shown(new)}"
    return where


def _value(value: Json) -> str:
    return f": {_shown(value)}" if _is_short(value) else ""


def _is_short(value: Any) -> bool:
    return (
        not isinstance(value, list | dict) and len(dumps(value)) <= LONGEST_VALUE and "\n" not in str(value)
    )


def _shown(value: Json) -> str:
    return f'"{_cut(value)}"' if isinstance(value, str) else _cut(dumps(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _are_equal(old: Any, new: Any) -> bool:
    """Also of their kinds: to Python, 1 and true are equal. The order of keys does not count."""
    if old is MISSING or new is MISSING:
        return old is new
    return old is new or (type(old) is type(new) and digest(old) == digest(new))


def _plain(text: str) -> dict[str, Json] | None:
    root = compose(text, path="").root
    value = root.plain() if root is not None else None
    return value if isinstance(value, dict) else None
