"""Replays on the data here and at a server elsewhere: two sides with the same verbs, asked alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import click

from runner.cli.options import person
from runner.cli.showing import note
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.replays import Filter

BY_RUN = ("origin", "version", "run_missing", "as_new")
FIELDS = {"origin": "from"}  # where the API has another name


class Side(Protocol):
    """
    All raise NotFound, MoveRefused and LanguageError as `runner.engine.replaying.Replayer` does. *terms* are
    the options of `runs replay`: what is None was not given.
    """

    async def one(self, run_id: str, terms: Mapping[str, Any]) -> Json:
        """Replay a run: `{id, attempt}` of the same one, or `{id, replay_of}` of a new one."""

    async def plan(
        self, run_ids: tuple[str, ...], where: tuple[str, ...], terms: Mapping[str, Any], *, keep: bool
    ) -> Json:
        """A plan; with *keep* it can be started."""

    async def start(self, replay_id: str, *, runs: int | None = None) -> Json:
        """The replay, started; *runs* is how many that is, for the record."""

    async def pause(self, replay_id: str) -> Json:
        """The replay, paused."""

    async def stop(self, replay_id: str) -> Json:
        """The replay, ended."""

    async def show(self, replay_id: str) -> Json:
        """The replay as it is."""

    async def page(self, *, status: str | None, cursor: str | None, limit: int) -> Json:
        """The newest replays."""

    async def say_if_unserved(self) -> bool:
        """Say that it only begins later, where that is so; whether a server runs."""


@dataclass(frozen=True, slots=True)
class Near:
    """On the data here."""

    rooms: Rooms

    async def one(self, run_id: str, terms: Mapping[str, Any]) -> Json:
        """See `Side`."""
        from runner.cli.house import noted
        from runner.cli.recovering import replay

        done = await replay(self.rooms, run_id, **{name: terms[name] for name in BY_RUN})
        origin, version = terms["origin"], terms["version"]
        await noted(self.rooms, "replayed", "run", run_id, origin=origin, version=version)
        return done

    async def plan(
        self, run_ids: tuple[str, ...], where: tuple[str, ...], terms: Mapping[str, Any], *, keep: bool
    ) -> Json:
        """See `Side`."""
        from runner.cli.recovering import replayer_of
        from runner.engine.replays import Terms

        named = {name: value for name, value in terms.items() if value is not None}
        if "stale_after" in named:
            named["stale_after_seconds"] = named.pop("stale_after")
        meant = Terms(run_ids=run_ids, where=_filter(where), **named)
        return await replayer_of(self.rooms).plan(meant, by=person(), keep=keep)

    async def start(self, replay_id: str, *, runs: int | None = None) -> Json:
        """See `Side`."""
        from runner.cli.house import noted
        from runner.cli.recovering import replayer_of

        found = await replayer_of(self.rooms).start(replay_id)
        await noted(self.rooms, "started", "replay", replay_id, **({} if runs is None else {"runs": runs}))
        return found

    async def pause(self, replay_id: str) -> Json:
        """See `Side`."""
        from runner.cli.house import noted
        from runner.cli.recovering import replayer_of

        found = await replayer_of(self.rooms).pause(replay_id, by=person())
        await noted(self.rooms, "paused", "replay", replay_id)
        return found

    async def stop(self, replay_id: str) -> Json:
        """See `Side`."""
        from runner.cli.house import noted
        from runner.cli.recovering import replayer_of

        found = await replayer_of(self.rooms).stop(replay_id, by=person())
        await noted(self.rooms, "stopped", "replay", replay_id)
        return found

    async def show(self, replay_id: str) -> Json:
        """See `Side`."""
        return await self.rooms.replays.show(replay_id)

    async def page(self, *, status: str | None, cursor: str | None, limit: int) -> Json:
        """See `Side`."""
        try:
            return (await self.rooms.replays.page(status=status, cursor=cursor, limit=limit)).as_json()
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--cursor") from None

    async def say_if_unserved(self) -> bool:
        """See `Side`."""
        is_served = bool(await self.rooms.store.living())
        if not is_served:
            note("No server runs on this data now; it begins when one does: hookline serve")
        return is_served


@dataclass(frozen=True, slots=True)
class Far:
    """At a server elsewhere."""

    api: Api

    async def one(self, run_id: str, terms: Mapping[str, Any]) -> Json:
        """See `Side`."""
        run = await self.api.post(
            "runs", run_id, "replay", **{FIELDS.get(name, name): terms[name] for name in BY_RUN}
        )
        if run["id"] == run_id.lower():
            return {"id": run["id"], "attempt": run["attempt"]}
        return {"id": run["id"], "replay_of": run["replay_of"]}

    async def plan(
        self, run_ids: tuple[str, ...], where: tuple[str, ...], terms: Mapping[str, Any], *, keep: bool
    ) -> Json:
        """See `Side`."""
        _filter(where)  # what is wrong with it is said as it is here
        given = {FIELDS.get(name, name): value for name, value in terms.items()}
        if given.get("stale_after") is not None:
            given["stale_after"] = f"{given['stale_after']:g}s"
        return await self.api.post(
            "replays", runs=list(run_ids) or None, where=" ".join(where) or None, dry_run=not keep, **given
        )

    async def start(self, replay_id: str, *, runs: int | None = None) -> Json:  # noqa: ARG002 - it knows
        """See `Side`."""
        return await self.api.post("replays", replay_id, "start")

    async def pause(self, replay_id: str) -> Json:
        """See `Side`."""
        return await self.api.post("replays", replay_id, "pause")

    async def stop(self, replay_id: str) -> Json:
        """See `Side`."""
        return await self.api.post("replays", replay_id, "stop")

    async def show(self, replay_id: str) -> Json:
        """See `Side`."""
        return await self.api.get("replays", replay_id)

    async def page(self, *, status: str | None, cursor: str | None, limit: int) -> Json:
        """See `Side`."""
        return await self.api.page("replays", status=status, cursor=cursor, limit=limit)

    async def say_if_unserved(self) -> bool:
        """See `Side`."""
        return True


def _filter(where: tuple[str, ...]) -> Filter | None:
    """Which runs are meant; None: none of them by a filter."""
    from runner.engine.replays import read_filter

    try:
        return read_filter(where, time.time()) if where else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--where") from None
