"""
Google Drive: files up, down, found and shared.

Sources: Drive API v3 reference, files (create, list, get, export, update) and permissions.create;
"Upload file data", "Download and export files" (export: 10 MB), "Share files, folders, and drives".
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.google.account import Google
from connectors.google.api import CREDENTIALS, DRIVE, MENDS, ask, path, quoted, send
from connectors.google.files import (
    ALL_DRIVES,
    FIELDS,
    FOLDER,
    KINDS,
    MARK,
    DriveFile,
    FileId,
    listed,
    made_before,
    offered,
    put_file,
    read_file,
)
from runner.connector import (
    Call,
    Choices,
    Connector,
    File,
    FileInput,
    GivenFile,
    Input,
    Json,
    Output,
    Rejected,
)

google_drive = Connector("google_drive", title="Google Drive", summary="Files: up, down, found and shared.")
google_drive.explains(CREDENTIALS, MENDS)

EXPORTS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "csv": "text/csv",
    "txt": "text/plain",
    "md": "text/markdown",
    "png": "image/png",
}
"""What Google's own kinds are exported as: "Export MIME types for Google Workspace documents"."""

IN_FOLDER = (
    "The folder: the address of its page, or its id. Left out: My Drive, which a robot account has not."
)


class Upload(Input):
    """The inputs of `google_drive.upload`."""

    file: GivenFile = Field(
        description="A file of the run, {filename, content_type, content} with content in base64, or a text."
    )
    name: str | None = Field(None, description="Its name there; left out: that of the file.")
    folder: FileId | None = Field(None, description=IN_FOLDER)
    description: str | None = Field(None, description="What Drive shows of it.")
    convert_to: Literal["document", "spreadsheet", "presentation"] | None = Field(
        None, description="Make a Google document, spreadsheet (of CSV, XLSX) or presentation of it."
    )


class CreateFolder(Input):
    """The inputs of `google_drive.create_folder`."""

    name: str = Field(description="Its name.", min_length=1)
    folder: FileId | None = Field(None, description=IN_FOLDER)
    if_exists: Literal["use", "create"] = Field(
        "use", description="When there is one of that name: use it, or create another (Drive allows that)."
    )


class Share(Input):
    """The inputs of `google_drive.share`."""

    file: FileId = Field(description="The file or folder: the address of its page, or its id.")
    with_kind: Literal["user", "group", "domain", "anyone"] = Field(
        "user", description="With whom; anyone: all who have the link."
    )
    address: str | None = Field(
        None, description="The address of the person or group, or the name of the domain."
    )
    role: Literal["reader", "commenter", "writer"] = Field("reader", description="What they may do.")
    notify: bool = Field(False, description="Whether Google sends them an email.")
    message: str | None = Field(None, description="What that email says.")

    @model_validator(mode="after")
    def _whom(self) -> Self:
        if (self.with_kind == "anyone") != (self.address is None):
            raise ValueError("give an address for a user, group or domain, and none for anyone")
        return self


class Shared(Output):
    """Who may see it now."""

    permission: str = Field(description="The id of the permission.")
    link: str | None = Field(description="The page of the file.")


