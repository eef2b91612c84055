"""Which failures are tried again: by what the connector said, what a repetition would do, and `on`."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.engine.runs import Status
from tests.engine.world import Outside, opened

EVERYTHING = "network, timeout, 429, 5xx"
NO, AGAIN = "fails", "tried again"

# what failed, and the `on` that wants it; what is tried again where a repetition does no harm, and
# what where it might
TABLE = [
    ("unavailable", "network", AGAIN, AGAIN),
    ("429", "429", AGAIN, AGAIN),
    ("503", "5xx", AGAIN, AGAIN),
    ("503", "503", AGAIN, AGAIN),
    ("unknown", "network", AGAIN, NO),
    ("timeout", "timeout", AGAIN, NO),
    ("500", "5xx", AGAIN, NO),
    ("500", "500", AGAIN, NO),
    ("rejected", EVERYTHING, NO, NO),
    ("connection", EVERYTHING, NO, NO),
    ("bug", EVERYTHING, NO, NO),
]
TYPES = {
    "unavailable": "unavailable", "429": "unavailable", "503": "unavailable",
    "unknown": "outcome_unknown", "500": "outcome_unknown", "timeout": "timeout",
    "rejected": "rejected", "connection": "connection_rejected", "bug": "rejected",
}  # fmt: skip
UNWANTED = {
    "network": "429",
    "timeout": "network",
    "429": "timeout",
    "5xx": "429",
    "503": "502",
    "500": "503",
}


def cases() -> list[tuple[str, str | None, str, str, str]]:
    """(fail, on, action, after_crash, what becomes of it)."""
    found = []
    for fail, on, harmless, harmful in TABLE:
        # an action's own rule, and the step's, which stands above it
        ways = [("note", "", harmless), ("once", "", harmful)]
        ways += [("note", "stop", harmful), ("once", "repeat", harmless)]
        for action, after_crash, outcome in ways:
            found += [(fail, wanted, action, after_crash, outcome) for wanted in (None, on, EVERYTHING)]
            if on in UNWANTED:
                found.append((fail, UNWANTED[on], action, after_crash, NO))
    return found


@pytest.mark.parametrize("fail", list(TYPES))
async def test_what_is_tried_again(tmp_path: Path, fail: str) -> None:
    async with opened(tmp_path, Outside()) as world:
        world.now = 1_000_000.0
        for number, (_fail, on, action, after_crash, outcome) in enumerate(
            [one for one in cases() if one[0] == fail]
        ):
            retry = f"{{delay: 1h{f', on: [{on}]' if on else ''}}}"
            rule = f"    after_crash: {after_crash}\n" if after_crash else ""
            slug = f"case-{number}"
            await world.workflow(
                slug,
                f"steps:\n  - id: it\n    action: probe.{action}\n    retry: {retry}\n{rule}"
                f"    with: {{text: x, fail: '{fail}'}}\n",
            )
            end = await world.ran(slug)
            where = f"{fail} on [{on}] by probe.{action} after_crash {after_crash or 'of the action'}"
            if outcome == AGAIN:
                assert end.status is Status.WAITING, where
            else:
                assert end.status is Status.FAILED, where
                assert end.reason, where
                assert end.reason.code == TYPES[fail], where
