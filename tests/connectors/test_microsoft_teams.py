"""Microsoft Teams, against a workflow's webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.microsoft_teams import TeamsWebhook
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.teams_service import TeamsService

MakeCall = Callable[..., Call]


@pytest.fixture
async def teams() -> AsyncIterator[TeamsService]:
    async with TeamsService() as one:
        yield one


def webhook(url: str) -> TeamsWebhook:
    return TeamsWebhook.model_validate({"webhook_url": url})


async def run(make_call: MakeCall, verb: str, url: str, **inputs: Any) -> Any:
    connection = webhook(url)
    action = connectors.action(f"microsoft_teams.{verb}")
    assert action is not None
    answer = await action.function(make_call(connection), connection, action.read_input(inputs))
    return answer.model_dump()


async def test_a_message_is_a_card(teams: TeamsService, make_call: MakeCall) -> None:
    answer = await run(
        make_call, "post_message", teams.webhook_url, title="Order 1", color="good", text="**Paid**",
        facts=[{"title": "Total", "value": "12.50"}], links=[{"title": "Open", "url": "https://x.example"}],
    )  # fmt: skip

    assert answer == {"ok": True}
    assert teams.cards == [
        {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [
                {
                    "type": "TextBlock", "text": "Order 1", "size": "Large", "weight": "Bolder", "wrap": True,
                    "color": "Good",
                },
                {"type": "TextBlock", "text": "**Paid**", "wrap": True},
                {"type": "FactSet", "facts": [{"title": "Total", "value": "12.50"}]},
            ],
            "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": "https://x.example"}],
            "msteams": {"width": "Full"},
        }
    ]  # fmt: skip


async def test_a_card_is_posted_as_it_is(teams: TeamsService, make_call: MakeCall) -> None:
    card = {"type": "AdaptiveCard", "version": "1.2", "body": [{"type": "TextBlock", "text": "é"}]}

    await run(make_call, "post_card", teams.webhook_url, card=card)
    await run(make_call, "post_card", teams.webhook_url, card={"type": "AdaptiveCard", "body": card["body"]})

    assert [one["version"] for one in teams.cards] == ["1.2", "1.4"]
    assert teams.cards[0] | card == teams.cards[0]


@pytest.mark.parametrize(
    ("verb", "inputs", "says"),
    [
        ("post_message", {}, "give text, title or facts"),
        ("post_message", {"text": " "}, "give text, title or facts"),
        ("post_message", {"text": "a", "color": "red"}, "color"),
        ("post_message", {"text": "a", "links": [{"title": "a", "url": "javascript:x"}]}, r"links\.0\.url"),
        ("post_message", {"text": "a" * 28 * 1024}, "Teams takes 28,672"),
        ("post_card", {"card": {"@type": "MessageCard"}}, "an Adaptive Card has type"),
        ("post_card", {"card": {"type": "AdaptiveCard"}}, "the card is empty"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_before_it_is_sent(
    teams: TeamsService, make_call: MakeCall, verb: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, verb, teams.webhook_url, **inputs)

    assert teams.requests == []


@pytest.mark.parametrize(
    ("status", "body", "meaning", "says"),
    [
        (400, '{"error": {"code": "SchemaMismatch", "message": "x"}}', Rejected, "SchemaMismatch"),
        (401, "", ConnectionRejected, "copy the address from the workflow again"),
        (404, "<html>", ConnectionRejected, "gone or switched off"),
        (413, "", Rejected, "too large"),
        (429, "", Unavailable, "429"),
        (500, "", OutcomeUnknown, "500"),
        (503, "", Unavailable, "503"),
        (200, "failed with error: Microsoft Teams endpoint returned HTTP error 429", Unavailable, "too many"),
        (200, "Microsoft Teams endpoint returned HTTP error 413 with ContextId", Rejected, "refused it"),
        (200, "Microsoft Teams endpoint returned HTTP error 503 with ContextId", OutcomeUnknown, "503"),
    ],
)  # fmt: skip
async def test_each_no_has_its_meaning(
    teams: TeamsService, make_call: MakeCall, status: int, body: str, meaning: type[Exception], says: str
) -> None:
    teams.reply(status, body=body, headers={"Retry-After": "7"})

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, "post_message", teams.webhook_url, text="hi")

    assert type(caught.value) is meaning
    assert "s3cr3t" not in str(caught.value)
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 7


async def test_an_address_that_is_not_whole_is_the_connections_fault(
    teams: TeamsService, make_call: MakeCall
) -> None:
    for url in (teams.webhook_url.replace("abc123", "gone"), teams.webhook_url.replace("s3cr3t", "wr0ng")):
        with pytest.raises(ConnectionRejected) as caught:
            await run(make_call, "post_message", url, text="hi")
        assert "wr0ng" not in str(caught.value)


async def test_an_older_webhook_answers_with_1(teams: TeamsService, make_call: MakeCall) -> None:
    teams.reply(200, body="1")

    assert await run(make_call, "post_message", teams.webhook_url, text="hi") == {"ok": True}


async def test_a_connection_cannot_be_tested_and_says_why(teams: TeamsService, make_call: MakeCall) -> None:
    connection = webhook(teams.webhook_url)

    with pytest.raises(Rejected, match="without posting"):
        await connection.test(make_call(connection))
    assert teams.requests == []


@pytest.mark.parametrize("url", ["", "outlook.office.com/x", "https://x.example", "https://a@x.example/b"])
def test_a_connection_has_a_whole_address(url: str) -> None:
    with pytest.raises(ValidationError, match="whole address"):
        webhook(url)


def test_a_connection_shows_no_secret(teams: TeamsService) -> None:
    assert "s3cr3t" not in repr(webhook(teams.webhook_url))


async def test_a_webhook_that_is_silent_is_not_waited_for(teams: TeamsService, make_call: MakeCall) -> None:
    async def never(_received: Any) -> Any:
        await asyncio.Event().wait()

    teams.handler = never
    connection = webhook(teams.webhook_url)
    action = connectors.action("microsoft_teams.post_message")
    assert action is not None

    with pytest.raises(TimedOut):
        await action.function(
            make_call(connection, timeout_seconds=0.2), connection, action.read_input({"text": "a"})
        )
