"""
Who we are at S3, how its requests look, and what its errors mean.

Sources: Amazon S3 API Reference, "Error responses" (codes) and "REST error responses"; Amazon S3 User
Guide, "Bucket naming rules", "Creating object key names", "Virtual hosting".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import xmltodict
from pydantic import Field, field_validator

from connectors.s3.signing import UNSIGNED, Signer, encoded
from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    OutcomeUnknown,
    OutgoingRequest,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

LISTS = ("Contents", "CommonPrefixes", "Bucket")
EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()
BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
LONGEST_KEY_BYTES = 1024
SIGNED = re.compile(r"x-amz-.*|content-type|if-none-match", re.IGNORECASE)
SESSION_MENDS = {
    "InvalidAccessKeyId": "the service does not know this access_key_id",
    "SignatureDoesNotMatch": "the secret_access_key is not the one of this access_key_id",
    "ExpiredToken": "the session_token is over; get another, or use a key without one",
    "InvalidToken": "the session_token is not of this key",
    "RequestTimeTooSkewed": "the clock of this server is wrong by more than 15 minutes",
    "AccessDenied": "the key lacks a right that this needs; see the policies of user and bucket",
    "AllAccessDisabled": "the service has closed this bucket",
    "AccountProblem": "there is a problem with the account; ask the service",
}
MENDS = {
    "NoSuchBucket": "there is no bucket of this name here; see bucket, region and api_url",
    "NoSuchKey": "there is no object of this key",
    "EntityTooLarge": "put_object takes up to 5 GiB",
    "InvalidObjectState": "the object is archived; restore it first",
    "PreconditionFailed": "there is such an object, and `if_absent` says to leave it",
}
# nothing was done, by the words of the reference: come again
PASSING = frozenset(
    {"SlowDown", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict"}
)


class S3Connection(Connection):
    """An access key of S3, or of a service that speaks its protocol (MinIO, R2, Spaces, Ceph)."""

    title: ClassVar[str] = "S3"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At AWS open IAM, Users, the user, Security credentials, and choose Create access key; copy both "
            "its parts."
        ),
        "Let the user do what the steps do: s3:GetObject, s3:PutObject and s3:ListBucket on the bucket.",
        (
            "The region is that of the bucket. Another service (MinIO, R2, Spaces): give the address of its "
            "endpoint under More options."
        ),
    )

    access_key_id: str = Field(description="The id of the key.", min_length=1, pattern=r"^[^\s/,]+$")
    secret_access_key: SecretStr = Field(description="The key itself.", min_length=1)
    session_token: SecretStr | None = Field(None, description="The token of a key for a limited time.")
    region: str = Field(
        "us-east-1",
        description="The region of the buckets; R2 wants auto, most other services take any.",
        pattern=r"^[a-z0-9-]{1,40}$",
    )
    bucket: str | None = Field(None, description="The bucket where a step names none.")
    api_url: str | None = Field(
        None,
        description="The address of another service, or a region's own; left out: AWS.",
        examples=["https://minio.example.com:9000"],
    )

    @field_validator("api_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", value):
            raise ValueError("must start with https:// or http:// and a host, and have no query")
        return value.rstrip("/") if value else None

    @field_validator("bucket")
    @classmethod
    def _bucket(cls, value: str | None) -> str | None:
        if value is not None and not BUCKET.fullmatch(value):
            raise ValueError("3 to 63 small letters, digits, dots and hyphens")
        return value

    def bound_hosts(self) -> Sequence[str]:
        """AWS's hosts of the region, or the one of `api_url`."""
        if self.api_url is not None:
            return [urlsplit(self.api_url).hostname or ""]
        home = f"s3.{self.region}.amazonaws.com"
        return [home, f"*.{home}"]

    def apply(self, request: OutgoingRequest) -> None:
        """Sign the request; the digest of its body stands in it."""
        signer = self.signer()
        request.set_header("x-amz-date", signer.stamp)
        if self.session_token is not None:
            request.set_header("x-amz-security-token", self.session_token.get_secret_value())
        digest = next(
            (text for name, text in request.headers.items() if name.lower() == "x-amz-content-sha256"),
            UNSIGNED,
        )
        headers = {name: text for name, text in request.headers.items() if SIGNED.fullmatch(name)}
        headers["host"] = host(request.url)
        request.set_header(
            "Authorization", signer.authorization(request.method, request.url, headers, digest)
        )

    def signer(self) -> Signer:
        """What signs for this key, now."""
        secret = self.secret_access_key.get_secret_value()
        return Signer(self.access_key_id, secret, self.region, datetime.now(UTC))

    def url(self, bucket: str | None, key: str | None = None, query: Mapping[str, Any] | None = None) -> str:
        """
        The address of an object, or of a bucket.

        Raises:
            Rejected: no bucket, or a name that cannot be one; a key that would lead elsewhere.
        """
        name = bucket or self.bucket
        if name is None:
            raise Rejected("name a bucket here or in the connection")
        if not BUCKET.fullmatch(name):
            raise Rejected(
                f"{in_brief(name, 100)!r} is no bucket: 3 to 63 small letters, digits, dots and hyphens"
            )
        if self.api_url is not None:
            base = f"{self.api_url}/{name}"
        elif "." in name:  # a certificate for *.s3… is not for a.b.s3…
            base = f"https://s3.{self.region}.amazonaws.com/{name}"
        else:
            base = f"https://{name}.s3.{self.region}.amazonaws.com"
        path = "" if key is None else encoded(_key(key), safe="/")
        given = {one: str(value) for one, value in (query or {}).items() if value is not None}
        fields = "&".join(f"{encoded(one)}={encoded(value)}" for one, value in given.items())
        return f"{base}/{path}?{fields}" if fields else f"{base}/{path}"

    async def test(self, call: Call) -> str:
        """Ask for one object of the bucket, or for the buckets."""
        if self.bucket is not None:
            await send(call, "GET", self.url(self.bucket, query={"list-type": 2, "max-keys": 1}))
            return f"the key {self.access_key_id} may list the bucket {self.bucket}"
        home = self.api_url or f"https://s3.{self.region}.amazonaws.com"
        found = read(await send(call, "GET", f"{home}/"), "ListAllMyBucketsResult")
        buckets = found.get("Buckets")
        count = len(buckets.get("Bucket") or []) if isinstance(buckets, dict) else 0
        return f"the key {self.access_key_id} sees {count} bucket{'' if count == 1 else 's'}"