class Find(Input):
    """The inputs of `google_drive.find`."""

    name: str | None = Field(None, description="The whole name.")
    contains: str | None = Field(
        None, description="A word that its name begins with, or has a word that does."
    )
    folder: FileId | None = Field(None, description="Only directly in this folder.")
    mime_type: str | None = Field(None, description="The kind, such as application/pdf.")
    query: str | None = Field(
        None, description="More in Drive's own words: modifiedTime > '2024-05-01T00:00:00'."
    )
    limit: int = Field(20, ge=1, le=1000, description="The most files that it gives.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.name or self.contains or self.folder or self.mime_type or self.query):
            raise ValueError("say what to find: name, contains, folder, mime_type or query")
        return self


class Found(Output):
    """The files, those that were changed last first."""

    files: list[DriveFile]
    more: bool = Field(description="Whether there are more than the limit.")


class Download(Input):
    """The inputs of `google_drive.download`."""

    file: FileId = Field(description="The file: the address of its page, or its id.")
    export_as: Literal["pdf", "docx", "xlsx", "pptx", "csv", "txt", "md", "png"] | None = Field(
        None, description="For Google's own documents, spreadsheets and presentations: what it becomes."
    )


class Downloaded(Output):
    """The file, now one of the run's."""

    file: File
    name: str


class OneFile(Input):
    """The inputs of `google_drive.trash`."""

    file: FileId = Field(description="The file or folder: the address of its page, or its id.")


@google_drive.action(
    after_crash="repeat",  # the file carries the call's key, and is looked for first
    example="""\
action: google_drive.upload
connection: shop-google
with:
  file: "{{ payload.invoice }}"
  folder: https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUv
""",
)
async def upload(call: Call, connection: Google, input: Upload) -> DriveFile:  # noqa: A002 - the contract of an action
    """
    Put a file into Drive, once: one that an earlier attempt made is found again.

    A robot account has no space of its own: give a folder of a shared drive.
    """
    content = await call.files.read(input.file)
    match input.file:
        case FileInput():
            name, kind = input.file.filename, input.file.content_type
        case dict():
            name, kind = str(input.file["filename"]), str(input.file["content_type"])
        case _:
            name, kind = "text.txt", "text/plain; charset=UTF-8"
    metadata: dict[str, Json] = {"name": input.name or name, **_in(input.folder)}
    if input.description is not None:
        metadata["description"] = input.description
    if input.convert_to is not None:
        metadata["mimeType"] = f"{KINDS}{input.convert_to}"
    return await put_file(call, connection, metadata, _one_line(kind), content)


@google_drive.action(
    after_crash="repeat",  # as upload
    example="""\
action: google_drive.create_folder
connection: shop-google
with:
  name: "Order {{ payload.name }}"
  folder: 1AbCdEfGhIjKlMnOpQrStUv
""",
)
async def create_folder(call: Call, connection: Google, input: CreateFolder) -> DriveFile:  # noqa: A002
    """Make a folder, or use the one of that name."""
    if (known := await made_before(call, connection)) is not None:
        return known
    if input.if_exists == "use":
        where = f"name = {quoted(input.name)} and mimeType = {quoted(FOLDER)}"
        where += f" and {quoted(input.folder or 'root')} in parents"
        found, _ = await listed(call, connection, where, limit=1)
        if found:
            return found[0]
    metadata = {"name": input.name, "mimeType": FOLDER, **_in(input.folder)}
    metadata["appProperties"] = {MARK: call.idempotency_key}
    where = path("drive", "v3", "files")
    query = {"fields": FIELDS, **ALL_DRIVES}
    return read_file(await ask(call, connection, "POST", DRIVE, where, query=query, json=metadata))


@google_drive.action(
    after_crash="repeat",  # whoever has it already keeps it; at worst a second email is sent
    example="""\
action: google_drive.share
connection: shop-google
with:
  file: "{{ steps.folder.id }}"
  address: "{{ payload.email }}"
  role: reader
""",
)
async def share(call: Call, connection: Google, input: Share) -> Shared:  # noqa: A002
    """Let a person, a group, a domain, or anyone with the link see or edit a file or folder."""
    permission: dict[str, Json] = {"type": input.with_kind, "role": input.role}
    if input.address is not None:
        permission["domain" if input.with_kind == "domain" else "emailAddress"] = input.address.strip()
    query = {"fields": "id", **ALL_DRIVES}
    if input.with_kind in {"user", "group"}:  # Google refuses these for the others
        query |= {"sendNotificationEmail": input.notify}
        if input.notify and input.message:
            query |= {"emailMessage": input.message}
    base = ("drive", "v3", "files", input.file)
    given = await ask(
        call, connection, "POST", DRIVE, path(*base, "permissions"), query=query, json=permission
    )
    file = await ask(call, connection, "GET", DRIVE, path(*base), query={"fields": FIELDS, **ALL_DRIVES})
    return Shared(permission=str(given.get("id", "")), link=read_file(file).link)


@google_drive.action(
    after_crash="repeat",
    example="""\
action: google_drive.find
connection: shop-google
with:
  contains: invoice
  mime_type: application/pdf
  limit: 5
""",
)
async def find(call: Call, connection: Google, input: Find) -> Found:  # noqa: A002
    """Find files by name, folder or kind, those that were changed last first."""
    terms = []
    if input.name:
        terms.append(f"name = {quoted(input.name)}")
    if input.contains:
        terms.append(f"name contains {quoted(input.contains)}")
    if input.folder:
        terms.append(f"{quoted(input.folder)} in parents")
    if input.mime_type:
        terms.append(f"mimeType = {quoted(input.mime_type)}")
    if input.query:
        terms.append(f"({input.query})")
    found, following = await listed(call, connection, " and ".join(terms), limit=input.limit, newest=True)
    return Found(files=found, more=following is not None)


@google_drive.action(
    after_crash="repeat",
    example="""\
action: google_drive.download
connection: shop-google
with:
  file: "{{ steps.find.files[0].id }}"
""",
)
async def download(call: Call, connection: Google, input: Download) -> Downloaded:  # noqa: A002
    """
    Get a file, as one of the run's. At most 10 MiB.

    Google's own documents, spreadsheets and presentations have no content: `export_as` says what they
    become.
    """
    base = ("drive", "v3", "files", input.file)
    query = {"fields": FIELDS, **ALL_DRIVES}
    file = read_file(await ask(call, connection, "GET", DRIVE, path(*base), query=query))
    if file.mime_type.startswith(KINDS):
        if input.export_as is None:
            kinds = ", ".join(EXPORTS)
            raise Rejected(
                f"google_drive.download: {file.name} is one of Google's own kinds; give export_as ({kinds})"
            )
        kind, name = EXPORTS[input.export_as], f"{file.name}.{input.export_as}"
        reply = await send(call, connection, "GET", DRIVE, path(*base, "export"), query={"mimeType": kind})
    else:
        kind, name = file.mime_type, file.name
        query = {"alt": "media", **ALL_DRIVES}
        reply = await send(call, connection, "GET", DRIVE, path(*base), query=query)
    plain = re.sub(r"[/\\\x00-\x1f\x7f]", "_", name)[:200] or "download"  # Drive lets names hold anything
    saved = await call.files.save(reply.content, filename=plain, content_type=kind)
    return Downloaded(file=saved, name=file.name)


@google_drive.action(
    after_crash="repeat",  # what is in the trash stays there
    example="""\
action: google_drive.trash
connection: shop-google
with:
  file: "{{ steps.find.files[0].id }}"
""",
)
async def trash(call: Call, connection: Google, input: OneFile) -> DriveFile:  # noqa: A002
    """Put a file or folder into the trash, where Drive keeps it for 30 days."""
    where, query = path("drive", "v3", "files", input.file), {"fields": FIELDS, **ALL_DRIVES}
    return read_file(await ask(call, connection, "PATCH", DRIVE, where, query=query, json={"trashed": True}))


@google_drive.choices("upload.folder", "create_folder.folder", "find.folder")
async def folders(
    call: Call, connection: Google, _given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The folders that the connection sees."""
    return await offered(call, connection, f"mimeType = {quoted(FOLDER)}", search, cursor)


@google_drive.choices("download.file", "share.file", "trash.file")
async def files(
    call: Call, connection: Google, _given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The files that the connection sees."""
    return await offered(call, connection, f"mimeType != {quoted(FOLDER)}", search, cursor)


def _in(folder: str | None) -> dict[str, Json]:
    return {} if folder is None else {"parents": [folder]}


def _one_line(content_type: str) -> str:
    """A content type as it may stand in a header."""
    return content_type if re.fullmatch(r"[\x20-\x7e]+", content_type) else "application/octet-stream"
