"""
Check a payload against the workflow's JSON Schema. Pure, and bounded: whether it is satisfied is
found in time that grows with the payload; what is said of it costs at most about as much again.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TypeAlias

from jsonschema_rs import ValidationError

from runner.errors import LimitExceeded
from runner.language.paths import write_path
from runner.language.payload_schema import PayloadSchema
from runner.language.schema_sentences import sentence, true_path
from runner.language.weight import NODE, weigh
from runner.values import Json

Mismatch: TypeAlias = tuple[str, str]
"""A path such as `payload.lines[2].sku`, and a sentence about it without its subject: "must be a text"."""

MOST = 10  # faults that are told of; nobody mends more at a time
MAX_COST = 20_000  # judgements, of some 7 us, that telling of all faults, or of the first, may take
BROKEN_TEXT: Mismatch = ("payload", "has a text that is no valid Unicode: half of a surrogate pair")

UNTOLD: Mismatch = (
    "payload",
    "does not satisfy the schema; it is nested too deep for the exact place to be looked for",
)


def check_payload(schema: PayloadSchema, payload: Json) -> list[Mismatch]:
    """
    What keeps *payload* from satisfying *schema*, at most MOST; empty where nothing does. No sentence
    quotes the payload.
    """
    try:
        if schema.validator.is_valid(payload):
            return []
        found = dict.fromkeys(_told(one, payload) for one in _errors(schema, payload))
        return list(found) or [UNTOLD]
    except UnicodeEncodeError:
        return [BROKEN_TEXT]


def in_words(mismatches: Iterable[Mismatch]) -> str:
    """`payload.id is missing; payload.lines[2].sku must be a text, and is a number`."""
    return "; ".join(f"{path} {said}" for path, said in mismatches)


def _errors(schema: PayloadSchema, payload: Json) -> Iterable[ValidationError]:
    """The errors that can be had at a bounded price; none where even the first might cost too much."""
    ways = schema.work * (schema.circles ** _depth(payload) if schema.circles > 1 else 1)
    if ways > MAX_COST:
        return ()
    try:
        weigh(payload, MAX_COST // ways * NODE)
    except LimitExceeded:
        return _first(schema, payload)
    return islice(schema.validator.iter_errors(payload), MOST)


def _first(schema: PayloadSchema, payload: Json) -> Iterable[ValidationError]:
    try:
        schema.validator.validate(payload)
    except ValidationError as error:
        return (error,)
    return ()


def _told(error: ValidationError, payload: Json) -> Mismatch:
    path: list[str | int] = ["payload", *true_path(payload, error.instance_path)]
    if error.kind.name in ("required", "dependentRequired"):
        path.append(str(error.kind.as_dict()["property"]))
    return write_path(path), sentence(error)


def _depth(payload: Json) -> int:
    """How deep its lists and objects are nested."""
    depth = 0
    layer: list[Json] = [payload]
    while layer := [
        inner
        for one in layer
        if isinstance(one, (dict, list))
        for inner in (one.values() if isinstance(one, dict) else one)
        if isinstance(inner, (dict, list))
    ]:
        depth += 1
    return depth + isinstance(payload, (dict, list))
