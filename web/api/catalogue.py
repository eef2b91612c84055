"""
The whole reference in one answer: what an editor's forms, completion and hover help are made of. It is
large, the same for everyone and seldom another, so that it is kept, and sent again only when it changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.inbound.providers import PROVIDERS, provider_infos
from runner.inbound.providers.table import provider_table
from runner.language.catalogue import Catalogue
from runner.language.fault_reference import explained
from runner.language.filters_reference import filter_rows
from runner.language.functions_reference import function_rows
from runner.language.keys import BLOCKS, MODIFIERS, STEP_KINDS
from runner.language.schema import BLOCK_DEFINITIONS, workflow_schema
from runner.values import Json, dumps
from web.api.routes import Answered, Asked, Header, Route
from web.api.schemas import OBJECT, many, named, thing
from web.api.trying import trials_of
from web.house import House
from web.pages.language import NAMES, TRIGGERS

if TYPE_CHECKING:
    from runner.language.kinds import Key

KEPT_SECONDS = 30.0  # a connector that is a file may change
GIVES = {"ETag": "Changes when the answer does."}
ASKS = {"If-None-Match": Header("The `ETag` of an earlier answer: then 304, if it is still the same.")}


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, its mark, and when it was made (seconds that only grow)."""

    value: Json
    mark: str
    made_at: float


class Keeper:
    """Makes an answer at most every KEPT_SECONDS, off the event loop; one at a time."""

    def __init__(self, make: Callable[[House], Json]) -> None:
        self._make = make
        self._kept: dict[int, Kept] = {}  # by its house: a process has one
        self._making = asyncio.Lock()

    async def __call__(self, house: House, asked: Asked) -> Answered:
        """The answer, or that it is the same still."""
        async with self._making:
            kept = self._kept.get(id(house))
            if kept is None or time.monotonic() - kept.made_at > KEPT_SECONDS:
                value = await asyncio.to_thread(self._make, house)
                mark = f'"{hashlib.sha256(dumps(value).encode()).hexdigest()[:32]}"'
                kept = Kept(value, mark, time.monotonic())
                self._kept = {id(house): kept}
        known = asked.headers.get("if-none-match", "")
        is_same = kept.mark in known or known.strip() == "*"
        headers = {"ETag": kept.mark, "Cache-Control": "private, no-cache"}
        return Answered(None if is_same else kept.value, headers, 304 if is_same else 200)


def catalogue(house: House) -> Json:
    """All of it."""
    return {
        "actions": [_action(house, one) for one in house.actions()],
        "kinds": [
            {"name": kind, "sentence": keys[0].about, "keys": _keys(keys)}
            for kind, keys in STEP_KINDS.items()
        ],
        "modifiers": _keys(MODIFIERS),
        "top": _keys(BLOCKS["workflow"].keys.values()),
        "triggers": [
            {
                "name": name,
                "sentence": BLOCKS["trigger"].keys[name].about,
                "keys": _keys(BLOCKS[name].keys.values()),
            }
            for name in TRIGGERS
        ],
        "blocks": {name: _keys(BLOCKS[name].keys.values()) for name in BLOCK_DEFINITIONS},
        "names": [{"name": name, "sentence": about, "example": example} for name, about, example in NAMES],
        "functions": [
            {
                "name": row["name"],
                "group": row["group"],
                "signature": row["signature"],
                "sentence": row["about"],
                "example": row["jmespath"],
                "result": row["result"],
            }
            for row in function_rows()
        ],
        "filters": filter_rows(),
        "providers": [_provider(house, row) for row in provider_table()],
        "faults": {code: one.title for code, one in explained().items()},
    }


def schema(house: House) -> Json:
    """The JSON Schema of a workflow's file."""
    return workflow_schema(Catalogue(trials_of(house).catalogue().actions, providers=provider_infos()))


def _action(house: House, action: Mapping[str, Json]) -> Json:
    lists = house.connections.chooser if house.connections else None
    properties = action.get("inputs", {}).get("properties", {})
    choices = [one for one in properties if lists and lists(action["name"], one) is not None]
    return {**_untitled(dict(action)), "choices": choices}


def _untitled(schema: Json, *, is_names: bool = False) -> Json:
    """Without the titles that pydantic makes of each field's name."""
    if isinstance(schema, dict):
        return {
            key: _untitled(one, is_names=key in ("properties", "$defs"))
            for key, one in schema.items()
            if is_names or key != "title" or not isinstance(one, str)
        }
    return [_untitled(one) for one in schema] if isinstance(schema, list) else schema


def _keys(keys: Iterable[Key]) -> Json:
    found = []
    for key in keys:
        schemas = [dict(one.schema) for one in key.kinds]
        found.append(
            {
                "name": key.name,
                "sentence": key.about,
                "takes": ", or ".join(one.noun for one in key.kinds),
                "reads": [one.reads for one in key.kinds],
                "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
                "example": key.example,
                "required": key.required,
            }
        )
    return found


def _provider(house: House, row: Mapping[str, Json]) -> Json:
    provider = PROVIDERS[row["name"]]
    secret = f"{row['name'].upper().replace('-', '_')}_SECRET"
    return {
        "name": row["name"],
        "title": row["title"],
        "types": row["samples"],
        "setup": [step.format(url=f"{house.public_url}/hooks/…") for step in row["setup"]],
        "page": row["page"],
        "proof": row["scheme"],
        "needs_secret": row["needs_secret"],
        "can_be_signed": row["can_be_signed"],
        "secrets": [secret] if row["needs_secret"] else [],
        "options": [
            {
                "name": one.name,
                "sentence": one.about,
                "required": one.is_required,
                "is_secret": one.kind == "secret",
                "example": one.example,
            }
            for one in provider.options
        ],
    }


_ITEMS = many(OBJECT)
ROUTES = (
    Route(
        "GET", "/catalogue", "show_catalogue",
        "The whole reference in one answer. Actions with the schemas of their inputs, kinds of steps, "
        "triggers, functions, filters, providers with their set-up, and fault codes.",
        Keeper(catalogue),
        thing(
            {
                "actions": many(named("Action")),
                "kinds": _ITEMS, "modifiers": _ITEMS, "top": _ITEMS, "triggers": _ITEMS,
                "blocks": {**OBJECT, "description": "Keys of what keys hold, by name: `retry`, `hmac`, …"},
                "names": _ITEMS, "functions": _ITEMS, "filters": _ITEMS, "providers": _ITEMS,
                "faults": {**OBJECT, "description": "In some words, by code."},
            }
        ),
        headers=ASKS, gives=GIVES,
    ),
    Route(
        "GET", "/schema/workflow", "workflow_schema", "The JSON Schema of a workflow's file.",
        Keeper(schema), OBJECT, headers=ASKS, gives=GIVES,
    ),
)  # fmt: skip
