"""
Google Docs: documents made, filled from a template, and added to.

Sources: Docs API v1 reference, documents.batchUpdate (insertText with endOfSegmentLocation, replaceAllText);
Drive API v3, "Upload file data" (import to Docs editors types: text, HTML, Markdown) and files.copy.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.google.account import Google
from connectors.google.api import CREDENTIALS, DOCS, DRIVE, MENDS, ask, objects, path
from connectors.google.files import (
    ALL_DRIVES,
    FIELDS,
    KINDS,
    MARK,
    DriveFile,
    FileId,
    made_before,
    offered,
    put_file,
    read_file,
)
from runner.connector import Call, Choices, Connector, Input, Json, Output, Rejected

google_docs = Connector("google_docs", title="Google Docs", summary="Documents: made, filled, added to.")
google_docs.explains(CREDENTIALS, MENDS)

DOCUMENT = f"{KINDS}document"
FORMATS = {"text": "text/plain", "html": "text/html", "markdown": "text/markdown"}


class Create(Input):
    """The inputs of `google_docs.create`."""

    title: str = Field(description="Its name.", min_length=1)
    content: str = Field("", description="What stands in it.")
    format: Literal["text", "html", "markdown"] = Field("text", description="What `content` is.")
    folder: FileId | None = Field(
        None,
        description="The folder: the address of its page, or its id. Left out: My Drive, which a robot "
        "account has not.",
    )


class Append(Input):
    """The inputs of `google_docs.append`."""

    document: FileId = Field(description="The address of its page, or its id.")
    text: str = Field(description="What is added at its end.", min_length=1)
    new_paragraph: bool = Field(True, description="Whether it begins on a new line.")


class FromTemplate(Input):
    """The inputs of `google_docs.from_template`."""

    template: FileId = Field(description="The document that is copied: the address of its page, or its id.")
    title: str = Field(description="The name of the copy.", min_length=1)
    folder: FileId | None = Field(None, description="Where the copy goes; left out: beside the template.")
    values: dict[str, str | int | float] = Field(
        description="What each placeholder becomes, as it stands in the template: {'[name]': Ann}.",
        min_length=1,
    )


class Appended(Output):
    """Which document it was."""

    document: str


class Filled(Output):
    """The copy, and how often each placeholder stood in it."""

    document: DriveFile
    replaced: dict[str, int]


@google_docs.action(
    after_crash="repeat",  # the document carries the call's key, and is looked for first
    example="""\
action: google_docs.create
connection: shop-google
with:
  title: "Minutes of {{ payload.date }}"
  format: markdown
  content: "# {{ payload.title }}"
  folder: 1AbCdEfGhIjKlMnOpQrStUv
""",
)
async def create(call: Call, connection: Google, input: Create) -> DriveFile:  # noqa: A002 - the contract of an action
    """
    Make a document of a text, HTML or Markdown, once: one that an earlier attempt made is found again.

    It needs a scope of Drive. A robot account has no space of its own: give a folder of a shared drive.
    """
    metadata: dict[str, Json] = {"name": input.title, "mimeType": DOCUMENT, **_in(input.folder)}
    kind = f"{FORMATS[input.format]}; charset=UTF-8"
    return await put_file(call, connection, metadata, kind, input.content.encode())


@google_docs.action(
    # Google knows no idempotency key here. A line that stands twice in minutes or a log is a lesser evil
    # than a run that waits; a step that sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: google_docs.append
connection: shop-google
with:
  document: 1AbCdEfGhIjKlMnOpQrStUv
  text: "{{ payload.name }}: {{ payload.total_price }}"
""",
)
async def append(call: Call, connection: Google, input: Append) -> Appended:  # noqa: A002
    """Add text at the end of a document. After a crash during the call it may stand twice."""
    text = f"\n{input.text}" if input.new_paragraph else input.text
    await _change(
        call, connection, input.document, [{"insertText": {"endOfSegmentLocation": {}, "text": text}}]
    )
    return Appended(document=input.document)


@google_docs.action(
    after_crash="repeat",  # the copy is found by its key; placeholders that are gone stay gone
    example="""\
action: google_docs.from_template
connection: shop-google
with:
  template: 1AbCdEfGhIjKlMnOpQrStUv
  title: "Invoice {{ payload.name }}"
  values: {"[customer]": "{{ payload.customer }}", "[total]": "{{ payload.total_price }}"}
""",
)
async def from_template(call: Call, connection: Google, input: FromTemplate) -> Filled:  # noqa: A002
    """
    Copy a document and put values in place of its placeholders, with their capital letters as given. It
    needs scopes of Drive and Docs.
    """
    if "" in input.values:
        raise Rejected("google_docs.from_template: a placeholder is empty")
    copy = await made_before(call, connection)
    if copy is None:
        where = path("drive", "v3", "files", input.template, "copy")
        body: dict[str, Json] = {"name": input.title, **_in(input.folder)}
        body["appProperties"] = {MARK: call.idempotency_key}
        query = {"fields": FIELDS, **ALL_DRIVES}
        copy = read_file(await ask(call, connection, "POST", DRIVE, where, query=query, json=body))
    changes: list[Json] = [
        {
            "replaceAllText": {
                "containsText": {"text": text, "matchCase": True},
                "replaceText": str(value),
            }
        }
        for text, value in input.values.items()
    ]
    replies = await _change(call, connection, copy.id, changes)
    counts = [one.get("replaceAllText") for one in replies]
    replaced = {
        text: int(count.get("occurrencesChanged", 0)) if isinstance(count, dict) else 0
        for text, count in zip(input.values, counts, strict=False)
    }
    return Filled(document=copy, replaced=replaced)


@google_docs.choices("append.document", "from_template.template")
async def documents(
    call: Call, connection: Google, _given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The documents that the connection sees; it needs a scope of Drive."""
    return await offered(call, connection, f"mimeType = '{DOCUMENT}'", search, cursor)


async def _change(
    call: Call, connection: Google, document: str, requests: list[Json]
) -> list[dict[str, Json]]:
    where = path("v1", "documents", document) + ":batchUpdate"
    answer = await ask(call, connection, "POST", DOCS, where, json={"requests": requests})
    return objects(answer.get("replies"))


def _in(folder: str | None) -> dict[str, Json]:
    return {} if folder is None else {"parents": [folder]}
