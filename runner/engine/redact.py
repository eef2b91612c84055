"""
Redact: what a workflow's `redact` names is shown as ••• wherever people look.

The stored bytes stay, the run needs them. Values at the paths are masked in their places, and the
same values wherever else they stand: in texts made of them, in errors, titles and answers, also in
another case, URL-encoded, in base64, escaped, or cut short as messages do. A value of fewer than
four characters is masked where it stands as a word of its own; one character cannot be told apart.
By what senders prove who they are is hidden without being named (runner/engine/credentials.py).
Where the paths are not known (a version that is gone or no longer reads), all is hidden.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote_plus

from markupsafe import escape

from runner.engine.credentials import credentials_in, credentials_of
from runner.engine.filtered import did_not_hold
from runner.engine.library import basis_in
from runner.engine.names import event_names
from runner.engine.paths import own_id
from runner.errors import NotFound
from runner.language.faults import Fault
from runner.language.paths import Part, ValuePath, replaced_at, values_at
from runner.language.redact import redact_of, splits
from runner.language.secrets import MASK, forms_of
from runner.values import Json, dumps

if TYPE_CHECKING:
    from runner.engine.drafts import Drafts
    from runner.engine.library import Library
    from runner.engine.runs import Event, Record, Store
    from runner.language.workflow import Workflow

HEAD = 4  # characters by which a value is found in a text
SHORTEST = 2  # characters of a value that is masked where it is a word of its own
SHORTEST_CUT = 12  # characters of a longer value's beginning that are masked where the rest is cut off
AUTHORIZATION = re.compile(r"(?:basic|bearer|token)\s+(.+)", re.IGNORECASE)
MOST_KEPT = 1024  # versions whose paths are kept in memory


@dataclass(frozen=True, slots=True)
class Redaction:
    """
    What is hidden: the values at *paths*, or, where those are not known, everything. With *is_split* a
    run's `payload` is a part of its event's, and paths into it are looked for in every part.
    """

    paths: tuple[ValuePath, ...] = ()
    is_all: bool = False
    is_split: bool = False

    def __bool__(self) -> bool:
        """Whether anything is hidden."""
        return self.is_all or bool(self.paths)

    def __or__(self, other: Redaction) -> Redaction:
        """What either of them hides."""
        return Redaction(
            tuple(dict.fromkeys((*self.paths, *other.paths))),
            self.is_all or other.is_all,
            self.is_split or other.is_split,
        )


EVERYTHING = Redaction(is_all=True)
RedactionOf: TypeAlias = "Callable[[str, int | None], Awaitable[Redaction]]"
"""What is hidden of a workflow's version; None: of its newest, for what belongs to no version."""


async def no_redaction(_workflow: str, _version: int | None) -> Redaction:
    """Nothing is hidden: for those who look at their own data."""
    return Redaction()


class Redactions:
    """
    What is hidden of each version: what its own text says and what the newest says now, so that a
    new path also hides what is old, and taking one away shows nothing that was promised hidden. Of a
    workflow that was never published its *drafts* say it.
    """

    def __init__(
        self,
        library: Library,
        store: Store,
        newest: Callable[[str], Awaitable[int | None]],
        drafts: Drafts | None = None,
    ) -> None:
        """`newest(workflow)` is the number of its newest stored version."""
        self._library = library
        self._drafts = drafts
        self._store = store
        self._newest = newest
        self._kept: OrderedDict[tuple[str, int], Redaction] = OrderedDict()

    async def __call__(self, workflow: str, version: int | None) -> Redaction:
        """See `RedactionOf`. Raises StoreUnavailable."""
        live = self._library.get(workflow)
        newest = live.version if live else await self._newest(workflow)
        if newest is None:
            return await self._of_drafts(workflow)
        now = await self._of(workflow, newest)
        return now if version in (None, newest) else now | await self._of(workflow, version or 0)

    async def _of_drafts(self, workflow: str) -> Redaction:
        texts = await self._drafts.texts(workflow) if self._drafts else ()
        if not texts:
            return EVERYTHING
        basis = await asyncio.to_thread(basis_in, self._library.folder, {})
        if isinstance(basis, Fault):
            return EVERYTHING
        found = Redaction()
        for text in texts:
            found |= _hiding(text, redact_of(text, basis.defaults))
        return found

    async def _of(self, workflow: str, version: int) -> Redaction:
        key = (workflow, version)
        if key not in self._kept:
            try:
                text = await self._store.version_source(workflow, version)
                basis = await self._store.version_basis(workflow, version)
                paths = redact_of(text, basis.defaults)
            except NotFound:
                self._kept[key] = EVERYTHING
            else:
                self._kept[key] = _hiding(text, paths)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]


