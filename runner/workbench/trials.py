"""
Trying a workflow while it is written: what came in, what an expression gives, what a text would do, a
sample through the real door, and, when a person asks for it, a run for real.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from runner.engine.accept import NO_VERSION, accept, new_id, reject
from runner.engine.credentials import credentials_in
from runner.engine.examining import Examined, Greeted, Stopped, examine, examine_trusted
from runner.engine.fields import fields_of
from runner.engine.history import Wanted
from runner.engine.library import SUFFIX, Live, basis_in
from runner.engine.names import bounds_of, event_names, payload_of
from runner.engine.redact import Redaction, Seen, Veil
from runner.engine.runs import Disposition, Gate
from runner.engine.sampling import (
    is_sample,
    letter_of,
    sampled,
    verified_provider,
)
from runner.errors import HooklineError, InboundError, LimitExceeded, MoveRefused, NotFound
from runner.inbound.credentials import WELL_KNOWN
from runner.inbound.decode import Bounds
from runner.language.basis import NO_BASIS, Basis
from runner.language.faults import Fault, WorkflowInvalid
from runner.language.load import load
from runner.language.redact import redact_of, splits
from runner.language.secrets import masked
from runner.values import Json, dumps, loads
from runner.workbench.evaluating import beyond_limit
from runner.workbench.making import Source, made_up, of_request
from runner.workbench.sending import Recorded
from runner.workbench.wire import Asked, asked_json

if TYPE_CHECKING:
    from runner.engine.accept import Door
    from runner.engine.examining import Examiner
    from runner.engine.history import History
    from runner.engine.library import Library
    from runner.engine.past import Past
    from runner.engine.redact import RedactionOf
    from runner.engine.runs import Event
    from runner.inbound.request import Request
    from runner.language.catalogue import Catalogue
    from runner.language.load import Loaded
    from runner.workbench.backtests import Backtests
    from runner.workbench.wire import Held

PREVIEW_SECONDS = 4.0  # of CPU
EVALUATE_SECONDS = 2.0
MOST_BYTES = 16 << 20  # of bodies that are read for the fields of events
MOST_SECONDS = 1.0  # of looking at them
MOST_RECORDED_BYTES = 4 << 20  # of answers that go along with a preview
WIDE = Bounds(max_body_bytes=64 << 20, max_file_bytes=64 << 20)
RECEIVED = Gate("received", "passed")


class Desk(Protocol):
    """The process that looks on (runner/workbench/looking.py)."""

    async def ask(self, request: Json, *, seconds: float, key: str) -> Json:
        """The answer. Raises LimitExceeded, ExpressionError."""

    async def warm(self) -> None:
        """Have it ready."""


Deliver = Callable[["Request", str, bool], Awaitable[tuple[int, bytes]]]
"""`(request, by, is_sent)`: hands a sample to the door of this process; the answer's status and body."""


