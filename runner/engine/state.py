"""
State: what workflows keep between their runs, by key; the rules, and the port to whatever keeps it.

A change is made once for each effect. What it gave is written with it, in one transaction, under the
call's Idempotency-Key: a call that is made again, because its process died before the record was
written or because its event is replayed, gets that and changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from runner.errors import Rejected, StoreUnavailable, Unavailable
from runner.language.secrets import masked
from runner.values import Json, dumps, iso

if TYPE_CHECKING:
    from runner.engine.turn import Tools

SHARED = ""  # the space of what all workflows share; each other space is a workflow's slug
MOST_KEYS = 10_000  # of one space: a set of ids that grows without end belongs into a database
MOST_BYTES = 64 * 1024  # of one value, as JSON
LONGEST_KEY = 512  # characters
REMEMBERED_SECONDS = 30 * 86400.0  # what an effect without an event gave; else as long as the event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """A value that is kept. `holder` is the effect that `once` said yes to."""

    value: Json
    expires_at: float | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Which effect changes something: its event, its Idempotency-Key, and what it is in every replay."""

    event_id: str
    key: str
    holder: str


@dataclass(frozen=True, slots=True)
class Set:
    """Keep `value`, for so long from now on; null takes the key away. Gives the value."""

    value: Json
    ttl_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Take the key away. Gives whether it was there."""


@dataclass(frozen=True, slots=True)
class Increment:
    """Add to a number, from 0; it begins anew so long after its first increment. Gives the new number."""

    by: float = 1
    ttl_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Put `value` at the end of a list of the last `keep`; gone so long after the last. Gives the list."""

    value: Json
    keep: int | None = None
    ttl_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """
    Gives true the first time, and false until so long after it. An effect that got true gets it
    again: a replay of its event does what the event did.
    """

    ttl_seconds: float | None = None


Change: TypeAlias = Set | Delete | Increment | Append | Once


def changed(
    held: Held | None, change: Change, *, key: str, holder: str, now: float
) -> tuple[Held | None, Json]:
    """
    What is kept after *change* (None: nothing), and what the change gives. *held* is what was kept
    before, None where there was nothing or its time is over.

    Raises:
        Rejected: what is kept is of another kind, or would be too large.
    """
    match change:
        case Set(value, ttl):
            return (None if value is None else _fitting(Held(value, _end(now, ttl)), key)), value
        case Delete():
            return None, held is not None
        case Increment(by, ttl):
            return _increased(held, by, key, _end(now, ttl))
        case Append(value, keep, ttl):
            items = _list_of(held, key)
            items = [*items, value][-keep if keep else 0 :]
            expires_at = _end(now, ttl) if ttl else held.expires_at if held else None
            return _fitting(Held(items, expires_at), key), items
        case Once(ttl):
            if held is None:
                return Held(value=True, expires_at=_end(now, ttl), holder=holder), True
            return held, held.holder == holder


def is_over(held: Held, now: float) -> bool:
    """Whether its time is over, so that nothing is kept."""
    return held.expires_at is not None and held.expires_at <= now


def _increased(held: Held | None, by: float, key: str, end: float | None) -> tuple[Held, Json]:
    before = held.value if held else 0
    if isinstance(before, bool) or not isinstance(before, int | float):
        raise Rejected(f"the state {_shown(key)} is {_kind(before)}, not a number; delete it, or use another")
    try:
        value = before + by
        is_finite = math.isfinite(value)
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise Rejected(f"the state {_shown(key)} would be too large a number")
    if held is None:
        return Held(value, end), value
    expires_at = held.expires_at if held.expires_at is not None else end
    return _fitting(replace(held, value=value, expires_at=expires_at), key), value


def _list_of(held: Held | None, key: str) -> list[Json]:
    before = held.value if held else []
    if not isinstance(before, list):
        raise Rejected(f"the state {_shown(key)} is {_kind(before)}, not a list; delete it, or use another")
    return before


