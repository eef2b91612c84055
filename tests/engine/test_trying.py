"""What events say of paths: names, never values, within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from runner.engine.trying import tried
from runner.language.load import load
from tests.language.small_catalogue import CATALOGUE

HEAD = "name: x\ntrigger: {webhook: {}}\nsteps:\n"


def said(
    step: str, payloads: list[Any], *, head: str = HEAD, headers: dict[str, str] | None = None
) -> list[str]:
    text = f"{head}- {step}\n"
    loaded = load(text, path="x.yaml", slug="x", catalogue=CATALOGUE)
    samples = [{"payload": one, "event": {"headers": headers or {}}} for one in payloads]
    return [one.message for one in tried(loaded, samples, "x.yaml", text)]


@pytest.mark.parametrize(
    ("step", "payloads", "expected"),
    [
        ("filter: payload.a", [{"b": 1}, {"b": 2}], ["`payload.a` was absent in 2 of 2 events"]),
        ("filter: payload.a", [{"b": 1}, {"a": 2}], []),
        ("filter: payload.a.b", [{"a": None}], []),
        ("filter: payload.a.b", [{"a": None}, {"a": {}}], ["`payload.a.b` was absent in 1 of 1 events"]),
        ("transform: 'payload.l[].a'", [{"l": []}], []),
        ("transform: 'payload.l[].a'", [{"l": [{"a": 1}, {}]}], []),
        ("transform: 'payload.l[].a'", [{"l": [[{"a": 1}]]}], []),
        ("transform: 'payload.l[].a'", [{"l": [{"b": 1}]}], ["`payload.l[].a` was absent in 1 of 1 events"]),
        ("transform: payload.l.a", [{"l": [{"a": 1}]}],
         ["`payload.l` was a list in 1 of 1 events, which has no field `a`"]),
        ("filter: payload.a || payload.b", [{"b": 1}], []),
        ("filter: payload.custmer || payload.b", [{"b": 1, "customer": 2}],
         ["`payload.custmer` was absent in 1 of 1 events"]),
        ("filter: payload.a > `3`", [{"a": "5"}],
         ["`payload.a` was a text in 1 of 1 events, and is compared with a number"]),
        ("filter: payload.a > `3`", [{"a": "5"}, {"a": 5}], []),
        ("filter: to_number(payload.a) > `3`", [{"a": "5"}], []),
        ("filter: payload", ["just text"], []),
        ("filter: payload.a", ["just text"], []),
    ],
)  # fmt: skip
def test_paths_are_tried(step: str, payloads: list[Any], expected: list[str]) -> None:
    assert said(step, payloads) == expected


def test_headers_are_tried_too() -> None:
    step = "filter: event.headers.\"x-githb-event\" == 'push'"
    found = said(step, [{}], headers={"x-github-event": "push"})
    assert found == ['`event.headers."x-githb-event"` was absent in 1 of 1 events']


def test_without_events_nothing_is_said() -> None:
    assert said("filter: payload.a", []) == []


def test_where_a_payload_is_split_nothing_is_said() -> None:
    head = "name: x\ntrigger: {webhook: {split: payload.orders}}\nsteps:\n"
    assert said("filter: payload.id", [{"orders": [{"id": 1}]}], head=head) == []


def test_what_is_hidden_is_neither_looked_into_nor_suggested() -> None:
    head = f"redact: [payload.customer]\n{HEAD}"
    assert said("filter: payload.customer.nmae", [{"customer": {"name": "Ada"}}], head=head) == []


def test_much_data_ends_soon() -> None:
    large = {"l": [{"m": [{"n": index} for index in range(1000)]} for _ in range(1000)]}
    paths = " && ".join(f"payload.l[].m[].x{index} == 'a'" for index in range(60))
    said(f"filter: {paths}", [large] * 40)
