"""
What a run would send, while nothing is: each action is run up to the moment at which its request would
leave, and given an answer in place of the service's.

The answer is the one that an earlier run of the same event recorded for the same step and the same
inputs, else one that is invented by what the action declares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.errors import ActionError, Rejected, as_sentence
from runner.language.secrets import MASK
from runner.values import Json
from runner.workbench.answers import OWN, Answered, Answers, Called
from runner.workbench.inventing import invented
from runner.workbench.unsent import InventedReply, NotSent, Unsent

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runner.connector import Action, Call, Connection, Http, Input, Reply
    from runner.connector.registry import Reading
    from runner.engine.calls import Prepared
    from runner.workbench.cases import Given

SECRET = re.compile(r"\{\{ secrets\.\w+ \}\}")
OPTIONAL = re.compile(r"\[([^\]]*)\]")
FIELD = re.compile(r"\{(\w+)\}")
MANY = re.compile(r"\{n\} ((?:\w+ )*?)(\w+)s\b")
READS = frozenset({"GET", "HEAD", "OPTIONS"})
NO_CONNECTION = "Choose a connection to see the exact request."
UNKNOWN_CONNECTION = 'This server has no connection "{name}" yet; make it to see the exact request.'
NOT_SHOWN = "What it sends cannot be shown without sending it; its inputs are these."


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a step was given in an earlier run of the same event, and what it gave."""

    input: Json
    output: Json


@dataclass(slots=True)
class Sending:
    """
    What one step would send: `request` and `host` where that is known, else `why` says why it is not.
    `effect` is a sentence with `{n}` in it, or empty. `is_read`: it only asks. `lacks_connection`: it
    would fail as it is.
    """

    action: Action
    path: str
    connection: str | None
    effect: str
    request: Unsent | None = None
    host: str = ""
    why: str = ""
    is_invented: bool = False
    is_read: bool = False
    lacks_connection: bool = False


class Sendings(Answers):
    """
    The answers of a preview, and what its steps would send. *recorded* is by path; *given* has what
    stands in place of calls of others and of answers that are waited for.
    """

    def __init__(
        self,
        find: Callable[[str], Action | None],
        recorded: Mapping[str, Recorded],
        given: Mapping[str, Sequence[Given]],
    ) -> None:
        super().__init__(given)
        self.made: dict[str, Sending] = {}  # by path, with its indices
        self._find = find
        self._recorded = recorded
        self._prepared: dict[str, Prepared] = {}  # by its key

    async def __call__(self, prepared: Prepared) -> BaseModel | None:
        """As `runner.engine.turn.StandIn`: the action itself answers, which is one of `action`."""
        name = prepared.action.name
        self.calls.setdefault(prepared.path, Called(name, prepared.path, is_given=True))
        self._prepared[prepared.key] = prepared
        return None

    def action(self, name: str) -> Action | None:
        """The action *name*, without its effect; those of `state` reach nothing outside."""
        real = self._find(name)
        if real is None or name.startswith(OWN):
            return real

        async def shown(call: Call, connection: Connection | None, given: Input) -> BaseModel:
            return await self._shown(real, call, connection, given)

        return replace(real, function=shown)

    async def _shown(
        self, real: Action, call: Call, connection: Connection | None, given: Input
    ) -> BaseModel:
        prepared = self._prepared[call.idempotency_key]
        path = prepared.path
        sending = Sending(real, path, prepared.connection_name, _filled(real.effect, given))
        self.made[path] = sending
        if connection is None and real.connection_required:
            name = prepared.connection_name
            sending.why = UNKNOWN_CONNECTION.format(name=name) if name else NO_CONNECTION
            sending.lacks_connection = True
        else:
            http = _Looking(call.http, real.reading, given)
            try:
                return await real.function(replace(call, http=http), connection, given)
            except NotSent as unsent:
                sending.request, sending.host = unsent.request, unsent.host
                sending.is_read = unsent.request is not None and unsent.request.method in READS
            except ActionError:
                raise  # it refuses its inputs, as it would then
            except Exception:  # noqa: BLE001 - it has met what stands in for a secret or an answer
                sending.why = NOT_SHOWN
        output, sending.is_invented = self.output(real, path, given)
        return Answered(output)

    def output(self, real: Action, path: str, given: Input) -> tuple[Json, bool]:
        """What stands for what the call at *path* would give, and whether it is invented."""
        recorded = self._recorded.get(path)
        if recorded is not None and _is_same(real, recorded.input, given):
            return recorded.output, False
        return invented(real.output.model_json_schema(mode="serialization")), True