def host(url: str) -> str:
    """The `Host` that goes with an address: without the port that its scheme has anyway."""
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return name if parts.port in {None, usual} else f"{name}:{parts.port}"


async def send(
    call: Call,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """
    Send a request whose body is signed too.

    Raises:
        ActionError: by the code that S3 answered with.
    """
    digest = EMPTY_DIGEST if body is None else hashlib.sha256(body).hexdigest()
    reply = await call.http.request(
        method,
        url,
        headers={**(headers or {}), "x-amz-content-sha256": digest},
        body=body,
        follow_redirects=False,  # to another region, for which the signature would not be good
    )
    if reply.status >= 300:
        _refused(reply)
    return reply


def read(reply: Reply, name: str) -> dict[str, Any]:
    """The document *name* that S3 answered with. Raises OutcomeUnknown: it is none."""
    try:
        document = xmltodict.parse(  # with white space: a key may begin or end with it
            reply.content, force_list=LISTS, disable_entities=True, strip_whitespace=False
        )
    except (ExpatError, ValueError):
        document = {}
    found = document.get(name)
    if not isinstance(found, dict):
        raise OutcomeUnknown(f"S3 answered {reply.status} without a {name}")
    return found


def _refused(reply: Reply) -> NoReturn:
    try:
        error = read(reply, "Error")
    except OutcomeUnknown:  # an answer to HEAD, or of something in between
        error = {}
    code = str(error.get("Code") or "")
    said = f"S3 answered {reply.status} {code}: {in_brief(error.get('Message') or '', 200)}"
    said = said.removesuffix(": ")
    region = reply.headers.get("x-amz-bucket-region") or error.get("Region")
    if reply.status < 400 or code in {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}:
        where = f"the bucket is in the region {region}" if region else "the bucket is elsewhere"
        raise ConnectionRejected(f"{said}; {where}; mend region or api_url of the connection")
    if code in SESSION_MENDS:
        raise ConnectionRejected(f"{said}; {SESSION_MENDS[code]}")
    if code in PASSING:
        raise Unavailable(said, retry_after_seconds=reply.retry_after(), cause=str(reply.status))
    if code in MENDS:
        raise Rejected(f"{said}; {MENDS[code]}")
    if not code:
        reply.accept()
    if reply.status in {401, 403}:
        raise ConnectionRejected(said)
    if reply.status >= 500:
        raise OutcomeUnknown(said, cause=str(reply.status))
    raise Rejected(said)


def _key(key: str) -> str:
    if not key or len(key.encode(errors="replace")) > LONGEST_KEY_BYTES:
        raise Rejected(f"a key has 1 to {LONGEST_KEY_BYTES} bytes")
    if {".", ".."} & set(key.split("/")):
        raise Rejected(f"{in_brief(key, 100)!r}: a part of a key that is . or .. would lead to another place")
    return key
