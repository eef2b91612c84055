"""
How an MCP server is spoken to.

A server of the present revision takes each request by itself; one of an older revision is greeted first,
and gives a session. Which it is, `server/discover` tells, which does nothing: a tool is never called to
find out. Sources: modelcontextprotocol.io, specification 2026-07-28: "Versioning and Compatibility",
"Streamable HTTP", "Error Codes"; specification 2025-11-25: "Lifecycle", "Transports"; the WHATWG HTML
standard, "Server-sent events", for the stream.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from runner.connector import (
    Call,
    ConnectionRejected,
    Connector,
    Header,
    HttpConnection,
    Json,
    OAuth2,
    OutcomeUnknown,
    OutgoingRequest,
    Parked,
    Rejected,
    Reply,
    Unavailable,
    in_brief,
)

mcp = Connector("mcp", title="MCP", summary="Tools of MCP servers, called by a workflow.")

MODERN = "2026-07-28"
GREETED = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # with a handshake, the newest first
ACCEPT = "application/json, text/event-stream"
UNSUPPORTED_VERSION, HEADER_MISMATCH, INTERNAL_ERROR = -32022, -32020, -32603
META = "io.modelcontextprotocol"
PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
CODED = re.compile(r"=\?base64\?.*\?=")


@mcp.connection("mcp")
class McpConnection(HttpConnection):
    """An MCP server: its address, and the token that it wants, if it does."""

    title: ClassVar[str] = "MCP server"
    steps: ClassVar[tuple[str, ...]] = (
        "The server's own page says the address of its MCP endpoint, which often ends in /mcp.",
        "It says too whether it wants a token, and where that is made.",
    )

    api_url: str | None = Field(
        None,
        description="The address of the MCP endpoint.",
        examples=["https://mcp.example.com/mcp"],
    )
    token: SecretStr | None = Field(None, description="A token, sent as `Authorization: Bearer`.")

    def apply(self, request: OutgoingRequest) -> None:
        """Set `Authorization`, if there is a token."""
        if self.token is not None and (token := self.token.get_secret_value().strip()):
            request.set_header("Authorization", f"Bearer {token}")

    async def test(self, call: Call) -> str:
        """Greet the server and say who it is."""
        async with opened(call, address(self, None)) as session:
            return f"connected to {session.server}, which speaks MCP {session.version}"


mcp.connection("header")(Header)
mcp.connection("oauth2")(OAuth2)
Way: TypeAlias = McpConnection | Header | OAuth2 | None


def keyed(call: Call, method: str) -> dict[str, str]:
    """The header for one request: the call's own key is the tool's, however many came before it."""
    if not call.idempotency_key:
        return {}
    own = "" if method == "tools/call" else f".{method.replace('/', '.').lower()}"
    return {"Idempotency-Key": f"{call.idempotency_key}{own}"}


class RpcError(Exception):
    """The server answered with a JSON-RPC error."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        code = error.get("code")
        self.code = code if isinstance(code, int) else 0
        self.said = in_brief(error.get("message") or "an error without a message", 400)
        self.data: Any = error.get("data")
        super().__init__(self.said)


def address(connection: Way, url: str | None) -> str:
    """Where the server is: as the step says, else the connection. Raises Rejected: neither does."""
    found = url or (connection.api_url if connection is not None else None)
    if not found:
        raise Rejected("give a url here, or the connection an api_url")
    return found


