"""
Which connectors there are. A connector's module is imported when it is first asked for, because
its models take time to build; others register by an entry point of the group `hookline.connectors`
(`name = module:connector`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from operator import itemgetter

from runner.connector import Action, ActionInfo, Chooser, Connection, Connector, Json

CONNECTORS = {
    "airtable": "connectors.airtable",
    "discord": "connectors.discord",
    "email": "connectors.email",
    "github": "connectors.github",
    "gitlab": "connectors.gitlab",
    "gmail": "connectors.google.mail",
    "google_calendar": "connectors.google.calendar",
    "google_docs": "connectors.google.docs",
    "google_drive": "connectors.google.drive",
    "google_sheets": "connectors.google.sheets",
    "graphql": "connectors.graphql",
    "http": "connectors.http",
    "hubspot": "connectors.hubspot",
    "jira": "connectors.jira",
    "linear": "connectors.linear",
    "mattermost": "connectors.mattermost",
    "mcp": "connectors.mcp",
    "microsoft_teams": "connectors.microsoft_teams",
    "notion": "connectors.notion",
    "openai": "connectors.openai",
    "pagerduty": "connectors.pagerduty",
    "postgres": "connectors.postgres",
    "rss": "connectors.rss",
    "s3": "connectors.s3",
    "sendgrid": "connectors.sendgrid",
    "shopify": "connectors.shopify",
    "slack": "connectors.slack",
    "state": "connectors.state",
    "stripe": "connectors.stripe",
    "telegram": "connectors.telegram",
    "twilio": "connectors.twilio",
    "webhook": "connectors.webhook",
    "whatsapp": "connectors.whatsapp",
    "zendesk": "connectors.zendesk",
}
"""Name → module; the module holds its `Connector` under the same name."""

HOMES = {
    "basic": "http",
    "bearer": "http",
    "github_app": "github",
    "google": "google_sheets",
    "google_oauth": "google_sheets",
    "header": "http",
    "oauth2": "http",
    "query": "http",
    "smtp": "email",
}
"""Connection kind → its connector, where the two have different names: found without importing all."""

GROUP = "hookline.connectors"


def names() -> list[str]:
    """The names of all connectors, sorted; imports none of them."""
    return sorted(CONNECTORS.keys() | _installed().keys())


@cache
def connector(name: str) -> Connector:
    """
    Import the connector *name*.

    Raises:
        LookupError: there is none of that name.
    """
    if name in CONNECTORS:
        found = getattr(import_module(CONNECTORS[name]), name)
    elif name in _installed():
        found = _installed()[name].load()
    else:
        raise LookupError(f'no connector "{name}"; there are {", ".join(names())}')
    if not isinstance(found, Connector):
        raise TypeError(f'the connector "{name}" is not a runner.connector.Connector')
    return found


def action(full_name: str) -> Action | None:
    """Find an action by `connector.action`, or None."""
    name, _, verb = full_name.partition(".")
    try:
        return connector(name).actions.get(verb)
    except LookupError:
        return None


def chooser(full_name: str, name: str) -> Chooser | None:
    """Find what lists the values of the input *name* of an action, or None."""
    home, _, verb = full_name.partition(".")
    try:
        return connector(home).choosers.get(f"{verb}.{name}")
    except LookupError:
        return None


def connection_model(kind: str) -> type[Connection] | None:
    """Find the model of a connection kind (`slack`, `smtp`), or None."""
    likely = [home] if (home := HOMES.get(kind, kind)) in CONNECTORS else []
    for name in [*likely, *names()]:
        if (model := connector(name).connections.get(kind)) is not None:
            return model
    return None


def catalogue_actions() -> Mapping[str, ActionInfo]:
    """All actions for the checker. Looking one up imports its connector; walking imports all."""
    return _CatalogueActions()


def described(name: str | None = None) -> list[Json]:
    """
    The actions of one connector, or of all, as command, API and pages show them: `name, connector,
    summary, connection_kinds, connection_required, inputs` and `output` (JSON Schema),
    `after_crash` ("repeat", "stop" or "depends on the inputs"), `example` (YAML).

    Raises:
        LookupError: there is no connector of that name.
    """
    chosen = names() if name is None else [name]
    return [_described(one, found) for one in chosen for found in connector(one).actions.values()]


def described_kinds() -> list[Json]:
    """The connection kinds: `kind, connector, summary, fields` (JSON Schema), sorted by kind."""
    kinds = {
        kind: {
            "kind": kind,
            "connector": HOMES.get(kind, one),  # several may take the same
            "summary": inspect.getdoc(model) or "",
            "fields": model.model_json_schema(),
        }
        for one in names()
        for kind, model in connector(one).connections.items()
    }
    return sorted(kinds.values(), key=itemgetter("kind"))


def _described(connector_name: str, found: Action) -> Json:
    return {
        "name": found.name,
        "connector": connector_name,
        "summary": found.summary,
        "connection_kinds": [model.kind for model in found.connections],
        "connection_required": found.connection_required,
        "inputs": found.input.model_json_schema(),
        "output": found.output.model_json_schema(mode="serialization"),
        "after_crash": "depends on the inputs" if callable(found.after_crash) else found.after_crash,
        "example": found.example,
    }


class _CatalogueActions(Mapping[str, ActionInfo]):
    def __getitem__(self, full_name: str) -> ActionInfo:
        return _info(full_name)

    def __iter__(self) -> Iterator[str]:
        for name in names():
            for verb in connector(name).actions:
                yield f"{name}.{verb}"

    def __len__(self) -> int:
        return sum(len(connector(name).actions) for name in names())


@cache
def _info(full_name: str) -> ActionInfo:
    found = action(full_name)
    if found is None:
        raise KeyError(full_name)
    return found.info()


@cache
def _installed() -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=GROUP)}
