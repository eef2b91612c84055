from __future__ import annotations

import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.language.lines import lines_of, matches, unified
from runner.language.merging import first_marker, merge

LINE = st.sampled_from(["a", "b", "c", "steps:", "  - id: x", "", "# note", "\r", "é\u2028f"])
TEXT = st.builds(
    lambda lines, end: "\n".join(lines) + end, st.lists(LINE, max_size=12), st.sampled_from(["", "\n"])
)
NAMES = {"mine_name": "yours", "theirs_name": "version 2"}
BASE = "name: A\ntrigger:\n  webhook: {}\nvars:\n  top: 1\nsteps:\n  - id: one\n    filter: x\n"


@given(TEXT)
def test_lines_joined_are_the_text(text: str) -> None:
    assert "".join(lines_of(text)) == text


@given(TEXT, TEXT)
def test_what_only_one_changed_is_taken(base: str, mine: str) -> None:
    assert (merge(base, mine, base, **NAMES).text, merge(base, base, mine, **NAMES).text) == (mine, mine)
    assert merge(base, mine, mine, **NAMES).text == mine
    assert merge(base, mine, base, **NAMES).conflicts == 0


@given(TEXT, TEXT, TEXT)
def test_no_line_that_somebody_added_is_lost(base: str, mine: str, theirs: str) -> None:
    merged = merge(base, mine, theirs, **NAMES)
    there = Counter(line.rstrip("\n") for line in lines_of(merged.text))
    before = Counter(line.rstrip("\n") for line in lines_of(base))
    for side in (mine, theirs):
        added = Counter(line.rstrip("\n") for line in lines_of(side)) - before
        assert added <= there
    assert merged.conflicts == merged.text.count("# <<<<<<< yours\n")
    assert (first_marker(merged.text) is None) == (merged.conflicts == 0)


@given(TEXT, TEXT, TEXT)
def test_both_sides_meet_with_the_same_conflicts_whoever_is_first(base: str, mine: str, theirs: str) -> None:
    one, other = merge(base, mine, theirs, **NAMES), merge(base, theirs, mine, **NAMES)
    assert one.conflicts == other.conflicts
    if not one.conflicts:
        assert one.text == other.text


def test_changes_in_different_places_are_put_together() -> None:
    mine = BASE.replace("top: 1", "top: 2")
    theirs = BASE.replace("filter: x", "filter: y") + "  - stop: done\n"
    merged = merge(BASE, mine, theirs, **NAMES)
    assert merged.conflicts == 0
    assert merged.text == theirs.replace("top: 1", "top: 2")


def test_lines_beside_each_other_are_put_together_where_nobody_changed_the_same() -> None:
    merged = merge("a: 1\nb: 1\n", "a: 2\nb: 1\n", "a: 1\nb: 2\n", **NAMES)
    assert (merged.text, merged.conflicts) == ("a: 2\nb: 2\n", 0)


def test_a_conflict_holds_both_and_no_more_than_differs() -> None:
    mine, theirs = BASE.replace("top: 1", "top: 2"), BASE.replace("top: 1", "top: 3")
    merged = merge(BASE, mine, theirs, **NAMES)
    assert merged.conflicts == 1
    assert "vars:\n# <<<<<<< yours\n  top: 2\n# =======\n  top: 3\n# >>>>>>> version 2\nsteps:" in merged.text
    assert first_marker(merged.text) == 5


@given(TEXT, TEXT)
def test_matches_are_common_lines_in_order(old: str, new: str) -> None:
    ours, theirs = lines_of(old), lines_of(new)
    a = b = 0
    for at, to, size in matches(ours, theirs):
        assert at >= a
        assert to >= b
        assert ours[at : at + size] == theirs[to : to + size]
        a, b = at + size, to + size
    assert (a, b) == (len(ours), len(theirs))


@given(TEXT, TEXT)
def test_a_unified_diff_says_all_that_differs(old: str, new: str) -> None:
    written = unified(old, new, old_name="old", new_name="new")
    assert (written == "") == (old == new)
    removed = [line[1:] for line in written.split("\n")[2:] if line.startswith("-")]
    added = [line[1:] for line in written.split("\n")[2:] if line.startswith("+")]
    kept = Counter(line.rstrip("\n") for line in lines_of(old))
    kept.subtract(removed)
    kept.update(added)
    assert +kept == Counter(line.rstrip("\n") for line in lines_of(new))


@pytest.mark.skipif(shutil.which("patch") is None, reason="this machine has no patch")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (BASE, BASE.replace("top: 1", "top: 2")),
        (BASE, BASE.rstrip("\n")),
        ("", BASE),
        (BASE, "".join(f"line {i}\n" for i in range(30))),
        (
            "".join(f"line {i}\n" for i in range(40)),
            "".join(f"line {i}\n" for i in range(40) if i not in (3, 20, 24, 39)) + "end",
        ),
    ],
)
def test_patch_reads_a_unified_diff(old: str, new: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(old, encoding="utf-8")
    diff = unified(old, new, old_name="file", new_name="file")
    done = subprocess.run(
        [shutil.which("patch") or "patch", "-s", "file"], cwd=tmp_path, input=diff.encode(), check=True
    )
    assert done.returncode == 0
    assert (tmp_path / "file").read_text(encoding="utf-8") == new


def test_texts_made_to_be_slow_are_compared_within_a_second() -> None:
    started = time.perf_counter()
    unified("x\n" + "a\n" * 200_000 + "y\n", "y\n" + "a\n" * 200_001 + "x\n", old_name="a", new_name="b")
    merge("a\n" * 100_000, "b\n" + "a\n" * 90_000 + "c\n", "a\n" * 110_000 + "d\n", **NAMES)
    assert time.perf_counter() - started < 5  # without a bound: an hour
