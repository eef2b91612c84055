"""`mcp.call` and `mcp.list_tools`, with servers of the present revision and of older ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors.mcp import McpConnection, mcp
from connectors.mcp.session import header_value
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.mcp_server import MODERN, OLD, TOKEN, TOOLS, McpServer
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]


@pytest.fixture(params=["present", "older"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[McpServer]:
    async with McpServer(is_old=request.param == "older") as one:
        yield one


@pytest.fixture
async def modern() -> AsyncIterator[McpServer]:
    async with McpServer() as one:
        yield one


@pytest.fixture
async def older() -> AsyncIterator[McpServer]:
    async with McpServer(is_old=True) as one:
        yield one


def to(endpoint: str, token: str = TOKEN) -> McpConnection:
    return McpConnection.model_validate({"api_url": endpoint, "token": token})


async def run(
    make_call: MakeCall, way: McpConnection | None, name: str, *, seconds: float = 10, **inputs: Any
) -> Any:
    action = mcp.actions[name]
    return (await action.function(make_call(way, seconds), way, action.read_input(inputs))).model_dump()


@pytest.mark.parametrize("streams", [False, True])
async def test_a_tool_is_called(server: McpServer, make_call: MakeCall, streams: bool) -> None:
    server.streams = streams

    answer = await run(make_call, to(server.endpoint), "call", tool="add", arguments={"a": 1, "b": 2})

    assert answer == {
        "text": "3\ndone",
        "structured": {"total": 3},
        "content": [{"type": "text", "text": "3"}, {"type": "text", "text": "done"}],
        "is_error": False,
    }
    assert server.called == [("add", {"a": 1, "b": 2})]


async def test_a_server_of_the_present_revision_is_asked_without_a_handshake(
    modern: McpServer, make_call: MakeCall
) -> None:
    await run(make_call, to(modern.endpoint), "call", tool="add")

    assert modern.methods() == ["server/discover", "tools/call"]


async def test_a_server_of_an_older_revision_is_greeted_and_its_session_ended(
    older: McpServer, make_call: MakeCall
) -> None:
    await run(make_call, to(older.endpoint), "call", tool="add")

    assert older.methods() == [
        "server/discover", "initialize", "notifications/initialized", "tools/call", "DELETE",
    ]  # fmt: skip
    assert older.requests[3].headers["mcp-protocol-version"] == OLD[0]
    assert (older.sessions, older.ended) == (set(), ["session-1"])


async def test_a_session_is_ended_also_when_the_tool_fails(older: McpServer, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="the disk is full"):
        await run(make_call, to(older.endpoint), "call", tool="fail")

    assert older.ended == ["session-1"]


async def test_the_calls_own_key_is_the_tools(server: McpServer, make_call: MakeCall) -> None:
    """A gateway that knows such keys must not give one request the answer of another."""
    await run(make_call, to(server.endpoint), "call", tool="add")

    keys = [one for one in server.keys if one]
    assert keys[server.methods().index("tools/call")] == "evt1.shop.step"
    assert keys[0] == "evt1.shop.step.server.discover"
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("version", [OLD[1], OLD[2]])
async def test_the_version_that_an_older_server_offers_is_spoken(make_call: MakeCall, version: str) -> None:
    async with McpServer(is_old=True, version=version) as server:
        await run(make_call, to(server.endpoint), "call", tool="add")

    assert server.requests[3].headers["mcp-protocol-version"] == version


async def test_a_version_that_we_do_not_speak_is_told(make_call: MakeCall) -> None:
    async with McpServer(is_old=True, version="2019-01-01") as server:
        with pytest.raises(Rejected, match="speaks 2019-01-01, which we do not; we speak 2026-07-28"):
            await run(make_call, to(server.endpoint), "call", tool="add")
    async with McpServer() as server:
        data = {"supported": ["2031-01-01"], "requested": MODERN}
        error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32022, "message": "no", "data": data}}
        server.reply(400, json=error)
        with pytest.raises(Rejected, match="speaks 2031-01-01, and we 2026-07-28"):
            await run(make_call, to(server.endpoint), "call", tool="add")


async def test_arguments_that_are_wanted_in_headers_go_there_too(
    modern: McpServer, make_call: MakeCall
) -> None:
    arguments = {"region": "us-west1", "where": {"limit": 5, "all": True, "sql": "SELECT 1"}}

    answer = await run(make_call, to(modern.endpoint), "call", tool="query", arguments=arguments)
    await run(make_call, to(modern.endpoint), "call", tool="query", arguments={"region": " Zürich\n"})
    await run(make_call, to(modern.endpoint), "call", tool="query", arguments={"region": None})

    assert answer["structured"] == {"total": 0}
    assert [one for _, one in modern.called] == [arguments, {"region": " Zürich\n"}, {"region": None}]
    headers = modern.requests[3].headers
    assert (headers["mcp-param-region"], headers["mcp-param-limit"], headers["mcp-param-all"]) == (
        "us-west1", "5", "true",
    )  # fmt: skip
    assert modern.methods()[:4] == ["server/discover", "tools/call", "tools/list", "tools/call"]


async def test_a_name_that_no_header_can_hold_is_coded(modern: McpServer, make_call: MakeCall) -> None:
    await run(make_call, to(modern.endpoint), "call", tool="größe")

    assert modern.called == [("größe", {})]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("us-west1", "us-west1"),
        ("a b", "a b"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("", "=?base64??="),
    ],
)
def test_values_in_headers_are_coded_as_the_specification_shows(text: str, value: str) -> None:
    assert header_value(text) == value


async def test_pictures_and_binary_resources_become_files(
    server: McpServer, make_call: MakeCall, files: Any
) -> None:
    answer = await run(make_call, to(server.endpoint), "call", tool="draw")

    picture, document, link = answer["content"]
    assert (picture["file"]["filename"], picture["file"]["content_type"]) == ("part-1.png", "image/png")
    assert "data" not in picture
    assert document["resource"]["file"]["filename"] == "b_20c.pdf"
    assert "blob" not in document["resource"]
    assert [files.kept[one["file"]] for one in (picture["file"], document["resource"]["file"])] == [
        b"PNG", b"%PDF",
    ]  # fmt: skip
    assert link["uri"] == "https://example.com/x"


async def test_what_a_tool_says_went_wrong_can_be_a_result(server: McpServer, make_call: MakeCall) -> None:
    way = to(server.endpoint)

    with pytest.raises(Rejected, match="the tool fail failed: the disk is full"):
        await run(make_call, way, "call", tool="fail")
    answer = await run(make_call, way, "call", tool="fail", accept_errors=True)

    assert (answer["text"], answer["is_error"]) == ("the disk\nis full", True)


@pytest.mark.parametrize(
    ("tool", "meaning", "says"),
    [
        ("nothing", Rejected, r"refuses nothing \(-32602\): Unknown tool"),
        ("crash", OutcomeUnknown, "failed inside: Internal error"),
        ("ask", Rejected, "asks a person for something in between"),
    ],
)
async def test_each_no_has_its_meaning(
    server: McpServer, make_call: MakeCall, tool: str, meaning: type[Exception], says: str
) -> None:
    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, to(server.endpoint), "call", tool=tool)

    assert type(caught.value) is meaning


@pytest.mark.parametrize(
    ("status", "headers", "meaning"),
    [
        (401, {}, ConnectionRejected),
        (403, {}, ConnectionRejected),
        (429, {"Retry-After": "4"}, Unavailable),
        (503, {}, Unavailable),
        (500, {}, OutcomeUnknown),
    ],
)
async def test_each_status_has_its_meaning(
    modern: McpServer,
    make_call: MakeCall,
    status: int,
    headers: dict[str, str],
    meaning: type[Exception],
) -> None:
    modern.reply(status, headers=headers)

    with pytest.raises(meaning) as caught:
        await run(make_call, to(modern.endpoint), "call", tool="add")

    assert type(caught.value) is meaning
    assert modern.called == []
    if status == 429:
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after_seconds == 4


async def test_what_is_no_mcp_server_is_told(modern: McpServer, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match=r"404 .* is this its MCP endpoint, for streamable HTTP"):
        await run(make_call, to(f"{modern.url}/nothing"), "call", tool="add")
    async with McpServer() as page:
        page.reply(200, body="<html>", times=2)
        with pytest.raises(OutcomeUnknown, match="is this its MCP endpoint"):
            await run(make_call, to(page.endpoint), "call", tool="add")


async def test_a_session_that_was_forgotten_did_nothing(older: McpServer, make_call: MakeCall) -> None:
    older.reply(400)
    older.reply(200, json={"jsonrpc": "2.0", "id": 2, "result": {"protocolVersion": OLD[0]}},
                headers={"Mcp-Session-Id": "gone"})  # fmt: skip
    older.reply(202)

    with pytest.raises(Unavailable, match="it has forgotten the session"):
        await run(make_call, to(older.endpoint), "call", tool="add")


async def test_a_server_that_is_silent_or_away_is_told_apart(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut):
            await run(make_call, to(silent.url), "call", seconds=0.2, tool="add")
    with pytest.raises(Unavailable):
        await run(make_call, to(f"http://127.0.0.1:{unused_port()}"), "call", tool="add")


async def test_tools_are_listed_page_by_page_and_in_bounds(server: McpServer, make_call: MakeCall) -> None:
    way = to(server.endpoint)

    whole = await run(make_call, way, "list_tools")
    few = await run(make_call, way, "list_tools", limit=2)

    assert [one["name"] for one in whole["tools"]] == [one["name"] for one in TOOLS]
    assert whole["tools"][0] == {
        "name": "add", "title": "Addition", "description": "Adds.", "input_schema": {"type": "object"},
    }  # fmt: skip
    assert (whole["server"].lower(), whole["more"]) == ("demo", False)
    assert ([one["name"] for one in few["tools"]], few["more"]) == (["add", "fail"], True)


async def test_a_tool_can_be_chosen_from_a_list(server: McpServer, make_call: MakeCall) -> None:
    way = to(server.endpoint)
    tools = mcp.choosers["call.tool"]

    first = await tools(make_call(way), way, {}, "", None)
    found = await tools(make_call(way), way, {"url": server.endpoint}, "ADDI", None)

    assert ([one.value for one in first.items], first.next) == (["add", "fail", "query"], "3")
    assert [(one.value, one.label, one.note) for one in found.items] == [("add", "Addition", "Adds.")]


async def test_a_connection_says_whose_it_is(server: McpServer, make_call: MakeCall) -> None:
    way, wrong = to(server.endpoint), to(server.endpoint, "mcp_wr0ng_t0ken")
    spoken = OLD[0] if server.is_old else MODERN

    assert (await way.test(make_call(way))).lower() == f"connected to demo, which speaks mcp {spoken}"
    with pytest.raises(ConnectionRejected, match="401") as caught:
        await wrong.test(make_call(wrong))
    assert "mcp_wr0ng_t0ken" not in str(caught.value)
    assert TOKEN not in repr(way)
    assert way.bound_hosts() == ["127.0.0.1"]


async def test_an_address_is_needed_and_credentials_stay_at_home(
    server: McpServer, make_call: MakeCall
) -> None:
    with pytest.raises(Rejected, match="give a url here"):
        await run(make_call, None, "call", tool="add")
    with pytest.raises(Rejected, match="credentials may go to"):
        await run(make_call, to(server.endpoint), "call", tool="add", url="http://localhost:1/mcp")

    assert server.requests == []


async def test_a_file_that_is_not_base64_is_no_result(modern: McpServer, make_call: MakeCall) -> None:
    found = {"supportedVersions": [MODERN]}
    modern.reply(200, json={"jsonrpc": "2.0", "id": 1, "result": found})
    part = {"type": "image", "data": "!", "mimeType": "image/png"}
    modern.reply(200, json={"jsonrpc": "2.0", "id": 2, "result": {"content": [part]}})

    with pytest.raises(OutcomeUnknown, match="not base64"):
        await run(make_call, to(modern.endpoint), "call", tool="draw")


def test_a_tool_is_not_called_again_after_a_crash_unless_the_step_says_so() -> None:
    assert {name: one.after_crash for name, one in mcp.actions.items()} == {
        "call": "stop", "list_tools": "repeat",
    }  # fmt: skip
