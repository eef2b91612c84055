"""Looks at workflows as the process does that looks on while they are written, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import connectors
from runner.engine.redact import Redaction
from runner.engine.runs import Disposition, Event
from runner.evaluator.wire import framed, unframed
from runner.inbound.providers import provider_infos
from runner.language.basis import NO_BASIS
from runner.language.catalogue import Catalogue
from runner.language.paths import read_path
from runner.outbound.unsent import UnsentOutbound
from runner.values import Json
from runner.workbench.looking import Looking
from runner.workbench.sending import Recorded
from runner.workbench.wire import Asked, Held, asked_json, shown_connection

NOW = 1767258000.0
CONNECTIONS: dict[str, Json] = {
    "team-slack": {"kind": "slack", "token": "xoxb-0123456789-secret"},
    "sheet": {
        "kind": "google_oauth", "client_id": "c", "client_secret": "client-s3cret", "scope": "drive",
    },
    "crm": {"kind": "basic", "user": "ada", "password": "p4ssw0rd-of-ada", "hosts": ["crm.example.com"]},
    "mail": {"kind": "smtp", "host": "smtp.example.com", "from": "a@example.com"},
}  # fmt: skip
SECRETS = {"API_KEY": "k3y-of-the-api-0123"}


def held() -> Held:
    """The connections above and a secret, as a preview may know of them."""
    found = {}
    for name, given in CONNECTIONS.items():
        fields = {key: value for key, value in given.items() if key != "kind"}
        model = connectors.connection_model(given["kind"])
        assert model is not None
        found[name] = shown_connection(model.model_validate(fields), frozenset(SECRETS.values()))
    return Held(found, tuple(SECRETS))


def event(payload: Json, **more: Any) -> Event:
    """A request with *payload*."""
    body = json.dumps(payload).encode()
    made = Event(
        id="01jq6h3v9t0m8e2c5x7k4n1b6d", workflow="flow", trigger="webhook", received_at=NOW,
        disposition=Disposition.ACCEPTED, method="POST", path="", query="", content_type="application/json",
        headers={"content-type": "application/json"}, size=len(body), source_ip="", body=body,
    )  # fmt: skip
    return replace(made, **more)


def catalogue(given: Json) -> Catalogue:
    kinds = {name: one["kind"] for name, one in given["connections"].items()}
    return Catalogue(connectors.catalogue_actions(), kinds, frozenset(given["secrets"]), provider_infos())


@dataclass
class Looker:
    """One text and one event, looked at by way of the wire."""

    text: str
    payload: Json = field(default_factory=dict)
    recorded: dict[str, Recorded] = field(default_factory=dict)
    redact: tuple[str, ...] = ()
    looking: Looking = field(
        default_factory=lambda: Looking(
            catalogue, connectors.action, connectors.connection_model, UnsentOutbound()
        )
    )

    def asked(self, **more: Json) -> Json:
        head = "" if "trigger:" in self.text else "trigger: {webhook: {}}\n"
        text = self.text if self.text.startswith("name:") else f"name: Flow\n{head}{self.text}"
        redaction = Redaction(tuple(read_path(one) for one in self.redact))
        asked = Asked(text, "flow", NO_BASIS, held(), event(self.payload), redaction, self.recorded)
        return unframed(framed(asked_json(asked, **more))[4:])

    def preview(self, upto: str | None = None) -> Any:
        return self.looking.answer(self.asked(do="preview", upto=upto))

    def steps(self, upto: str | None = None) -> dict[str, Any]:
        return {one["path"]: one for one in self.preview(upto)["steps"]}

    def evaluate(self, source: str, *, at: str | None = None, kind: str = "expression") -> Any:
        return self.looking.answer(self.asked(do="evaluate", at=at, kind=kind, source=source))
