from __future__ import annotations

import pytest

from runner.engine.filtered import did_not_hold
from runner.values import Json

WHOLE = "payload.total > `100` && payload.paid"


@pytest.mark.parametrize(
    ("test", "seen", "told"),
    [
        ("payload.total > `100`", {"payload.total": 80}, "payload.total was 80; it must be more than 100."),
        (
            "to_number(payload.total)  >= `100`",
            {"payload.total": "80"},
            'payload.total was "80"; it must be at least 100.',
        ),
        ("payload.kind == 'a'", {"payload.kind": None}, 'payload.kind was missing; it must be "a".'),
        (
            WHOLE,
            {"payload.total": 80, "payload.paid": False},
            f"payload.total was 80, payload.paid was false; it goes on where {WHOLE}.",
        ),
        ("`false`", {}, "it goes on where `false`."),
        (
            "payload.a > payload.b",
            {"payload.a": 1},
            "payload.a was 1; it goes on where payload.a > payload.b.",
        ),
    ],
)
def test_a_filter_says_what_it_saw_and_what_it_wants(test: str, seen: Json, told: str) -> None:
    assert did_not_hold({"step": "big", "test": test, "seen": seen}) == f"Stopped on purpose at big: {told}"


def test_a_long_value_does_not_fill_the_sentence() -> None:
    sentence = did_not_hold({"step": "a", "test": "payload.x", "seen": {"payload.x": "x" * 5000}})
    assert len(sentence) < 200