def _hiding(text: str, paths: tuple[ValuePath, ...] | None) -> Redaction:
    """What the *paths* of a text hide, and what its checks of senders do; None: they cannot be read."""
    if paths is None:
        return EVERYTHING
    paths = (*paths, *credentials_in(text))
    return Redaction(paths, is_split=bool(paths) and splits(text))


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What the hidden values are taken from: an event's parts (`has_payload` is false where its body
    cannot be read), and the outputs of its runs' steps by their id.
    """

    payload: Json = None
    has_payload: bool = True
    event: Mapping[str, Json] = field(default_factory=dict)
    outputs: Sequence[tuple[str, Json]] = ()
    hidden: Sequence[Json] = ()  # values of steps without a record, kept in a trace


class Veil:
    """What hides the values of one event in whatever was made of it."""

    def __init__(self, redaction: Redaction, seen: Seen) -> None:
        self.paths = redaction.paths
        self.is_split = redaction.is_split
        # a body that cannot be read has no paths, and may hold anything
        self.is_all = redaction.is_all or (
            not seen.has_payload and any(path.root == "payload" for path in redaction.paths)
        )
        self._heads: dict[str, list[str]] = {}
        self._words: set[str] = set()
        self.hide(one for value in self._collected(seen) for one in _texts(value))

    def hide(self, texts: Iterable[str]) -> None:
        """Hide these *texts*, too, wherever they stand."""
        for text in set(texts):
            self._hide(text)

    def at(self, names: Sequence[str], value: Json) -> Json:
        """*value* as it may be shown, *names* being its own path, such as `payload`, `customer`."""
        if self.is_all:
            return None if value is None else MASK
        for path in self.paths:
            rest = _behind(path.parts, tuple(names))
            if rest is not None:
                value = replaced_at(value, rest, _mask)
            if self.is_split and path.root == names[0] == "payload":
                value = _masked_in_parts(value, path.parts[1:])
        return self.value(value)

    def value(self, value: Json) -> Json:
        """*value* with every hidden value in it masked, at any depth."""
        if self.is_all:
            return None if value is None else MASK
        if not self._heads and not self._words:
            return value
        return self._walked(value)

    def text(self, text: str) -> str:
        """*text* with every hidden value in it masked."""
        if self.is_all:
            return MASK if text else text
        return self._masked(text)

    def _walked(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._masked(value)
        if isinstance(value, dict):
            return {self._masked(key): self._walked(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._walked(one) for one in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            text = dumps(value)
            return MASK if len(text) >= HEAD and text in self._heads.get(text[:HEAD], ()) else value
        return value

    def _masked(self, text: str) -> str:
        if not self._heads and not self._words:
            return text
        folded = _folded(text)
        parts, done, at = [], 0, 0
        while at < len(text):
            length = self._length_of_hidden(folded, at)
            if length:
                parts += [text[done:at], MASK]
                done = at = at + length
            else:
                at += 1
        return "".join([*parts, text[done:]])

    def _length_of_hidden(self, text: str, at: int) -> int:
        """How many characters from *at* on are of a hidden value."""
        best = 0
        for hidden in self._heads.get(text[at : at + HEAD], ()):
            length = _common(text, at, hidden)
            is_cut = length >= SHORTEST_CUT and not text[at + length : at + length + 1].isalnum()
            if length == len(hidden) or is_cut:
                best = max(best, length)
        if not best and self._words and (at == 0 or not text[at - 1].isalnum()):
            for length in range(HEAD - 1, SHORTEST - 1, -1):
                end = at + length
                if text[at:end] in self._words and not text[end : end + 1].isalnum():
                    return length
        return best

    def _hide(self, text: str) -> None:
        text = text.strip()
        if len(text) >= HEAD:
            for form in {text, dumps(text)[1:-1], str(escape(text)), *forms_of(text)}:
                folded = _folded(form)
                self._heads.setdefault(folded[:HEAD], []).append(folded)
        elif len(text) >= SHORTEST:
            self._words.add(_folded(text))

    def _collected(self, seen: Seen) -> Iterator[Json]:
        yield from seen.hidden
        for path in self.paths:
            if path.root == "payload":
                for part in _parts(seen.payload) if self.is_split else (seen.payload,):
                    yield from values_at(part, path.parts[1:])
            elif path.root == "event":
                for value in values_at(dict(seen.event), path.parts[1:]):
                    yield value
                    if isinstance(value, str) and (found := AUTHORIZATION.fullmatch(value)):
                        yield found[1]  # the token without its scheme
            else:
                for identity, output in seen.outputs:
                    if identity == path.parts[1]:
                        yield from values_at(output, path.parts[2:])


def veil_of_turn(
    workflow: Workflow, event: Event, payload: Json, records: Mapping[str, Record], trace: Sequence[Json]
) -> Veil | None:
    """What hides the values of a turn in what is told of it elsewhere; None where nothing is hidden."""
    verification = workflow.webhook.verification if workflow.webhook else None
    paths = (*workflow.redact, *credentials_of(verification))
    if not paths:
        return None
    outputs = [(identity, one.output) for one in records.values() if (identity := own_id(one.path))]
    seen = Seen(payload, event=event_names(event), outputs=outputs, hidden=hidden_in(trace))
    return Veil(Redaction(paths), seen)


def redacted_event(item: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    """An event as `History` gives it, of a list or alone, with what *veil* hides masked."""
    shown = dict(item)
    for name in ("type", "delivery_id", "path"):
        shown[name] = veil.at(("event", name), item[name])
    shown["reason"] = veil.value(item["reason"])
    shown["runs"] = [{**one, "title": veil.text(one["title"])} for one in item["runs"]]
    if "source_ip" in item:
        shown["source_ip"] = veil.at(("event", "source_ip"), item["source_ip"])
    if "query" in item:
        shown["query"] = _query(item["query"], veil)
        headers = item["headers"]
        shown["headers"] = dict.fromkeys(headers, MASK) if veil.is_all else veil.at(HEADERS, headers)
        if not isinstance(shown["headers"], dict):  # all of them are hidden
            shown["headers"] = dict.fromkeys(headers, MASK)
        shown["gates"] = [
            {**gate, "reason": veil.text(gate["reason"]), "facts": _facts(gate["facts"], veil)}
            for gate in item["gates"]
        ]
    if "payload" in item:
        shown["payload"] = veil.at(("payload",), item["payload"])
        shown["notes"] = [veil.text(one) for one in item["notes"]]
    if "body" in item:
        shown["body"] = veil.text(item["body"])
        shown["unreadable"] = veil.text(item["unreadable"])
    return shown


def redacted_run(item: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    """A run as `History` gives it, of a list or alone, with what *veil* hides masked."""
    shown = {**item, "title": veil.text(item["title"]), "reason": _reason(item["reason"], veil)}
    if item["waiting"]:
        shown["waiting"] = {**item["waiting"], "for": veil.text(item["waiting"]["for"])}
    if "steps" in item:
        shown["steps"] = [_step(one, veil) for one in item["steps"]]
        shown["trace"] = [_traced(one, veil) for one in item["trace"]]
        shown["output"] = veil.value(item["output"])
        shown["answer"] = veil.value(item["answer"])
        shown["notes"] = [veil.text(one) for one in item["notes"]]
    return shown


HEADERS = ("event", "headers")


def _mask(value: Json) -> Json:
    return None if value is None else MASK


def _parts(value: Json) -> Iterator[Json]:
    """*value*, and every object and list in it."""
    yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(one, (dict, list)):
            yield from _parts(one)


def _masked_in_parts(value: Json, parts: tuple[Part, ...]) -> Json:
    """*value* with what stands at *parts* in any object in it masked."""
    if isinstance(value, list):
        return [_masked_in_parts(one, parts) for one in value]
    if not isinstance(value, dict):
        return value
    return replaced_at({key: _masked_in_parts(one, parts) for key, one in value.items()}, parts, _mask)


def _step(step: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    output = step["output"]
    return {
        **step,
        "input": veil.value(step["input"]),
        "output": veil.at(("steps", step["id"]), output) if step["id"] else veil.value(output),
        "error": _error(step["error"], veil),
    }


def _traced(entry: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    shown = dict(entry)
    if "seen" in entry:
        shown["seen"] = _seen(entry["seen"], veil)
    if "error" in entry:
        shown["error"] = _error(entry["error"], veil)
    return shown


def _error(error: Json, veil: Veil) -> Json:
    return {**error, "message": veil.text(str(error["message"]))} if isinstance(error, dict) else error


def _reason(reason: Json, veil: Veil) -> Json:
    if not isinstance(reason, dict):
        return reason
    facts = reason["facts"]
    if reason["code"] != "filtered" or "seen" not in facts or veil.is_all:
        return {**reason, "sentence": veil.text(reason["sentence"]), "facts": _facts(facts, veil)}
    facts = {**facts, "seen": _seen(facts["seen"], veil)}
    return {**reason, "sentence": veil.text(did_not_hold(facts)), "facts": facts}


def _facts(facts: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    """Facts of a reason: names and kinds are the author's, the rest may hold anything."""
    return {
        name: one if name in ("step", "type", "attempts") else veil.value(one) for name, one in facts.items()
    }


