"""The reference of faults: each example has its fault, and the mended one has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.language.fault_reference import Explained, explained, whole
from tests.language.fault_desk import check

SHOWN = [pytest.param(one, id=one.code) for one in explained().values() if one.wrong]


@pytest.mark.parametrize("one", SHOWN)
def test_the_wrong_example_has_the_fault_and_no_other(one: Explained, tmp_path: Path) -> None:
    assert {fault.code for fault in check(whole(one.wrong), tmp_path)} == {one.code}


@pytest.mark.parametrize("one", SHOWN)
def test_the_mended_example_has_none(one: Explained, tmp_path: Path) -> None:
    assert [str(fault) for fault in check(whole(one.mended), tmp_path)] == []


def test_every_fault_is_told_in_whole_sentences() -> None:
    for one in explained().values():
        assert one.title.strip(".") == one.title, one.code
        assert one.about.endswith((".", "?")), one.code
