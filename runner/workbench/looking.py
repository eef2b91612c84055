"""
Looking on while a workflow is written: the value of an expression, and a preview of the whole. It runs in
a process of its own with bounds on time and memory, which sees no secret and cannot send.

What was computed for a text, an event and what the server holds is remembered, so that a second look
at the same costs nothing but itself.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from runner.engine.names import bounds_of, event_names, payload_of
from runner.engine.redact import Redaction, Seen, Veil
from runner.errors import InboundError, LimitExceeded
from runner.inbound.decode import Bounds
from runner.language.load import load
from runner.language.outline import outline
from runner.language.scope import Scope
from runner.language.secrets import MASK
from runner.values import Json, dumps
from runner.workbench.backtest import backtest, hidden
from runner.workbench.bench import Situation, perform
from runner.workbench.evaluating import evaluated, shown
from runner.workbench.preview import Desk, bench_of, preview, veiled
from runner.workbench.scopes import Scopes, passing, scope_of
from runner.workbench.sending import Recorded, Sendings
from runner.workbench.virtual_time import VirtualTimeLoop
from runner.workbench.wire import (
    basis_of,
    commands_of,
    connection_of,
    event_of,
    past_run_of,
    redaction_of,
)

if TYPE_CHECKING:
    from runner.connector import Action, Connection
    from runner.engine.runs import Event
    from runner.engine.turn import Outbound
    from runner.language.catalogue import Catalogue
    from runner.language.expressions import Expression, ExpressionShape
    from runner.language.load import Loaded
    from runner.language.outline import Outlined
    from runner.language.templates import TemplateShape
    from runner.language.workflow import Workflow

MOST_LOADED = 8  # texts
MOST_SCOPES = 8  # performances, of which each holds an event
MOST_HELD_BYTES = 16 << 20  # of events in them
SHOWN = ("value", "shown", "used", "fault")  # of what an evaluation gives: made of values

T = TypeVar("T")


class Here:
    """See `runner.engine.turn.Evaluator`: in this process, which has its own bounds."""

    async def render(self, shape: TemplateShape, scope: Scope, **_bounds: Any) -> Json:
        """As `shape.render`."""
        return shape.render(scope)

    async def evaluate(self, expression: Expression | ExpressionShape, scope: Scope, **_bounds: Any) -> Json:
        """As `expression.evaluate`."""
        return expression.evaluate(scope)


@dataclass(frozen=True, slots=True)
class Known:
    """What a text came to."""

    loaded: Loaded
    steps: list[Outlined]


@dataclass(slots=True)
class Looking:
    """
    Answers requests of `runner.workbench.wire`. `catalogue(held)` is what the checker knows; `action`,
    `model` find an action and the model of a kind of connections.
    """

    catalogue: Callable[[Json], Catalogue]
    action: Callable[[str], Action | None]
    model: Callable[[str], type[Connection] | None]
    outbound: Outbound
    _known: OrderedDict[str, Known] = field(default_factory=OrderedDict)
    _scopes: OrderedDict[str, tuple[Scopes, int, Json]] = field(default_factory=OrderedDict)

    def answer(self, request: Json) -> Json:
        """What `request["do"]` asks for: "evaluate", "preview" or "backtest"."""
        known = self._loaded(request)
        if request["do"] == "backtest":
            return self._backtest(request, known)
        event, redaction = event_of(request["event"]), redaction_of(request["redaction"])
        if request["do"] == "preview":
            return self._preview(request, known, event, redaction)
        return self._evaluate(request, known, event, redaction)

    def _preview(self, request: Json, known: Known, event: Event, redaction: Redaction) -> Json:
        recorded = {path: Recorded(**one) for path, one in request["recorded"].items()}
        look = preview(
            self._desk(request), known.loaded, known.steps, event, recorded, upto=request["upto"]
        )  # fmt: skip
        looked = _run(look)
        veil = self._veil(event, redaction, known.loaded.draft, looked.outputs)
        return veiled(looked.answer, veil) if veil else looked.answer

    def _backtest(self, request: Json, known: Known) -> Json:
        """An entry of a backtest for each of the request's events."""
        if known.loaded.draft is None:
            raise LimitExceeded("the text cannot be read")
        desk, slug, held = self._desk(request), request["slug"], request["held"]

        def version(number: int) -> Workflow | None:
            return self._loaded({**request["versions"][str(number)], "slug": slug, "held": held}).loaded.draft

        entries = []
        for one in request["events"]:
            event, runs = event_of(one["event"]), [past_run_of(each) for each in one["runs"]]
            pinned = version(one["version"]) if one["version"] else None
            found = _run(backtest(desk, known.loaded.draft, pinned, event, runs, address=request["address"]))
            veil = self._veil(event, redaction_of(one["redaction"]), known.loaded.draft, found.outputs)
            entries.append(hidden(found.entry, veil))
        return entries

    def _evaluate(self, request: Json, known: Known, event: Event, redaction: Redaction) -> Json:
        workflow = known.loaded.draft
        scope = _at_the_door(event, workflow)
        outputs: Json = []
        if workflow is not None:
            scopes, outputs = self._seen(request, workflow, event)
            if seen := scopes.at(request["at"], known.steps, workflow):
                scope = scope_of(seen, request["at"] or "", workflow)
        found = evaluated(request["kind"], request["source"], scope)
        veil = self._veil(event, redaction, workflow, outputs)
        if veil is None:
            return found
        if veil.is_all:
            return {"value": MASK, "type": "text", "shown": MASK, "used": [], "is_cut": False}
        hidden = {name: veil.value(one) if name in SHOWN else one for name, one in found.items()}
        if "value" in found and found["value"] != hidden["value"]:
            hidden["shown"] = shown(hidden["value"])
        used = [
            {**one, "value": veil.at(one["path"].split("."), one["value"])} for one in found.get("used", ())
        ]
        return {**hidden, "used": used} if "used" in found else hidden

    def _loaded(self, request: Json) -> Known:
        key = _digest(request["text"], request["slug"], request["basis"], request["held"])

        def read() -> Known:
            loaded = load(
                request["text"], path=f"{request['slug']}.yaml", slug=request["slug"],
                catalogue=self.catalogue(request["held"]), basis=basis_of(request["basis"]),
            )  # fmt: skip
            return Known(loaded, outline(request["text"]))

        return _remembered(self._known, key, read, MOST_LOADED)

    def _seen(self, request: Json, workflow: Workflow, event: Event) -> tuple[Scopes, Json]:
        """What each step sees, and the outputs."""
        body = hashlib.sha256(event.body).hexdigest()
        key = _digest(request["text"], request["slug"], request["basis"], event.id, body, request["recorded"])

        def look() -> tuple[Scopes, int, Json]:
            recorded = {path: Recorded(**one) for path, one in request["recorded"].items()}
            sendings, scopes = Sendings(self.action, recorded, {}), Scopes()
            desk = self._desk(request)
            performing = perform(
                bench_of(desk, sendings), passing(workflow), event, sendings,
                Situation(event_type=event.type, delivery_id=event.delivery_id), begin=scopes.begin,
            )  # fmt: skip
            performance = _run(performing)
            outputs = list(performance.steps.items())
            return scopes, len(event.body) + len(dumps(outputs)), outputs

        scopes, _size, outputs = _remembered(self._scopes, key, look, MOST_SCOPES)
        while len(self._scopes) > 1 and sum(one[1] for one in self._scopes.values()) > MOST_HELD_BYTES:
            self._scopes.popitem(last=False)
        return scopes, outputs

    def _desk(self, request: Json) -> Desk:
        held = request["held"]["connections"]

        def connection(name: str) -> Connection | None:
            return connection_of(held[name], self.model) if name in held else None

        commands = commands_of(request["held"]["commands"])
        return Desk(Here(), self.outbound, self.action, connection, commands)

    def _veil(
        self, event: Event, redaction: Redaction, workflow: Workflow | None, outputs: Json
    ) -> Veil | None:
        if not redaction:
            return None
        names = event_names(event)
        try:
            payload, is_read = payload_of(event, _bounds(workflow)).payload, True
        except InboundError:
            payload, is_read = None, False
        by_id = [(path.rpartition(".")[2], value) for path, value in outputs]
        return Veil(redaction, Seen(payload, is_read, names, by_id))


def _at_the_door(event: Event, workflow: Workflow | None) -> Scope:
    """What is seen where no step runs: the event does not come in, or the text cannot be read."""
    try:
        payload: Json = payload_of(event, _bounds(workflow)).payload
    except InboundError:
        payload = None
    names: dict[str, Json] = {
        "payload": payload,
        "event": event_names(event),
        "vars": dict(workflow.vars) if workflow else {},
        "run": {"workflow": event.workflow},
        "steps": {},
        "outcomes": {},
    }
    return Scope(names, event.received_at, event.id, workflow.timezone if workflow else "UTC")


def _bounds(workflow: Workflow | None) -> Bounds:
    return bounds_of(workflow) if workflow else Bounds()


def _run(performing: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(performing)


def _digest(*parts: Json) -> str:
    return hashlib.sha256(dumps(list(parts)).encode(errors="surrogatepass")).hexdigest()


def _remembered(kept: OrderedDict[str, T], key: str, make: Callable[[], T], most: int) -> T:
    if key not in kept:
        kept[key] = make()
        while len(kept) > most:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]