@dataclass(slots=True)
class Destination:
    """Calls of one effect at one destination."""

    name: str
    effect: str
    count: int = 0

    def as_json(self) -> Json:
        """`{destination, count, sentence}`."""
        return {"destination": self.name, "count": self.count, "sentence": counted(self.effect, self.count)}


def destinations(made: Sequence[Sending]) -> list[Destination]:
    """Where how much would be sent; what only asks is no sending."""
    found: dict[tuple[str, str], Destination] = {}
    for one in made:
        if not one.is_read:
            key = (destination_of(one), effect_of(one))
            found.setdefault(key, Destination(*key)).count += 1
    return list(found.values())


def destination_of(sending: Sending) -> str:
    """Where it goes, for a person: its connection and host, as far as they are known."""
    parts = [one for one in (sending.connection, sending.host) if one]
    return " · ".join(parts) or sending.action.name.partition(".")[0]


def effect_of(sending: Sending) -> str:
    """What it does, with `{n}`."""
    if sending.effect:
        return sending.effect
    if sending.is_read:
        return f"asks {sending.host or sending.action.name} {{n}} times"
    return f"calls {sending.action.name} {{n}} times"


def counted(effect: str, count: int) -> str:
    """*effect* done *count* times, as a sentence: "Posts 2 messages to #sales."."""
    text = MANY.sub(lambda found: f"{{n}} {found[1]}{found[2]}", effect) if count == 1 else effect
    text = text.replace("{n}", f"{count:,}")
    return as_sentence(text)


def _filled(effect: str, given: Input) -> str:
    """*effect* with the inputs in it; parts in brackets are left out where one of theirs is not given."""
    values = given.model_dump(mode="json", by_alias=True)

    def text(name: str) -> str:
        value = values.get(name)
        value = ", ".join(map(str, value)) if isinstance(value, list) else value
        shown = " ".join(str(value).split()).replace("{", "(").replace("}", ")")
        return shown if len(shown) <= 80 else f"{shown[:79]}…"

    def part(found: re.Match[str]) -> str:
        names = [one for one in FIELD.findall(found[1]) if one != "n"]
        return found[1] if all(values.get(one) not in (None, "", []) for one in names) else ""

    kept = OPTIONAL.sub(part, effect)
    return FIELD.sub(lambda found: "{n}" if found[1] == "n" else text(found[1]), kept)


def _is_same(action: Action, recorded: Json, given: Input) -> bool:
    """Whether an earlier run gave the same inputs, secrets aside."""
    try:
        return action.read_input(_without_secrets(recorded)) == given
    except Rejected:
        return False


def _without_secrets(value: Json) -> Json:
    if isinstance(value, str):
        return SECRET.sub(MASK, value)
    if isinstance(value, dict):
        return {key: _without_secrets(one) for key, one in value.items()}
    return [_without_secrets(one) for one in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class _Looking:
    """An `Http` where what only reads is answered as the action's `reading` says."""

    http: Http
    reading: Reading | None
    given: Input

    async def get(self, url: str, **options: Any) -> Reply:
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> Reply:
        return await self.request("POST", url, **options)

    async def request(self, method: str, url: str, **options: Any) -> Reply:
        try:
            return await self.http.request(method, url, **options)
        except NotSent as unsent:
            if self.reading is None or unsent.request is None or unsent.request.method not in READS:
                raise
            answer = self.reading(self.given, method.upper(), unsent.request.url)
            if answer is None:
                raise
            return InventedReply.of(answer, url)
