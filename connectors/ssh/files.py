"""
SFTP: files on another machine.

Sources: draft-ietf-secsh-filexfer-02 (version 3, which OpenSSH speaks), OpenSSH's PROTOCOL file
(posix-rename@openssh.com), asyncssh's API reference.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import Field

from connectors.ssh.access import Progress, SshConnection, driver
from connectors.ssh.remote import (
    Entry,
    entries,
    kind_of,
    located,
    moment,
    part_of,
    rename,
    tidy,
    with_client,
    write,
)
from runner.connector import (
    AfterCrash,
    Call,
    Choice,
    Choices,
    Connector,
    File,
    GivenFile,
    Input,
    Json,
    Output,
    Rejected,
    in_brief,
)

sftp = Connector("sftp", title="SFTP", summary="Files on another machine, by SSH.")
sftp.connection("ssh")(SshConnection)

MOST_BYTES = 10 * 1024 * 1024  # of one file that is read
MOST_CHOICES = 200
PATH = "below the connection's folder where it has one, else from the user's home or from /"


class Upload(Input):
    """The inputs of `sftp.upload`."""

    path: str = Field(description=f"Where the file goes, {PATH}.", examples=["orders/1042.json"])
    file: GivenFile = Field(
        description="A file of the run, {filename, content_type, content} with content in base64, or a text."
    )
    overwrite: bool = Field(True, description="Replace a file that is there; else the step fails.")
    make_directories: bool = Field(False, description="Make the directories on the way.")
    direct: bool = Field(
        False,
        description="Write under its own name from the start, for servers that let nobody rename; others may "
        "then read half of it.",
    )


class UploadDone(Output):
    """The file that is there now."""

    path: str = Field(description="Where it is.")
    size: int = Field(description="Its bytes.")


def _upload_rule(given: Upload) -> AfterCrash:
    return "repeat" if given.overwrite else "stop"  # the second time it would find its own file


@sftp.action(
    after_crash=_upload_rule,
    example="""\
action: sftp.upload
connection: exchange
with:
  path: "orders/{{ payload.id }}.json"
  file: "{{ payload | to_json }}"
  make_directories: true
""",
)
async def upload(call: Call, connection: SshConnection, input: Upload) -> UploadDone:  # noqa: A002 - the contract of an action
    """Write a file; it gets its name when it is whole, so that nobody reads half of it."""
    content = await call.files.read(input.file)
    path = located(connection, input.path)
    parent = path.rpartition("/")[0]

    async def written(client: Any, progress: Progress) -> None:
        if input.make_directories and parent:
            await client.makedirs(parent, exist_ok=True)
        if not input.overwrite and await client.exists(path):
            raise Rejected(f"{input.path} is there already")
        if input.direct:
            progress.acting = True
            await write(client, path, content, "wb" if input.overwrite else "xb")
            return
        part = part_of(path, call.idempotency_key)
        try:
            await write(client, part, content, "wb")
            progress.acting = True
            await rename(client, part, path, overwrite=input.overwrite)
        except BaseException:
            await tidy(client, part)
            raise

    await with_client(call, connection, written)
    return UploadDone(path=input.path, size=len(content))


class Download(Input):
    """The inputs of `sftp.download`."""

    path: str = Field(description=f"The file, {PATH}.", examples=["reports/today.csv"])
    content_type: str | None = Field(None, description="Its type; left out: by the end of its name.")


class DownloadDone(Output):
    """The file as a file of the run."""

    file: File = Field(description="Its content: a file of the run.")
    size: int = Field(description="Its bytes.")
    modified_at: str | None = Field(description="When it was last changed, where the server tells.")


@sftp.action(
    after_crash="repeat",  # it only reads
    example="""\
action: sftp.download
connection: exchange
with:
  path: "reports/{{ payload.name }}.csv"
""",
)
async def download(call: Call, connection: SshConnection, input: Download) -> DownloadDone:  # noqa: A002 - the contract of an action
    """Read a file, of at most 10 MiB, as a file of the run."""
    path = located(connection, input.path)

    async def read(client: Any, _progress: Progress) -> tuple[Any, bytes]:
        about = await client.stat(path)
        if kind_of(about) == "directory":
            raise Rejected(f"{input.path} is a directory; sftp.list shows what is in it")
        opened = await client.open(path, "rb", encoding=None)
        return about, await opened.read(MOST_BYTES + 1)

    about, content = await with_client(call, connection, read)
    if len(content) > MOST_BYTES:
        raise Rejected(f"{input.path} has more than {MOST_BYTES:,} bytes, which is the most that is read")
    name = path.rpartition("/")[2]
    kind = input.content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = await call.files.save(content, filename=name, content_type=kind)
    return DownloadDone(file=file, size=len(content), modified_at=moment(about.mtime))


class List(Input):
    """The inputs of `sftp.list`."""

    path: str = Field("", description=f"The directory, {PATH}; left out: where these begin.")
    pattern: str = Field("*", description="Only names of this form: * is any text, ? one character.")
    type: Literal["any", "file", "directory"] = Field("any", description="Only of this type.")
    limit: int = Field(100, ge=1, le=1000, description="At most so many.")


class ListDone(Output):
    """What is there, by name."""

    entries: Sequence[Entry] = Field(description="`{name, path, type, size, modified_at}` of each, by name.")
    more: bool = Field(description="Whether there is more than `limit`.")


@sftp.action(
    after_crash="repeat",  # it only reads
    example="""\
