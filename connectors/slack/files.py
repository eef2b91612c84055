"""Files in Slack: an address to send the bytes to, the bytes, and where the file is to be shown."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from connectors.slack.connection import SlackConnection, ask, slack
from connectors.slack.messages import Ts
from runner.connector import Call, FileInput, GivenFile, Input, OutcomeUnknown, Output, Rejected


class UploadFile(Input):
    """The inputs of `slack.upload_file`."""

    channel: str = Field(
        pattern=r"^[CDG][A-Z0-9]+$",
        description="The id of the channel or conversation (C…, D…); Slack takes no name here.",
    )
    file: GivenFile = Field(description="A file of the run, one made on the spot, or a text.")
    filename: str | None = Field(None, min_length=1, description="Its name; left out: its own.")
    title: str | None = Field(None, description="Its title; left out: its name.")
    comment: str | None = Field(None, description="The text of the message that shows it.")
    alt_text: str | None = Field(
        None, max_length=1000, description="What an image shows, for those who hear it."
    )
    thread_ts: Ts | None = Field(None, description="The `ts` of the message to reply to.")


class Uploaded(Output):
    """The file in Slack."""

    id: str = Field(description="Its id (F…).")
    permalink: str | None = Field(None, description="Its address in Slack, where Slack says it.")


@slack.action(
    after_crash="repeat",  # as post_message: the file may stand twice
    example="""\
action: slack.upload_file
connection: team-slack
with:
  channel: C0123456789
  file: "{{ payload.report }}"
  comment: "The report of today"
""",
)
async def upload_file(call: Call, connection: SlackConnection, input: UploadFile) -> Uploaded:  # noqa: A002 - the contract of an action
    """
    Upload a file and show it in a channel or a thread.

    Needs the scope files:write, and the app in the channel. Slack works on the file after it has
    answered; a preview may come later.
    """
    content = await call.files.read(input.file)
    if not content:
        raise Rejected("slack.upload_file: file: it is empty, and Slack takes no empty file")
    name = input.filename or _name(input.file)
    # not named by the run's key: a lost file of an attempt that failed is never shown by Slack
    place = await ask(
        call,
        connection,
        "files.getUploadURLExternal",
        {"filename": name, "length": len(content), "alt_txt": input.alt_text},
    )
    address, file_id = place.get("upload_url"), place.get("file_id")
    if not isinstance(address, str) or not isinstance(file_id, str):
        raise OutcomeUnknown("Slack gave no address for the file")
    sent = await call.http.post(address, body=content)
    sent.accept()
    arguments: dict[str, Any] = {
        "files": json.dumps([{"id": file_id, "title": input.title or name}]),
        "channel_id": input.channel,
        "initial_comment": input.comment,
        "thread_ts": input.thread_ts,
    }
    given = await ask(call, connection, "files.completeUploadExternal", arguments)
    files = given.get("files")
    first = files[0] if isinstance(files, list) and files and isinstance(files[0], dict) else {}
    return Uploaded(id=str(first.get("id") or file_id), permalink=first.get("permalink"))


def _name(file: GivenFile) -> str:
    match file:
        case FileInput():
            return file.filename
        case dict():
            return str(file["filename"])
    return "file.txt"
