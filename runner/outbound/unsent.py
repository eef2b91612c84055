"""A way out that forms each request as the real one does, and sends none: for a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from runner.outbound.client import check_host, checked_url, formed, with_credentials
from runner.workbench.unsent import NotSent, Unsent

if TYPE_CHECKING:
    import socket

    from runner.connector import Connection, Places
    from runner.engine.bounds import Bounds
    from runner.engine.exchanges import Tape
    from runner.engine.turn import Renew

OF_SENDING = ("timeout_seconds", "follow_redirects", "max_reply_bytes")  # options that change no request


class UnsentOutbound:
    """See `runner.engine.turn.Outbound`. It has no sockets: what would leave is raised as NotSent."""

    def for_call(
        self,
        *,
        connection: Connection | None,
        idempotency_key: str | None,
        timeout_seconds: float,  # noqa: ARG002 - the port's
        places: Places | None = None,  # noqa: ARG002
        renew: Renew | None = None,  # noqa: ARG002
        bounds: Bounds | None = None,  # noqa: ARG002
        tape: Tape | None = None,  # noqa: ARG002
    ) -> UnsentClient:
        """A client that forms the requests of one call."""
        return UnsentClient(connection, idempotency_key)

    async def connect(
        self,
        host: str,
        port: int,  # noqa: ARG002
        *,
        timeout_seconds: float,  # noqa: ARG002
        places: Places | None = None,  # noqa: ARG002
    ) -> socket.socket:
        """Raises NotSent."""
        raise NotSent(None, host)


class UnsentClient:
    """An `Http` of runner.connector."""

    def __init__(self, connection: Connection | None, idempotency_key: str | None) -> None:
        self._connection = connection
        self._idempotency_key = idempotency_key

    async def get(self, url: str, **options: Any) -> NoReturn:
        """`request("GET", …)`."""
        await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> NoReturn:
        """`request("POST", …)`."""
        await self.request("POST", url, **options)

    async def request(self, method: str, url: str, **options: Any) -> NoReturn:
        """
        Form the request.

        Raises:
            NotSent: always, with it, but for
            Rejected: it cannot be formed, or its connection's credentials may not go there.
        """
        parts = {name: value for name, value in options.items() if name not in OF_SENDING}
        target = checked_url(url)
        check_host(self._connection, target)
        request, content = formed(method, url, idempotency_key=self._idempotency_key, **parts)
        target = target.extend_query(request.query) if request.query else target
        request, target = with_credentials(self._connection, request, target, request.headers)
        raise NotSent(Unsent(request.method, str(target), request.headers, content), target.host or "")
