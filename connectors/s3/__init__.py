"""
S3: objects of AWS's S3 and of services that speak its protocol.

Source: Amazon S3 API Reference: PutObject, GetObject, DeleteObject, ListObjectsV2.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, Field

from connectors.s3.access import MENDS, S3Connection, host, read, send
from runner.connector import Call, Connector, File, FileInput, GivenFile, Input, Output, Rejected, in_brief

s3 = Connector("s3", title="S3", summary="Objects in S3 and in stores that speak its protocol.")
s3.connection("s3")(S3Connection)
s3.explains(MENDS)

PAGE = 1000  # keys that S3 lists at most in one answer
WEEK_SECONDS = 604_800  # the longest time that a signature in an address holds
BUCKET = Field(None, description="The bucket; left out: the connection's.")
CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+( *; *[\w-]+=[^\r\n;]+)*", re.ASCII)
METADATA_NAME = re.compile(r"[a-z0-9-]{1,100}")
MOST_METADATA_BYTES = 2048


class PutObject(Input):
    """The inputs of `s3.put_object`."""

    bucket: str | None = BUCKET
    key: str = Field(description="The key of the object: its name, with slashes.", examples=["orders/7.json"])
    file: GivenFile = Field(
        description="A file of the run, {filename, content_type, content} with content in base64, or a text."
    )
    content_type: str | None = Field(None, description="Its type; left out: the file's.")
    metadata: dict[str, str] = Field(
        default_factory=dict, description="What to note with it: small letters, digits, hyphens; ASCII texts."
    )
    if_absent: bool = Field(False, description="Leave an object of this key alone, and fail.")


class PutDone(Output):
    """The object that is there now."""

    bucket: str = Field(description="Its bucket.")
    key: str = Field(description="Its key.")
    etag: str = Field(description="The tag of its content, without quotes.")
    version_id: str | None = Field(description="Its version, where the bucket keeps versions.")


@s3.action(
    after_crash="repeat",  # the same content under the same key
    example="""\
action: s3.put_object
connection: archive
with:
  key: "orders/{{ payload.id }}.json"
  file: "{{ payload | to_json }}"
  content_type: application/json
""",
)
async def put_object(call: Call, connection: S3Connection, input: PutObject) -> PutDone:  # noqa: A002 - the contract of an action
    """Write an object, in place of one of the same key."""
    url = connection.url(input.bucket, input.key)
    kind = input.content_type or _content_type(input.file)
    if not CONTENT_TYPE.fullmatch(kind):
        raise Rejected(f"{in_brief(kind, 100)!r} is no content type, such as text/csv")
    headers = {"Content-Type": kind, **_metadata(input.metadata)}
    if input.if_absent:
        headers["If-None-Match"] = "*"
    reply = await send(call, "PUT", url, headers=headers, body=await call.files.read(input.file))
    return PutDone(
        bucket=input.bucket or connection.bucket or "",
        key=input.key,
        etag=reply.headers.get("etag", "").strip('"'),
        version_id=reply.headers.get("x-amz-version-id"),
    )


class OneObject(Input):
    """The inputs of `s3.get_object` and `s3.delete_object`."""

    bucket: str | None = BUCKET
    key: str = Field(description="The key of the object.")
    version_id: str | None = Field(None, description="A version of it; left out: the newest.")


class GetDone(Output):
    """The object as a file of the run."""

    file: File = Field(description="Its content: a file of the run.")
    etag: str = Field(description="The tag of its content, without quotes.")
    last_modified: str | None = Field(description="When it was written, as HTTP has dates.")
    metadata: dict[str, str] = Field(description="What was noted with it.")


@s3.action(
    after_crash="repeat",  # it only reads
    example="""\
action: s3.get_object
connection: archive
with:
  key: "{{ payload.key }}"
""",
)
async def get_object(call: Call, connection: S3Connection, input: OneObject) -> GetDone:  # noqa: A002 - the contract of an action
    """Read an object, of at most 10 MiB, as a file of the run."""
    url = connection.url(input.bucket, input.key, {"versionId": input.version_id})
    reply = await send(call, "GET", url)
    name = input.key.rstrip("/").rpartition("/")[2] or "object"
    kind = reply.headers.get("content-type") or "application/octet-stream"
    noted = {
        one.removeprefix("x-amz-meta-"): text
        for one, text in reply.headers.items()
        if one.startswith("x-amz-meta-")
    }
    return GetDone(
        file=await call.files.save(reply.content, filename=name, content_type=kind),
        etag=reply.headers.get("etag", "").strip('"'),
        last_modified=reply.headers.get("last-modified"),
        metadata=noted,
    )


class DeleteDone(Output):
    """That it is gone."""

    key: str = Field(description="The key.")
    marker: bool = Field(description="Whether a bucket that keeps versions only marks it as gone.")


@s3.action(
    after_crash="repeat",  # what is gone stays so
    example="""\
action: s3.delete_object
connection: archive
with:
  key: "orders/{{ payload.id }}.json"
