"""Secrets: slots in templates, names in records, values in calls, and masks everywhere else."""

from __future__ import annotations

import base64
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.language.secrets import MASK, SecretSlots, masked

SECRET = "p/ss w0rd+ü?"


def test_a_slot_is_shown_as_its_name_and_filled_with_its_value() -> None:
    slots = SecretSlots({"KEY": SECRET})
    text = f"Bearer {slots.slots()['KEY']}!"
    assert slots.shown({"a": [text]}) == {"a": ["Bearer {{ secrets.KEY }}!"]}
    assert slots.filled({"a": [text]}) == {"a": [f"Bearer {SECRET}!"]}
    assert slots.reveal(slots.slots()["KEY"]) == SECRET
    assert slots.reveal(text) == text


def test_a_slot_of_another_rendering_is_plain_text() -> None:
    earlier = SecretSlots({"KEY": SECRET}).slots()["KEY"]
    assert SecretSlots({"KEY": SECRET}).filled(earlier) == earlier


PRINTABLE = st.text(
    st.characters(categories=["L", "N", "P"], exclude_characters=MASK), min_size=8, max_size=40
)


@given(PRINTABLE, st.binary(max_size=7), st.binary(max_size=7))
def test_no_encoding_of_a_secret_stays_readable(secret: str, before: bytes, after: bytes) -> None:
    secrets = frozenset({secret})
    assert secret not in masked(f"<{secret}>", secrets)
    assert quote(secret, safe="") not in masked(quote(secret, safe=""), secrets)
    assert quote_plus(secret) not in masked(quote_plus(secret), secrets)
    inside = base64.b64encode(before + secret.encode() + after).decode()
    shown = masked(inside, secrets)
    assert MASK in shown
    rest = shown.replace(MASK, "")
    assert len(rest) <= len(inside) - len(base64.b64encode(secret.encode())) + 8


@pytest.mark.parametrize("value", [1, None, True, 2.5, ["a", {"k": "text"}]])
def test_what_holds_no_secret_stays_as_it_is(value: object) -> None:
    assert masked(value, frozenset({SECRET})) == value


def test_a_very_short_secret_does_not_mask_half_of_every_text() -> None:
    assert masked("a banana", frozenset({"a"})) == "a banana"


@pytest.mark.parametrize(
    "written",
    [
        "p%2Fss%20w0rd%2B%C3%BC%3F", "p%2fss%20w0rd%2b%c3%bc%3f", "p/ss%20w0rd+%C3%BC?",
        "p/ss+w0rd%2B%C3%BC%3F",
        "p%252Fss%2520w0rd%252B%25C3%25BC%253F", r"p\/ss w0rd+\u00fc?", r"p/ss w0rd+\u00FC?",
        base64.b64encode(quote(SECRET, safe="").encode()).decode(),
        base64.b64encode(b"client:" + quote_plus(SECRET).encode()).decode(),
    ],
)  # fmt: skip
def test_a_secret_is_masked_however_a_library_writes_it(written: str) -> None:
    shown = masked(f"see {written} there", frozenset({SECRET}))
    assert MASK in shown
    for piece in ("ss", "w0rd", "%2", base64.b64encode(b"w0rd").decode()[1:5]):
        assert piece not in shown.replace("see", "").replace("there", "")


def test_entities_and_escapes_of_a_secret_are_masked() -> None:
    secret = "a&b<c>\"d'e\nf"
    for written in (
        "a&amp;b&lt;c&gt;&quot;d&apos;e\nf", "a&#38;b&#60;c&#62;&#34;d&#39;e\nf", r"a&b<c>\"d'e\nf",
        r"a&b<c>\\\"d'e\\nf",
    ):  # fmt: skip
        assert masked(written, frozenset({secret})) == MASK


def test_masking_takes_time_in_proportion_to_the_text() -> None:
    secrets = frozenset({"%" * 40, "\\" * 40, "&" * 40, " " * 40, *(f"key-{n}/+=" for n in range(100))})
    text = ("%25" * 50_000) + ("\\" * 50_000) + ("&amp" * 20_000)
    assert isinstance(masked(text, secrets), str)


def test_half_a_character_hides_no_secret() -> None:
    assert masked(f"\ud800{SECRET}\udfff \ud83d", frozenset({SECRET})) == f"\ud800{MASK}\udfff \ud83d"
