from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from runner.values import iso
from web.display import MOST_SHOWN, ago, pretty, size, took
from web.texts import UNSEEN, exact, visible

NOW = 1_750_000_000.0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "now"),
        (12, "12 s ago"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
        (-180, "in 3 min"),
    ],
)
def test_a_time_reads_as_a_person_says_it(seconds: float, expected: str) -> None:
    assert ago(str(iso(NOW - seconds)), NOW) == expected


def test_the_exact_time_names_its_zone() -> None:
    assert exact(str(iso(NOW)), ZoneInfo("Europe/Athens")) == "2025-06-15 18:06:40 EEST"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0004, "0 ms"), (0.912, "912 ms"), (1.5, "1.5 s"), (61, "1 min"), (9000, "2 h")],
)
def test_a_length_of_time_is_short(seconds: float, expected: str) -> None:
    assert took(iso(NOW), iso(NOW + seconds)) == expected


def test_what_has_not_ended_took_nothing_yet() -> None:
    assert took(iso(NOW), None) == took(None, None) == "–"


def test_sizes() -> None:
    assert [size(0), size(999), size(1500), size(2_000_000)] == ["0 B", "999 B", "1.5 KB", "2.0 MB"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\u2028b", "a\\u2028b"),
        ("a\r\nb\tc", "a\\u000d\nb\tc"),
        ("\x00", "\\u0000"),
        ("\ud83d", "\\ud83d"),
        ("café 注文 🎉 שלום", "café 注文 🎉 שלום"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_markup_and_numbers_are_left_alone() -> None:
    assert visible(Markup("<b>\u202e</b>")) == "<b>\u202e</b>"
    assert visible(5) == 5


@given(st.text())
def test_nothing_unseen_is_left_and_everything_can_be_sent(text: str) -> None:
    shown = visible(text)
    assert not UNSEEN.search(shown)
    shown.encode()


def test_a_huge_value_is_cut_and_says_so() -> None:
    shown = pretty(["x" * MOST_SHOWN])
    assert len(shown) < MOST_SHOWN + 100
    assert shown.endswith(f"of {MOST_SHOWN + 8:,} characters")


def test_a_text_is_itself_and_json_keeps_its_letters() -> None:
    assert pretty("a\nb") == "a\nb"
    assert pretty({"ä": 2**70}) == f'{{\n  "ä": {2**70}\n}}'
