"""Any service that speaks HTTP: `http.request`."""

from __future__ import annotations

import base64
import re
from email.message import Message
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
    Connector,
    FileInput,
    GivenFile,
    Input,
    Json,
    OutgoingRequest,
    Output,
    Part,
    Rejected,
    Reply,
    SecretStr,
)

http = Connector("http", title="HTTP", summary="Requests to any service that has an address.")

JSON_TYPE = re.compile(r"(application|text)/(json|[\w.+-]+\+json)")
TEXT_TYPE = re.compile(
    r"text/.*|application/(xml|[\w.+-]+\+xml|javascript|x-www-form-urlencoded|x-ndjson|(x-)?yaml)"
)
PartValue: TypeAlias = GivenFile | int | float | bool | None
UPPER = BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)


@http.connection("http")
class HttpConnection(Connection):
    """Credentials for a service: a bearer token, user and password, or a key in a header or query."""

    auth: Literal["bearer", "basic", "header", "query"] = Field(
        "bearer", description="How the service takes its credentials."
    )
    token: SecretStr | None = Field(None, description="The token, for `bearer`.")
    user: str | None = Field(None, description="The user, for `basic`.")
    password: SecretStr | None = Field(None, description="The password, for `basic`.")
    name: str | None = Field(
        None, description="The name of the header or query field, for `header` and `query`."
    )
    value: SecretStr | None = Field(None, description="Its value, for `header` and `query`.")
    base_url: str | None = Field(
        None,
        description="The start of all addresses; then `url` may be a path.",
        examples=["https://api.example.com/v1"],
    )
    hosts: list[str] | None = Field(
        None,
        description="Hosts that may get the credentials, such as api.example.com or "
        "*.example.com. Left out: the host of `base_url`, or any host that is called.",
    )

    @field_validator("base_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and (not re.match(r"https?://[^/?#]+", value) or "?" in value):
            raise ValueError("must start with https:// or http:// and a host, and have no query")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {
            "bearer": ("token",),
            "basic": ("user", "password"),
            "header": ("name", "value"),
            "query": ("name", "value"),
        }[self.auth]
        if missing := [name for name in wanted if getattr(self, name) is None]:
            raise ValueError(f"auth: {self.auth} needs {' and '.join(missing)}")
        return self

    def apply(self, request: OutgoingRequest) -> None:
        """Add the credentials in the way that `auth` says."""
        match self.auth:
            case "bearer":
                request.set_header("Authorization", f"Bearer {_shown(self.token)}")
            case "basic":
                pair = f"{self.user}:{_shown(self.password)}".encode()
                request.set_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
            case "header":
                request.set_header(self.name or "", _shown(self.value))
            case "query":
                request.query.append((self.name or "", _shown(self.value)))

    def bound_hosts(self) -> list[str] | None:
        """The hosts given, else the one of `base_url`."""
        if self.hosts is not None:
            return self.hosts
        return None if self.base_url is None else [urlsplit(self.base_url).hostname or ""]

    async def test(self, call: Call) -> str:
        """GET `base_url`: any answer but a refusal of the credentials is good."""
        if self.base_url is None:
            raise Rejected("give the connection a base_url to test it with")
        reply = await call.http.get(self.base_url)
        reply.accept(400, 404, 405, 406, 410, 415, 422)  # there is a service, and it let us in
        return f"{urlsplit(self.base_url).hostname} answered {reply.status}"


class Request(Input):
    """The inputs of `http.request`."""

    method: Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], UPPER] = Field(
        "GET", description="The method."
    )
    url: str = Field(
        description="The address; a path, where the connection has a `base_url`.",
        examples=["https://api.example.com/orders"],
    )
    query: dict[str, Any] | None = Field(
        None, description="Fields of the query, added to those of `url`; a list repeats its name."
    )
    headers: dict[str, str | int | float | bool | None] | None = Field(
        None, description="Headers; null leaves one out."
    )
    json_body: Json = Field(None, alias="json", description="A body sent as JSON.")
    form: dict[str, Any] | None = Field(None, description="A body sent as application/x-www-form-urlencoded.")
    multipart: dict[str, PartValue | list[PartValue]] | None = Field(
        None,
        description="A body sent as multipart/form-data: texts, files of the run, and files made "
        "on the spot as {filename, content_type, content} with content in base64.",
    )
    body: GivenFile | None = Field(None, description="A body sent as it is: a text, or a file.")
    timeout_seconds: float | None = Field(
        None,
        gt=0,
        description="How long to wait for the answer, at most the step's `timeout` (30 s unless "
        "it says otherwise).",
    )
    follow_redirects: bool = Field(True, description="Follow redirects, at most five.")
    expect: list[int] | int | None = Field(
        None,
        description="Statuses from 400 that are fine; any other from 400 fails the step.",
        examples=[[404], 409],
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        given = [
            name
            for name, value in (
                ("json", self.json_body),
                ("form", self.form),
                ("multipart", self.multipart),
                ("body", self.body),
            )
            if value is not None
        ]
        if len(given) > 1:
            raise ValueError(f"a request has one body, not {' and '.join(given)}")
        return self


class Response(Output):
    """The result of `http.request`; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: Json = Field(
        description="Parsed JSON, a text, a file where it is neither, or null where it is empty."
    )


@http.action(
    after_crash="repeat",
    example="""\
action: http.request
connection: crm
with:
  method: POST
  url: https://api.example.com/orders
  json: {id: "{{ payload.id }}", total: "{{ payload.total_price }}"}
  expect: [409]
""",
)
async def request(call: Call, connection: HttpConnection | None, input: Request) -> Response:  # noqa: A002 - the contract of an action
    """
    Send an HTTP request and give its answer.

    Every request carries an `Idempotency-Key` that is the same for each attempt, so that a
    service that knows such keys does the work once.
    """
    body, content_type = await _body(call, input.body)
    headers = dict(input.headers or {})
    if content_type is not None and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = content_type
    reply = await call.http.request(
        input.method,
        _address(input.url, connection),
        query=input.query,
        headers=headers,
        json=input.json_body,
        form=input.form,
        multipart=await _parts(call, input.multipart),
        body=body,
        timeout_seconds=input.timeout_seconds,
        follow_redirects=input.follow_redirects,
    )
    expected = [input.expect] if isinstance(input.expect, int) else input.expect or []
    reply.accept(*expected)
    return Response(status=reply.status, headers=dict(reply.headers), body=await _content(call, reply))


def _address(url: str, connection: HttpConnection | None) -> str:
    """The absolute address of *url*; a path stays below the connection's `base_url`."""
    url = url.strip()
    if connection is None or connection.base_url is None or re.match(r"[a-zA-Z][\w+.-]*:", url):
        return url
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    if any(unquote(part) in {".", ".."} for part in re.split(r"[/\\]|%2f|%5c", path, flags=re.IGNORECASE)):
        raise Rejected("url leaves the connection's base_url by `..`; `| urlencode` its parts")
    return f"{connection.base_url.rstrip('/')}/{url.lstrip('/')}"


async def _parts(call: Call, given: dict[str, PartValue | list[PartValue]] | None) -> dict[str, Any] | None:
    """The multipart fields with the bytes of their files."""
    if given is None:
        return None
    fields: dict[str, Any] = {}
    for name, value in given.items():
        ones = value if isinstance(value, list) else [value]
        fields[name] = [await _part(call, one) for one in ones]
    return fields


async def _part(call: Call, value: PartValue) -> str | float | bool | Part | None:
    match value:
        case FileInput():
            return Part(value.filename, value.content_type, await call.files.read(value))
        case dict():
            content = await call.files.read(value)
            return Part(str(value["filename"]), str(value["content_type"]), content)
    return value


async def _body(call: Call, given: GivenFile | None) -> tuple[bytes | str | None, str | None]:
    """A body that is sent as it is, and its content type where it is a file."""
    match given:
        case FileInput():
            return await call.files.read(given), given.content_type
        case dict():
            return await call.files.read(given), str(given["content_type"])
    return given, None


async def _content(call: Call, reply: Reply) -> Json:
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if JSON_TYPE.fullmatch(kind):
        return reply.json() if reply.content.strip() else None
    if TEXT_TYPE.fullmatch(kind):
        return reply.text()
    if not reply.content:
        return None
    if not kind:
        try:
            return reply.content.decode()
        except UnicodeDecodeError:
            kind = "application/octet-stream"
    return await call.files.save(reply.content, filename=_filename(reply), content_type=kind)


def _filename(reply: Reply) -> str:
    """The name that the answer gives its file, without a folder; else the end of its address."""
    message = Message()
    message["Content-Disposition"] = reply.headers.get("content-disposition", "")
    given = message.get_filename() or unquote(urlsplit(reply.url).path)
    name = re.split(r"[/\\]", given)[-1]
    name = "".join(one for one in name if one.isprintable()).strip(". ")
    return name[:200] or "download"


def _shown(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
