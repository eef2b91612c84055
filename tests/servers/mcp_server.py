"""
MCP servers on loopback, as the specification has them: one of the present revision, which takes each
request by itself and checks its headers against its body, and one of an older revision, which wants a
handshake and keeps a session.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "mcp_s3cr3t_t0k3n"
MODERN = "2026-07-28"
OLD = ("2025-11-25", "2025-06-18", "2025-03-26")
META = "io.modelcontextprotocol"
TEXT = {"type": "string"}
TOOLS = [
    {"name": "add", "title": "Addition", "description": "Adds.", "inputSchema": {"type": "object"}},
    {"name": "fail", "inputSchema": {"type": "object"}},
    {
        "name": "query",
        "description": "Asks a database.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "region": {**TEXT, "x-mcp-header": "Region"},
                "where": {
                    "type": "object",
                    "properties": {
                        "limit": {"type": "integer", "x-mcp-header": "Limit"},
                        "all": {"type": "boolean", "x-mcp-header": "All"},
                        "sql": TEXT,
                    },
                },
            },
        },
    },
    {"name": "größe", "inputSchema": {"type": "object"}},
    {"name": "draw", "inputSchema": {"type": "object"}},
    {"name": "ask", "inputSchema": {"type": "object"}},
    {"name": "crash", "inputSchema": {"type": "object"}},
]


class RpcNo(Exception):
    """A JSON-RPC error to be answered."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, **({} if data is None else {"data": data})}


