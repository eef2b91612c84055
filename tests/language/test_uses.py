"""What a text names: connections and secrets."""

from __future__ import annotations

from runner.language.uses import uses

TEXT = """\
trigger:
  webhook:
    verify: {provider: shopify, secret: [SHOP_NEW, SHOP_OLD]}
steps:
  - action: http.request
    connection: crm
    with:
      url: https://example.com/
      headers: {authorization: "Bearer {{ secrets.TOKEN }}"}
  - action: slack.post_message
    connection: "{{ vars.which }}"
  - transform: secrets.OTHER
  - unknown: here
"""


def test_names_are_found_wherever_they_stand() -> None:
    found = uses(TEXT)

    assert found.connections == {"crm"}
    assert found.secrets == {"SHOP_NEW", "SHOP_OLD", "TOKEN", "OTHER"}


def test_what_is_no_yaml_names_nothing() -> None:
    assert uses("a: [") == uses("") == uses("- 1")
