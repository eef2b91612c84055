"""Who and what there is in a Slack workspace: users, channels."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from connectors.slack.connection import SlackConnection, ask, slack
from connectors.slack.messages import next_cursor
from runner.connector import Call, Choice, Choices, Input, Json, Output

PAGE = 200  # what Slack recommends
SEARCHED = 1000  # Slack cannot search: a search reads the largest portion and leaves out the rest


class LookupUser(Input):
    """The inputs of `slack.lookup_user`."""

    email: str = Field(description="The address of a user of the workspace.")


class User(Output):
    """A user of the workspace."""

    id: str = Field(description="The user's id (U…), to write to or to mention as <@U…>.")
    name: str = Field(description="The user's handle.")
    real_name: str | None = Field(None, description="The user's name.")
    timezone: str | None = Field(None, description="The user's time zone, as Europe/Berlin.")
    title: str | None = Field(None, description="What the user does.")


@slack.action(
    after_crash="repeat",  # it reads
    example="""\
action: slack.lookup_user
connection: team-slack
with:
  email: "{{ payload.assignee.email }}"
""",
)
async def lookup_user(call: Call, connection: SlackConnection, input: LookupUser) -> User:  # noqa: A002 - the contract of an action
    """
    Find a user by email address.

    Needs the scope users:read.email. Nobody found is an error; `on_error: continue` on the step
    makes it null.
    """
    given = await ask(call, connection, "users.lookupByEmail", {"email": input.email.strip()})
    user: dict[str, Any] = given.get("user") or {}
    about: dict[str, Any] = user.get("profile") or {}
    return User(
        id=str(user.get("id", "")),
        name=str(user.get("name", "")),
        real_name=user.get("real_name") or about.get("real_name"),
        timezone=user.get("tz"),
        title=about.get("title") or None,
    )


@slack.choices("post_message.channel")
async def channels_to_post_in(
    call: Call, connection: SlackConnection, given: Json, search: str, cursor: str | None
) -> Choices:
    """The same, public ones by their names, which a post may say and people read; the others by their ids."""
    found = await channels(call, connection, given, search, cursor)
    named = [one if one.note else Choice(value=one.label, label=one.label) for one in found.items]
    return Choices(items=named, next=found.next)


@slack.choices(
    "update_message.channel", "delete_message.channel", "get_thread.channel",
    "add_reaction.channel", "remove_reaction.channel", "upload_file.channel",
)  # fmt: skip
async def channels(
    call: Call,
    connection: SlackConnection,
    given: Json,  # noqa: ARG001 - no other input matters
    search: str,
    cursor: str | None,
) -> Choices:
    """List channels that are not archived. Needs the scopes channels:read and groups:read."""
    arguments = {
        "types": "public_channel,private_channel",
        "exclude_archived": True,
        "limit": SEARCHED if search else PAGE,
        "cursor": cursor,
    }
    found = await ask(call, connection, "conversations.list", arguments)
    items = [
        Choice(
            value=one["id"],
            label=f"#{one.get('name', '')}",
            note="private" if one.get("is_private") else "",
        )
        for one in found.get("channels") or ()
        if search.lower() in str(one.get("name", "")).lower()
    ]
    return Choices(items=items, next=next_cursor(found))


@slack.choices("send_direct_message.users")
async def users(
    call: Call,
    connection: SlackConnection,
    given: Json,  # noqa: ARG001 - no other input matters
    search: str,
    cursor: str | None,
) -> Choices:
    """List people, without apps and those who left. Needs the scope users:read."""
    arguments = {"limit": SEARCHED if search else PAGE, "cursor": cursor}
    found = await ask(call, connection, "users.list", arguments)
    people = [
        Choice(
            value=one["id"],
            label=str(one.get("real_name") or one.get("name") or one["id"]),
            note=f"@{one.get('name', '')}",
        )
        for one in found.get("members") or ()
        if not one.get("deleted") and not one.get("is_bot") and one.get("id") != "USLACKBOT"
    ]
    items = [one for one in people if search.lower() in f"{one.label} {one.note}".lower()]
    return Choices(items=items, next=next_cursor(found))
