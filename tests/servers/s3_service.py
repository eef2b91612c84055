"""
S3 on loopback, path-style, in the shapes of its API reference. Each request's signature is computed anew
from what arrived, with what the reference says of it, and must be the one that was sent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "s3ss10n+t0ken/of=the=key"
REGION = "eu-central-1"
BUCKET = "shop-archive"
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MOST_SKEW = timedelta(minutes=15)


class Refused(Exception):
    """A request that S3 answers with an error: status, code and message."""


class S3Service(HttpSink):
    """`objects` are (content, headers) by key."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = self._answer
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}

    def put(self, *keys: str) -> None:
        """Have objects of these keys, each with its key as content."""
        self.objects.update({key: (key.encode(), {"Content-Type": "text/plain"}) for key in keys})

    def refuse(self, status: int, code: str, message: str = "no", extra: str = "", **headers: str) -> None:
        """Answer the next request so."""
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        self.reply(
            status, body=_error(code, message, extra), headers={"Content-Type": "application/xml", **told}
        )

    async def _answer(self, received: Received) -> web.Response:
        try:
            check_signature(received)
            return self._done(received)
        except Refused as refused:
            status, code, message = refused.args
            return web.Response(status=status, text=_error(code, message), content_type="application/xml")

    def _done(self, received: Received) -> web.Response:
        bucket, _, raw = received.request.raw_path.partition("?")[0].removeprefix("/").partition("/")
        key = unquote(raw)
        if not bucket:
            inside = f"<Owner/><Buckets><Bucket><Name>{BUCKET}</Name></Bucket></Buckets>"
            return _document("ListAllMyBucketsResult", inside)
        if bucket != BUCKET:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist")
        if not key:
            return self._list(received)
        if received.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        if received.method == "PUT":
            if received.headers.get("if-none-match") == "*" and key in self.objects:
                raise Refused(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")
            kept = {
                name: text
                for name, text in received.headers.items()
                if name == "content-type" or name.startswith("x-amz-meta-")
            }
            self.objects[key] = received.body, kept
            return web.Response(headers={"ETag": f'"{_etag(received.body)}"', "x-amz-version-id": "v1"})
        if key not in self.objects:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        content, kept = self.objects[key]
        told = {"ETag": f'"{_etag(content)}"', "Last-Modified": "Wed, 12 Oct 2022 17:50:00 GMT"}
        return web.Response(body=content, headers={**kept, **told})

    def _list(self, received: Received) -> web.Response:
        query = received.query
        if received.method != "GET" or query.get("list-type") != "2":
            raise Refused(405, "MethodNotAllowed", "The specified method is not allowed")
        after = query.get("start-after", "")
        if "continuation-token" in query:
            after = b64decode(query["continuation-token"], validate=True).decode()
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        found: dict[str, str] = {}
        for key in sorted(self.objects):
            if not key.startswith(prefix):
                continue
            head, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            name = f"{prefix}{head}{cut}" if cut else key
            if name > after:
                found.setdefault(name, "folder" if cut else "object")
        names = list(found)[: int(query.get("max-keys", "1000"))]
        inside = f"<Name>{BUCKET}</Name><IsTruncated>{str(len(names) < len(found)).lower()}</IsTruncated>\n"
        if len(names) < len(found):
            token = b64encode(names[-1].encode()).decode()
            inside += f"<NextContinuationToken>{token}</NextContinuationToken>"
        for name in names:
            if found[name] == "folder":
                inside += f"<CommonPrefixes>\n<Prefix>{escape(name)}</Prefix></CommonPrefixes>"
                continue
            content = self.objects[name][0]
            inside += (
                f"<Contents>\n<Key>{escape(name)}</Key><LastModified>2022-10-12T17:50:30.000Z</LastModified>"
                f"<ETag>&quot;{_etag(content)}&quot;</ETag><Size>{len(content)}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
        return _document("ListBucketResult", inside)


def check_signature(received: Received) -> None:
    """Raises Refused: the signature, in the header or in the query, is not that of this request."""
    raw_path, _, raw_query = received.request.raw_path.partition("?")
    pairs = [tuple(one.partition("=")[::2]) for one in raw_query.split("&") if one]
    query = {unquote(name): unquote(value) for name, value in pairs}
    if "X-Amz-Signature" in query:
        credential, names, sent = (
            query[f"X-Amz-{one}"] for one in ("Credential", "SignedHeaders", "Signature")
        )
        stamp, digest = query["X-Amz-Date"], "UNSIGNED-PAYLOAD"
        longest = timedelta(seconds=int(query["X-Amz-Expires"]))
        pairs = [one for one in pairs if one[0] != "X-Amz-Signature"]
    else:
        given = received.headers.get("authorization", "")
        form = r"AWS4-HMAC-SHA256 Credential=(\S+?), ?SignedHeaders=(\S+?), ?Signature=([0-9a-f]{64})"
        found = re.fullmatch(form, given)
        if found is None:
            raise Refused(403, "AccessDenied", "Access Denied")
        credential, names, sent = found.groups()
        stamp, digest = received.headers["x-amz-date"], received.headers["x-amz-content-sha256"]
        longest = MOST_SKEW
        if digest != hashlib.sha256(received.body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch", "The provided x-amz-content-sha256 is wrong")
    key_id, day, region, service, end = credential.split("/")
    if key_id != ACCESS_KEY_ID:
        raise Refused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist")
    if (region, service, end) != (REGION, "s3", "aws4_request"):
        raise Refused(400, "AuthorizationHeaderMalformed", f"the region is wrong; expecting '{REGION}'")
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if not -MOST_SKEW < datetime.now(UTC) - at < longest or not stamp.startswith(day):
        raise Refused(403, "RequestTimeTooSkewed", "The difference between the times is too large.")
    if received.headers.get("x-amz-security-token", TOKEN) != TOKEN:
        raise Refused(400, "InvalidToken", "The provided token is malformed or otherwise not valid.")
    signed = names.split(";")
    needed = {"host", *(one for one in received.headers if one.startswith("x-amz-"))}
    if signed != sorted(signed) or not needed <= set(signed):
        raise Refused(403, "AccessDenied", "There were headers present in the request which were not signed")
    canonical = "\n".join(
        [
            received.method,
            quote(unquote(raw_path), safe="/-_.~"),
            "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs)),
            *(f"{one}:{received.headers[one].strip()}" for one in signed),
            "",
            names,
            digest,
        ]
    )
    scope = f"{day}/{region}/{service}/{end}"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + SECRET.encode()
    for part in (day, region, service, end, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if key.hex() != sent:
        raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _etag(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def _error(code: str, message: str, extra: str = "") -> str:
    start = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{start}<Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"


def _document(name: str, inside: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">{inside}</{name}>'
    return web.Response(text=text, content_type="application/xml")
