"""Discord, against its own shapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.discord import DiscordConnection
from connectors.discord.connection import CREDENTIALS, LATER, MENDS
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.discord_service import CHANNEL, HOOK, TOKEN, DiscordService

MakeCall = Callable[..., Call]


@pytest.fixture
async def discord() -> AsyncIterator[DiscordService]:
    async with DiscordService() as one:
        yield one


def bot(discord: DiscordService, token: str = TOKEN) -> DiscordConnection:
    return DiscordConnection.model_validate({"token": token, "api_url": discord.api_url})


def webhook(discord: DiscordService, path: str = HOOK) -> DiscordConnection:
    return DiscordConnection.model_validate({
        "webhook_url": f"{discord.url}{path}", "api_url": discord.api_url,
    })  # fmt: skip


async def run(make_call: MakeCall, verb: str, connection: DiscordConnection | None, **inputs: Any) -> Any:
    action = connectors.action(f"discord.{verb}")
    assert action is not None
    answer = await action.function(make_call(connection), connection, action.read_input(inputs))
    return answer.model_dump()


async def test_a_message_is_sent_once_however_often(discord: DiscordService, make_call: MakeCall) -> None:
    inputs = {
        "channel": int(CHANNEL),  # YAML's reading of an id without quotes
        "content": "Order 1",
        "embeds": [{"title": "T", "color": "#5865F2", "fields": [{"name": "a", "value": "b"}]}],
        "reply_to": "330000000000000099",
        "silent": True,
    }

    answers = [await run(make_call, "send_message", bot(discord), **inputs) for _ in range(2)]

    assert answers == [{"id": "330000000000000000", "channel": CHANNEL}] * 2
    (message,) = discord.messages.values()
    assert len(message.pop("nonce")) == 25
    assert message == {
        "content": "Order 1",
        "embeds": [
            {"title": "T", "color": 0x5865F2, "fields": [{"name": "a", "value": "b", "inline": False}]}
        ],
        "allowed_mentions": {"parse": ["users"]},
        "flags": 4096,
        "enforce_nonce": True,
        "message_reference": {"message_id": "330000000000000099", "fail_if_not_exists": False},
    }


async def test_files_go_along_by_bot_and_by_webhook(
    discord: DiscordService, make_call: MakeCall, files: Any
) -> None:
    report = await files.save(b"%PDF", filename="report.pdf", content_type="application/pdf")
    made = {"filename": "a.txt", "content_type": "text/plain", "content": "aGk="}

    await run(make_call, "send_message", bot(discord), channel=CHANNEL, files=[report, made, "log"])
    await run(make_call, "send_message", webhook(discord), content="x", files=["log"], username="Ops")

    assert discord.files == {
        "report.pdf": b"%PDF",
        "a.txt": b"hi",
        "file-3.txt": b"log",
        "file-1.txt": b"log",
    }
    assert [one["files"] for one in discord.messages.values()] == [3, 1]


async def test_a_webhook_posts_to_its_own_channel(discord: DiscordService, make_call: MakeCall) -> None:
    answer = await run(
        make_call, "send_message", webhook(discord), content="hi @everyone", username="Shop",
        thread="440000000000000001", mentions=[], components=[{"type": 1, "components": []}],
    )  # fmt: skip
    edited = await run(make_call, "edit_message", webhook(discord), message=answer["id"], content="bye")

    assert answer == edited == {"id": "330000000000000000", "channel": CHANNEL}
    assert discord.queries == [{"wait": "true", "thread_id": "440000000000000001", "with_components": "true"}]
    assert discord.messages[answer["id"]] == {
        "content": "bye", "username": "Shop", "components": [{"type": 1, "components": []}],
        "allowed_mentions": {"parse": ["users"]},
    }  # fmt: skip
    assert all("authorization" not in one.headers for one in discord.requests)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"channel": CHANNEL}, "give content"),
        ({"channel": CHANNEL, "content": " "}, "give content"),
        ({"channel": CHANNEL, "content": "a" * 2001}, "content: .*2000"),
        ({"channel": "../users/@me", "content": "a"}, "channel: "),
        ({"channel": CHANNEL, "embeds": [{"titel": "a"}]}, "embeds.0.titel"),
        ({"channel": CHANNEL, "embeds": [{"title": "a" * 257}]}, "embeds.0.title"),
        ({"channel": CHANNEL, "embeds": [{"color": "#zzzzzz"}]}, "color"),
        ({"channel": CHANNEL, "embeds": [{"description": "a" * 4000}] * 2}, "8,000 characters; 6,000"),
        ({"channel": CHANNEL, "embeds": [{"title": "a"}] * 11}, "embeds: "),
        ({"content": "a"}, "needs a channel"),
        ({"content": "a", "thread": "1", "thread_name": "x"}, "either thread or thread_name"),
        ({"channel": CHANNEL, "content": "a", "mentions": ["here"]}, "mentions"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_before_it_is_sent(
    discord: DiscordService, make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, "send_message", bot(discord), **inputs)

    assert discord.requests == []


@pytest.mark.parametrize(
    ("status", "code", "meaning", "says"),
    [
        (401, 0, ConnectionRejected, "copy it again"),
        (401, 50014, ConnectionRejected, "the token is not valid"),
        (404, 10015, ConnectionRejected, "make a new one"),
        (403, 50001, Rejected, "give it View Channel"),
        (403, 50013, Rejected, "lacks a permission"),
        (404, 10003, Rejected, "no such channel"),
        (400, 99999, Rejected, "Discord: 99999: Said so"),
        (429, 0, Unavailable, "too many requests"),
        (429, 20028, Unavailable, "writes to the channel"),
        (400, 20016, Unavailable, "slow mode"),
        (500, 0, OutcomeUnknown, "500"),
        (502, 0, OutcomeUnknown, "502"),
        (503, 0, Unavailable, "503"),
    ],
)
async def test_each_no_has_its_meaning(
    discord: DiscordService,
    make_call: MakeCall,
    status: int,
    code: int,
    meaning: type[Exception],
    says: str,
) -> None:
    discord.reply(status, json={"message": "Said so", "code": code})

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, "send_message", bot(discord), channel=CHANNEL, content="hi")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)


async def test_a_rate_limit_says_when_to_come_back(discord: DiscordService, make_call: MakeCall) -> None:
    body = {"message": "You are being rate limited.", "retry_after": 64.57, "global": False}
    discord.reply(429, json=body, headers={"Retry-After": "65"})
    discord.reply(429, json=body)

    waits = []
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await run(make_call, "send_message", bot(discord), channel=CHANNEL, content="hi")
        waits.append((caught.value.retry_after_seconds, caught.value.cause))

    assert waits == [(65, "429"), (64.57, "429")]


async def test_the_place_of_a_fault_is_told(discord: DiscordService, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match=r"embeds\.1\.url: Scheme must be one of http, https"):
        await run(make_call, "send_message", webhook(discord), embeds=[{"title": "a"}, {"url": "ftp://x"}])


async def test_a_page_in_place_of_an_answer_is_an_unknown_outcome(
    discord: DiscordService, make_call: MakeCall
) -> None:
    discord.reply(200, body="<html>")
    discord.reply(200, json=[1])
    discord.reply(502, body="<html>")

    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await run(make_call, "send_message", bot(discord), channel=CHANNEL, content="hi")


async def test_a_message_is_edited_and_deleted(discord: DiscordService, make_call: MakeCall) -> None:
    sent = await run(
        make_call, "send_message", bot(discord), channel=CHANNEL, content="1", embeds=[{"title": "a"}]
    )
    where = {"channel": CHANNEL, "message": sent["id"]}

    await run(make_call, "edit_message", bot(discord), **where, content="2", embeds=[])
    held = dict(discord.messages[sent["id"]])
    deleted = [await run(make_call, "delete_message", bot(discord), **where) for _ in range(2)]

    assert (held["content"], held["embeds"]) == ("2", [])
    assert deleted == [{"deleted": True}, {"deleted": False}]
    with pytest.raises(Rejected, match="no such message"):
        await run(make_call, "edit_message", bot(discord), **where, content="3")
    with pytest.raises(Rejected, match="nothing to change"):
        await run(make_call, "edit_message", bot(discord), **where)


async def test_an_emoji_stays_in_its_place_of_the_path(discord: DiscordService, make_call: MakeCall) -> None:
    sent = await run(make_call, "send_message", bot(discord), channel=CHANNEL, content="1")
    where = {"channel": CHANNEL, "message": sent["id"]}

    for emoji in ("✅", "party:110000000000000009", "../../x?y#z"):
        await run(make_call, "add_reaction", bot(discord), **where, emoji=emoji)
    await run(make_call, "remove_reaction", bot(discord), **where, emoji="✅")

    assert discord.reactions == {
        (sent["id"], "party:110000000000000009"), (sent["id"], "../../x?y#z"),
    }  # fmt: skip


async def test_a_thread_begins_once_at_a_message(discord: DiscordService, make_call: MakeCall) -> None:
    sent = await run(make_call, "send_message", bot(discord), channel=CHANNEL, content="1")
    at = {"channel": CHANNEL, "message": sent["id"], "name": "Order 1"}

    threads = [await run(make_call, "create_thread", bot(discord), **at) for _ in range(2)]
    alone = await run(make_call, "create_thread", bot(discord), channel=CHANNEL, name="Talk", private=True,
                      archive_after_minutes=60)  # fmt: skip

    assert threads == [{"id": sent["id"], "created": True}, {"id": sent["id"], "created": False}]
    assert alone == {"id": "660000000000000001", "created": True}
    assert discord.threads == [
        {"name": "Order 1", "of": sent["id"]},
        {"name": "Talk", "type": 12, "auto_archive_duration": 60},
    ]


def test_a_thread_on_its_own_is_not_made_twice_after_a_crash() -> None:
    action = connectors.action("discord.create_thread")
    assert action is not None
    alone = {"channel": CHANNEL, "name": "a"}

    assert action.crash_rule(action.read_input(alone)) == "stop"
    assert action.crash_rule(action.read_input(alone | {"message": "1"})) == "repeat"


async def test_an_interaction_is_answered_without_the_bots_token(
    discord: DiscordService, make_call: MakeCall
) -> None:
    first = {"token": "1nt", "interaction": "770000000000000001", "how": "reply", "content": "ok"}
    later = {"token": "1nt", "application": "880000000000000001"}
    connection = bot(discord)

    answers = [await run(make_call, "answer_interaction", connection, **first) for _ in range(2)]
    edited = await run(make_call, "answer_interaction", connection, **later, content="done")
    more = await run(
        make_call,
        "answer_interaction",
        connection,
        **later,
        how="follow_up",
        files=["log"],
        only_for_user=True,
    )

    assert answers == [{"id": None, "first": True}, {"id": None, "first": False}]
    assert (edited["id"], more["id"]) == ("1", "2")
    mentions = {"allowed_mentions": {"parse": ["users"]}}
    assert discord.answers == [
        {"type": 4, "data": {"content": "ok", **mentions}},
        {"content": "done", **mentions, "edit": True},
        {**mentions, "flags": 64, "files": 1, "follow_up": True},
    ]
    with pytest.raises(Rejected, match="a first answer has 3 seconds"):
        await run(make_call, "answer_interaction", connection, **later | {"token": "../x"}, content="done")


async def test_a_later_answer_is_announced(discord: DiscordService, make_call: MakeCall) -> None:
    await run(
        make_call, "answer_interaction", bot(discord), token="1nt", interaction="770000000000000001",
        how="later", only_for_user=True,
    )  # fmt: skip

    assert discord.answers == [{"type": 5, "data": {"flags": 64}}]
    with pytest.raises(Rejected, match="how: reply needs interaction"):
        await run(make_call, "answer_interaction", bot(discord), token="1nt", how="reply", content="a")


@pytest.mark.parametrize("verb", ["delete_message", "add_reaction", "create_thread"])
async def test_a_webhook_can_only_post(discord: DiscordService, make_call: MakeCall, verb: str) -> None:
    more = {
        "delete_message": {"message": "1"}, "add_reaction": {"message": "1", "emoji": "✅"},
        "create_thread": {"name": "a"},
    }[verb]  # fmt: skip

    with pytest.raises(Rejected, match="a webhook can only post"):
        await run(make_call, verb, webhook(discord), channel=CHANNEL, **more)

    assert discord.requests == []


async def test_a_connection_is_tested_without_a_message(discord: DiscordService, make_call: MakeCall) -> None:
    good, wrong, hook = bot(discord), bot(discord, "no"), webhook(discord)
    gone = webhook(discord, "/api/webhooks/220000000000000009/x")
    changed = webhook(discord, "/api/webhooks/220000000000000001/wr0ng")

    assert await good.test(make_call(good)) == "connected as hookline"
    assert await hook.test(make_call(hook)) == f"the webhook Alerts posts to the channel {CHANNEL}"
    for one, says in ((wrong, "copy it again"), (gone, "make a new one"), (changed, "copy it again")):
        with pytest.raises(ConnectionRejected, match=says) as caught:
            await one.test(make_call(one))
        assert not any(secret in str(caught.value) for secret in one.secret_texts() if len(secret) > 3)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"token": ""},
        {"token": "a", "webhook_url": "b"},
        {"webhook_url": "https://discord.com/api/webhooks/x"},
    ],
)
def test_a_connection_has_a_token_or_a_webhook(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"either token or webhook_url|must look like"):
        DiscordConnection.model_validate(fields)


def test_a_connection_shows_no_secret(discord: DiscordService) -> None:
    assert TOKEN not in repr(bot(discord))
    assert "s3cr3t" not in repr(webhook(discord))


async def test_a_token_goes_to_discord_alone(discord: DiscordService, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="credentials may go to"):
        await make_call(bot(discord)).http.get("http://localhost:1/api/v10/users/@me")


async def test_channels_are_offered_some_servers_at_a_time(
    discord: DiscordService, make_call: MakeCall
) -> None:
    chooser = connectors.connector("discord").choosers["send_message.channel"]
    connection = bot(discord)

    first = await chooser(make_call(connection), connection, {}, "", None)
    rest = await chooser(make_call(connection), connection, {}, "news", first.next)

    assert [(one.label, one.note) for one in first.items[:3]] == [
        ("#general", "Server 0"), ("#news", "Server 0"), ("#general", "Server 1"),
    ]  # fmt: skip
    assert (len(first.items), first.next) == (10, "500000000000000004")
    assert [(one.label, one.note) for one in rest.items] == [("#news", "Server 5"), ("#news", "Server 6")]
    assert rest.next is None
    hook = webhook(discord)
    assert (await chooser(make_call(hook), hook, {}, "", None)).items == []


async def test_a_discord_that_is_silent_is_not_waited_for(
    discord: DiscordService, make_call: MakeCall
) -> None:
    async def never(_received: Any) -> Any:
        await asyncio.Event().wait()

    discord.handler = never
    connection = bot(discord)
    action = connectors.action("discord.send_message")
    assert action is not None

    with pytest.raises(TimedOut):
        await action.function(
            make_call(connection, timeout_seconds=0.2),
            connection,
            action.read_input({"channel": CHANNEL, "content": "a"}),
        )


def test_no_code_has_two_meanings() -> None:
    codes = [*CREDENTIALS, *LATER, *MENDS]

    assert len(codes) == len(set(codes))
