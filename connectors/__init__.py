"""
Which connectors there are. A connector's module is imported when it is first asked for, because
its models take time to build; others register by an entry point of the group `hookline.connectors`
(`name = module:connector`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from runner.connector import Action, ActionInfo, Chooser, Connection, Connector, Json, OAuthConnection

CONNECTORS = {
    "airtable": "connectors.airtable",
    "command": "connectors.ssh.command",
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
    "mysql": "connectors.mysql",
    "notion": "connectors.notion",
    "openai": "connectors.openai",
    "pagerduty": "connectors.pagerduty",
    "postgres": "connectors.postgres",
    "redis": "connectors.redis",
    "rss": "connectors.rss",
    "s3": "connectors.s3",
    "sendgrid": "connectors.sendgrid",
    "sftp": "connectors.ssh.files",
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
    "ssh": "sftp",
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


Allowed: TypeAlias = Mapping[str, Sequence[str]]
"""By `connector.action.input`: the values that this server's configuration allows there."""


def catalogue_actions(allowed: Allowed = MappingProxyType({})) -> Mapping[str, ActionInfo]:
    """All actions for the checker. Looking one up imports its connector; walking imports all."""
    return _CatalogueActions(allowed)


def described(name: str | None = None, *, allowed: Allowed = MappingProxyType({})) -> list[Json]:
    """
    The actions of one connector, or of all, as command, API and pages show them: `name, connector,
    summary, connection_kinds, connection_required, inputs` and `output` (JSON Schema),
    `after_crash` ("repeat", "stop" or "depends on the inputs"), `example` (YAML).

    Raises:
        LookupError: there is no connector of that name.
    """
    chosen = names() if name is None else [name]
    return [
        described_action(one, found, allowed) for one in chosen for found in connector(one).actions.values()
    ]


def described_kinds() -> list[Json]:
    """The connection kinds as `described_kind` has them, sorted by kind."""
    kinds = {
        # several connectors may take the same
        kind: described_kind(kind, HOMES.get(kind, one), model, connector(one).title)
        for one in names()
        for kind, model in connector(one).connections.items()
    }
    return sorted(kinds.values(), key=itemgetter("kind"))


def described_kind(kind: str, connector_name: str, model: type[Connection], title: str) -> Json:
    """
    `kind, connector, title, summary, steps` (where each value is found), `fields` (JSON Schema) and
    `signs_in`: whether a person may have to allow it in a browser. *title* is the connector's.
    """
    return {
        "kind": kind,
        "connector": connector_name,
        "title": model.title or title,
        "summary": inspect.getdoc(model) or "",
        "steps": list(model.steps),
        "fields": _schema(model),
        "signs_in": issubclass(model, OAuthConnection),
    }


def described_mends(name: str) -> list[Json]:
    """What the codes of a connector's service mean that says no: `{code, mend}`. Raises LookupError."""
    return [{"code": code, "mend": mend} for code, mend in connector(name).mends.items()]


def described_action(connector_name: str, found: Action, allowed: Allowed = MappingProxyType({})) -> Json:
    """One action of the connector *connector_name* as `described` has it."""
    inputs = _schema(found.input)
    return {
        "name": found.name,
        "connector": connector_name,
        "summary": found.summary,
        "connection_kinds": [model.kind for model in found.connections],
        "connection_required": found.connection_required,
        "inputs": {**inputs, "properties": _narrowed(found.name, inputs.get("properties", {}), allowed)},
        "output": _schema(found.output, "serialization"),
        "after_crash": "depends on the inputs" if callable(found.after_crash) else found.after_crash,
        "example": found.example,
    }


@lru_cache(1024)
def _schema(model: type[BaseModel], mode: Literal["validation", "serialization"] = "validation") -> Json:
    """Made once: for all actions together it takes a tenth of a second, and pages show them."""
    return model.model_json_schema(mode=mode)


def _narrowed(action: str, properties: Mapping[str, Any], allowed: Allowed) -> dict[str, Any]:
    """The schemas of an action's inputs, with the values that are allowed where these are few."""
    return {
        name: {**one, "enum": [*values]} if (values := allowed.get(f"{action}.{name}")) is not None else one
        for name, one in properties.items()
    }


class _CatalogueActions(Mapping[str, ActionInfo]):
    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    def __getitem__(self, full_name: str) -> ActionInfo:
        found = _info(full_name)
        if any(one.startswith(f"{full_name}.") for one in self._allowed):
            return replace(found, inputs=_narrowed(full_name, found.inputs, self._allowed))
        return found

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
