"""Slack's reactions: an emoji on a message."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from connectors.slack.connection import SlackConnection, ask, slack
from connectors.slack.messages import Ts
from runner.connector import Call, Input, Output


class Reaction(Input):
    """A message and an emoji."""

    channel: str = Field(description="The id of the message's channel (C…).")
    ts: Ts = Field(description="The `ts` of the message.")
    emoji: Annotated[str, BeforeValidator(lambda one: one.strip(":") if isinstance(one, str) else one)] = (
        Field(min_length=1, description="The emoji's name.", examples=["white_check_mark"])
    )


class Reacted(Output):
    """Whether something changed."""

    changed: bool = Field(description="False where the reaction was there already, or gone already.")


@slack.action(
    after_crash="repeat",  # a second one changes nothing
    example="""\
action: slack.add_reaction
connection: team-slack
with:
  channel: "{{ payload.channel }}"
  ts: "{{ payload.ts }}"
  emoji: white_check_mark
""",
)
async def add_reaction(call: Call, connection: SlackConnection, input: Reaction) -> Reacted:  # noqa: A002 - the contract of an action
    """
    Put an emoji below a message. One that is there already is no error.

    Needs the scope reactions:write.
    """
    given = await ask(call, connection, "reactions.add", _arguments(input), "already_reacted")
    return Reacted(changed=given.get("ok") is True)


@slack.action(
    after_crash="repeat",  # what is gone stays gone
    example="""\
action: slack.remove_reaction
connection: team-slack
with:
  channel: "{{ payload.channel }}"
  ts: "{{ payload.ts }}"
  emoji: eyes
""",
)
async def remove_reaction(call: Call, connection: SlackConnection, input: Reaction) -> Reacted:  # noqa: A002 - the contract of an action
    """
    Take the app's own emoji away from a message. One that is gone already is no error.

    Needs the scope reactions:write.
    """
    given = await ask(call, connection, "reactions.remove", _arguments(input), "no_reaction")
    return Reacted(changed=given.get("ok") is True)


def _arguments(reaction: Reaction) -> dict[str, str]:
    return {"channel": reaction.channel, "timestamp": reaction.ts, "name": reaction.emoji}
