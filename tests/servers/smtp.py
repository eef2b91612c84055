"""
A real SMTP server on loopback, by aiosmtpd: plain, with STARTTLS or implicit TLS, with or without
a sign-in; and it refuses what it is told to.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message as it arrived: envelope and content."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The content, parsed."""
        return message_from_bytes(self.content, policy=default)


@dataclass
class SmtpServer:
    """
    Listens on 127.0.0.1 at a free port while entered. `refuse` maps a command (MAIL, DATA), or a
    recipient, to the reply it gets; a reply of `None` breaks the connection.
    """

    tls: ssl.SSLContext | None = None
    mode: Literal["starttls", "implicit", "none"] = "none"
    user: str | None = None
    password: str = ""
    refuse: dict[str, str | None] = field(default_factory=dict)
    delivered: list[Delivered] = field(default_factory=list)
    sign_ins: list[str] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._sessions: list[SMTP] = []
        implicit = self.tls if self.mode == "implicit" else None
        self._server = await loop.create_server(self._session, "127.0.0.1", 0, ssl=implicit)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._server.wait_closed()
        handlers = [one._handler_coroutine for one in self._sessions if one._handler_coroutine]
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)

    def _session(self) -> SMTP:
        session = SMTP(
            self,
            hostname="mail.test",
            ident="test",
            loop=asyncio.get_running_loop(),
            tls_context=self.tls if self.mode == "starttls" else None,
            auth_require_tls=self.mode == "starttls",
            auth_exclude_mechanism=[] if self.user is not None else ["LOGIN", "PLAIN"],
            authenticator=self._authenticate,
        )
        self._sessions.append(session)
        return session

    def _authenticate(
        self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        self.sign_ins.append(mechanism)
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == ((self.user or "").encode(), self.password.encode())
        return AuthResult(success=right, handled=False)

    def _verdict(self, server: SMTP, about: str, fine: str) -> str:
        reply = self.refuse.get(about, fine)
        if reply is None:
            _transport(server).abort()
            return "421 gone"
        return reply

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer MAIL FROM."""
        signed_in = self.user is None or session.authenticated
        reply = self._verdict(server, "MAIL", "250 OK" if signed_in else "530 sign in first")
        if reply.startswith("250"):
            envelope.mail_from = address
        return reply

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        reply = self._verdict(server, address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take the message, then answer."""
        reply = self._verdict(server, "DATA", "250 OK")
        if reply.startswith("250"):
            encrypted = _transport(server).get_extra_info("sslcontext") is not None
            self.delivered.append(
                Delivered(envelope.mail_from, list(envelope.rcpt_tos), envelope.content, encrypted)
            )
        return reply


def _transport(server: SMTP) -> asyncio.Transport:
    return cast("asyncio.Transport", server.transport)  # uvloop's is no subclass of it
