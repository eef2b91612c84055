"""Redaction over rows: what hides the values of the events and runs of a page (`runner.engine.redact`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from runner.engine.names import event_names
from runner.engine.paths import own_id
from runner.engine.redact import (
    Redaction,
    RedactionOf,
    Seen,
    Veil,
    hidden_in,
    redacted_event,
    redacted_run,
)
from runner.engine.runs import Event
from runner.errors import InboundError
from runner.language.secrets import secrets_in
from runner.store.bodies import SQL, Read, each_event, payload_again
from runner.store.rows import value_or_none
from runner.values import Json, dumps

UNREAD = Seen(has_payload=False)
NOTHING = Redaction()
SecretValues: TypeAlias = Callable[[], frozenset[str]]
"""All texts of the server's secrets, as they are now."""


class Veils:
    """Masks items as `History` gives them, by what their workflows' versions hide."""

    def __init__(self, read: Read, redaction_of: RedactionOf, secret_values: SecretValues) -> None:
        self._read = read
        self._redaction_of = redaction_of
        self.secret_values = secret_values

    async def events(
        self, items: Sequence[dict[str, Json]], versions: Sequence[set[int]], *, always: Redaction = NOTHING
    ) -> list[Json]:
        """*items* as they may be shown; *versions* has those of each one's runs. *always* hides of each."""
        redactions = [
            one | always
            for one in await self._redactions(
                zip((item["workflow"] for item in items), versions, strict=True)
            )
        ]
        hiding = [item["id"] for item, one in zip(items, redactions, strict=True) if one]
        seen = await each_event(self._read, hiding, _seen) if hiding else {}

        def veil(item: dict[str, Json], redaction: Redaction) -> Veil | None:
            return Veil(redaction, seen.get(item["id"], UNREAD)) if redaction else None

        secret_values = self.secret_values()
        if not hiding and not secret_values:
            return list(items)
        return await asyncio.to_thread(
            lambda: _veiled(items, list(map(veil, items, redactions)), secret_values, redacted_event)
        )

    async def runs(self, items: Sequence[dict[str, Json]], *, always: Redaction = NOTHING) -> list[Json]:
        """*items* as they may be shown; *always* hides of each one's event."""
        veils = await self.of_runs(
            [(one["id"], one["event"], one["workflow"], one["version"]) for one in items], always=always
        )
        secret_values = self.secret_values()
        if not any(veils) and not secret_values:
            return list(items)
        return await asyncio.to_thread(lambda: _veiled(items, veils, secret_values, redacted_run))

    async def value(self, run: tuple[str, str, str, int], value: Json) -> Json:
        """*value*, which stands in that run (its id, event, workflow, version), as it may be shown."""
        (veil,) = await self.of_runs([run])
        if present := secrets_in(value, self.secret_values()):
            veil = veil or Veil(NOTHING, Seen())
            veil.hide(present)
        return await asyncio.to_thread(veil.value, value) if veil else value

    async def hides(self, workflow: str, versions: set[int]) -> bool:
        """Whether anything of that workflow's events is hidden."""
        return any(await self._redactions([(workflow, versions)]))

    async def of_runs(
        self, runs: Sequence[tuple[str, str, str, int]], *, always: Redaction = NOTHING
    ) -> list[Veil | None]:
        """
        What hides the values of each run (its id, event, workflow, version) in any text that was
        made of it; None where nothing is hidden. *always* hides of each one's event.
        """
        asked = ((workflow, {version}) for _, _, workflow, version in runs)
        redactions = [one | always for one in await self._redactions(asked)]
        hiding = [(run, redaction) for run, redaction in zip(runs, redactions, strict=True) if redaction]
        if not hiding:
            return [None] * len(runs)
        seen = await each_event(self._read, list({event for (_, event, *_), _ in hiding}), _seen)
        ids = [run[0] for run, redaction in hiding if any(path.root == "steps" for path in redaction.paths)]
        outputs, hidden = await self._outputs(ids), await self._hidden(ids)

        def veil(run: tuple[str, str, str, int], redaction: Redaction) -> Veil | None:
            if not redaction:
                return None
            of_event = seen.get(run[1], UNREAD)
            made = replace(of_event, outputs=outputs.get(run[0], ()), hidden=hidden.get(run[0], ()))
            return Veil(redaction, made)

        return await asyncio.to_thread(lambda: list(map(veil, runs, redactions)))

    async def _redactions(self, asked: Iterable[tuple[str, set[int]]]) -> list[Redaction]:
        """What is hidden of each workflow with these versions, found once for those that are alike."""
        known: dict[tuple[str, int | None], Redaction] = {}
        redactions = []
        for workflow, versions in asked:
            redaction = Redaction()
            for key in [(workflow, None), *((workflow, version) for version in versions)]:
                if key not in known:
                    known[key] = await self._redaction_of(*key)
                redaction |= known[key]
            redactions.append(redaction)
        return redactions

    async def _outputs(self, run_ids: Sequence[str]) -> dict[str, list[tuple[str, Json]]]:
        """Recorded outputs by run, each with its step's id."""
        found: dict[str, list[tuple[str, Json]]] = {}
        for run_id, path, output in await self._read(SQL["outputs"], ids=dumps(list(run_ids))):
            identity = own_id(path)
            if identity:
                found.setdefault(run_id, []).append((identity, value_or_none(output)))
        return found

    async def _hidden(self, run_ids: Sequence[str]) -> dict[str, list[Json]]:
        """Values that traces keep for no other purpose than to hide them."""
        rows = await self._read(SQL["traces"], ids=dumps(list(run_ids)))
        return {run_id: hidden_in(value_or_none(trace) or []) for run_id, trace in rows}


def _veiled(
    items: Sequence[dict[str, Json]],
    veils: Sequence[Veil | None],
    secret_values: frozenset[str],
    redacted: Callable[[Mapping[str, Json], Veil], dict[str, Json]],
) -> list[Json]:
    """*items* behind their *veils*, and the server's secrets in none of them."""
    shown: list[Json] = []
    for item, given in zip(items, veils, strict=True):
        veil = given
        if present := secrets_in(item, secret_values):
            veil = veil or Veil(NOTHING, Seen())
            veil.hide(present)
        shown.append(redacted(item, veil) if veil else item)
    return shown


def _seen(event: Event) -> Seen:
    names = event_names(event)
    try:
        return Seen(payload_again(event), event=names)
    except InboundError:
        return Seen(has_payload=False, event=names)
