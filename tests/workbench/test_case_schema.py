"""The JSON Schema of test files says yes to what the reader reads."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from runner.language.source import compose
from runner.workbench.case_keys import CASE, EVENT_KEYS, EXPECT_KEYS, cases_schema
from tests.workbench.desk import CATALOGUE

ROOT = Path(__file__).parents[2]
SCHEMA = cases_schema(CATALOGUE)
FILES = sorted((ROOT / "workflows").glob("*.test.yaml"))


@pytest.mark.parametrize("path", FILES, ids=[one.name for one in FILES])
def test_the_starters_tests_are_as_the_schema_says(path: Path) -> None:
    root = compose(path.read_text(encoding="utf-8"), path="a").root
    assert root is not None
    jsonschema_rs.Draft202012Validator(SCHEMA).validate(root.plain())


@pytest.mark.parametrize(
    "case",
    [
        {"name": "a", "strikt": True},
        {"event": {}},
        {"name": "a", "event": {"fil": "x"}},
        {"name": "a", "expect": {"status": "succeded"}},
        {"name": "a", "expect": {"actions": [{"slack.post_message": {"chanel": "#a"}}]}},
        {"name": "a", "expect": {"actions": [{"a": 1, "b": 2}]}},
    ],
)
def test_what_is_misspelt_is_underlined(case: object) -> None:
    assert not jsonschema_rs.Draft202012Validator(SCHEMA).is_valid({"cases": [case]})


def test_every_key_says_what_it_is_for() -> None:
    for block in (CASE, EVENT_KEYS, EXPECT_KEYS):
        for key in block.keys.values():
            assert key.about.endswith("."), key.name
    assert SCHEMA["$defs"]["given"]["properties"]["email.send"]["description"]
