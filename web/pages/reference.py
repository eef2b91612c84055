"""The reference: what there is of it, and the providers of webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from quart import render_template, request

from runner.inbound.asymmetric import EitherKey
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Provider
from runner.inbound.providers.table import provider_table
from runner.language.fault_reference import explained
from runner.language.functions import FUNCTIONS
from runner.language.keys import BLOCKS
from runner.language.verification import GENERIC
from runner.values import Json
from web.display import inline
from web.finding_docs import found_in_docs
from web.house import House
from web.pages.actions import connector_of
from web.problems import Problem

PINNED = "certificate"  # an option that few need
LONGEST_ASKED = 200
WIDTH = 56  # characters of a line of YAML, as many as half a page shows


async def docs(house: House) -> str:
    """What can be looked up."""
    actions = house.actions()
    asked = request.args.get("q", "").strip()[:LONGEST_ASKED]
    if asked:
        found = await asyncio.to_thread(found_in_docs, actions, asked)
        return await render_template("docs_found.html", found=found, asked=asked)
    return await render_template(
        "docs.html",
        providers=len(PROVIDERS),
        actions=len(actions),
        connectors=len({connector_of(one) for one in actions}),
        functions=len(FUNCTIONS),
        faults=len(explained()),
    )


async def provider(house: House, name: str) -> str:
    """How do I receive from this service."""
    row = next((one for one in provider_table() if one["name"] == name), None)
    if row is None:
        raise Problem(404, "There is no provider of that name.")
    told = {
        **row,
        "options": PROVIDERS[name].options,
        "written": written(PROVIDERS[name], row["event_type"]),
        "setup": [step.format(url=f"`{house.public_url}/hooks/…`") for step in row["setup"]],
    }
    return await render_template("provider.html", row=told)


async def providers(house: House) -> str:
    """From whom can I receive, and what is verified."""
    rows = sorted(provider_table(), key=lambda one: one["title"].casefold())
    schemes = [
        {
            "name": name,
            "about": BLOCKS["verify"].keys[name].about,
            "written": _webhook({"verify": {name: BLOCKS["verify"].keys[name].example}}),
            "keys": [
                {"name": key.name, "about": key.about, "example": inline(key.example), "needed": key.required}
                for key in BLOCKS[name].keys.values()
            ],
        }
        for name in GENERIC
    ]
    return await render_template("providers.html", rows=rows, schemes=schemes, url=house.public_url)


def written(provider: Provider, event_type: str | None) -> str:
    """A trigger with all that *provider* needs, as YAML, wanting events of *event_type* alone."""
    verify: dict[str, Json] = {"provider": provider.name}
    needed = {one.name: one.example for one in provider.options if one.is_required or one.kind == "secret"}
    either = any(isinstance(scheme, EitherKey) for scheme in provider.schemes)
    if provider.needs_secret or either:
        verify["secret"] = f"{provider.name.upper().replace('-', '_')}_SECRET"
    elif not needed:
        needed = {one.name: one.example for one in provider.options if one.name != PINNED}
    events = {"events": [event_type]} if event_type else {}
    return _webhook({"verify": {**verify, **needed}, **events})


def _webhook(keys: dict[str, Json]) -> str:
    return "\n".join(["trigger:", "  webhook:", *_lines(keys, "    ")])


def _lines(mapping: dict[str, Json], indent: str) -> Iterator[str]:
    """A mapping as YAML, each value on one line where it finds room."""
    for key, value in mapping.items():
        line = f"{indent}{key}: {inline(value)}"
        if isinstance(value, dict) and len(line) > WIDTH:
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield line
