"""The reference of the actions: connectors, and of each its actions with inputs, output and example."""

from __future__ import annotations

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
AFTER_CRASH = {
    "repeat": "it is made again",
    "stop": "the run stops for a person, who knows whether it arrived",
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
            "after_crash": AFTER_CRASH.get(one.get("after_crash", ""), one.get("after_crash", "")),
            "written": f"- {_indented(one.get('example') or '')}".rstrip(),
        }
        for one in found
    ]
    return await render_template("connector.html", title=titled(connector), rows=rows)


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
