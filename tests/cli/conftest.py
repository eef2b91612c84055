"""A home with one workflow, and runs of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    one = Home(tmp_path)
    one.workflow("hello")
    (tmp_path / "event.json").write_text('{"text": "hi"}')
    return one


@pytest.fixture
def ran(home: Home) -> Callable[..., Any]:
    """Run a workflow live, so that it stands in the history; its run as JSON."""

    def run(slug: str = "hello", payload: str = '{"name": "Ada"}') -> Any:
        result = home("run", slug, "--live", "--json", "--payload", "-", stdin=payload)
        return json.loads(result.stdout)

    return run
