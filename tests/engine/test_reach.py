from __future__ import annotations

import pytest

from runner.engine.reach import out_of_reach


@pytest.mark.parametrize(
    ("url", "who"),
    [
        ("http://127.0.0.1:8420", "this computer"),
        ("http://localhost", "this computer"),
        ("http://shop.localhost:8080", "this computer"),
        ("http://[::1]:8420", "this computer"),
        ("http://0.0.0.0", "this computer"),
        ("http://192.168.1.4", "your own network"),
        ("http://10.0.0.1", "your own network"),
        ("http://[fd00::1]", "your own network"),
        ("http://nas.local", "your own network"),
        ("http://server", "your own network"),
        ("https://hooks.example.com", None),
        ("https://93.184.215.14", None),
    ],
)
def test_an_address_says_who_can_reach_it(url: str, who: str | None) -> None:
    said = out_of_reach(url)
    assert (
        (said is None) if who is None else (said is not None and said.endswith(f"which only {who} can see."))
    )
