"""What connectors of SQL databases share: a user of a database, and a client's loop that is guarded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from runner.connector.encryption import CaCertificate, ServerHost, Tls
from runner.connector.models import Connection

if TYPE_CHECKING:
    import socket


class DatabaseConnection(Connection):
    """A user of a database; each kind gives `port` its default."""

    host: ServerHost = Field(examples=["db.example.com"])
    port: int = Field(gt=0, lt=65536, description="The port.")
    database: str = Field(description="The database.", min_length=1)
    user: str = Field(description="The user; give it the rights that workflows need, no more.", min_length=1)
    password: SecretStr = Field(SecretStr(""), description="The password.")
    tls: Tls = "verify"
    ca_certificate: CaCertificate = None

    @property
    def where(self) -> str:
        """Database, host and port, for messages."""
        return f"the database {self.database} at {self.host}:{self.port}"


class GuardedLoop:
    """
    An event loop whose connections are made by the guard, for clients that take a loop and no ready socket.
    So the address that was checked is the one that is connected to, and TLS still asks for the host's name.
    """

    def __init__(self, connect: Callable[[str, int], Awaitable[socket.socket]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._connect = connect

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(
        self, factory: Callable[[], Any], host: str | None = None, port: int = 0, **options: Any
    ) -> Any:
        """As the loop's own, over a guarded socket; over *sock* where TLS begins on one that was made."""
        ours = options.get("sock") or await self._connect(host or "", port)
        try:
            return await self._loop.create_connection(factory, **(options | {"sock": ours}))
        except BaseException:
            ours.close()
            raise