class McpServer(HttpSink):
    """
    *is_old*: of an older revision. `streams`: results come as a stream of events. `called` are the tools
    called, with their arguments; `ended` the sessions that were ended.
    """

    def __init__(self, *, is_old: bool = False, version: str = OLD[0]) -> None:
        super().__init__()
        self.handler = self._answer
        self.is_old = is_old
        self.version = version
        self.streams = False
        self.called: list[tuple[str, Any]] = []
        self.sessions: set[str] = set()
        self.ended: list[str] = []
        self.page = 3

    @property
    def endpoint(self) -> str:
        """The MCP endpoint."""
        return f"{self.url}/mcp"

    def methods(self) -> list[str]:
        """What was asked for, in order."""
        return [one.json()["method"] if one.method == "POST" else one.method for one in self.requests]

    async def _answer(self, received: Received) -> web.Response:
        if received.path != "/mcp":
            return web.Response(status=404, text="not here")
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        if received.method == "DELETE" and self.is_old:
            self.sessions.discard(received.headers["mcp-session-id"])
            self.ended.append(received.headers["mcp-session-id"])
            return web.Response(status=204)
        if received.method != "POST":
            return web.Response(status=405)
        if {"application/json", "text/event-stream"} - set(received.headers["accept"].split(", ")):
            return web.Response(status=406)
        message = received.json()
        assert message["jsonrpc"] == "2.0"
        try:
            result = self._old(received, message) if self.is_old else self._modern(received, message)
        except RpcNo as no:
            status = 400 if no.error["code"] in {-32020, -32022, -32000} else 200
            answer = {"jsonrpc": "2.0", "id": message.get("id"), "error": no.error}
            return web.json_response(answer, status=status)
        return self._said(message, result)

    def _said(self, message: dict[str, Any], result: Any) -> web.Response:
        if isinstance(result, web.Response):
            return result
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        headers = {}
        if message["method"] == "initialize" and self.sessions:
            headers["Mcp-Session-Id"] = next(iter(self.sessions))
        if not self.streams:
            return web.json_response(answer, headers=headers)
        progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
        head, tail = json.dumps(answer).split(", ", 1)
        stream = (
            f": hello\r\n\r\nevent: message\r\nid: 1\r\ndata: {json.dumps(progress)}\r\n\r\n"
            f"event: message\ndata:{head},\ndata: {tail}\n\n"
            "data: an event that was cut off"
        )
        return web.Response(body=stream.encode(), headers={"Content-Type": "text/event-stream", **headers})

    def _modern(self, received: Received, message: dict[str, Any]) -> Any:
        params = message.get("params", {})
        meta = params.get("_meta", {})
        version = meta.get(f"{META}/protocolVersion")
        if version != MODERN:
            supported = {"supported": [MODERN], "requested": version}
            raise RpcNo(-32022, "Unsupported protocol version", supported)
        assert meta[f"{META}/clientInfo"]["name"] == "hookline"
        assert meta[f"{META}/clientCapabilities"] == {}
        wanted = {"mcp-protocol-version": version, "mcp-method": message["method"]}
        if message["method"] == "tools/call":
            wanted["mcp-name"] = params["name"]
            if params["name"] == "query":
                given = params["arguments"]
                wanted["mcp-param-region"] = given.get("region")
                where = given.get("where", {})
                wanted["mcp-param-limit"] = None if where.get("limit") is None else str(where["limit"])
                wanted["mcp-param-all"] = None if "all" not in where else str(where["all"]).lower()
        for name, value in wanted.items():
            if _decoded(received.headers.get(name)) != value:
                raise RpcNo(-32020, f"Header mismatch: {name}")
        assert "mcp-session-id" not in received.headers
        if message["method"] == "server/discover":
            meta = {f"{META}/serverInfo": {"name": "demo", "title": "Demo"}}
            return {
                "resultType": "complete", "supportedVersions": [MODERN], "capabilities": {"tools": {}},
                "_meta": meta,
            }  # fmt: skip
        return {"resultType": "complete", **self._method(message)}

    def _old(self, received: Received, message: dict[str, Any]) -> Any:
        if message["method"] == "initialize":
            assert message["params"]["clientInfo"]["name"] == "hookline"
            assert "mcp-session-id" not in received.headers
            self.sessions.add(f"session-{len(self.ended) + 1}")
            return {
                "protocolVersion": self.version, "capabilities": {"tools": {}},
                "serverInfo": {"name": "demo", "version": "1"},
            }  # fmt: skip
        version = received.headers.get("mcp-protocol-version")
        if version not in OLD:
            raise RpcNo(-32000, f"Bad Request: Unsupported protocol version: {version}")
        if received.headers.get("mcp-session-id") not in self.sessions:
            return web.Response(status=404)
        if message["method"] == "notifications/initialized":
            assert "id" not in message
            return web.Response(status=202)
        return self._method(message)

    def _method(self, message: dict[str, Any]) -> dict[str, Any]:
        params = message.get("params", {})
        if message["method"] == "tools/list":
            start = int(params.get("cursor", "0"))
            found: dict[str, Any] = {"tools": TOOLS[start : start + self.page]}
            if len(TOOLS) > start + self.page:
                found["nextCursor"] = str(start + self.page)
            return found
        if message["method"] != "tools/call":
            raise RpcNo(-32601, "Method not found")
        return self._tool(params["name"], params["arguments"])

    def _tool(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name not in {one["name"] for one in TOOLS}:
            raise RpcNo(-32602, f"Unknown tool: {name}")
        self.called.append((name, arguments))
        if name == "crash":
            raise RpcNo(-32603, "Internal error")
        if name == "fail":
            return {"content": [{"type": "text", "text": "the disk\nis full"}], "isError": True}
        if name == "ask":
            return {"resultType": "input_required", "inputRequests": {}}
        if name == "draw":
            blob = base64.b64encode(b"%PDF").decode()
            resource = {"uri": "file:///a/b%20c.pdf?x", "mimeType": "application/pdf", "blob": blob}
            png = {"type": "image", "data": base64.b64encode(b"PNG").decode(), "mimeType": "image/png"}
            link = {"type": "resource_link", "uri": "https://example.com/x", "name": "x"}
            return {"content": [png, {"type": "resource", "resource": resource}, link]}
        total = sum(value for value in arguments.values() if isinstance(value, int))
        content = [{"type": "text", "text": str(total)}, {"type": "text", "text": "done"}]
        return {"content": content, "structuredContent": {"total": total}}


def _decoded(value: str | None) -> str | None:
    if value is not None and value.startswith("=?base64?") and value.endswith("?="):
        return base64.b64decode(value[9:-2]).decode()
    return value
