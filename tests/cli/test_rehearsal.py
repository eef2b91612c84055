"""What stands in for the world in a rehearsal."""

from __future__ import annotations

import pytest

import connectors
from runner.errors import Rejected
from runner.language.catalogue import Catalogue
from runner.language.load import load
from runner.workbench.rehearsal import NoWayOut, Placeholders, secret_names

EVERYWHERE = """\
name: Everywhere
trigger: {webhook: {}}
steps:
  - switch:
      - when: payload.a
        steps:
          - {action: http.request, with: {url: "https://a.example.com/{{ secrets.A }}"}}
  - for_each: payload.items
    steps:
      - parallel:
          one:
            - action: http.request
              with: {url: "https://a.example.com/{{ secrets.B }}"}
              on_error:
                - {action: http.request, with: {url: "https://a.example.com/{{ secrets.C }}"}}
on_failure:
  - steps:
      - {action: http.request, with: {url: "https://a.example.com/{{ secrets.D }}"}}
"""


def test_the_secrets_of_all_steps_have_placeholders_wherever_the_steps_stand() -> None:
    catalogue = Catalogue(connectors.catalogue_actions())
    loaded = load(EVERYWHERE, path="everywhere.yaml", slug="everywhere", catalogue=catalogue)
    assert loaded.workflow is not None, loaded.faults
    assert secret_names(loaded.workflow) == {"A", "B", "C", "D"}
    assert Placeholders(loaded.workflow).secrets()["A"] == "{{ secrets.A }}"


async def test_there_is_no_way_out() -> None:
    outbound = NoWayOut()
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=1)
    with pytest.raises(Rejected):
        await http.request("GET", "https://example.com")
    with pytest.raises(Rejected):
        await http.get("https://example.com")
    with pytest.raises(Rejected):
        await http.post("https://example.com")
    with pytest.raises(Rejected):
        await outbound.connect("example.com", 25, timeout_seconds=1)