def _fitting(held: Held, key: str) -> Held:
    size = len(dumps(held.value).encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        hint = "; keep fewer items (`keep: 20`)" if isinstance(held.value, list) else ""
        raise Rejected(f"the state {_shown(key)} would have {size:,} bytes; at most {MOST_BYTES:,}{hint}")
    return held


def _end(now: float, ttl: float | None) -> float | None:
    return None if ttl is None else now + ttl


def _shown(key: str) -> str:
    return f'"{key[:80]}"'


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with what is kept under it."""

    key: str
    value: Json
    changed_at: float
    expires_at: float | None

    def as_json(self) -> Json:
        """The object that commands print."""
        return {
            "key": self.key,
            "value": self.value,
            "changed_at": iso(self.changed_at),
            "expires_at": iso(self.expires_at),
        }


class States(Protocol):
    """What keeps state; a *space* is a workflow's slug, or SHARED. All methods raise StoreUnavailable."""

    async def entry(self, space: str, key: str, *, now: float) -> Entry | None:
        """What is kept under *key*; None where nothing is, or its time is over."""

    async def entries(self, space: str, *, now: float, after: str = "", limit: int = 50) -> Sequence[Entry]:
        """The next keys of *space* behind *after*, in their order."""

    async def change(
        self, space: str, key: str, change: Change, *, now: float, effect: Effect | None = None
    ) -> Json:
        """
        Make *change* in one transaction, or, where *effect* made it before, nothing; what it gives, or
        gave then. Without an effect it is a person's, and made as often as it is asked for.

        Raises:
            Rejected: as `changed`, or there are too many keys.
        """

    async def tidy(self, *, now: float, most: int) -> int:
        """Take away at most *most* keys, and as many remembered results, whose time is over; how many."""


@dataclass(slots=True)
class CallState:
    """See `runner.connector.State`: the state that one call of an action may use."""

    tools: Tools
    states: States
    workflow: str
    effect: Effect
    _changes: int = 0

    async def get(self, key: str, *, shared: bool = False) -> Json:
        """The value, or null."""
        now = self.tools.clock()
        entry = await _stored(self.states.entry(self._space(shared), key, now=now))
        return entry.value if entry else None

    async def set(
        self, key: str, value: Json, *, shared: bool = False, ttl_seconds: float | None = None
    ) -> None:
        """Keep *value*."""
        await self._change(key, Set(value, ttl_seconds), shared)

    async def delete(self, key: str, *, shared: bool = False) -> bool:
        """Take the key away; whether it was there."""
        return bool(await self._change(key, Delete(), shared))

    async def increment(
        self, key: str, by: float = 1, *, shared: bool = False, ttl_seconds: float | None = None
    ) -> float:
        """Add to a number; the new one."""
        value: float = await self._change(key, Increment(by, ttl_seconds), shared)
        return value

    async def append(
        self,
        key: str,
        value: Json,
        *,
        keep: int | None = None,
        shared: bool = False,
        ttl_seconds: float | None = None,
    ) -> list[Json]:
        """Put *value* at the end of a list; the new list."""
        items: list[Json] = await self._change(key, Append(value, keep, ttl_seconds), shared)
        return items

    async def once(self, key: str, *, shared: bool = False, ttl_seconds: float | None = None) -> bool:
        """Whether it is the first time."""
        return bool(await self._change(key, Once(ttl_seconds), shared))

    async def _change(self, key: str, change: Change, shared: bool) -> Json:
        values = self.tools.safe.secret_values()
        if masked([key, getattr(change, "value", None)], values) != [key, getattr(change, "value", None)]:
            raise Rejected("a secret cannot be kept in the state, where it would stand in the clear")
        effect = self.effect
        if self._changes:  # of several changes of one call, each is made once
            effect = replace(effect, key=f"{effect.key}.{self._changes}")
        self._changes += 1
        now = self.tools.clock()
        return await _stored(self.states.change(self._space(shared), key, change, now=now, effect=effect))

    def _space(self, shared: bool) -> str:
        return SHARED if shared else self.workflow


async def _stored(asked: Awaitable[T]) -> T:
    """What the store gives; while it is away the call is tried again as any other."""
    try:
        return await asked
    except StoreUnavailable as error:
        raise Unavailable(f"the state cannot be reached now: {error}") from error


def nothing_under(space: str, key: str) -> str:
    """What is said where nothing is kept under *key*."""
    return f'there is no state "{key}" {f"of {space}" if space else "shared by all"}'


def entries_page(entries: Sequence[Entry], limit: int) -> Mapping[str, Json]:
    """A page of a list as JSON: `next` is the key behind which the next one begins."""
    return {
        "items": [one.as_json() for one in entries],
        "next": entries[-1].key if len(entries) == limit else None,
    }
