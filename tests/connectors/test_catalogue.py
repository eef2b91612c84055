"""Which connectors there are, and when they are imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import connectors
from runner.connector import Connection

GOLDEN = Path(__file__).parent / "golden" / "actions.txt"


def test_every_connector_holds_actions_that_the_checker_knows() -> None:
    # what a workflow calls is a promise: an action that goes, or is called otherwise, shows here
    catalogue = connectors.catalogue_actions()

    assert list(catalogue) == GOLDEN.read_text(encoding="utf-8").split()
    assert len(catalogue) == len(list(catalogue))
    for name, info in catalogue.items():
        assert info.name == name
        assert info.summary
        action = connectors.action(name)
        assert action is not None
        assert action.example.startswith(f"action: {name}")
        for schema in info.inputs.values():
            assert schema["description"]
        assert info.output  # what it gives: the checker looks up fields of later steps in it


@pytest.mark.parametrize("name", ["slack.post_mesage", "nope.x", "slack", "", "slack.", ".x"])
def test_what_is_not_there_is_not_found(name: str) -> None:
    assert connectors.action(name) is None
    assert name not in connectors.catalogue_actions()


def test_a_connector_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(LookupError, match=r'no connector "nope"; there are .*email, .*http, .*state'):
        connectors.connector("nope")


@pytest.mark.parametrize(
    "kind", ["basic", "bearer", "google", "google_oauth", "header", "oauth2", "query", "slack", "smtp"]
)
def test_a_kind_of_connection_has_its_model(kind: str) -> None:
    model = connectors.connection_model(kind)

    assert model is not None
    assert issubclass(model, Connection)
    assert model.kind == kind
    for field in model.model_fields.values():
        assert field.description


def test_a_kind_that_is_not_there_has_none() -> None:
    assert connectors.connection_model("nope") is None


def test_asking_for_one_connector_imports_no_other() -> None:
    """Their models take time to build, and most servers use two of them."""
    code = (
        "import sys, connectors; from connectors import *; c = connectors.catalogue_actions();"
        "assert 'slack.post_message' in c and connectors.connection_model('slack');"
        "print(sorted({'.'.join(m.split('.')[:2]) for m in sys.modules if m.startswith('connectors.')}))"
    )

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout

    assert shown.strip() == "['connectors.slack']"


@pytest.mark.parametrize(
    ("action", "name", "value", "says"),
    [
        ("http.request", "method", "get", None),
        ("http.request", "json", {"a": 1}, None),
        ("http.request", "timeout_seconds", -1, "greater than 0"),
        ("email.send", "from", "shop@example.org", None),
        ("email.send", "to", "a@x.example, b@x.example", "0: 'a@x.example, b@x.example' is not one"),
        ("email.send", "subject", "a\nb", "holds a line break"),
        ("slack.post_message", "blocks", "x", "list"),
    ],
)
def test_a_constant_is_checked_without_a_run(action: str, name: str, value: object, says: str | None) -> None:
    found = connectors.catalogue_actions()[action].check_literal(name, value)

    assert (found is None) if says is None else (found is not None and says in found)


def test_html_is_marked_so_that_expressions_in_it_are_escaped() -> None:
    assert connectors.catalogue_actions()["email.send"].html == {"html"}
