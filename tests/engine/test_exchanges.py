from __future__ import annotations

import pytest

from runner.engine.exchanges import MOST_BODY, MOST_NOTED, Exchange, Tape, lines_read
from runner.language.secrets import MASK
from runner.values import Json

SECRET = "sk-live-4f9a8b7c6d5e"
JSON = {"Content-Type": "application/json"}


def told(*exchanges: Exchange) -> Json:
    """What is stored of one attempt, read back."""
    tape = Tape()
    for one in exchanges:
        tape.note(one)
    (attempt,) = lines_read(tape.taken(1, frozenset({SECRET})))
    return attempt


def test_an_exchange_is_kept_as_it_was() -> None:
    one = Exchange(1e9, "POST", "https://a.example/x?b=1", JSON, b'{"a":1}')
    one.ended_at, one.status, one.answer_headers, one.answer = (
        1e9 + 0.25,
        201,
        {"content-type": "text/plain"},
        b"ok",
    )
    (kept,) = told(one)["exchanges"]
    assert (kept["method"], kept["url"], kept["body"], kept["size"], kept["ms"]) == (
        "POST", "https://a.example/x?b=1", '{"a":1}', 7, 250.0,
    )  # fmt: skip
    assert kept["answer"] == {
        "status": 201,
        "headers": {"content-type": "text/plain"},
        "body": "ok",
        "size": 2,
    }


def test_without_an_answer_it_says_so() -> None:
    (kept,) = told(Exchange(1e9, "GET", "https://a.example", {}, None))["exchanges"]
    assert kept["answer"] is None
    assert (kept["body"], kept["size"], kept["ms"]) == (None, 0, None)


def test_no_secret_is_kept_wherever_it_stands() -> None:
    headers = {**JSON, "X-Key": "of the connection", "Authorization": "Bearer abc", "X-Note": f"a {SECRET}"}
    one = Exchange(
        1e9, "POST", f"https://a.example/{SECRET}?key=of-the-connection&b={SECRET}&c=1", headers,
        f'{{"a":"{SECRET}"}}'.encode(), frozenset({"x-key", "key"}),
    )  # fmt: skip
    one.status, one.answer_headers, one.answer = 200, {"set-cookie": "a=b", **JSON}, f'["{SECRET}"]'.encode()
    attempt = told(one)
    assert SECRET not in str(attempt)
    assert "of-the-connection" not in str(attempt)
    (kept,) = attempt["exchanges"]
    assert kept["headers"] == {**JSON, "X-Key": MASK, "Authorization": MASK, "X-Note": f"a {MASK}"}
    assert kept["url"] == f"https://a.example/{MASK}?key={MASK}&b={MASK}&c=1"
    assert kept["answer"]["headers"]["set-cookie"] == MASK


@pytest.mark.parametrize("before", range(MOST_BODY - len(SECRET), MOST_BODY + 1, 3))
def test_a_secret_at_the_cut_leaves_no_part_of_itself(before: int) -> None:
    body = b"." * before + SECRET.encode() + b"." * 100
    (kept,) = told(Exchange(1e9, "POST", "https://a.example", {"Content-Type": "text/plain"}, body))[
        "exchanges"
    ]
    assert "sk-live" not in kept["body"]
    assert len(kept["body"]) == MOST_BODY
    assert kept["size"] == len(body)


def test_what_is_no_text_is_known_by_its_size() -> None:
    (kept,) = told(Exchange(1e9, "POST", "https://a.example", {"content-type": "image/png"}, b"\x89PNG"))[
        "exchanges"
    ]
    assert (kept["body"], kept["size"]) == (None, 4)


def test_an_attempt_is_bounded() -> None:
    one = Exchange(1e9, "GET", f"https://a.example/{'x' * 9000}", {"a": "y" * 9000}, b"z" * 99_000)
    attempt = told(*[one] * (MOST_NOTED + 3))
    assert len(attempt["exchanges"]) == MOST_NOTED
    assert attempt["left_out"] == 3
    assert len(str(attempt)) < MOST_NOTED * 9000


def test_a_tape_is_empty_once_it_was_taken() -> None:
    tape = Tape()
    tape.note(Exchange(1e9, "GET", "https://a.example", {}, None))
    assert tape.taken(1, frozenset())
    assert tape.taken(2, frozenset()) is None
