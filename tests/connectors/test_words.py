"""What others said is masked before it is cut: half a secret would not be recognised afterwards."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import connectors
from runner.connector import hidden, hiding, in_brief
from runner.engine.calls import call, prepare
from runner.errors import ActionError, Rejected
from tests.engine.world import World, opened
from tests.servers.http_sink import HttpSink

SECRET = "s3cr3t-" + "".join(chr(ord("A") + n % 26) + str(n % 10) for n in range(60))
PIECES = [SECRET[at : at + 6] for at in range(len(SECRET) - 6)]
CONNECTORS = Path(connectors.__file__).parent


def test_words_are_one_line_of_a_bounded_length() -> None:
    assert in_brief("a\n  b\t\x00c\u202e") == "a b c"
    assert in_brief("x" * 301) == "x" * 299 + "…"
    assert in_brief("x" * 300) == "x" * 300
    assert in_brief({"a": 1}, 5) == "{'a'…"


@pytest.mark.parametrize("at", range(0, 40, 3))
def test_a_secret_is_masked_wherever_the_words_are_cut(at: int) -> None:
    words = "y" * at + SECRET + "z" * 40
    with hiding(lambda: frozenset({SECRET})):
        shown = in_brief(words, 30)
        assert hidden(words) == "y" * at + "•••" + "z" * 40
    assert not [one for one in PIECES if one in shown]
    assert SECRET[:20] in in_brief(SECRET, 30)  # outside, nothing is known to be one


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, has_vault=True) as one:
        await one.vault.set_secret("KEY", SECRET)
        yield one


async def reason(world: World, name: str, connection: str | None, inputs: Any) -> str:
    """What a call that fails says, by the engine's own way."""
    tools = replace(world.tools, action=connectors.action)
    with pytest.raises(ActionError) as caught:
        await call(
            tools,
            prepare(tools, name, connection, inputs, key="k", timeout_seconds=10, readable=frozenset()),
        )
    return str(caught.value)


ANSWERS: dict[str, tuple[str, dict[str, Any], int, Any]] = {  # what a kind is asked, and how it says no
    "airtable": (
        "airtable.get_record",
        {"base": "app1", "table": "T", "record": "rec1"},
        422,
        {"error": {"type": "X", "message": "WORDS"}},
    ),
    "hubspot": ("hubspot.get_object", {"object": "contacts", "id": "1"}, 400, {"message": "WORDS"}),
    "notion": ("notion.get_page", {"page": "0" * 32}, 400, {"code": "validation_error", "message": "WORDS"}),
    "slack": ("slack.post_message", {"channel": "C1", "text": "x"}, 200, {"ok": False, "error": "WORDS"}),
    "stripe": (
        "stripe.get_object",
        {"object": "customer", "id": "cus_1"},
        400,
        {"error": {"message": "WORDS"}},
    ),
}


@pytest.mark.parametrize("at", [70, 170, 280, 380])
@pytest.mark.parametrize("kind", ANSWERS)
async def test_a_service_that_repeats_a_secret_where_its_words_are_cut(
    world: World, kind: str, at: int
) -> None:
    name, inputs, status, answer = ANSWERS[kind]
    token = "sk_test_1" if kind == "stripe" else "xoxb-1"
    async with HttpSink() as sink:
        sink.reply(status, json=_with(answer, "y" * at + SECRET))
        await world.vault.set_connection("one", {"kind": kind, "api_url": sink.url, "token": token})

        said = await reason(world, name, "one", inputs)

        assert len(sink.requests) == 1
    assert "yyy" in said
    assert not [one for one in PIECES if one in said]


def _with(answer: Any, words: str) -> Any:
    if isinstance(answer, dict):
        return {name: _with(one, words) for name, one in answer.items()}
    return words if answer == "WORDS" else answer


async def test_an_input_that_is_refused_is_quoted_without_its_secrets(world: World) -> None:
    await world.vault.set_connection(
        "mail", {"kind": "smtp", "host": "127.0.0.1", "from": "a@example.com", "tls": "none"}
    )
    for to in (SECRET, "x" * 60 + SECRET, f"{SECRET} and more"):
        said = await reason(world, "email.send", "mail", {"to": to, "text": "x"})
        assert "is not one address" in said
        assert not [one for one in PIECES if one in said]


def test_no_connector_cuts_words_for_an_error_itself() -> None:
    """`in_brief` is the way; what is cut for a service, not for a message, is no error."""
    found = [
        f"{path.relative_to(CONNECTORS)}:{part.lineno}: {ast.unparse(part)}"
        for path in sorted(CONNECTORS.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise)
        for text in ast.walk(node)
        if isinstance(text, ast.JoinedStr)
        for part in ast.walk(text)
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice)
    ]
    assert found == []


async def test_what_an_action_refuses_outside_a_call_is_as_before() -> None:
    action = connectors.action("email.send")
    assert action
    with pytest.raises(Rejected, match="'nobody' is not one address"):
        action.read_input({"to": "nobody", "text": "x"})
