"""What the checker knows of the world outside the file: the actions, and what this server holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.language.verification import ProviderInfo
    from runner.settings_commands import Commands
    from runner.values import Json


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """
    One action as a file may call it.

    `inputs` maps each input to its JSON Schema; `required` names those that must be given.
    `html` names the inputs in which every expression is escaped, `addresses` those that say to which
    host a request goes, `constants` those that the service executes, such as SQL. `connection_kinds` is
    empty where the action takes no connection. `check_literal(input, value)` says what is wrong with a
    constant, or None.
    """

    name: str
    summary: str
    inputs: Mapping[str, Mapping[str, Json]]
    required: frozenset[str]
    html: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()
    connection_kinds: tuple[str, ...] = ()
    connection_required: bool = False
    output: Mapping[str, Json] = field(default_factory=dict)
    check_literal: Callable[[str, Json], str | None] = field(default=lambda _name, _value: None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """
    Actions by `connector.action`, what this server holds: connections (name → kind) and names of
    secrets, the providers of webhooks by name, the slugs of the folder's workflows, and the commands that
    its configuration allows; None means "not known here", and then nothing is said of them.
    """

    actions: Mapping[str, ActionInfo]
    connections: Mapping[str, str] | None = None
    secrets: Collection[str] | None = None
    providers: Mapping[str, ProviderInfo] | None = None
    workflows: Collection[str] | None = None
    takes_client_certificates: bool | None = None  # its own TLS asks for one, or a proxy passes one on
    commands: Commands | None = None