@dataclass(slots=True)
class Session:
    """What was agreed with a server. `id` None: it keeps no session."""

    call: Call
    url: str
    version: str = MODERN
    server: str = "an MCP server"
    id: str | None = None
    _sent: int = field(default=0)

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """
        The result of one request.

        Raises:
            RpcError: the server says no. ActionError: there is no answer of the protocol.
        """
        try:
            return await self._ask(method, params, headers)
        except _NoAnswer as error:
            if error.status == 404 and self.id is not None:
                raise Unavailable(f"{error}: it has forgotten the session", cause="network") from None
            if error.status >= 400:
                raise Rejected(f"{error}; is this its MCP endpoint, for streamable HTTP?") from None
            raise OutcomeUnknown(f"{error}; is this its MCP endpoint?") from None

    async def _ask(
        self, method: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        self._sent += 1
        given: dict[str, Any] = dict(params or {})
        sent = {"Accept": ACCEPT, "MCP-Protocol-Version": self.version, **(headers or {})}
        if self.version == MODERN:
            given["_meta"] = {
                f"{META}/protocolVersion": MODERN,
                f"{META}/clientInfo": _we(),
                f"{META}/clientCapabilities": {},
            }
            sent["Mcp-Method"] = method
            if isinstance(name := given.get("name"), str):
                sent["Mcp-Name"] = header_value(name)
        elif method == "initialize":
            del sent["MCP-Protocol-Version"]  # it is agreed on by this very request
        if self.id is not None:
            sent["Mcp-Session-Id"] = self.id
        sent |= keyed(self.call, method)
        body: dict[str, Json] = {"jsonrpc": "2.0", "id": self._sent, "method": method}
        if given:
            body["params"] = given
        reply = await self.call.http.post(self.url, json=body, headers=sent)
        result = _result(reply, self._sent)
        if method == "initialize":
            self.id = reply.headers.get("mcp-session-id")
        return result

    async def greet(self) -> None:
        """The handshake of older revisions. Raises ActionError."""
        self.version = GREETED[0]
        params = {"protocolVersion": GREETED[0], "capabilities": {}, "clientInfo": _we()}
        try:
            answer = await self.request("initialize", params)
        except RpcError as error:
            raise Rejected(f"the MCP server refuses to be greeted: {error.said}") from None
        if answer.get("protocolVersion") not in GREETED:
            raise Rejected(
                f"the MCP server speaks {in_brief(answer.get('protocolVersion'), 40)}, which we do not; "
                f"we speak {MODERN} and {', '.join(GREETED)}"
            )
        self.version = str(answer["protocolVersion"])
        self._name(answer)
        headers = {"Accept": ACCEPT, "MCP-Protocol-Version": self.version}
        headers |= keyed(self.call, "notifications/initialized")
        if self.id is not None:
            headers["Mcp-Session-Id"] = self.id
        told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        (await self.call.http.post(self.url, json=told, headers=headers)).accept()

    async def discover(self) -> bool:
        """Whether the server is of the present revision. Raises ActionError."""
        try:
            answer = await self._ask("server/discover")
        except _NoAnswer:
            return False
        except RpcError as error:
            if error.code != UNSUPPORTED_VERSION:
                return False
            known = error.data.get("supported") if isinstance(error.data, dict) else None
            supported = [str(one) for one in known] if isinstance(known, list) else []
            if set(supported) & set(GREETED):
                return False
            raise Rejected(
                f"the MCP server speaks {in_brief(', '.join(supported), 200) or 'another revision'}, "
                f"and we {MODERN}"
            ) from None
        versions = answer.get("supportedVersions")
        if not isinstance(versions, list) or MODERN not in versions:
            return False
        self._name(answer)
        return True

    def _name(self, answer: Mapping[str, Any]) -> None:
        meta = answer.get("_meta")
        told = answer.get("serverInfo") or (
            meta.get(f"{META}/serverInfo") if isinstance(meta, dict) else None
        )
        if isinstance(told, dict) and isinstance(name := told.get("title") or told.get("name"), str):
            self.server = in_brief(name, 100) or self.server


@asynccontextmanager
async def opened(call: Call, url: str) -> AsyncIterator[Session]:
    """
    A session with the server at *url*, ended afterwards.

    Raises:
        ActionError: there is no MCP server, or it refuses.
    """
    session = Session(call, url)
    if not await session.discover():
        await session.greet()
    try:
        yield session
    finally:
        if session.id is not None:
            headers = {"Mcp-Session-Id": session.id, "MCP-Protocol-Version": session.version}
            headers |= keyed(call, "delete")
            # the work is done, and a session that is not ended runs out by itself
            with suppress(Rejected, ConnectionRejected, Unavailable, OutcomeUnknown, Parked):
                await call.http.request("DELETE", url, headers=headers)


def header_value(text: str) -> str:
    """A text as the value of a header: as it is, or in Base64 where a header could not hold it."""
    if PLAIN.fullmatch(text) and not CODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode(errors='replace')).decode()}?="


class _NoAnswer(Exception):
    """What came is no answer of the protocol."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _we() -> dict[str, Json]:
    try:
        return {"name": "hookline", "version": version("hookline")}
    except PackageNotFoundError:
        return {"name": "hookline", "version": "0"}


def _result(reply: Reply, wanted: int) -> dict[str, Any]:
    """The result that answers request number *wanted*."""
    if reply.status in {401, 403, 408, 429} or reply.status >= 500:
        reply.accept()
    for message in _messages(reply):
        if isinstance(error := message.get("error"), dict) and message.get("id") in {wanted, None}:
            raise RpcError(error)
        if isinstance(result := message.get("result"), dict) and message.get("id") == wanted:
            return result
    host = urlsplit(reply.url).hostname
    raise _NoAnswer(f"{host} answered {reply.status} without the result that was asked for", reply.status)


def _messages(reply: Reply) -> list[dict[str, Any]]:
    """The messages of an answer, which is one as JSON, or several as a stream."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    texts = (
        _events(reply.content.decode(errors="replace")) if kind == "text/event-stream" else [reply.content]
    )
    found: list[Any] = []
    for text in texts:
        with suppress(ValueError, RecursionError):
            one = json.loads(text)
            found += one if isinstance(one, list) else [one]  # revision 2025-03-26 knows batches
    return [one for one in found if isinstance(one, dict)]


def _events(stream: str) -> list[str]:
    """The data of each event of a stream; one that is not ended by a blank line does not count."""
    events: list[str] = []
    data: list[str] = []
    for line in re.split(r"\r\n|\n|\r", stream.removeprefix("\ufeff")):
        if not line:
            if data:
                events.append("\n".join(data))
            data = []
            continue
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
    return events
