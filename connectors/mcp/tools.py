"""
`mcp.call`, `mcp.list_tools`, and the tools that a server can list.

Sources: modelcontextprotocol.io, specification 2026-07-28: "Tools" (results, errors, x-mcp-header),
"Multi Round-Trip Requests", "Pagination".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, Field

from connectors.mcp.session import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    MODERN,
    RpcError,
    Session,
    Way,
    address,
    header_value,
    mcp,
    opened,
)
from runner.connector import Call, Choice, Choices, Input, Json, OutcomeUnknown, Output, Rejected, in_brief

MOST_PAGES = 20  # of a list of tools, looked through for one
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
SAFE_INTEGER = 2**53 - 1


class CallTool(Input):
    """The inputs of `mcp.call`."""

    url: str | None = Field(
        None,
        description="The server's MCP endpoint; left out: the connection's `api_url`.",
        examples=["https://mcp.example.com/mcp"],
    )
    tool: str = Field(description="The tool's name.", min_length=1, max_length=256)
    arguments: dict[str, Any] | None = Field(
        None, description="What the tool is given, as its schema has it."
    )
    accept_errors: bool = Field(
        False, description="Give what a tool says went wrong (`is_error`) in place of failing."
    )


class Called(Output):
    """What the tool gave."""

    text: str = Field(description="All of its texts, one below the other.")
    structured: Json = Field(description="Its result as data, if the tool has one; else null.")
    content: list[dict[str, Any]] = Field(
        description="Its parts in order; pictures, sound and binary resources are files, under `file`."
    )
    is_error: bool = Field(
        description="Whether it says that something went wrong; only with `accept_errors`."
    )


class ListTools(Input):
    """The inputs of `mcp.list_tools`."""

    url: str | None = Field(
        None, description="The server's MCP endpoint; left out: the connection's `api_url`."
    )
    limit: int = Field(100, description="At most so many tools.", ge=1, le=500)


class Tool(BaseModel):
    """A tool of a server."""

    name: str = Field(description="What it is called by.")
    title: str | None = Field(description="What people call it.")
    description: str | None = Field(description="What it does, in its server's words.")
    input_schema: dict[str, Any] = Field(description="The JSON Schema of its arguments.")


class Listed(Output):
    """The tools, in the server's order."""

    server: str = Field(description="Who the server says it is.")
    tools: list[Tool] = Field(description="What each is and takes.")
    more: bool = Field(description="Whether the server has more than are given here.")


@mcp.action(
    # The protocol has no idempotency key, and nobody knows what a tool does: what its server says of
    # it is not to be trusted. A step whose tool only reads says `after_crash: repeat`.
    after_crash="stop",
    example="""\
action: mcp.call
connection: docs-mcp
after_crash: repeat  # it only reads
with:
  tool: search
  arguments: {query: "{{ payload.question }}", limit: 3}
""",
)
async def call(call: Call, connection: Way, input: CallTool) -> Called:  # noqa: A002 - the contract of an action
    """
    Call a tool of an MCP server over streamable HTTP.

    A tool that says it failed fails the step. One that asks a person for something in between cannot be
    used here, and what a tool gives is text from outside like any other.
    """
    params = {"name": input.tool, "arguments": input.arguments or {}}
    async with opened(call, address(connection, input.url)) as session:
        try:
            result = await _call(session, params)
        except RpcError as error:
            _fail(error, input.tool)
    if result.get("resultType") == "input_required":
        raise Rejected(
            f"the tool {input.tool} asks a person for something in between, which a step cannot give"
        )
    parts = [one for one in _list(result.get("content")) if isinstance(one, dict)]
    text = "\n".join(str(one["text"]) for one in parts if one.get("type") == "text" and "text" in one)
    if result.get("isError") is True and not input.accept_errors:
        raise Rejected(f"the tool {input.tool} failed: {in_brief(text, 500) or 'it does not say why'}")
    return Called(
        text=text,
        structured=result.get("structuredContent"),
        content=[await _kept(call, one, number) for number, one in enumerate(parts, start=1)],
        is_error=result.get("isError") is True,
    )


@mcp.action(
    after_crash="repeat",  # it only reads
    example="""\
action: mcp.list_tools
connection: docs-mcp
""",
)
async def list_tools(call: Call, connection: Way, input: ListTools) -> Listed:  # noqa: A002 - the contract of an action
    """List the tools of an MCP server, with the schema of what each is given."""
    tools: list[Tool] = []
    cursor: str | None = None
    async with opened(call, address(connection, input.url)) as session:
        for _ in range(MOST_PAGES):
            found, cursor = await _page(session, cursor)
            tools += [_tool(one) for one in found]
            if cursor is None or len(tools) >= input.limit:
                break
    more = cursor is not None or len(tools) > input.limit
    return Listed(server=session.server, tools=tools[: input.limit], more=more)


