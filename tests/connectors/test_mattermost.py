"""Mattermost, against its own shapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.mattermost import MattermostConnection
from connectors.mattermost.connection import CREDENTIALS, MENDS
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.mattermost_service import (
    ANN,
    BOB,
    DIRECT,
    HOOK,
    ME,
    OLD,
    OPS,
    TOKEN,
    MattermostService,
    made_id,
)

MakeCall = Callable[..., Call]


@pytest.fixture
async def mattermost() -> AsyncIterator[MattermostService]:
    async with MattermostService() as one:
        yield one


def bot(mattermost: MattermostService, token: str = TOKEN) -> MattermostConnection:
    return MattermostConnection.model_validate({"url": f"{mattermost.url}/", "token": token})


def webhook(mattermost: MattermostService, path: str = HOOK) -> MattermostConnection:
    return MattermostConnection.model_validate({"webhook_url": f"{mattermost.url}{path}"})


async def run(make_call: MakeCall, verb: str, connection: MattermostConnection, **inputs: Any) -> Any:
    action = connectors.action(f"mattermost.{verb}")
    assert action is not None
    answer = await action.function(make_call(connection), connection, action.read_input(inputs))
    return answer.model_dump()


@pytest.mark.parametrize("channel", [OPS, "shop/ops", "shop/~ops"])
async def test_a_channel_is_given_by_id_or_by_its_names(
    mattermost: MattermostService, make_call: MakeCall, channel: str
) -> None:
    answer = await run(
        make_call, "post_message", bot(mattermost), channel=channel, text="**Order 1**", priority="urgent",
        root=made_id("r"), attachments=[{"text": "a"}],
    )  # fmt: skip

    assert answer == {"id": f"{0:026d}", "channel": OPS}
    assert list(mattermost.posts.values()) == [
        {
            "channel_id": OPS,
            "message": "**Order 1**",
            "root_id": made_id("r"),
            "metadata": {"priority": {"priority": "urgent"}},
            "props": {"attachments": [{"text": "a"}]},
        }
    ]


async def test_a_webhook_posts_to_its_own_channel(mattermost: MattermostService, make_call: MakeCall) -> None:
    answer = await run(make_call, "post_message", webhook(mattermost), text="hi")
    await run(
        make_call, "post_message", webhook(mattermost), attachments=[{"text": "a"}], channel="ops",
        username="Shop", icon_url="https://x.example/a.png", priority="important",
    )  # fmt: skip

    assert answer == {"id": None, "channel": None}
    assert mattermost.hooked == [
        {"text": "hi"},
        {
            "attachments": [{"text": "a"}], "channel": "ops", "username": "Shop",
            "icon_url": "https://x.example/a.png", "priority": {"priority": "important"},
        },
    ]  # fmt: skip
    with pytest.raises(Rejected, match="locked to its own channel"):
        await run(make_call, "post_message", webhook(mattermost), text="hi", channel="locked")
    with pytest.raises(ConnectionRejected, match="the webhook was removed") as caught:
        await run(make_call, "post_message", webhook(mattermost, "/hooks/gone"), text="hi")
    assert "hooks/" not in str(caught.value)


@pytest.mark.parametrize("user", [ANN, "@ann", "ann", " ann@example.com"])
async def test_a_person_is_given_by_name_address_or_id(
    mattermost: MattermostService, make_call: MakeCall, user: str
) -> None:
    answer = await run(make_call, "send_direct_message", bot(mattermost), user=user, text="hi")

    assert answer["channel"] == DIRECT
    assert [one["message"] for one in mattermost.posts.values()] == ["hi"]


async def test_nobody_is_found_and_no_path_is_left(
    mattermost: MattermostService, make_call: MakeCall
) -> None:
    for user in ("nobody", "../../teams", "x@../y?z#"):
        with pytest.raises(Rejected, match="Unable to find the user: no such thing"):
            await run(make_call, "send_direct_message", bot(mattermost), user=user, text="hi")
    with pytest.raises(Rejected, match="Channel does not exist"):
        await run(make_call, "post_message", bot(mattermost), channel="shop/../../x", text="hi")
    with pytest.raises(Rejected, match="team/channel by their names"):
        await run(make_call, "post_message", bot(mattermost), channel="#ops", text="hi")


async def test_a_post_is_changed_and_deleted(mattermost: MattermostService, make_call: MakeCall) -> None:
    posted = await run(make_call, "post_message", bot(mattermost), channel=OPS, text="1")

    changed = await run(make_call, "update_message", bot(mattermost), post=posted["id"], text="2")
    held = dict(mattermost.posts[posted["id"]])
    deleted = [await run(make_call, "delete_message", bot(mattermost), post=posted["id"]) for _ in range(2)]

    assert changed == posted
    assert (held["message"], held["channel_id"]) == ("2", OPS)
    assert deleted == [{"deleted": True}, {"deleted": False}]
    with pytest.raises(Rejected, match="Unable to get the post"):
        await run(make_call, "update_message", bot(mattermost), post=posted["id"], text="3")


async def test_reactions_come_and_go(mattermost: MattermostService, make_call: MakeCall) -> None:
    where = {"post": made_id("p")}

    for emoji in (":eyes:", "a/../b"):
        await run(make_call, "add_reaction", bot(mattermost), **where, emoji=emoji)
    assert mattermost.reactions == {(ME, made_id("p"), "eyes"), (ME, made_id("p"), "a/../b")}
    for emoji in ("eyes", "a/../b", "never"):
        await run(make_call, "remove_reaction", bot(mattermost), **where, emoji=emoji)
    assert mattermost.reactions == set()


async def test_a_file_is_uploaded_and_posted(
    mattermost: MattermostService, make_call: MakeCall, files: Any
) -> None:
    file = await files.save(b"%PDF", filename="report.pdf", content_type="application/pdf")
    made = {"filename": "b.txt", "content": "aGk="}

    answer = await run(make_call, "upload_file", bot(mattermost), channel="shop/ops", file=file, text="Today")
    await run(make_call, "upload_file", bot(mattermost), channel=OPS, file=made)
    await run(make_call, "upload_file", bot(mattermost), channel=OPS, file="a,b", filename="a.csv")

    assert answer == {"id": f"{0:026x}", "post": f"{0:026d}"}
    assert list(mattermost.files.values()) == [("report.pdf", b"%PDF"), ("b.txt", b"hi"), ("a.csv", b"a,b")]
    assert mattermost.posts[answer["post"]] == {
        "channel_id": OPS, "message": "Today", "file_ids": [answer["id"]], "root_id": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"channel": OPS}, "give text or attachments"),
        ({"channel": OPS, "text": " "}, "give text or attachments"),
        ({"text": "a"}, "needs a channel"),
        ({"channel": OPS, "text": "a", "root": "../x"}, "root: "),
        ({"channel": OPS, "text": "a", "priority": "low"}, "priority: "),
    ],
)
async def test_a_post_that_cannot_be_is_refused_before_it_is_sent(
    mattermost: MattermostService, make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, "post_message", bot(mattermost), **inputs)

    assert mattermost.requests == []


async def test_a_webhook_can_only_post(mattermost: MattermostService, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="a webhook can only post"):
        await run(make_call, "delete_message", webhook(mattermost), post=made_id("p"))
    with pytest.raises(Rejected, match="a webhook cannot reply"):
        await run(make_call, "post_message", webhook(mattermost), text="a", root=made_id("p"))

    assert mattermost.requests == []


@pytest.mark.parametrize(
    ("status", "name", "meaning", "says"),
    [
        (401, "x", ConnectionRejected, "make a new one"),
        (501, "web.incoming_webhook.disabled.app_error", ConnectionRejected, "an administrator must"),
        (403, "api.context.permissions.app_error", Rejected, "add it to the team"),
        (403, "something.else", Rejected, "add it to the team"),
        (404, "x", Rejected, "no such thing"),
        (413, "x", Rejected, "larger than the server allows"),
        (400, "x", Rejected, "Mattermost: 400: Said so$"),
        (501, "x", Rejected, "501: Said so"),
        (500, "x", OutcomeUnknown, "500"),
        (503, "x", Unavailable, "503"),
    ],
)
async def test_each_no_has_its_meaning(
    mattermost: MattermostService,
    make_call: MakeCall,
    status: int,
    name: str,
    meaning: type[Exception],
    says: str,
) -> None:
    mattermost.reply(status, json={"id": name, "message": "Said so.", "status_code": status})

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, "post_message", bot(mattermost), channel=OPS, text="hi")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)


async def test_a_post_to_an_archived_channel_is_told_with_the_mend(
    mattermost: MattermostService, make_call: MakeCall
) -> None:
    with pytest.raises(Rejected, match="the channel is archived"):
        await run(make_call, "post_message", bot(mattermost), channel=OLD, text="hi")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-Ratelimit-Reset": "1"}, 1),
        ({"Retry-After": "9", "X-Ratelimit-Reset": "1"}, 9),
        ({"X-Ratelimit-Reset": "1441983590"}, None),
        ({}, None),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    mattermost: MattermostService, make_call: MakeCall, headers: dict[str, str], wait: float | None
) -> None:
    mattermost.reply(429, body="limit exceeded", headers=headers)

    with pytest.raises(Unavailable) as caught:
        await run(make_call, "post_message", bot(mattermost), channel=OPS, text="hi")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (wait, "429")


async def test_an_answer_that_is_not_mattermosts_is_an_unknown_outcome(
    mattermost: MattermostService, make_call: MakeCall
) -> None:
    mattermost.reply(200, body="<html>")
    mattermost.reply(200, json=[1])
    mattermost.reply(502, body="<html>")

    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await run(make_call, "post_message", bot(mattermost), channel=OPS, text="hi")
    mattermost.reply(201, json={"file_infos": []})
    with pytest.raises(OutcomeUnknown, match="which file"):
        await run(make_call, "upload_file", bot(mattermost), channel=OPS, file="a")


async def test_a_connection_says_who_it_is(mattermost: MattermostService, make_call: MakeCall) -> None:
    good, wrong, hook = bot(mattermost), bot(mattermost, "wr0ng-token"), webhook(mattermost)

    assert await good.test(make_call(good)) == "connected to 127.0.0.1 as @hookline"
    with pytest.raises(ConnectionRejected, match="not valid or has expired") as caught:
        await wrong.test(make_call(wrong))
    assert "wr0ng-token" not in str(caught.value)
    with pytest.raises(Rejected, match="without posting"):
        await hook.test(make_call(hook))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "either url and token, or webhook_url"),
        ({"token": "a"}, "needs the url"),
        ({"url": "chat.example.com", "token": "a"}, "must be the server's address"),
        ({"url": "https://a@chat.example.com", "token": "a"}, "must be the server's address"),
        ({"webhook_url": "chat/hooks/x"}, "must look like"),
        (
            {"url": "https://x.example", "token": "a", "webhook_url": "https://x.example/hooks/a"},
            "either url",
        ),
    ],
)
def test_a_connection_is_a_server_or_a_webhook(fields: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MattermostConnection.model_validate(fields)


def test_the_address_of_the_api_is_that_of_its_server() -> None:
    given = {"url": "https://chat.example.com/mm/api/v4", "token": "a"}

    assert MattermostConnection.model_validate(given).url == "https://chat.example.com/mm"


def test_a_connection_shows_no_secret(mattermost: MattermostService) -> None:
    assert TOKEN not in repr(bot(mattermost))
    assert "s3cr3t" not in repr(webhook(mattermost))


async def test_a_token_goes_to_its_server_alone(mattermost: MattermostService, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="credentials may go to"):
        await make_call(bot(mattermost)).http.get("http://localhost:1/api/v4/users/me")


async def test_channels_and_people_are_offered(mattermost: MattermostService, make_call: MakeCall) -> None:
    choosers = connectors.connector("mattermost").choosers
    connection = bot(mattermost)

    async def offered(name: str, search: str = "", cursor: str | None = None) -> Any:
        found = await choosers[name](make_call(connection), connection, {}, search, cursor)
        return [(one.value, one.label, one.note) for one in found.items], found.next

    hq = (made_id("p"), "HQ", "Shop, private")
    assert await offered("post_message.channel") == ([hq, (OPS, "Ops", "Shop")], None)
    assert await offered("upload_file.channel", "op") == ([(OPS, "Ops", "Shop")], None)
    assert await offered("post_message.channel", "", "100") == ([], None)
    everyone = [(ANN, "Ann Lee", "@ann"), (BOB, "bob", "@bob")]
    assert await offered("send_direct_message.user") == (everyone, None)
    assert await offered("send_direct_message.user", "bo") == ([(BOB, "bob", "@bob")], None)
    hook = webhook(mattermost)
    for chooser in choosers.values():
        assert (await chooser(make_call(hook), hook, {}, "", None)).items == []


async def test_a_server_that_is_silent_is_not_waited_for(
    mattermost: MattermostService, make_call: MakeCall
) -> None:
    async def never(_received: Any) -> Any:
        await asyncio.Event().wait()

    mattermost.handler = never
    connection = bot(mattermost)
    action = connectors.action("mattermost.post_message")
    assert action is not None

    with pytest.raises(TimedOut):
        await action.function(
            make_call(connection, timeout_seconds=0.2),
            connection,
            action.read_input({"channel": OPS, "text": "a"}),
        )


def test_no_error_has_two_meanings() -> None:
    names = [*CREDENTIALS, *MENDS]

    assert len(names) == len(set(names))