@dataclass(frozen=True, slots=True)
class Trials:
    """
    What the API does. `held()` is what a preview may know of this server, `redaction_of` what is hidden,
    `secrets()` are values by name, `overrides(slug)` the vars of its configuration, `url_of(token)` an
    address.
    """

    library: Library
    history: History
    past: Past
    desk: Desk
    door: Door
    examiner: Examiner
    redaction_of: RedactionOf
    held: Callable[[], Held]
    secrets: Callable[[], Mapping[str, str]]
    secret_values: Callable[[], frozenset[str]]
    catalogue: Callable[[], Catalogue]
    overrides: Callable[[str], Mapping[str, Json]]
    url_of: Callable[[str], str]
    deliver: Deliver
    backtests: Backtests

    # --- looking ------------------------------------------------------------------------------

    async def recent(self, slug: str, *, limit: int) -> Json:
        """`{items: [{id, title, type, disposition, received_at, is_sample}]}`, newest first."""
        page = await self.history.events(Wanted(workflow=slug, limit=limit))
        items = [one for one in page.items if one["size"] and one["disposition"] != "duplicate"]
        samples = await self.past.samples([one["id"] for one in items])
        await self.desk.warm()  # whoever looks at them tries something next
        return {
            "items": [
                {
                    "id": one["id"],
                    "title": one["runs"][0]["title"] if one["runs"] else "",
                    "type": one["type"],
                    "disposition": one["disposition"],
                    "received_at": one["received_at"],
                    "is_sample": one["id"] in samples,
                }
                for one in items
            ]
        }

    async def data(self, slug: str, source: Source, text: str) -> Json:
        """
        `{event, payload, headers, query, type, title, is_sample, unreadable}` of an event as expressions see
        it; *text* is the workflow as it is being written. Raises NotFound.
        """
        event = await self._event(slug, source, text)
        redaction = await self._redaction(slug, source.event, text)
        shown = await asyncio.to_thread(self._shown, event, redaction)
        names = shown["event"]
        titles = await self._titles(source.event)
        return {
            **shown,
            "headers": names["headers"] if isinstance(names, dict) else {},
            "query": names["query"] if isinstance(names, dict) else {},
            "type": event.type if not redaction.is_all else None,
            "title": titles[0] if titles else "",
            "is_sample": is_sample(event) or source.sample is not None,
        }

    async def fields(self, slug: str, *, last: int, text: str) -> Json:
        """`{events, fields: [{path, types, in, example}]}` of the last events that were not refused."""
        end = time.monotonic() + MOST_SECONDS
        events = await self.past.latest(slug, limit=last, most_bytes=MOST_BYTES)
        redactions = [await self._redaction(slug, one.id, text) for one in events]

        def look() -> Json:
            shown: list[dict[str, Json]] = []
            for event, redaction in zip(events, redactions, strict=True):
                if shown and time.monotonic() > end:
                    break
                one = self._shown(event, redaction)
                if one["unreadable"] is None:
                    names = one["event"] if isinstance(one["event"], dict) else {}
                    seen = {"headers": names.get("headers", {}), "query": names.get("query", {})}
                    of_webhook = {"event": seen} if event.trigger == "webhook" else {}
                    shown.append({"payload": one["payload"], **of_webhook})
            looked, found = fields_of(shown, is_over=lambda: time.monotonic() > end)
            return {"events": looked, "fields": [one.as_json() for one in found]}

        return await asyncio.to_thread(look)

    # --- trying without sending -----------------------------------------------------------------

    async def evaluate(
        self, slug: str, text: str, source: Source, *, at: str | None, kind: str, what: str
    ) -> Json:
        """What `runner.workbench.evaluating.evaluated` gives. Raises NotFound."""
        asked = await self._asked(slug, text, source)
        request = asked_json(asked, do="evaluate", at=at, kind=kind, source=what, seconds=EVALUATE_SECONDS)
        try:
            found = await self.desk.ask(request, seconds=EVALUATE_SECONDS, key=slug)
        except LimitExceeded as error:
            return {"fault": beyond_limit(str(error))}
        return masked(found, self.secret_values())

    async def preview(self, slug: str, text: str, source: Source, *, upto: str | None) -> Json:
        """What `runner.workbench.preview.preview` gives. Raises NotFound; MoveRefused: it takes too much."""
        asked = await self._asked(slug, text, source)
        request = asked_json(asked, do="preview", upto=upto, seconds=PREVIEW_SECONDS)
        try:
            found = await self.desk.ask(request, seconds=PREVIEW_SECONDS, key=slug)
        except LimitExceeded as error:
            raise MoveRefused(f"a preview of this takes too much: {error}") from None
        return masked(found, self.secret_values())

    # --- for real -------------------------------------------------------------------------------

    async def try_now(self, slug: str, text: str, source: Source, *, by: str) -> str:
        """
        Run *text* once on a copy of an event, its actions sent for real; the run's id.

        Raises:
            WorkflowInvalid: the text has errors.
            MoveRefused: it does not take this event. NotFound, StoreUnavailable.
        """
        now = self.door.clock()
        loaded = await self._loaded(slug, text)
        workflow = loaded.workflow
        if workflow is None:
            raise WorkflowInvalid([one for one in loaded.faults if one.severity == "error"])
        event = await self._event(slug, source, text)
        facts: dict[str, Json] = {"by": by, **({"tried": source.event} if source.event else {})}
        gate = Gate("received", "passed", f"{by} tried this", facts)
        accepted = Disposition.ACCEPTED
        event = replace(
            event, id=new_id(now), workflow=slug, received_at=now, disposition=accepted, gates=(gate,)
        )
        live = self.library.get(slug)
        if live is not None and live.workflow.digest == workflow.digest:
            version = live.version
        else:
            version = await self.past.keep_tried(slug, workflow.digest, text, loaded.basis, now=now)
        pinned = Live(workflow, version, self.library.book.token(slug), text, loaded.basis)
        examined = self._read(pinned, event)
        begun = await accept(
            self.door, pinned, examined.event, examined.payload, examined.files, mode="test", is_by_hand=True
        )
        if not begun.run_id:
            raise MoveRefused("`split` gives no items for this event, so nothing runs")
        return begun.run_id

    async def send_sample(
        self, slug: str, text: str, *, event_type: str, provider: str | None, is_sent: bool, by: str
    ) -> Json:
        """
        Make a sample of *event_type*, signed with the workflow's secret, and let it through the real
        door: `{event, disposition, sentence}`. Of a workflow that was never published it is judged by
        *text*, and kept: it is held, and starts nothing.

        Raises:
            MoveRefused: no sample can be made or signed; the message says why. NotFound, StoreUnavailable.
        """
        live = self.library.get(slug)
        loaded = None if live else await self._loaded(slug, text)
        workflow = live.workflow if live else loaded.draft if loaded else None
        if workflow is None:
            raise MoveRefused("the text cannot be read yet")
        if workflow.webhook is None:
            raise MoveRefused(f"{slug} has no webhook, so nothing can be sent to it")
        verification = workflow.webhook.verification
        whose = verified_provider(verification) or provider
        if whose is None:
            raise MoveRefused("the trigger names no provider; say whose sample it shall be")
        token = self.library.book.token(slug)
        now = self.door.clock()
        try:
            letter = letter_of(verification, whose, event_type, self.secrets())
            request = letter.request(self.url_of(token), now)
        except NotFound:
            raise
        except HooklineError as error:
            raise MoveRefused(str(error)) from None
        if live is None:
            pinned = Live(workflow, 0, token, text)
            return await self._kept(pinned, request, by=by, now=now)
        status, body = await self.deliver(request, by, is_sent)
        event_id = _event_in(body) or await self._newest(slug, now)
        if event_id is None:
            return {
                "event": None,
                "disposition": None,
                "sentence": f"It was answered {status}, and not kept.",
            }
        return await self._told(event_id)

    async def _kept(self, pinned: Live, request: Request, *, by: str, now: float) -> Json:
        """Judge a sample by a text that is not published, and keep it."""
        slug = pinned.workflow.slug
        gate = sampled(RECEIVED, by=by, is_sent=False)
        event = replace(of_request(slug, request, now), id=new_id(now), gates=(gate,))
        found = await examine(self.examiner, pinned, event, url=request.url, now=now)
        if isinstance(found, Greeted):
            raise MoveRefused("this sample is a handshake, which starts nothing")
        if isinstance(found, Stopped):
            await reject(self.door, event, found.gate)
        else:
            gates = (*found.event.gates, replace(NO_VERSION, reason="the workflow is not published yet"))
            held = replace(found.event, disposition=Disposition.HELD, gates=gates)
            await self.door.store.accept(held, [], {})
        return await self._told(event.id)

    async def _told(self, event_id: str) -> Json:
        """What became of a sample, in a sentence."""
        event = await self.past.event(event_id)
        stopped = next((gate for gate in event.gates if gate.verdict == "stopped"), None)
        why = masked(stopped.reason, self.secret_values()) if stopped else ""
        is_sent = event.gates[0].facts.get("sample") == "sent"
        accepted = "It came in. Its run " + (
            "sends its actions for real." if is_sent else "shows its actions and sends none."
        )
        sentences: dict[Disposition, str] = {
            Disposition.ACCEPTED: accepted,
            Disposition.HELD: "It passed the checks and is kept. Nothing runs until you publish."
            if stopped and stopped.name == NO_VERSION.name
            else f"It passed the checks and is held: {why}.",
            Disposition.REJECTED: f"We refused it: {why}.",
        }
        sentence = sentences.get(event.disposition, f"It started nothing: {why or event.disposition.value}.")
        return {"event": event.id, "disposition": event.disposition.value, "sentence": sentence}

    # --- inside -----------------------------------------------------------------------------------

    async def _asked(self, slug: str, text: str, source: Source) -> Asked:
        event = await self._event(slug, source, text)
        redaction = await self._redaction(slug, source.event, text)
        basis = await asyncio.to_thread(self._basis, slug)
        recorded: dict[str, Recorded] = {}
        left = MOST_RECORDED_BYTES
        for one in await self.past.gave(source.event) if source.event else ():
            left -= len(dumps([one.input, one.output]))
            if left > 0:
                recorded[one.path] = Recorded(one.input, one.output)
        return Asked(text, slug, basis, self.held(), event, redaction, recorded)

    async def _event(self, slug: str, source: Source, text: str) -> Event:
        if source.event is not None:
            event = await self.past.event(source.event)
            if event.workflow != slug:
                raise NotFound(f"there is no event {source.event} of {slug}")
            return event
        return made_up(slug, source, text, self.door.clock())

    async def _redaction(self, slug: str, event_id: str | None, text: str) -> Redaction:
        """What is hidden: by what was published, by the versions of the event's runs, and by *text*."""
        found = await self.redaction_of(slug, None)
        if found.is_all and await self.door.store.newest_version(slug) is None:
            found = Redaction()  # it was never published: what is being written says it alone
        for version in await self.past.versions(event_id) if event_id else ():
            found |= await self.redaction_of(slug, version)
        basis = await asyncio.to_thread(self._basis, slug)
        own = redact_of(text, basis.defaults) or ()
        paths = (*own, *credentials_in(text), *WELL_KNOWN)
        return found | Redaction(paths, is_split=bool(own) and splits(text))

    def _shown(self, event: Event, redaction: Redaction) -> dict[str, Json]:
        """`{event, payload, unreadable}` as they may be seen."""
        names: Json = event_names(event)
        payload: Json = None
        unreadable = None
        try:
            payload = payload_of(event, WIDE).payload
        except InboundError as error:
            unreadable = str(error)
        veil = Veil(redaction, Seen(payload, unreadable is None, event_names(event)))
        names, payload = veil.at(("event",), names), veil.at(("payload",), payload)
        shown = {"event": names, "payload": payload, "unreadable": unreadable and veil.text(unreadable)}
        return dict(masked(shown, self.secret_values()))

    async def _titles(self, event_id: str | None) -> list[str]:
        if event_id is None:
            return []
        found = await self.history.event(event_id)
        return [one["title"] for one in found["runs"]]

    async def _loaded(self, slug: str, text: str) -> Loaded:
        def read() -> Loaded:
            path = f"{slug}{SUFFIX}"
            return load(text, path=path, slug=slug, catalogue=self.catalogue(), basis=self._basis(slug))

        return await asyncio.to_thread(read)

    def _basis(self, slug: str) -> Basis:
        found = basis_in(self.library.folder, self.overrides(slug))
        return NO_BASIS if isinstance(found, Fault) else found

    def _read(self, pinned: Live, event: Event) -> Examined:
        """The event as the text reads it, whoever sent it. Raises MoveRefused."""
        if event.trigger == "webhook":
            examined = examine_trusted(pinned, event, url=self.url_of(pinned.token))
            if isinstance(examined, Stopped):
                raise MoveRefused(f"the workflow does not take this event: {examined.gate.reason}")
            return replace(examined, event=replace(examined.event, type=event.type or examined.event.type))
        try:
            decoded = payload_of(event, bounds_of(pinned.workflow))
        except InboundError as error:
            raise MoveRefused(f"the workflow does not take this event: {error}") from None
        return Examined(event, decoded.payload, decoded.files)

    async def _newest(self, slug: str, since: float) -> str | None:
        """The event that came last: an answer in a provider's own form does not name it."""
        page = await self.history.events(Wanted(workflow=slug, since=since, limit=1))
        return page.items[0]["id"] if page.items else None


def _event_in(body: bytes) -> str | None:
    try:
        found = loads(body)
    except ValueError:
        return None
    event = found.get("event") if isinstance(found, dict) else None
    return event if isinstance(event, str) else None
