"""Any service that speaks HTTP: `http.request`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import unquote

from pydantic import BeforeValidator, Field, model_validator

from runner.connector import (
    Address,
    Basic,
    Bearer,
    Call,
    Connector,
    FileInput,
    GivenFile,
    Header,
    HttpCredentials,
    Input,
    Json,
    OAuth2,
    Output,
    Part,
    Query,
    Rejected,
    content_of,
)

http = Connector("http", title="HTTP", summary="Requests to any service that has an address.")

PartValue: TypeAlias = GivenFile | int | float | bool | None
UPPER = BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)


http.connection("basic")(Basic)
http.connection("bearer")(Bearer)
http.connection("header")(Header)
http.connection("query")(Query)
http.connection("oauth2")(OAuth2)


class Request(Input):
    """The inputs of `http.request`."""

    method: Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], UPPER] = Field(
        "GET", description="The method."
    )
    url: Address = Field(
        description="The address; a path, where the connection has an `api_url`.",
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
    allow_any_host: bool = Field(
        False,
        description="Lets an expression that reads what a sender sent decide on the host of `url`. "
        "Credentials of a connection go to its own hosts even so; secrets go where they are sent.",
    )
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

    status: int = Field(examples=[200])
    headers: dict[str, str]
    body: Json = Field(
        description="Parsed JSON, a text, a file where it is neither, or null where it is empty."
    )


@http.action(
    after_crash="repeat",
    effect="sends {n} {method} requests",
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
async def request(call: Call, connection: HttpCredentials | None, input: Request) -> Response:  # noqa: A002 - the contract of an action
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
    return Response(status=reply.status, headers=dict(reply.headers), body=await content_of(call, reply))


def _address(url: str, connection: HttpCredentials | None) -> str:
    """The absolute address of *url*; a path stays below the connection's `api_url`."""
    url = url.strip()
    if connection is None or connection.api_url is None or re.match(r"[a-zA-Z][\w+.-]*:", url):
        return url
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    if any(unquote(part) in {".", ".."} for part in re.split(r"[/\\]|%2f|%5c", path, flags=re.IGNORECASE)):
        raise Rejected("url leaves the connection's api_url by `..`; `| urlencode` its parts")
    return f"{connection.api_url.rstrip('/')}/{url.lstrip('/')}"


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
