"""
A schema that stands alone and has an end: references put in, breadth first, until it is large enough.

Schemas lead to themselves and to hundreds of others (a pod has containers that have probes that …). What
a person fills in and what a checker looks at are the upper levels: what is deeper is any object, which
the service judges.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

from runner.openapi.shaping import PREFIX
from runner.values import Json

MOST_DEPTH = 12  # schemas in one another
MOST_TURNS = 2  # of one shared schema inside of itself
MOST_HOPS = 20
HIDDEN = {"in": "readOnly", "out": "writeOnly"}
INNER = ("items", "additionalProperties")
LISTS = ("anyOf", "prefixItems")

Trail = tuple[str, ...]


def cut(
    schema: Json, shared: Callable[[str], Json], *, way: Literal["in", "out"], parts: int
) -> dict[str, Json]:
    """
    *schema* without references, of about as many *parts* (schemas) at most. `shared(name)` gives what
    is referred to. Fields that only the other *way* has are left out.
    """
    return _Cut(shared, way, parts).run(schema)


class _Cut:
    def __init__(self, shared: Callable[[str], Json], way: Literal["in", "out"], parts: int) -> None:
        self.shared = shared
        self.hidden = HIDDEN[way]
        self.left = parts
        self.queue: deque[tuple[dict[str, Json], Json, int, Trail]] = deque()

    def run(self, schema: Json) -> dict[str, Json]:
        whole: dict[str, Json] = {}
        self.queue.append((whole, schema, 0, ()))
        while self.queue:
            out, given, depth, trail = self.queue.popleft()
            self.fill(out, given, depth, trail)
        return whole

    def fill(self, out: dict[str, Json], given: Json, depth: int, trail: Trail) -> None:
        """Write into *out* what *given* says, and put what is inside of it into the queue."""
        one, trail = self.followed(given, trail)
        one, trail = self.merged(one, trail)
        inside = _count(one)
        turns = trail.count(trail[-1]) if trail else 0
        if inside and (inside > self.left or depth >= MOST_DEPTH or turns > MOST_TURNS):
            out |= _any_of_its_kind(one)
            return
        self.left -= inside
        for word, value in one.items():
            if word in ("properties", *INNER, *LISTS, "required", self.hidden):
                continue
            out[word] = value
        properties = one.get("properties")
        if isinstance(properties, Mapping):
            kept = {name: each for name, each in properties.items() if not self.is_hidden(each)}
            out["properties"] = {name: self.later(each, depth, trail) for name, each in kept.items()}
            required = [name for name in one.get("required", ()) if name in kept or name not in properties]
        else:
            required = list(one.get("required", ()))
        if required:
            out["required"] = required
        for word in INNER:
            if word in one:
                out[word] = self.later(one[word], depth, trail) if isinstance(one[word], dict) else one[word]
        for word in LISTS:
            if word in one:
                out[word] = [self.later(each, depth, trail) for each in one[word]]

    def later(self, given: Json, depth: int, trail: Trail) -> Json:
        out: dict[str, Json] = {}
        self.queue.append((out, given, depth + 1, trail))
        return out

    def is_hidden(self, given: Json) -> bool:
        return bool(self.followed(given, ())[0].get(self.hidden))

    def followed(self, given: Json, trail: Trail) -> tuple[dict[str, Any], Trail]:
        """What a reference leads to, with the description that stands beside it."""
        about = None
        for _ in range(MOST_HOPS):
            if not isinstance(given, dict) or "$ref" not in given:
                break
            about = about or given.get("description")
            name = given["$ref"].removeprefix(PREFIX)
            given, trail = self.shared(name), (*trail, name)
        found = given if isinstance(given, dict) and "$ref" not in given else {}
        return ({**found, "description": about} if about else found), trail

    def merged(self, given: dict[str, Any], trail: Trail, depth: int = 0) -> tuple[dict[str, Any], Trail]:
        """One object of the parts of `allOf`; where two say something of one word, the later does."""
        parts = given.get("allOf")
        if not parts:
            return given, trail
        whole: dict[str, Any] = {}
        either: list[Json] = []
        own = {word: value for word, value in given.items() if word != "allOf"}
        for part in [*parts, own]:
            one, trail = self.followed(part, trail)
            if depth < MOST_HOPS:
                one, trail = self.merged(one, trail, depth + 1)
            properties = {**whole.get("properties", {}), **one.get("properties", {})}
            required = list(dict.fromkeys([*whole.get("required", ()), *one.get("required", ())]))
            if "anyOf" in one:
                either.append(one["anyOf"])
            whole |= {word: value for word, value in one.items() if word not in {"allOf", "anyOf"}}
            whole |= {"properties": properties} if properties else {}
            whole |= {"required": required} if required else {}
        if len(parts) > 1 and whole.get("additionalProperties") is False:
            del whole["additionalProperties"]  # of one part: the others' fields are no more than it allows
        if len(either) == 1:
            whole["anyOf"] = either[0]
        return whole, trail


def _count(given: Mapping[str, Json]) -> int:
    """How many schemas stand in one."""
    lists = [given.get("properties", ()), *(given.get(word, ()) for word in LISTS)]
    return sum(map(len, lists)) + sum(isinstance(given.get(word), dict) for word in INNER)


def _any_of_its_kind(given: Mapping[str, Json]) -> dict[str, Json]:
    """Where it ends: the types and the words that say what it is."""
    return {word: given[word] for word in ("type", "description", "enum", "const", "format") if word in given}
