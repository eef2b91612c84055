"""The reference of the actions: connectors, and of each its actions with inputs, output and example."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import Any

from quart import render_template

from runner.values import Json
from web.house import House
from web.pages.schema_rows import schema_rows
from web.problems import Problem

NAMES = {
    "http": "HTTP", "graphql": "GraphQL", "github": "GitHub", "gitlab": "GitLab", "hubspot": "HubSpot",
    "mcp": "MCP", "openai": "OpenAI", "pagerduty": "PagerDuty", "postgres": "PostgreSQL", "rss": "RSS",
    "s3": "S3", "sendgrid": "SendGrid", "whatsapp": "WhatsApp", "mysql": "MySQL", "sftp": "SFTP",
}  # fmt: skip
STOPS = "stop"
SAFE = {
    "repeat": "Yes: a call that was on its way when the server stopped is made again",
    STOPS: "No: if the server stops while a call is on its way, the run waits for a person, who knows "
    "whether it arrived",
    "depends on the inputs": "It depends on the inputs",
}


async def actions(house: House) -> str:
    """What can a step do."""
    groups = [
        {"name": name, "title": titled(name), "actions": list(found)}
        for name, found in groupby(_sorted(house), key=connector_of)
    ]
    return await render_template("actions.html", groups=groups)


async def connector_actions(house: House, connector: str) -> str:
    """How do I call the actions of one connector, and what do they give."""
    found = [one for one in _sorted(house) if connector_of(one) == connector]
    if not found:
        raise Problem(404, "There is no connector of that name.")
    rows = [
        {
            "connection_kinds": [],
            "connection_required": True,
            **one,
            "about": told(one["summary"]),
            "inputs": schema_rows(one.get("inputs", {})),
            "gives": schema_rows(one.get("output", {})),
            "gives_about": str(one.get("output", {}).get("description") or ""),
            "after_crash": one.get("after_crash", ""),
            "safe": SAFE.get(one.get("after_crash", ""), one.get("after_crash", "")),
            "written": f"- {_indented(one.get('example') or '')}".rstrip(),
        }
        for one in found
    ]
    all_kinds = [] if house.custody is None else await asyncio.to_thread(house.custody.kinds)
    wanted = {kind for row in rows for kind in row["connection_kinds"]}
    kinds = [{**kind, "rows": schema_rows(kind["fields"])} for kind in all_kinds if kind["kind"] in wanted]
    return await render_template(
        "connector.html",
        title=titled(connector),
        rows=rows,
        kinds=kinds,
        titles={kind["kind"]: kind["title"] for kind in kinds},
        mends=house.mends(connector),
        stops=STOPS,
        workflows=sorted((one.workflow.slug, one.workflow.name) for one in house.library.all()),
    )


def connector_of(action: Json) -> str:
    """The connector of an action, by its name."""
    return str(action["name"]).partition(".")[0]


def titled(name: str) -> str:
    """A connector's name as people write it."""
    return NAMES.get(name) or " ".join(NAMES.get(one) or one.capitalize() for one in name.split("_"))


def told(summary: str) -> tuple[str, str]:
    """The first sentence of a docstring, and its other paragraphs as one."""
    first, _, rest = summary.partition("\n\n")
    return " ".join(first.split()), " ".join(rest.split())


def _sorted(house: House) -> list[Any]:
    return sorted(house.actions(), key=lambda one: (titled(connector_of(one)).casefold(), one["name"]))


def _indented(text: str) -> str:
    return "\n  ".join(text.splitlines())
