"""Answers to Discord's interactions: slash commands, buttons, menus."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from connectors.discord.connection import (
    AGENT,
    API,
    DiscordConnection,
    Snowflake,
    accept,
    base_url,
    body,
    discord,
)
from connectors.discord.messages import Content, part
from runner.connector import Call, GivenFile, Output, url_path

EPHEMERAL = 1 << 6
ACKNOWLEDGED = 40060
CALLBACK = {"reply": 4, "later": 5, "update": 7}


class AnswerInteraction(Content):
    """The inputs of `discord.answer_interaction`."""

    how: Literal["reply", "later", "update", "edit", "follow_up"] = Field(
        "edit",
        description="`reply`: a first answer; `later`: show that one comes; `update`: change the message "
        "with the button. These must come within 3 seconds, from a workflow that did not answer the "
        "request itself. `edit`: fill or change the first answer; `follow_up`: one more message; these "
        "for 15 minutes.",
    )
    token: str = Field(min_length=1, description="The interaction's `token`.")
    interaction: Snowflake | None = Field(
        None, description="The interaction's `id`, for reply, later and update."
    )
    application: Snowflake | None = Field(
        None, description="The interaction's `application_id`, for edit and follow_up."
    )
    only_for_user: bool = Field(False, description="Only whoever acted sees it; not for edit and update.")
    files: list[GivenFile] | None = Field(None, max_length=10, description="Files to send along.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = "interaction" if self.how in CALLBACK else "application"
        if getattr(self, needed) is None:
            raise ValueError(f"how: {self.how} needs {needed}")
        if self.how != "later" and self.is_empty() and not self.files:
            raise ValueError("the answer is empty; give content, embeds, components or files")
        return self


class Answered(Output):
    """The answer."""

    id: str | None = Field(description="The id of the message, for edit and follow_up.")
    first: bool = Field(description="False where the interaction was answered before: nothing was sent.")


@discord.action(
    # A first answer is taken once; an edit says the same again; a follow-up may stand twice.
    after_crash="repeat",
    example="""\
action: discord.answer_interaction
with:
  token: "{{ payload.token }}"
  application: "{{ payload.application_id }}"
  content: "Order {{ payload.data.options[0].value }} is on its way."
""",
)
async def answer_interaction(
    call: Call,
    connection: DiscordConnection | None,
    input: AnswerInteraction,  # noqa: A002 - the contract of an action
) -> Answered:
    """
    Answer a slash command, a button or a menu.

    Discord waits 3 seconds for the first answer: let the workflow `respond` to the request with
    {type: 5}, and fill the answer here (`edit`, for 15 minutes). No connection is needed: the
    interaction's token is the credential, and a bot's token is not sent.
    """
    base = API if connection is None else base_url(connection)
    files = [await part(call, one, number) for number, one in enumerate(input.files or (), start=1)]
    message: dict[str, Any] = input.as_json() | ({"flags": EPHEMERAL} if input.only_for_user else {})
    own: dict[str, Any] = {"headers": {"User-Agent": AGENT}}  # there may be no connection to set it
    token = url_path(input.token).removeprefix("/")
    if input.how in CALLBACK:
        data = {"flags": EPHEMERAL} if input.only_for_user else {}
        wanted = {"type": CALLBACK[input.how], "data": data if input.how == "later" else message}
        url = f"{base}/interactions/{input.interaction}/{token}/callback"
        reply = accept(await call.http.post(url, **own, **body(wanted, files)), ACKNOWLEDGED)
        return Answered(id=None, first=reply.status < 400)
    url = f"{base}/webhooks/{input.application}/{token}"
    if input.how == "edit":
        url, method = f"{url}/messages/@original", "PATCH"
    else:
        method = "POST"
    reply = accept(await call.http.request(method, url, **own, **body(message, files)))
    given = reply.json() if reply.content.strip() else {}
    return Answered(id=str(given["id"]) if isinstance(given, dict) and "id" in given else None, first=True)
