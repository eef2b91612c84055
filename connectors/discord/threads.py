"""Discord's threads: below a message, or on their own."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from connectors.discord.connection import DiscordConnection, Snowflake, accept, answer, channel_url, discord
from runner.connector import AfterCrash, Call, Input, Output

PUBLIC, PRIVATE = 11, 12  # types of channel
TAKEN = 160004  # the message has a thread


class CreateThread(Input):
    """The inputs of `discord.create_thread`."""

    channel: Snowflake = Field(description="The id of the channel; not a forum.")
    name: str = Field(min_length=1, max_length=100, description="The thread's name.")
    message: Snowflake | None = Field(
        None, description="The id of the message that the thread begins at; left out: at none."
    )
    private: bool = Field(False, description="Only those invited see it; not for a thread below a message.")
    archive_after_minutes: Literal[60, 1440, 4320, 10080] | None = Field(
        None, description="When it leaves the list of channels if nobody writes."
    )


class Thread(Output):
    """The thread."""

    id: str = Field(description="Its id, which is a `channel` to send messages to.")
    created: bool = Field(description="False where the message had a thread already.")


def _crash_rule(given: CreateThread) -> AfterCrash:
    # a message has one thread, so that a second call finds it; one on its own would stand twice,
    # with people in both
    return "stop" if given.message is None else "repeat"


@discord.action(
    after_crash=_crash_rule,
    example="""\
action: discord.create_thread
connection: team-discord
with:
  channel: "1100000000000000001"
  message: "{{ payload.message_id }}"
  name: "Order {{ payload.name }}"
""",
)
async def create_thread(call: Call, connection: DiscordConnection, input: CreateThread) -> Thread:  # noqa: A002 - the contract of an action
    """
    Begin a thread, below a message or on its own. A message that has one already gives that one.

    If the server dies while a thread on its own is being made, the run stops for a person to look.
    """
    url = channel_url(connection, input.channel)
    wanted: dict[str, Any] = {"name": input.name}
    if input.archive_after_minutes is not None:
        wanted["auto_archive_duration"] = input.archive_after_minutes
    if input.message is None:
        wanted["type"] = PRIVATE if input.private else PUBLIC
        made = answer(await call.http.post(f"{url}/threads", json=wanted))
        return Thread(id=str(made.get("id", "")), created=True)
    reply = accept(await call.http.post(f"{url}/messages/{input.message}/threads", json=wanted), TAKEN)
    if reply.status >= 400:
        return Thread(id=input.message, created=False)  # a thread has the id of its message
    return Thread(id=str(answer(reply).get("id", "")), created=True)
