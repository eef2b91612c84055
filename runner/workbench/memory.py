"""What a run keeps, kept in memory: its records and files, and the state of its workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.engine.runs import Record, Run
from runner.engine.state import Change, Effect, Entry, Held, changed, is_over
from runner.errors import NotFound
from runner.values import Json


class OneRun:
    """The part of `runner.engine.runs.Store` that a turn uses."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.records: dict[str, Record] = {}
        self.files: dict[str, bytes] = dict(files)

    def keep(self, records: Sequence[Record], files: Mapping[str, bytes]) -> None:
        """Put *records* in place of those of the same paths."""
        self.records.update({one.path: one for one in records})
        self.files.update(files)

    async def record(self, run: Run, records: Sequence[Record], files: Mapping[str, bytes]) -> None:  # noqa: ARG002 - the port's
        """As `Store.record`."""
        self.keep(records, files)

    async def read_file(self, digest: str) -> bytes:
        """As `Store.read_file`."""
        if digest not in self.files:
            raise NotFound(f"there is no file {digest}")
        return self.files[digest]


class OneState:
    """See `runner.engine.state.States`: what *held* says was kept before, by space and key."""

    def __init__(self, held: Mapping[tuple[str, str], Json]) -> None:
        self._held: dict[tuple[str, str], Held] = {key: Held(value) for key, value in held.items()}
        self._gave: dict[str, Json] = {}

    def values(self, space: str) -> dict[str, Json]:
        """What is kept in *space* now, by key."""
        return {key: held.value for (its, key), held in self._held.items() if its == space}

    async def entry(self, space: str, key: str, *, now: float) -> Entry | None:
        """As `States.entry`."""
        held = self._held.get((space, key))
        if held is None or is_over(held, now):
            return None
        return Entry(key, held.value, now, held.expires_at)

    async def entries(self, space: str, *, now: float, after: str = "", limit: int = 50) -> Sequence[Entry]:
        """As `States.entries`."""
        keys = sorted(key for its, key in self._held if its == space and key > after)
        found = [await self.entry(space, key, now=now) for key in keys]
        return [one for one in found if one][:limit]

    async def change(
        self, space: str, key: str, change: Change, *, now: float, effect: Effect | None = None
    ) -> Json:
        """As `States.change`."""
        if effect and effect.key in self._gave:
            return self._gave[effect.key]
        held = self._held.get((space, key))
        held = None if held is None or is_over(held, now) else held
        held, given = changed(held, change, key=key, holder=effect.holder if effect else "", now=now)
        if held is None:
            self._held.pop((space, key), None)
        else:
            self._held[space, key] = held
        if effect:
            self._gave[effect.key] = given
        return given

    async def tidy(self, *, now: float, most: int) -> int:  # noqa: ARG002 - the port's
        """Nothing is kept longer than the run."""
        return 0
