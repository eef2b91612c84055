"""What goes to a process that looks on while a workflow is written, and what it makes of it there."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from runner.connector import Connection, TokenConnection, Tokens
from runner.engine.past import PastRun
from runner.engine.redact import Redaction
from runner.engine.runs import Disposition, Event, Gate, Record, RecordStatus, Run
from runner.language.basis import Basis
from runner.language.paths import ValuePath
from runner.language.secrets import MASK, masked
from runner.settings_commands import Command, Commands
from runner.values import Json

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.workbench.sending import Recorded

KEPT_SECONDS = 10**10  # of the token that stands for one: it never ends


@dataclass(frozen=True, slots=True)
class Held:
    """
    What a server holds, as far as a preview may know of it: its connections by name as `{kind, fields,
    secrets}` (the names of secret fields, never their values), the names of its secrets, the slugs of its
    workflows, and the commands that its configuration allows.
    """

    connections: Mapping[str, Json] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    commands: Commands = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A text as the file of *slug*, an event, and what hides values of it; common to all that is asked."""

    text: str
    slug: str
    basis: Basis
    held: Held
    event: Event
    redaction: Redaction
    recorded: Mapping[str, Recorded] = field(default_factory=dict)


def asked_json(asked: Asked, **more: Json) -> dict[str, Json]:
    """*asked* as JSON, with *more*: what shall be done with it."""
    return {
        "text": asked.text,
        "slug": asked.slug,
        "basis": basis_json(asked.basis),
        "held": held_json(asked.held),
        "event": event_json(asked.event),
        "redaction": redaction_json(asked.redaction),
        "recorded": {path: asdict(one) for path, one in asked.recorded.items()},
        **more,
    }  # fmt: skip


def basis_json(basis: Basis) -> dict[str, Json]:
    """A basis as JSON."""
    return {"defaults": basis.defaults, "overrides": dict(basis.overrides), "path": basis.path}


def held_json(held: Held) -> dict[str, Json]:
    """What a server holds as JSON."""
    commands = {name: asdict(one) for name, one in held.commands.items()}
    return {**asdict(replace(held, commands={})), "commands": commands}


def redaction_json(redaction: Redaction) -> dict[str, Json]:
    """What is hidden as JSON."""
    paths = [[one.text, list(one.parts)] for one in redaction.paths]
    return {"paths": paths, "is_all": redaction.is_all, "is_split": redaction.is_split}


def commands_of(value: Json) -> Commands:
    """The commands of what a server holds."""
    lists = ("run", "on", "success")
    return {
        name: Command(**{**one, **{key: tuple(one[key]) for key in lists}}) for name, one in value.items()
    }


def basis_of(value: Json) -> Basis:
    """The basis of a request."""
    return Basis(value["defaults"], value["overrides"], value["path"])


def redaction_of(value: Json) -> Redaction:
    """What is hidden, of a request."""
    paths = tuple(ValuePath(text, tuple(parts)) for text, parts in value["paths"])
    return Redaction(paths, value["is_all"], value["is_split"])


def event_json(event: Event) -> dict[str, Json]:
    """An event as JSON, its body in base64."""
    found = {**asdict(event), "headers": dict(event.headers), "body": base64.b64encode(event.body).decode()}
    return {**found, "gates": [one.as_json() for one in event.gates]}


def event_of(value: Json) -> Event:
    """The event of a request."""
    gates = tuple(Gate(**one) for one in value["gates"])
    body = base64.b64decode(value["body"])
    given = {**value, "disposition": Disposition(value["disposition"]), "body": body, "gates": gates}
    return Event(**given)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run that has ended, and what the addresses of its questions end in, by the paths of these."""

    past: PastRun
    tokens: Mapping[str, str]


def past_run_json(one: PastRun, tokens: Mapping[str, str]) -> dict[str, Json]:
    """A run that has ended as JSON."""
    return {
        "run": asdict(one.run), "status": one.status, "sentence": one.sentence, "tokens": dict(tokens),
        "records": [asdict(record) for record in one.records],
    }  # fmt: skip


def past_run_of(value: Json) -> Replayed:
    """A run of a request."""
    records = [Record(**{**one, "status": RecordStatus(one["status"])}) for one in value["records"]]
    past = PastRun(Run(**value["run"]), value["status"], value["sentence"], records)
    return Replayed(past, value["tokens"])


def shown_connection(connection: Connection, secret_values: frozenset[str]) -> Json:
    """A connection as a preview may know it: which fields are secret, and no value of them."""
    fields: dict[str, Json] = {}
    secrets: list[str] = []
    for name in type(connection).model_fields:
        value: Any = getattr(connection, name)
        if isinstance(value, SecretStr):
            secrets.append(name)
        elif value is not None:
            fields[name] = value
    plain = type(connection).model_construct(**fields).model_dump(mode="json", include=set(fields))
    return {"kind": connection.kind, "fields": masked(plain, secret_values), "secrets": secrets}


def connection_of(value: Json, model_of: Callable[[str], type[Connection] | None]) -> Connection | None:
    """A connection of a request: *value* with MASK for each secret; None: its kind is not known."""
    model = model_of(value["kind"])
    if model is None:
        return None
    hidden = {name: SecretStr(MASK) for name in value["secrets"]}
    made = model.model_construct(None, **value["fields"], **hidden)
    if isinstance(made, TokenConnection):
        return made.with_tokens(
            Tokens(access_token=SecretStr(MASK), obtained_at=0.0, expires_at=KEPT_SECONDS)
        )
    return made