def _seen(seen: Mapping[str, Json], veil: Veil) -> dict[str, Json]:
    return {chain: veil.at(chain.split("."), value) for chain, value in seen.items()}


def _query(query: str, veil: Veil) -> str:
    """A raw query with the values of hidden names masked."""
    hidden = [path.parts[2:] for path in veil.paths if path.parts[:2] == ("event", "query")]
    if veil.is_all or () in hidden:
        return MASK if query else ""
    names = {rest[0] for rest in hidden}
    parts = []
    for part in query.split("&"):
        name, equals, _value = part.partition("=")
        parts.append(f"{name}={MASK}" if equals and unquote_plus(name) in names else part)
    return veil.text("&".join(parts))


def _behind(parts: tuple[Part, ...], names: tuple[str, ...]) -> tuple[Part, ...] | None:
    """What is left of a path behind *names*: () where they lead into it, None where they lead elsewhere."""
    own = list(parts)
    for name in names:
        while own and own[0] != name and not isinstance(own[0], str):
            own.pop(0)  # names lead through lists as if there were one item
        if not own:
            return ()
        if own[0] != name:
            return None
        own.pop(0)
    return tuple(own)


def _texts(value: Json) -> Iterable[str]:
    """The texts and numbers in *value*."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield dumps(value)


def _common(text: str, at: int, hidden: str) -> int:
    """How many characters from *at* on are those that *hidden* begins with."""
    if text.startswith(hidden, at):
        return len(hidden)
    length = 0
    for one, other in zip(text[at : at + len(hidden)], hidden, strict=False):
        if one != other:
            break
        length += 1
    return length


def _folded(text: str) -> str:
    """*text* in lower case, as long as before."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low) == 1 else one for one in text for low in [one.lower()])


def hidden_of(paths: Sequence[ValuePath], identity: str | None, value: Json) -> list[Any]:
    """The values to hide of the output of the step *identity*, for steps that keep no record of it."""
    if not paths or identity is None:
        return []
    return [
        one
        for path in paths
        if path.parts[:2] == ("steps", identity)
        for one in values_at(value, path.parts[2:])
    ]


def hidden_in(trace: Sequence[Json]) -> list[Json]:
    """The values that a trace keeps for no other purpose than to hide them."""
    return [value for entry in trace for value in entry.get("hidden", ())]