@mcp.choices("call.tool")
async def tools(
    call: Call, connection: Way, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The server's tools."""
    url = given.get("url")
    async with opened(call, address(connection, url if isinstance(url, str) else None)) as session:
        found, following = await _page(session, cursor)
    wanted = search.strip().lower()
    items = [
        Choice(value=one.name, label=one.title or one.name, note=(one.description or "")[:200])
        for one in map(_tool, found)
    ]
    return Choices(
        items=[one for one in items if wanted in f"{one.value} {one.label}".lower()], next=following
    )


async def _call(session: Session, params: Mapping[str, Any]) -> dict[str, Any]:
    """
    Call the tool. A server that wants some arguments in headers as well refuses a call without them
    before it does anything; then the tool's schema says which.
    """
    try:
        return await session.request("tools/call", params)
    except RpcError as error:
        if error.code != HEADER_MISMATCH or session.version != MODERN:
            raise
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        found, cursor = await _page(session, cursor)
        for one in found:
            if one["name"] == params["name"]:
                headers = dict(_mirrored(one.get("inputSchema"), params["arguments"]))
                return await session.request("tools/call", params, headers)
        if cursor is None:
            break
    raise Rejected(f"the server has no tool {params['name']}")


def _mirrored(schema: object, arguments: object) -> Iterator[tuple[str, str]]:
    """The headers that a tool's schema (`x-mcp-header`) wants of *arguments*, at the same path."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not isinstance(arguments, dict):
        return
    for name, inner in properties.items():
        value = arguments.get(name)
        if not isinstance(inner, dict) or value is None:
            continue
        header = inner.get("x-mcp-header")
        if isinstance(header, str) and TOKEN.fullmatch(header) and (text := _primitive(value)) is not None:
            yield f"Mcp-Param-{header}", header_value(text)
        yield from _mirrored(inner, value)


def _primitive(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) <= SAFE_INTEGER:
        return str(value)
    return value if isinstance(value, str) else None


def _fail(error: RpcError, tool: str) -> NoReturn:
    if error.code == INTERNAL_ERROR:
        raise OutcomeUnknown(f"the MCP server failed inside: {error.said}", cause="500") from None
    raise Rejected(f"the MCP server refuses {tool} ({error.code}): {error.said}") from None


async def _page(session: Session, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    try:
        found = await session.request("tools/list", {} if cursor is None else {"cursor": cursor})
    except RpcError as error:
        raise Rejected(f"the MCP server does not list its tools ({error.code}): {error.said}") from None
    rows = [one for one in _list(found.get("tools")) if isinstance(one, dict)]
    following = found.get("nextCursor")
    named = [one for one in rows if isinstance(one.get("name"), str)]
    return named, following if isinstance(following, str) and following else None


def _tool(found: Mapping[str, Any]) -> Tool:
    schema, title, said = found.get("inputSchema"), found.get("title"), found.get("description")
    return Tool(
        name=found["name"],
        title=title if isinstance(title, str) else None,
        description=said[:2000] if isinstance(said, str) else None,
        input_schema=schema if isinstance(schema, dict) else {},
    )


async def _kept(call: Call, part: dict[str, Any], number: int) -> dict[str, Any]:
    """A part of a result; bytes in it become a file of the run."""
    resource = part.get("resource")
    if isinstance(resource, dict) and isinstance(resource.get("blob"), str):
        kept = await _file(
            call, resource["blob"], resource.get("mimeType"), str(resource.get("uri") or ""), number
        )
        rest = {name: value for name, value in resource.items() if name != "blob"}
        return {**part, "resource": {**rest, "file": kept}}
    if part.get("type") in {"image", "audio"} and isinstance(part.get("data"), str):
        kept = await _file(call, part["data"], part.get("mimeType"), "", number)
        return {**{name: value for name, value in part.items() if name != "data"}, "file": kept}
    return part


async def _file(call: Call, encoded: str, kind: object, uri: str, number: int) -> Json:
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise OutcomeUnknown("the tool gave a file that is not base64") from None
    kind = (
        kind
        if isinstance(kind, str) and re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind)
        else "application/octet-stream"
    )
    name = re.sub(r"[^\w.-]", "_", re.split(r"[/\\]", uri.partition("?")[0])[-1]).strip("._")[:100]
    extension = re.sub(r"[^a-z0-9].*", "", kind.partition("/")[2])
    return await call.files.save(
        content, filename=name or f"part-{number}.{extension or 'bin'}", content_type=kind
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
