"""
Tools of MCP servers: `mcp.call` and `mcp.list_tools`, over streamable HTTP.

Servers of both kinds are spoken to: those of revision 2026-07-28, which know no session, and those
before, which want a handshake.
"""

from __future__ import annotations

from connectors.mcp import tools  # registers the actions
from connectors.mcp.session import McpConnection, mcp

__all__ = ["McpConnection", "mcp", "tools"]