""",
)
async def delete_object(call: Call, connection: S3Connection, input: OneObject) -> DeleteDone:  # noqa: A002 - the contract of an action
    """Delete an object; one that is not there is no error."""
    url = connection.url(input.bucket, input.key, {"versionId": input.version_id})
    reply = await send(call, "DELETE", url)
    return DeleteDone(key=input.key, marker=reply.headers.get("x-amz-delete-marker") == "true")


class ListObjects(Input):
    """The inputs of `s3.list_objects`."""

    bucket: str | None = BUCKET
    prefix: str | None = Field(None, description="Only keys that begin so.", examples=["orders/"])
    delimiter: str | None = Field(
        None, description="Take keys together up to it, such as / for folders.", max_length=16
    )
    start_after: str | None = Field(None, description="Only keys behind this one, in the order of bytes.")
    limit: int = Field(100, ge=1, le=10_000, description="At most so many objects and folders.")


class Listed(BaseModel):
    """An object in a list."""

    key: str
    size: int
    etag: str
    last_modified: str
    storage_class: str | None


class ListDone(Output):
    """What is there, in the order of the keys."""

    objects: list[Listed] = Field(description="The objects.")
    folders: list[str] = Field(description="What `delimiter` took together.")
    more: bool = Field(description="Whether there is more than `limit`.")


@s3.action(
    after_crash="repeat",  # it only reads
    example="""\
action: s3.list_objects
connection: archive
with:
  prefix: orders/
  limit: 50
""",
)
async def list_objects(call: Call, connection: S3Connection, input: ListObjects) -> ListDone:  # noqa: A002 - the contract of an action
    """List objects by prefix, page by page up to `limit`."""
    objects: list[Listed] = []
    folders: list[str] = []
    token = None
    while True:
        wanted = input.limit - len(objects) - len(folders)
        query = {
            "list-type": 2, "prefix": input.prefix, "delimiter": input.delimiter,
            "start-after": input.start_after, "max-keys": min(wanted, PAGE), "continuation-token": token,
        }  # fmt: skip
        reply = await send(call, "GET", connection.url(input.bucket, query=query))
        page = read(reply, "ListBucketResult")
        objects += [
            Listed(
                key=one["Key"],
                size=int(one["Size"]),
                etag=str(one.get("ETag") or "").strip('"'),
                last_modified=one["LastModified"],
                storage_class=one.get("StorageClass"),
            )
            for one in page.get("Contents") or []
        ]
        folders += [one["Prefix"] for one in page.get("CommonPrefixes") or []]
        token = page.get("NextContinuationToken") if page.get("IsTruncated") == "true" else None
        if token is None or len(objects) + len(folders) >= input.limit:
            return ListDone(objects=objects, folders=folders, more=token is not None)


class Presign(Input):
    """The inputs of `s3.presign`."""

    bucket: str | None = BUCKET
    key: str = Field(description="The key of the object.")
    method: Literal["GET", "PUT"] = Field("GET", description="GET to read it, PUT to write it.")
    expires_seconds: int = Field(
        3600, ge=1, le=WEEK_SECONDS, description="For how long the address is good; at most a week."
    )


class Presigned(Output):
    """An address that needs no key."""

    url: str = Field(description="The address; whoever has it may use it.")
    expires_seconds: int = Field(description="For how long it is good.")


@s3.action(
    after_crash="repeat",  # nothing is sent
    example="""\
action: s3.presign
connection: archive
with:
  key: "invoices/{{ payload.id }}.pdf"
  expires_seconds: 86400
""",
)
async def presign(call: Call, connection: S3Connection, input: Presign) -> Presigned:  # noqa: A002, ARG001 - the contract of an action
    """Make an address by which anyone can read or write an object for a time; nothing is sent."""
    if connection.session_token is not None:
        raise Rejected("such an address would hold the session_token; use a key without one")
    url = connection.url(input.bucket, input.key)
    signed = connection.signer().presigned(
        input.method, url, headers={"host": host(url)}, seconds=input.expires_seconds
    )
    return Presigned(url=signed, expires_seconds=input.expires_seconds)


def _content_type(file: FileInput | File | str) -> str:
    if isinstance(file, str):
        return "text/plain; charset=utf-8"
    return file.content_type if isinstance(file, FileInput) else str(file["content_type"])


def _metadata(given: dict[str, str]) -> dict[str, str]:
    for name, text in given.items():
        if not METADATA_NAME.fullmatch(name) or not text.isascii() or not text.isprintable():
            raise Rejected(
                f"metadata {in_brief(name, 100)!r}: names of a-z, 0-9 and -, and texts of ASCII in one line"
            )
    if sum(len(name) + len(text) for name, text in given.items()) > MOST_METADATA_BYTES:
        raise Rejected(f"metadata has at most {MOST_METADATA_BYTES:,} bytes in all")
    return {f"x-amz-meta-{name}": text for name, text in given.items()}