action: sftp.list
connection: exchange
with:
  path: incoming
  pattern: "*.csv"
  type: file
""",
)
async def list(call: Call, connection: SshConnection, input: List) -> ListDone:  # noqa: A001, A002 - the contract of an action
    """List what is in a directory."""
    found = await with_client(call, connection, lambda client, _: entries(client, connection, input.path))
    fitting = [
        one for one in found if fnmatchcase(one.name, input.pattern) and input.type in {"any", one.type}
    ]
    return ListDone(entries=fitting[: input.limit], more=len(fitting) > input.limit)


class Delete(Input):
    """The inputs of `sftp.delete`."""

    path: str = Field(description=f"A file or an empty directory, {PATH}.")


class DeleteDone(Output):
    """That it is gone."""

    path: str = Field(description="Where it was.")
    deleted: bool = Field(description="Whether it was there.")


@sftp.action(
    after_crash="repeat",  # what is gone stays so
    example="""\
action: sftp.delete
connection: exchange
with:
  path: "incoming/{{ payload.name }}"
""",
)
async def delete(call: Call, connection: SshConnection, input: Delete) -> DeleteDone:  # noqa: A002 - the contract of an action
    """Delete a file or an empty directory; one that is not there is no error."""
    asyncssh = driver()
    path = located(connection, input.path)

    async def removed(client: Any, progress: Progress) -> bool:
        is_directory = False
        try:
            is_directory = kind_of(await client.lstat(path)) == "directory"
            progress.acting = True
            await (client.rmdir(path) if is_directory else client.remove(path))
        except asyncssh.SFTPNoSuchFile:
            return False
        except asyncssh.SFTPFailure as error:  # the one word that servers have for many things
            hint = "; is the directory empty?" if is_directory else ""
            raise Rejected(f"{input.path} cannot be deleted: {in_brief(error)}{hint}") from None
        return True

    return DeleteDone(path=input.path, deleted=await with_client(call, connection, removed))


class Move(Input):
    """The inputs of `sftp.move`."""

    path: str = Field(description=f"What is moved, {PATH}.", examples=["incoming/1042.csv"])
    to: str = Field(description="Its new path, name included.", examples=["done/1042.csv"])
    overwrite: bool = Field(False, description="Replace a file that is there; else the step fails.")
    make_directories: bool = Field(False, description="Make the directories on the way.")


class MoveDone(Output):
    """Where it is now."""

    path: str = Field(description="Its new path.")


@sftp.action(
    after_crash="stop",  # the second time there is nothing to move, or something else
    example="""\
action: sftp.move
connection: exchange
with:
  path: "incoming/{{ payload.name }}"
  to: "done/{{ payload.name }}"
""",
)
async def move(call: Call, connection: SshConnection, input: Move) -> MoveDone:  # noqa: A002 - the contract of an action
    """Move or rename a file or a directory."""
    path, to = located(connection, input.path), located(connection, input.to)
    parent = to.rpartition("/")[0]

    async def moved(client: Any, progress: Progress) -> None:
        if input.make_directories and parent:
            await client.makedirs(parent, exist_ok=True)
        if not input.overwrite and await client.exists(to):
            raise Rejected(f"{input.to} is there already")
        progress.acting = True
        await rename(client, path, to, overwrite=input.overwrite)

    await with_client(call, connection, moved)
    return MoveDone(path=input.to)


class MakeDirectory(Input):
    """The inputs of `sftp.make_directory`."""

    path: str = Field(description=f"The directory, {PATH}; those on the way are made too.")


class MakeDirectoryDone(Output):
    """The directory that is there now."""

    path: str = Field(description="Where it is.")
    created: bool = Field(description="Whether it was not there before.")


@sftp.action(
    after_crash="repeat",  # what is there stays so
    example="""\
action: sftp.make_directory
connection: exchange
with:
  path: "orders/{{ payload.year }}"
""",
)
async def make_directory(
    call: Call,
    connection: SshConnection,
    input: MakeDirectory,  # noqa: A002 - the contract of an action
) -> MakeDirectoryDone:
    """Make a directory and those on the way; one that is there is no error."""
    path = located(connection, input.path)

    async def made(client: Any, progress: Progress) -> bool:
        if await client.isdir(path):
            return False
        progress.acting = True
        await client.makedirs(path, exist_ok=True)
        return True

    return MakeDirectoryDone(path=input.path, created=await with_client(call, connection, made))


@sftp.choices("list.path", "download.path", "delete.path", "move.path")
async def paths(
    call: Call,
    connection: SshConnection,
    _given: Mapping[str, Json],
    search: str | None,
    _cursor: str | None,
) -> Choices:
    """What is in the directory that *search* names up to its last /, by how the name behind it begins."""
    folder, _, begins = (search or "").rpartition("/")
    found = await with_client(call, connection, lambda client, _: entries(client, connection, folder))
    fitting = [one for one in found if one.name.lower().startswith(begins.lower())]
    items = [
        Choice(value=one.path, label=f"{one.path}/" if one.type == "directory" else one.path)
        for one in fitting[:MOST_CHOICES]
    ]
    return Choices(items=items)
