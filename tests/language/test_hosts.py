"""Where the host of an address comes from is judged without a run."""

from __future__ import annotations

import pytest

import connectors
from runner.language.catalogue import Catalogue
from runner.language.hosts import host_end
from runner.language.load import load

HEAD = "name: One\ntrigger: {webhook: {}}\nvars: {base: 'https://api.example.com', shop: a}\nsteps:\n"


def faults(step: str) -> list[tuple[str, str, str]]:
    catalogue = Catalogue(
        connectors.catalogue_actions(), connections={"crm": "bearer"}, secrets=frozenset({"KEY"})
    )
    found = load(HEAD + step, path="one.yaml", slug="one", catalogue=catalogue).faults
    return [(str(one.severity), one.code, str(one)) for one in found]


def step(url: str, *more: str) -> str:
    lines = [f'  - action: http.request\n    with:\n      url: "{url}"\n']
    return "".join([*lines, *(f"{one}\n" for one in more)])


@pytest.mark.parametrize(
    "url",
    [
        "{{ payload.url }}", "https://{{ payload.host }}/x", "https://api.{{ payload.domain }}/x",
        "{{ payload.scheme }}://example.com/", "https://{{ payload.user }}@example.com/",
        "https://example.com{{ payload.rest }}/x", "https://example.com:{{ payload.port }}/",
        "{{ vars.base }}{{ payload.rest }}", "http{{ payload.s }}", " {{ event.query }}",
        "{% if payload.x %}https://{{ payload.host }}{% endif %}", "HTTPS://{{ payload.host }}/",
    ],
)  # fmt: skip
def test_a_host_from_the_data_is_a_fault_with_credentials_and_a_warning_without(url: str) -> None:
    for more in ("    connection: crm", "      headers: {X-Key: '{{ secrets.KEY }}'}"):
        (found,) = faults(step(url, more))
        assert found[:2] == ("error", "host-from-data")
        assert "with credentials" in found[2]
        assert "allow_any_host: true" in found[2]
    (bare,) = faults(step(url))
    assert bare[:2] == ("warning", "host-from-data")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/orders/{{ payload.id }}", "https://api.example.com?q={{ payload.q }}",
        "https://api.example.com#{{ payload.q }}", "{{ vars.base }}/orders/{{ payload.id }}",
        "https://{{ vars.shop }}.example.com/{{ payload.id }}", "/orders/{{ payload.id }}",
        "orders/{{ payload.id }}", "{{ vars.base }}", "https://example.com/{{ payload.url }}://x",
        "{{ secrets.KEY }}/x/{{ payload.id }}", "v{{ payload.version }}/orders",
    ],
)  # fmt: skip
def test_a_host_that_is_written_or_a_constant_is_none(url: str) -> None:
    assert faults(step(url, "    connection: crm")) == []


def test_who_means_it_says_so() -> None:
    url = "https://{{ payload.host }}/x"
    assert faults(step(url, "      allow_any_host: true", "    connection: crm")) == []
    assert len(faults(step(url, "      allow_any_host: false", "    connection: crm"))) == 1
    assert len(faults(step(url, "      allow_any_host: '{{ payload.x }}'", "    connection: crm"))) == 1


def test_the_output_of_a_step_is_data_too() -> None:
    given = "  - id: found\n    transform: payload.url\n" + step("{{ steps.found }}", "    connection: crm")
    ((severity, code, said),) = faults(given)
    assert (severity, code) == ("error", "host-from-data")
    assert "`steps` decides" in said


def test_the_item_of_a_loop_is_data_too() -> None:
    given = (
        "  - for_each: payload.urls\n    as: url\n    steps:\n"
        "      - {action: http.request, connection: crm, with: {url: '{{ url }}'}}\n"
    )
    ((severity, code, _said),) = faults(given)
    assert (severity, code) == ("error", "host-from-data")


@pytest.mark.parametrize(
    ("text", "end"),
    [("https://a/b", 9), ("https://a", 9), ("{{ a }}/b", 7), ("a/{{ b }}", 0), ("{{ a }}", 7)],
)
def test_how_far_a_host_reaches(text: str, end: int) -> None:
    assert host_end(text) == end


LOOP = """\
  - for_each: {items}
    steps:
      - action: http.request
        connection: crm
        with: {{url: "{{{{ item.url }}}}"}}
"""


@pytest.mark.parametrize("items", ["vars.shops", "vars.shops[].hosts", "vars.shops[0].hosts[*]"])
def test_the_items_of_a_loop_over_constants_are_constants(items: str) -> None:
    assert [one for one in faults(LOOP.format(items=items)) if one[1] == "host-from-data"] == []


@pytest.mark.parametrize(
    "items", ["payload.shops", "vars.shops || payload.shops", "vars.shops[].merge(@, $.payload)"]
)
def test_the_items_of_another_loop_are_data(items: str) -> None:
    assert [one[1] for one in faults(LOOP.format(items=f'"{items}"')) if one[1] == "host-from-data"] == [
        "host-from-data"
    ]


def test_a_loop_inside_gives_the_name_another_meaning() -> None:
    inner = (
        LOOP.format(items="payload.shops").replace("\n  ", "\n      ").replace("  - for", "      - for", 1)
    )
    found = faults("  - for_each: vars.shops\n    steps:\n" + inner)
    assert [one[1] for one in found if one[1] == "host-from-data"] == ["host-from-data"]
