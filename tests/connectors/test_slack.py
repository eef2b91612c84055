"""`slack.post_message`, against Slack's own shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.slack import CREDENTIALS, LATER, MENDS, UNKNOWN, SlackConnection
from runner.connector import ActionInfo, Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from tests.servers.slack_api import TOKEN, SlackApi

MakeCall = Callable[..., Call]


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as one:
        yield one


def bot(slack: SlackApi, token: str = TOKEN) -> SlackConnection:
    return SlackConnection.model_validate({"token": token, "api_url": slack.api_url})


def webhook(slack: SlackApi) -> SlackConnection:
    return SlackConnection.model_validate({"webhook_url": slack.webhook_url})


async def post(make_call: MakeCall, connection: SlackConnection, **inputs: Any) -> Any:
    action = connectors.action("slack.post_message")
    assert action is not None
    answer = await action.function(make_call(connection), connection, action.read_input(inputs))
    return answer.model_dump()


async def test_a_message_is_posted(slack: SlackApi, make_call: MakeCall) -> None:
    answer = await post(
        make_call, bot(slack), channel="#sales", text="Order 1", thread_ts="1700000000.000100"
    )

    assert answer == {"channel": "C0SALES", "ts": "1700000000.000001"}
    assert slack.posted == [{"channel": "#sales", "text": "Order 1", "thread_ts": "1700000000.000100"}]


async def test_blocks_are_posted_as_they_are(slack: SlackApi, make_call: MakeCall) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}]

    await post(make_call, bot(slack), channel="#ops", blocks=blocks)

    assert slack.posted == [{"channel": "#ops", "blocks": blocks}]


@pytest.mark.parametrize(
    ("error", "meaning", "says"),
    [
        ("invalid_auth", ConnectionRejected, "copy the bot token"),
        ("token_revoked", ConnectionRejected, "install the app again"),
        ("account_inactive", ConnectionRejected, "install the app again"),
        ("missing_scope", ConnectionRejected, r"missing_scope \(chat:write\): the app lacks a scope"),
        ("ratelimited", Unavailable, "429"),
        ("rate_limited", Unavailable, "too many messages"),
        ("service_unavailable", Unavailable, "not available"),
        ("internal_error", OutcomeUnknown, "internal_error"),
        ("fatal_error", OutcomeUnknown, "fatal_error"),
        ("channel_not_found", Rejected, "/invite the app there"),
        ("not_in_channel", Rejected, "/invite it there"),
        ("msg_too_long", Rejected, "truncate"),
        ("is_archived", Rejected, "choose another"),
        ("a_new_word_of_slacks", Rejected, "Slack: a_new_word_of_slacks"),
    ],
)
async def test_slack_says_no_with_200_and_each_no_has_its_meaning(
    slack: SlackApi, make_call: MakeCall, error: str, meaning: type[Exception], says: str
) -> None:
    slack.errors = [error]

    with pytest.raises(meaning, match=says) as caught:
        await post(make_call, bot(slack), channel="#sales", text="hi")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)


async def test_a_rate_limit_says_when_to_come_back(slack: SlackApi, make_call: MakeCall) -> None:
    slack.errors = ["ratelimited"]

    with pytest.raises(Unavailable) as caught:
        await post(make_call, bot(slack), channel="#sales", text="hi")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (30, "429")


async def test_a_wrong_token_is_the_connections_fault(slack: SlackApi, make_call: MakeCall) -> None:
    with pytest.raises(ConnectionRejected, match="invalid_auth") as caught:
        await post(make_call, bot(slack, "xoxb-wrong-token"), channel="#sales", text="hi")

    assert "xoxb-wrong-token" not in str(caught.value)


async def test_a_webhook_posts_to_its_own_channel(slack: SlackApi, make_call: MakeCall) -> None:
    answer = await post(make_call, webhook(slack), channel="#elsewhere", text="hi")

    assert answer == {"channel": None, "ts": None}
    assert slack.posted == [{"text": "hi"}]
    assert "authorization" not in slack.requests[0].headers


@pytest.mark.parametrize(
    ("status", "word", "meaning"),
    [
        (400, "invalid_payload", Rejected), (400, "user_not_found", Rejected),
        (403, "action_prohibited", Rejected), (403, "invalid_token", ConnectionRejected),
        (404, "channel_not_found", Rejected), (404, "no_service", ConnectionRejected),
        (404, "no_active_hooks", ConnectionRejected), (404, "no_team", ConnectionRejected),
        (410, "channel_is_archived", Rejected), (500, "rollup_error", OutcomeUnknown),
        (429, "rate_limited", Unavailable), (418, "what", Rejected), (502, "", OutcomeUnknown),
        (503, "", Unavailable), (204, "", Rejected),
    ],
)  # fmt: skip
async def test_a_webhook_says_no_with_a_word(
    slack: SlackApi, make_call: MakeCall, status: int, word: str, meaning: type[Exception]
) -> None:
    slack.reply(status, body=word)

    with pytest.raises(meaning) as caught:
        await post(make_call, webhook(slack), text="hi")

    assert type(caught.value) is meaning
    assert "s3cr3tw3bh00k" not in str(caught.value)


async def test_an_answer_that_is_not_slacks_is_an_unknown_outcome(
    slack: SlackApi, make_call: MakeCall
) -> None:
    slack.reply(200, body="<html>")
    slack.reply(200, json=[1])

    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await post(make_call, bot(slack), channel="#sales", text="hi")


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"channel": "#sales"}, "give text or blocks"),
        ({"channel": "#sales", "text": "  "}, "give text or blocks"),
        ({"channel": "#sales", "text": "a", "chanel": "b"}, "chanel: Extra inputs"),
        ({"text": "a"}, "needs a channel"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_before_it_is_sent(
    slack: SlackApi, make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await post(make_call, bot(slack), **inputs)

    assert slack.requests == []


@pytest.mark.parametrize("fields", [{}, {"token": ""}, {"token": "a", "webhook_url": "b"}])
def test_a_connection_has_a_token_or_a_webhook(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either token or webhook_url"):
        SlackConnection.model_validate(fields)


async def test_a_connection_is_tested_without_a_message(slack: SlackApi, make_call: MakeCall) -> None:
    good, wrong, hook = bot(slack), bot(slack, "xoxb-no"), webhook(slack)
    gone = SlackConnection.model_validate({"webhook_url": f"{slack.url}/services/T/B/gone"})

    assert await good.test(make_call(good)) == "connected to Acme as hookline"
    assert await hook.test(make_call(hook)) == "Slack knows the webhook"
    with pytest.raises(ConnectionRejected, match="invalid_auth"):
        await wrong.test(make_call(wrong))
    with pytest.raises(ConnectionRejected, match="make a new one"):
        await gone.test(make_call(gone))
    assert slack.posted == []


def test_no_word_has_two_meanings() -> None:
    words = [*CREDENTIALS, *LATER, *UNKNOWN, *MENDS]

    assert len(words) == len(set(words))


def test_the_checker_knows_the_action() -> None:
    info: ActionInfo = connectors.catalogue_actions()["slack.post_message"]

    assert set(info.inputs) == {"channel", "text", "blocks", "thread_ts"}
    assert (info.connection_kinds, info.connection_required) == (("slack",), True)
