"""`s3.*`, against a server that computes every signature anew, and AWS's published examples."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError
from yarl import URL

from connectors.s3.access import S3Connection
from connectors.s3.signing import Signer
from runner.connector import Call
from runner.errors import ActionError, ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting, silence
from tests.servers.raw_peer import unused_port
from tests.servers.s3_service import ACCESS_KEY_ID, BUCKET, REGION, SECRET, TOKEN, S3Service

MakeCall = Callable[..., Call]
ODD_KEYS = ["a b+c.txt", "ü/Ω~!'()*;:@&=$,?#[].json", "100%.txt", "a//b/", " both ", "%2e%2E/x"]
EXAMPLES = "https://examplebucket.s3.amazonaws.com"
EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture
async def service() -> AsyncIterator[S3Service]:
    async with S3Service() as one:
        yield one


def to(url: str | None, **fields: Any) -> S3Connection:
    base = {
        "access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET, "region": REGION, "bucket": BUCKET,
        "api_url": url,
    }  # fmt: skip
    return S3Connection.model_validate(base | fields)


@pytest.fixture
def act(service: S3Service, make_call: MakeCall) -> Acting:
    return Acting("s3", make_call, to(service.url))


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [
        ("GET", "/test.txt", {"Range": "bytes=0-9"}, b"",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("PUT", "/test$file.text",
         {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
         b"Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ("GET", "/?lifecycle", {}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?max-keys=2&prefix=J", {}, b"",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)  # fmt: skip
def test_signatures_are_those_of_the_reference(
    method: str, path: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    """The four examples of "Authenticating Requests: Using the Authorization Header"."""
    signer = Signer(ACCESS_KEY_ID, SECRET, "us-east-1", datetime(2013, 5, 24, tzinfo=UTC))
    digest = hashlib.sha256(body).hexdigest()
    all_of_them = headers | {
        "Host": "examplebucket.s3.amazonaws.com", "x-amz-content-sha256": digest, "x-amz-date": signer.stamp
    }  # fmt: skip

    said = signer.authorization(method, EXAMPLES + path, all_of_them, digest)

    assert said.endswith(f",Signature={signature}")


def test_a_presigned_address_is_that_of_the_reference() -> None:
    """The example of "Authenticating Requests: Using Query Parameters"."""
    signer = Signer(ACCESS_KEY_ID, SECRET, "us-east-1", datetime(2013, 5, 24, tzinfo=UTC))

    url = signer.presigned(
        "GET", f"{EXAMPLES}/test.txt", headers={"host": "examplebucket.s3.amazonaws.com"}, seconds=86400
    )

    assert url == (
        f"{EXAMPLES}/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={ACCESS_KEY_ID}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


async def test_an_object_is_written_read_and_deleted(act: Acting, service: S3Service, files: Any) -> None:
    kept = await files.save(b"\x00\xff", filename="a.pdf", content_type="application/pdf")

    put = await act("put_object", key="in/a.pdf", file=kept, metadata={"order": "7"})
    got = await act("get_object", key="in/a.pdf")
    gone = await act("delete_object", key="in/a.pdf")
    again = await act("delete_object", key="in/a.pdf")

    etag = hashlib.md5(b"\x00\xff").hexdigest()
    assert put == {"bucket": BUCKET, "key": "in/a.pdf", "etag": etag, "version_id": "v1"}
    assert got == {
        "file": kept, "etag": etag, "last_modified": "Wed, 12 Oct 2022 17:50:00 GMT",
        "metadata": {"order": "7"},
    }  # fmt: skip
    assert gone == again == {"key": "in/a.pdf", "marker": False}
    assert service.objects == {}


async def test_texts_and_files_made_on_the_spot_have_their_types(act: Acting, service: S3Service) -> None:
    await act("put_object", key="1", file="Grüße")
    await act("put_object", key="2", file={"filename": "b", "content_type": "text/csv", "content": "YTti"})
    await act("put_object", key="3", file="{}", content_type="application/json")

    assert [(content, told["content-type"]) for content, told in service.objects.values()] == [
        ("Grüße".encode(), "text/plain; charset=utf-8"), (b"a;b", "text/csv"), (b"{}", "application/json"),
    ]  # fmt: skip


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_a_key_is_what_it_says_whatever_it_holds(act: Acting, service: S3Service, key: str) -> None:
    await act("put_object", key=key, file="x")

    assert list(service.objects) == [key]
    assert (await act("get_object", key=key))["etag"]
    assert [one["key"] for one in (await act("list_objects", prefix=key))["objects"]] == [key]


@pytest.mark.parametrize("key", ["..", "a/../b", "./a", "", "x" * 1025])
async def test_a_key_that_would_lead_elsewhere_is_refused(act: Acting, service: S3Service, key: str) -> None:
    with pytest.raises(Rejected, match=r"another place|1 to 1024 bytes"):
        await act("delete_object", key=key)
    assert service.requests == []


@pytest.mark.parametrize("bucket", ["a", "A-b-c", "evil.example/x", "a..b", "x@y.z", "-abc"])
async def test_a_bucket_that_would_be_another_host_is_refused(act: Acting, bucket: str) -> None:
    with pytest.raises(Rejected, match="is no bucket"):
        await act("get_object", bucket=bucket, key="k")


async def test_lists_go_on_from_page_to_page_up_to_the_limit(act: Acting, service: S3Service) -> None:
    service.put(*(f"k/{number:04}" for number in range(2100)), "z")

    some = await act("list_objects", prefix="k/", limit=2050)
    whole = await act("list_objects", limit=5000)
    behind = await act("list_objects", start_after="k/2098")

    assert (len(some["objects"]), some["more"]) == (2050, True)
    assert (len(whole["objects"]), whole["more"]) == (2101, False)
    assert [one.query["max-keys"] for one in service.requests[:3]] == ["1000", "1000", "50"]
    assert [one["key"] for one in behind["objects"]] == ["k/2099", "z"]
    assert behind["objects"][0] | {"etag": ""} == {
        "key": "k/2099", "size": 6, "etag": "", "last_modified": "2022-10-12T17:50:30.000Z",
        "storage_class": "STANDARD",
    }  # fmt: skip


async def test_keys_are_taken_together_as_folders(act: Acting, service: S3Service) -> None:
    service.put("a/1", "a/2", "b & c/1", "d")

    found = await act("list_objects", delimiter="/")
    empty = await act("list_objects", prefix="nothing")

    assert (found["folders"], [one["key"] for one in found["objects"]]) == (["a/", "b & c/"], ["d"])
    assert empty == {"objects": [], "folders": [], "more": False}


async def test_whoever_has_a_presigned_address_reads_and_writes(act: Acting, service: S3Service) -> None:
    service.put("a b/ü+.txt")
    read = await act("presign", key="a b/ü+.txt", expires_seconds=60)
    write = await act("presign", key="new", method="PUT")

    async with aiohttp.ClientSession() as anyone:
        async with anyone.get(URL(read["url"], encoded=True)) as answer:
            assert await answer.read() == "a b/ü+.txt".encode()
        async with anyone.put(URL(write["url"], encoded=True), data=b"hi") as answer:
            assert answer.status == 200
        async with anyone.delete(URL(read["url"], encoded=True)) as answer:
            assert answer.status == 403
    assert service.objects["new"][0] == b"hi"
    assert SECRET not in read["url"]
    with pytest.raises(Rejected, match="would hold the session_token"):
        await Acting("s3", act.make_call, to(service.url, session_token=TOKEN))("presign", key="k")


async def test_an_object_that_is_there_is_left_alone_if_asked(act: Acting, service: S3Service) -> None:
    await act("put_object", key="k", file="1", if_absent=True)
    with pytest.raises(Rejected, match=r"PreconditionFailed.*`if_absent` says to leave it"):
        await act("put_object", key="k", file="2", if_absent=True)
    assert service.objects["k"][0] == b"1"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"metadata": {"Big": "x"}}, "names of a-z"), ({"metadata": {"a": "ü"}}, "texts of ASCII"),
        ({"metadata": {"a": "x\r\nEvil: 1"}}, "in one line"),
        ({"metadata": {"a": "x" * 2048}}, "2,048 bytes"),
        ({"content_type": "text"}, "is no content type"),
        ({"content_type": "a/b\r\nEvil: 1"}, "is no content"),
    ],
)  # fmt: skip
async def test_what_cannot_stand_in_a_header_is_refused(act: Acting, inputs: Any, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        await act("put_object", key="k", file="x", **inputs)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"access_key_id": "AKIAOTHER"}, "does not know this access_key_id"),
        ({"secret_access_key": "another"}, "is not the one of this access_key_id"),
        ({"region": "us-west-2"}, "mend region or api_url"),
        ({"session_token": "old"}, "session_token is not of this key"),
    ],
)
async def test_a_key_that_is_not_taken_is_the_connections_fault(
    service: S3Service, make_call: MakeCall, fields: Any, says: str
) -> None:
    connection = to(service.url, **fields)
    with pytest.raises(ConnectionRejected, match=says) as caught:
        await connection.test(make_call(connection))
    for secret in (SECRET, "another", "old"):
        assert secret not in repr(connection)
    assert SECRET not in str(caught.value)


async def test_the_test_says_what_the_key_sees(service: S3Service, make_call: MakeCall) -> None:
    for fields, says in (
        ({}, f"the key {ACCESS_KEY_ID} may list the bucket {BUCKET}"),
        ({"session_token": TOKEN}, f"the key {ACCESS_KEY_ID} may list the bucket {BUCKET}"),
        ({"bucket": None}, f"the key {ACCESS_KEY_ID} sees 1 bucket"),
    ):
        connection = to(service.url, **fields)
        assert await connection.test(make_call(connection)) == says
    with pytest.raises(Rejected, match="name a bucket"):
        await Acting("s3", make_call, to(service.url, bucket=None))("get_object", key="k")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "NoSuchKey", Rejected), (404, "NoSuchBucket", Rejected), (400, "InvalidRequest", Rejected),
        (403, "AccessDenied", ConnectionRejected), (403, "RequestTimeTooSkewed", ConnectionRejected),
        (400, "ExpiredToken", ConnectionRejected), (403, "Unheard", ConnectionRejected),
        (503, "SlowDown", Unavailable), (400, "RequestTimeout", Unavailable),
        (409, "OperationAborted", Unavailable), (500, "InternalError", OutcomeUnknown),
    ],
)  # fmt: skip
async def test_each_code_has_its_meaning(
    act: Acting, service: S3Service, status: int, code: str, error: type[ActionError]
) -> None:
    service.refuse(status, code, "in words", Retry_After="7")
    with pytest.raises(error, match=f"S3 answered {status} {code}: in words") as caught:
        await act("put_object", key="k", file="x")
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 7


async def test_a_bucket_of_another_region_is_told_with_its_region(act: Acting, service: S3Service) -> None:
    service.refuse(301, "PermanentRedirect", Location="http://evil.example/", x_amz_bucket_region="eu-west-1")
    with pytest.raises(ConnectionRejected, match="the bucket is in the region eu-west-1"):
        await act("get_object", key="k")
    service.refuse(400, "AuthorizationHeaderMalformed", extra="<Region>eu-west-3</Region>")
    with pytest.raises(ConnectionRejected, match="the bucket is in the region eu-west-3"):
        await act("get_object", key="k")
    assert len(service.requests) == 2


async def test_an_answer_that_is_not_s3s_is_judged_by_its_status(act: Acting, service: S3Service) -> None:
    for status, error in ((503, Unavailable), (502, OutcomeUnknown), (404, Rejected)):
        service.reply(status, body="<html>proxy</html>", headers={"Content-Type": "text/html"})
        with pytest.raises(error):
            await act("get_object", key="k")
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]><ListBucketResult>&b;</ListBucketResult>'
    for body in ("not xml", bomb, "<Other/>"):
        service.reply(200, body=body)
        with pytest.raises(OutcomeUnknown, match="without a ListBucketResult"):
            await act("list_objects")


async def test_a_service_that_is_silent_or_away(act: Acting, service: S3Service, make_call: MakeCall) -> None:
    service.handler = silence
    with pytest.raises(TimedOut):
        await act("put_object", timeout_seconds=0.3, key="k", file="x")
    away = Acting("s3", make_call, to(f"http://127.0.0.1:{unused_port()}"))
    with pytest.raises(Unavailable):
        await away("get_object", key="k")


def test_where_an_object_of_aws_is() -> None:
    connection = to(None)

    assert connection.url(None, "a b") == f"https://{BUCKET}.s3.{REGION}.amazonaws.com/a%20b"
    assert connection.url("my.own", "k") == f"https://s3.{REGION}.amazonaws.com/my.own/k"
    assert connection.bound_hosts() == [f"s3.{REGION}.amazonaws.com", f"*.s3.{REGION}.amazonaws.com"]
    assert to("https://minio.example:9000").bound_hosts() == ["minio.example"]


@pytest.mark.parametrize(
    "fields",
    [{"region": "evil.example/"}, {"api_url": "ftp://x"}, {"api_url": "https://u@x"}, {"bucket": "A"},
     {"access_key_id": "a/b"}],
)  # fmt: skip
def test_a_connection_that_cannot_be_is_refused(fields: Any) -> None:
    with pytest.raises(ValidationError):
        to(None, **fields)
