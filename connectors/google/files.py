"""
Files in Drive, for those of Google's services that make or list them.

Sources: Drive API v3 reference, files (create, list, copy) and "Upload file data" (multipart up to 5 MB,
resumable in one request), "Search query terms and operators", "Add custom file properties" (appProperties).
"""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field

from connectors.google.account import Google
from connectors.google.api import DRIVE, ask, cursor_of, objects, path, quoted, refuse, related, send
from runner.connector import Call, Choice, Choices, Json, OutcomeUnknown, Output

MULTIPART_BYTES = 5 * 1024 * 1024  # what is longer goes by an upload session
KINDS = "application/vnd.google-apps."
FOLDER = f"{KINDS}folder"
FIELDS = "id,name,mimeType,webViewLink,size,modifiedTime"
MARK = "hookline"  # the property that holds the key of the call that made a file
ALL_DRIVES = {"supportsAllDrives": True}


def file_id(text: str) -> str:
    """
    The id in the address of a file's or folder's page, or the id itself.

    Raises:
        ValueError: it is neither.
    """
    match = re.search(r"/(?:d|folders)/([\w-]+)|[?&]id=([\w-]+)", text)
    found = (match[1] or match[2]) if match else text.strip()
    if not re.fullmatch(r"[\w-]+", found):
        raise ValueError("is no id of a file or folder; paste the address of its page, or its id")
    return found


FileId: TypeAlias = Annotated[str, AfterValidator(file_id)]


class DriveFile(Output):
    """A file or folder."""

    id: str
    name: str
    mime_type: str
    link: str | None = Field(description="Its page.")
    size: int | None = Field(description="In bytes; null for folders and Google's own kinds.")
    modified_at: str | None = Field(description="When it was changed last, as 2024-05-01T10:00:00.000Z.")


async def made_before(call: Call, connection: Google) -> DriveFile | None:
    """
    The file that an earlier attempt of this call made: Drive knows no idempotency key, and ids of our own
    choice have to be asked for first.
    """
    where = f"appProperties has {{ key='{MARK}' and value={quoted(call.idempotency_key)} }}"
    found, _ = await listed(call, connection, where, limit=1)
    return found[0] if found else None


async def put_file(
    call: Call, connection: Google, metadata: dict[str, Json], content_type: str, content: bytes
) -> DriveFile:
    """Make a file, once for a call."""
    if (known := await made_before(call, connection)) is not None:
        return known
    marked: dict[str, Json] = {**metadata, "appProperties": {MARK: call.idempotency_key}}
    where = f"/upload{path('drive', 'v3', 'files')}"
    query: dict[str, Any] = {"fields": FIELDS, **ALL_DRIVES}
    if len(content) <= MULTIPART_BYTES:
        body, kind = related(marked, content_type, content, boundary=secrets.token_hex(16))
        query["uploadType"] = "multipart"
        headers = {"Content-Type": kind}
        answer = await ask(call, connection, "POST", DRIVE, where, query=query, headers=headers, body=body)
        return read_file(answer)
    query["uploadType"] = "resumable"
    headers = {"X-Upload-Content-Type": content_type, "X-Upload-Content-Length": str(len(content))}
    begun = await send(call, connection, "POST", DRIVE, where, query=query, headers=headers, json=marked)
    session = begun.headers.get("location", "")
    headers = {"Content-Type": content_type}
    reply = await call.http.request("PUT", session, headers=headers, body=content, follow_redirects=False)
    if reply.status >= 400:
        refuse(reply, connection)
    return read_file(reply.json())


async def listed(
    call: Call, connection: Google, where: str, *, limit: int, cursor: str | None = None, newest: bool = False
) -> tuple[list[DriveFile], str | None]:
    """At most *limit* files for a query of Drive's, and the cursor of what follows."""
    found: list[DriveFile] = []
    while True:
        query = {
            "q": f"{where} and trashed = false",
            "fields": f"nextPageToken,files({FIELDS})",
            "pageSize": min(limit - len(found), 1000),
            "includeItemsFromAllDrives": True,
            "pageToken": cursor,
            "orderBy": "modifiedTime desc" if newest else None,
            **ALL_DRIVES,
        }
        answer = await ask(call, connection, "GET", DRIVE, path("drive", "v3", "files"), query=query)
        found += [read_file(one) for one in objects(answer.get("files"))]
        cursor = cursor_of(answer)
        if cursor is None or len(found) >= limit:
            return found, cursor


async def offered(call: Call, connection: Google, where: str, search: str, cursor: str | None) -> Choices:
    """Files to choose from, the ones changed last first."""
    if search.strip():
        where += f" and name contains {quoted(search.strip())}"
    found, following = await listed(call, connection, where, limit=50, cursor=cursor, newest=True)
    items = [
        Choice(value=one.id, label=one.name, note=f"changed {(one.modified_at or '')[:10]}".strip())
        for one in found
    ]
    return Choices(items=items, next=following)


def read_file(value: Json) -> DriveFile:
    """
    A file as Google writes it.

    Raises:
        OutcomeUnknown: it has no id.
    """
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise OutcomeUnknown("Google answered without the file's id")
    size = value.get("size")
    return DriveFile(
        id=value["id"],
        name=str(value.get("name", "")),
        mime_type=str(value.get("mimeType", "")),
        link=value.get("webViewLink"),
        size=int(size) if size is not None else None,  # Google writes it as a text
        modified_at=value.get("modifiedTime"),
    )
