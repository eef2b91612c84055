"""
Backtests: a changed text held against recorded events, a few at a time, in processes that see no secret
and cannot send (runner/workbench/backtest.py). Who asks goes on with the next, so that it shows how far it
is, and ends when nobody asks any more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.engine.credentials import credentials_in
from runner.engine.library import SUFFIX, basis_in
from runner.engine.redact import Redaction
from runner.errors import LimitExceeded, NotFound
from runner.inbound.credentials import WELL_KNOWN
from runner.language.basis import NO_BASIS, Basis
from runner.language.faults import Fault, WorkflowInvalid
from runner.language.load import load
from runner.language.redact import redact_of, splits
from runner.language.secrets import masked
from runner.values import Json, iso
from runner.workbench.backtest import UNKNOWN, VERDICTS
from runner.workbench.wire import basis_json, event_json, held_json, past_run_json, redaction_json

if TYPE_CHECKING:
    from runner.engine.library import Library
    from runner.engine.past import Past, PastRun
    from runner.engine.redact import RedactionOf
    from runner.engine.resuming import TokenOf
    from runner.engine.runs import Event
    from runner.language.catalogue import Catalogue
    from runner.workbench.trials import Desk
    from runner.workbench.wire import Held

MOST_AT_ONCE = 25  # events of one request
BATCH_SECONDS = 10.0  # of CPU, for a request
ALONE_SECONDS = 3.0  # for one event that was too much beside others
MOST_BODIES = 8 << 20  # bytes of bodies in one request to a process


class Versions(Protocol):
    """The texts of versions (`runner.engine.runs.Store`)."""

    async def version_source(self, workflow: str, version: int) -> str:
        """Its text. Raises NotFound."""

    async def version_basis(self, workflow: str, version: int) -> Basis:
        """What it was read with."""


@dataclass(frozen=True, slots=True)
class Backtests:
    """Holds texts against the past of a server; the fields as of `runner.workbench.trials.Trials`."""

    library: Library
    past: Past
    versions: Versions
    desk: Desk
    redaction_of: RedactionOf
    held: Callable[[], Held]
    secret_values: Callable[[], frozenset[str]]
    catalogue: Callable[[], Catalogue]
    overrides: Callable[[str], Mapping[str, Json]]
    token_of: TokenOf
    address: str

    async def events(self, slug: str, *, last: int, since: float | None = None) -> Sequence[str]:
        """
        The ids of the newest events that a text can be held against, newest first: those that were let in and
        whose runs have ended (not as cancelled), and those that their type kept out. What was refused, held,
        dropped or came twice, and what people tried, is left out.
        """
        return await self.past.judged(slug, limit=last, since=since)

    async def judged(self, slug: str, text: str, event_ids: Sequence[str], *, key: str = "") -> list[Json]:
        """
        The entry of each of these events (`runner.workbench.backtest.backtest`), in their order; ids that are
        no events of *slug* are left out. Requests of one *key* go one after another.

        Raises:
            WorkflowInvalid: the text has errors. StoreUnavailable.
        """
        basis = await asyncio.to_thread(self._basis, slug)
        await asyncio.to_thread(self._check, slug, text, basis)
        events = await self._events(slug, event_ids)
        runs: dict[str, list[PastRun]] = {one.id: [] for one in events}
        for one in await self.past.runs(list(runs)):
            runs[one.run.event_id].append(one)
        live = self.library.get(slug)
        numbers = {
            one: runs[one][-1].run.version if runs[one] else live.version if live else None for one in runs
        }
        versions = await self._versions(slug, {one for one in numbers.values() if one is not None})
        redactions = {one: await self._redaction(slug, text, basis, runs[one]) for one in runs}
        asked = [
            {
                "event": event_json(one),
                "redaction": redaction_json(redactions[one.id]),
                "version": numbers[one.id] if numbers[one.id] in versions else None,
                "runs": [past_run_json(each, self._tokens(each)) for each in runs[one.id]],
            }
            for one in events
        ]
        request = {
            "do": "backtest", "text": text, "slug": slug, "basis": basis_json(basis),
            "held": held_json(self.held()), "address": self.address,
            "versions": {str(number): one for number, one in versions.items()},
        }  # fmt: skip
        found = await self._asked(request, asked, f"{slug} backtest {key}")
        return list(masked(found, self.secret_values()))

    async def _asked(self, request: Mapping[str, Json], events: Sequence[Json], key: str) -> list[Json]:
        """What the process says; an event that is too much for it is unknown, and the others are not."""
        found: list[Json] = []
        for part in _parts(events):
            try:
                found += await self._ask(request, part, key, BATCH_SECONDS)
            except LimitExceeded:
                for one in part:
                    try:
                        found += await self._ask(request, [one], key, ALONE_SECONDS)
                    except LimitExceeded as error:
                        found.append(_too_much(one, str(error)))
        return found

    async def _ask(
        self, request: Mapping[str, Json], events: Sequence[Json], key: str, seconds: float
    ) -> Json:
        whole = {**request, "events": list(events), "seconds": seconds}
        return await self.desk.ask(whole, seconds=seconds, key=key)

    async def _events(self, slug: str, event_ids: Sequence[str]) -> list[Event]:
        found = []
        for one in event_ids:
            try:
                event = await self.past.event(one)
            except NotFound:
                continue
            if event.workflow == slug:
                found.append(event)
        return found

    async def _versions(self, slug: str, numbers: set[int]) -> dict[int, Json]:
        """`{text, basis}` of each version that is stored."""
        found: dict[int, Json] = {}
        for number in numbers:
            try:
                source = await self.versions.version_source(slug, number)
                basis = await self.versions.version_basis(slug, number)
            except NotFound:
                continue
            path = self._basis_path(slug)
            found[number] = {"text": source, "basis": {**basis_json(basis), "path": path}}
        return found

    async def _redaction(self, slug: str, text: str, basis: Basis, runs: Sequence[PastRun]) -> Redaction:
        """What is hidden: by what is live, by the versions of the event's runs, and by *text*."""
        found = await self.redaction_of(slug, None)
        for version in {one.run.version for one in runs}:
            found |= await self.redaction_of(slug, version)
        own = redact_of(text, basis.defaults) or ()
        paths = (*own, *credentials_in(text), *WELL_KNOWN)
        return found | Redaction(paths, is_split=bool(own) and splits(text))

    def _check(self, slug: str, text: str, basis: Basis) -> None:
        path = f"{slug}{SUFFIX}"
        loaded = load(text, path=path, slug=slug, catalogue=self.catalogue(), basis=basis)
        if loaded.workflow is None:
            raise WorkflowInvalid([one for one in loaded.faults if one.severity == "error"])

    def _basis(self, slug: str) -> Basis:
        found = basis_in(self.library.folder, self.overrides(slug))
        return NO_BASIS if isinstance(found, Fault) else found

    def _basis_path(self, slug: str) -> str:
        return self._basis(slug).path

    def _tokens(self, one: PastRun) -> dict[str, str]:
        asked = [each.path for each in one.records if each.kind == "wait_for"]
        return {path: self.token_of(one.run.id, path) for path in asked}


def summary_of(entries: Sequence[Json]) -> dict[str, int]:
    """How many events there are of each verdict: `{same, differs, filtered, failed, unknown, stale}`."""
    counted = Counter(one["verdict"] for one in entries)
    return {name: counted[name] for name in VERDICTS}


def _parts(events: Sequence[Json]) -> list[list[Json]]:
    """*events* in requests that are not too large."""
    parts: list[list[Json]] = []
    size = 0
    for one in events:
        own = len(one["event"]["body"])
        if not parts or size + own > MOST_BODIES:
            parts.append([])
            size = 0
        parts[-1].append(one)
        size += own
    return parts


def _too_much(asked: Json, why: str) -> dict[str, Json]:
    event, runs = asked["event"], asked["runs"]
    run = runs[0]["run"] if runs else None
    return {
        "event": event["id"], "run": run["id"] if run else None, "title": "",
        "received_at": iso(event["received_at"]), "version": asked["version"], "verdict": UNKNOWN,
        "sentence": f"It takes too much to be judged: {why}.", "before": None, "after": None,
        "differences": [], "unknown": [], "stale": [], "notes": [],
    }  # fmt: skip
