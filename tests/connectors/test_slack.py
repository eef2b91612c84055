"""Slack, against its own shapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.slack import CREDENTIALS, LATER, MENDS, UNKNOWN, SlackConnection
from runner.connector import ActionInfo, Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.slack_api import RESPONSE, TOKEN, SlackApi

MakeCall = Callable[..., Call]


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as one:
        yield one


def bot(slack: SlackApi, token: str = TOKEN) -> SlackConnection:
    return SlackConnection.model_validate({"token": token, "api_url": slack.api_url})


def webhook(slack: SlackApi) -> SlackConnection:
    return SlackConnection.model_validate({"webhook_url": slack.webhook_url})


async def run(make_call: MakeCall, verb: str, connection: SlackConnection | None, **inputs: Any) -> Any:
    action = connectors.action(f"slack.{verb}")
    assert action is not None
    answer = await action.function(make_call(connection), connection, action.read_input(inputs))
    return answer.model_dump()


async def post(make_call: MakeCall, connection: SlackConnection, **inputs: Any) -> Any:
    return await run(make_call, "post_message", connection, **inputs)


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
        ("missing_scope", ConnectionRejected, r"the app lacks a scope; .* \(missing_scope: chat:write\)"),
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


async def test_a_message_is_updated_and_deleted_by_what_its_post_gave(
    slack: SlackApi, make_call: MakeCall
) -> None:
    posted = await post(make_call, bot(slack), channel="#sales", text="Order 1")
    blocks = [{"type": "divider"}]

    updated = await run(
        make_call, "update_message", bot(slack), **posted, text="Order 1 & more", blocks=blocks
    )
    held = dict(slack.messages[posted["channel"], posted["ts"]])
    deleted = [await run(make_call, "delete_message", bot(slack), **posted) for _ in range(2)]

    assert updated == posted
    assert held == {"text": "Order 1 & more", "blocks": '[{"type": "divider"}]'}
    assert deleted == [{"deleted": True}, {"deleted": False}]
    with pytest.raises(Rejected, match=r"no such message; .*\(message_not_found\)"):
        await run(make_call, "update_message", bot(slack), **posted, text="again")


async def test_a_ts_that_became_a_number_is_refused_before_it_is_sent(
    slack: SlackApi, make_call: MakeCall
) -> None:
    for ts in (1700000000.0001, "1700000000.0001", "now"):
        with pytest.raises(Rejected, match="ts: "):
            await run(make_call, "delete_message", bot(slack), channel="C0SALES", ts=ts)

    assert slack.requests == []


async def test_a_reaction_that_is_there_or_gone_is_no_error(slack: SlackApi, make_call: MakeCall) -> None:
    posted = await post(make_call, bot(slack), channel="#sales", text="Order 1")

    async def react(verb: str) -> Any:
        return (await run(make_call, verb, bot(slack), **posted, emoji=":eyes:"))["changed"]

    assert [await react("add_reaction"), await react("add_reaction")] == [True, False]
    assert slack.reactions == {(posted["channel"], posted["ts"], "eyes")}
    assert [await react("remove_reaction"), await react("remove_reaction")] == [True, False]
    slack.errors = ["invalid_name"]
    with pytest.raises(Rejected, match="without colons"):
        await react("add_reaction")


async def test_a_direct_message_opens_its_conversation(slack: SlackApi, make_call: MakeCall) -> None:
    one = await run(make_call, "send_direct_message", bot(slack), users="U0ADA", text="hi")
    two = await run(make_call, "send_direct_message", bot(slack), users=["U0BOB", "U0ADA"], text="hi")

    assert (one["channel"], two["channel"]) == ("D0U0ADA", "D0U0BOB")
    with pytest.raises(Rejected, match="user_not_found"):
        await run(make_call, "send_direct_message", bot(slack), users="U0NOBODY", text="hi")


async def test_a_file_is_uploaded_and_shown_and_its_address_gets_no_token(
    slack: SlackApi, make_call: MakeCall, files: Any
) -> None:
    file = await files.save(b"%PDF-1.7", filename="report.pdf", content_type="application/pdf")

    answer = await run(
        make_call, "upload_file", bot(slack), channel="C0OPS", file=file, comment="Today",
        thread_ts="1700000000.000001", alt_text="figures",
    )  # fmt: skip

    assert answer == {"id": "F0", "permalink": "https://acme.slack.com/files/F0"}
    assert slack.uploads == {"F0": b"%PDF-1.7"}
    assert slack.shared == [
        {
            "files": [{"id": "F0", "title": "report.pdf"}],
            "channel_id": "C0OPS",
            "initial_comment": "Today",
            "thread_ts": "1700000000.000001",
        }
    ]
    asked, sent, completed = slack.requests
    assert "authorization" in asked.headers
    assert "authorization" in completed.headers
    assert "authorization" not in sent.headers


async def test_a_text_can_be_a_file_and_an_empty_one_cannot(slack: SlackApi, make_call: MakeCall) -> None:
    await run(make_call, "upload_file", bot(slack), channel="C0OPS", file="a,b", filename="a.csv", title="A")

    assert slack.uploads == {"F0": b"a,b"}
    assert slack.shared[0]["files"] == [{"id": "F0", "title": "A"}]
    with pytest.raises(Rejected, match="it is empty"):
        await run(make_call, "upload_file", bot(slack), channel="C0OPS", file="")
    with pytest.raises(Rejected, match="channel: "):
        await run(make_call, "upload_file", bot(slack), channel="#ops", file="a")
    made = {"filename": "x.txt", "content_type": "text/plain", "content": "aGk="}
    with pytest.raises(Rejected, match="channel_not_found"):
        await run(make_call, "upload_file", bot(slack), channel="C0NONE", file=made)


async def test_an_upload_that_slack_cuts_off_is_not_shown(slack: SlackApi, make_call: MakeCall) -> None:
    slack.reply(json={"ok": True, "file_id": "F0", "upload_url": f"{slack.url}/upload/v1/F0"})
    slack.reply(500, body="no")

    with pytest.raises(OutcomeUnknown):
        await run(make_call, "upload_file", bot(slack), channel="C0OPS", file="a")

    assert slack.shared == []


async def test_a_user_is_found_by_address(slack: SlackApi, make_call: MakeCall) -> None:
    user = await run(make_call, "lookup_user", bot(slack), email=" ada@example.com ")

    assert user == {
        "id": "U0ADA", "name": "ada", "real_name": "Ada Lovelace", "timezone": "Europe/London",
        "title": "Analyst",
    }  # fmt: skip
    with pytest.raises(Rejected, match="nobody in the workspace has this address"):
        await run(make_call, "lookup_user", bot(slack), email="no@example.com")


async def test_a_thread_is_read_through_its_portions_up_to_the_limit(
    slack: SlackApi, make_call: MakeCall
) -> None:
    slack.thread = [
        {"ts": f"1700000000.{number:06d}", "user": "U0ADA", "text": str(number), "type": "message"}
        for number in range(5)
    ]
    where = {"channel": "C0OPS", "ts": "1700000000.000000"}

    whole = await run(make_call, "get_thread", bot(slack), **where)
    part = await run(make_call, "get_thread", bot(slack), **where, limit=3)

    assert [one["text"] for one in whole["messages"]] == ["0", "1", "2", "3", "4"]
    assert whole["messages"][0] == {
        "ts": "1700000000.000000", "user": "U0ADA", "bot_id": None, "text": "0",
    }  # fmt: skip
    assert (whole["more"], part["more"], len(part["messages"])) == (False, True, 3)


async def test_an_answer_to_a_button_needs_no_connection_and_sends_no_token(
    slack: SlackApi, make_call: MakeCall
) -> None:
    url = f"{slack.url}{RESPONSE}"

    await run(make_call, "respond", bot(slack), response_url=url, text="On it.", original="replace")
    await run(make_call, "respond", bot(slack), response_url=url, original="delete")
    await run(make_call, "respond", bot(slack), response_url=url, text="all", visible_to="channel")

    assert slack.responses == [
        {"text": "On it.", "response_type": "ephemeral", "replace_original": True},
        {"delete_original": True},
        {"text": "all", "response_type": "in_channel", "replace_original": False},
    ]
    assert all("authorization" not in one.headers for one in slack.requests)
    with pytest.raises(Rejected, match="expired or was used 5 times"):
        await run(make_call, "respond", bot(slack), response_url=f"{slack.url}/actions/T/old", text="x")


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x", "https://hooks.slack.com.evil.example/", "hooks.slack.com/x", "http://["],
)
async def test_an_answer_goes_to_slack_alone(make_call: MakeCall, url: str) -> None:
    with pytest.raises(Rejected, match="response_url"):
        await run(make_call, "respond", None, response_url=url, text="x")


async def test_an_answer_that_slack_refuses_in_json_is_a_refusal(
    slack: SlackApi, make_call: MakeCall
) -> None:
    slack.reply(json={"ok": False, "error": "invalid_blocks"})

    with pytest.raises(Rejected, match="Block Kit Builder"):
        await run(make_call, "respond", bot(slack), response_url=f"{slack.url}{RESPONSE}", text="x")


@pytest.mark.parametrize("verb", ["update_message", "delete_message"])
async def test_a_webhook_can_only_post(slack: SlackApi, make_call: MakeCall, verb: str) -> None:
    inputs = {"channel": "C0OPS", "ts": "1700000000.000000"}
    text = {"text": "x"} if verb == "update_message" else {}

    with pytest.raises(Rejected, match="needs a connection with a token"):
        await run(make_call, verb, webhook(slack), **inputs, **text)

    assert slack.requests == []


async def test_a_token_goes_to_slack_alone(slack: SlackApi, make_call: MakeCall) -> None:
    call = make_call(bot(slack))

    with pytest.raises(Rejected, match="credentials may go to"):
        await call.http.get("http://localhost:1/api/auth.test")


async def test_channels_and_people_are_offered(slack: SlackApi, make_call: MakeCall) -> None:
    choosers = connectors.connector("slack").choosers
    connection = bot(slack)

    async def offered(name: str, search: str = "", cursor: str | None = None) -> Any:
        found = await choosers[name](make_call(connection), connection, {}, search, cursor)
        return [(one.value, one.label, one.note) for one in found.items], found.next

    first, following = await offered("post_message.channel")
    assert (first, following) == ([("#sales", "#sales", ""), ("#ops", "#ops", "")], "2")
    assert await offered("post_message.channel", cursor="2") == ([("C0HQ", "#hq", "private")], None)
    assert (await offered("upload_file.channel", search="OP"))[0] == [("C0OPS", "#ops", "")]
    assert (await offered("send_direct_message.users"))[0] == [("U0ADA", "Ada Lovelace", "@ada")]
    assert (await offered("send_direct_message.users", "babb", "2"))[0] == [("U0BOB", "Bob Babbage", "@bob")]


async def test_a_slack_that_is_silent_is_not_waited_for(slack: SlackApi, make_call: MakeCall) -> None:
    async def never(_received: Any) -> Any:
        await asyncio.Event().wait()

    slack.handler = never
    connection = bot(slack)
    action = connectors.action("slack.lookup_user")
    assert action is not None

    with pytest.raises(TimedOut):
        await action.function(
            make_call(connection, timeout_seconds=0.2), connection, action.read_input({"email": "a@b.c"})
        )


def test_a_connection_shows_no_secret(slack: SlackApi) -> None:
    assert TOKEN not in repr(bot(slack))
    assert "s3cr3t" not in repr(webhook(slack))
