"""
What people do with connections: look at them, try them, choose from what a service offers, and allow
them in a browser (OAuth 2.0, RFC 6749 4.1 with PKCE).

A consent that was begun is kept sealed under the digest of its `state`, which is unguessable, works
once and for CONSENT_SECONDS; the code comes back to `/oauth/callback` of this server.
"""

from __future__ import annotations

import hashlib
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.connector import (
    Chooser,
    Connection,
    OAuthConnection,
    TokenConnection,
    Tokens,
    hiding,
    in_brief,
)
from runner.engine.calls import choices, test_connection
from runner.engine.standing import described
from runner.errors import ActionError, ConnectionRejected, NotFound, Rejected
from runner.language.secrets import masked
from runner.language.suggest import did_you_mean
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.engine.standing import Standing
    from runner.engine.turn import Tools

CALLBACK = "/oauth/callback"
ASK_SECONDS = 30.0  # a person waits
CONSENT_SECONDS = 600.0  # to sign in there, be it with a second factor


class Shown(Protocol):
    """The connections as the vault has them."""

    def connection_kinds(self) -> Mapping[str, str]:
        """Names and kinds."""

    def open_connection(self, name: str) -> Connection | None:
        """Ready for use; None: there is none, or its kind is not known here."""

    def standing(self, name: str) -> Standing:
        """How it stands."""


class Board(Shown, Protocol):
    """What changes of them. Raises StoreUnavailable."""

    async def stand(self, name: str, standing: Standing) -> None:
        """Remember how it stands."""

    async def keep_tokens(self, name: str, connection: TokenConnection, tokens: Tokens) -> None:
        """Keep what *connection* was given."""

    async def begin_consent(self, digest: str, consent: Json, *, now: float) -> None:
        """Keep what a consent needs at its end, and let go of those whose time is over."""

    async def end_consent(self, digest: str) -> Json:
        """What was kept, given to one caller only; None: nothing, or it was given already."""


@dataclass(frozen=True, slots=True)
class Connections:
    """
    What the command line, the API and the callback do. *chooser(action, input)* finds what lists the
    values of an input, or None; *public_url* is this server's own.
    """

    board: Board
    tools: Tools
    chooser: Callable[[str, str], Chooser | None]
    public_url: str

    @property
    def callback(self) -> str:
        """The address that an app at a service has to allow as its redirect address."""
        return self.public_url + CALLBACK

    def items(self) -> list[Json]:
        """All connections by name, as `runner.engine.standing.described`."""
        return [self.item(name) for name in sorted(self.board.connection_kinds())]

    def item(self, name: str) -> Json:
        """One connection. Raises NotFound."""
        self._kind(name)
        return shown_connection(self.board, name, self.tools.clock())

    async def test(self, name: str) -> Json:
        """`{name, works, said}`. Raises NotFound."""
        try:
            said = await test_connection(self.tools, self._open(name), name=name, timeout_seconds=ASK_SECONDS)
        except ActionError as error:
            return {"name": name, "works": False, "said": str(error)}
        return {"name": name, "works": True, "said": said}

    async def choices(
        self,
        name: str,
        action: str,
        input: str,  # noqa: A002 - the language's own word
        *,
        given: Mapping[str, Json] | None = None,
        search: str | None = None,
        cursor: str | None = None,
    ) -> Json:
        """
        `{items: [{value, label, note}], next}` for an input of an action, through the connection.

        Raises:
            NotFound: no such connection, or nothing is listed for this input.
            ActionError: the service does not give it.
        """
        connection, found = self._open(name), self.tools.action(action)
        chooser = self.chooser(action, input)
        if found is None or chooser is None:
            raise NotFound(f"nothing can be listed for {action}.{input}")
        kinds = [model.kind for model in found.connections]
        if not isinstance(connection, found.connections) and connection.kind not in kinds:
            raise Rejected(
                f'the connection "{name}" is of kind {connection.kind}, which {action} does not take'
            )
        return await choices(
            self.tools, connection, chooser,
            given=given or {}, search=search or None, cursor=cursor or None,
            name=name, timeout_seconds=ASK_SECONDS,
        )  # fmt: skip

    async def connect(self, name: str, *, by: str) -> Json:
        """
        Begin a consent: `{name, url, callback, until}`; a person opens *url* in a browser.

        Raises:
            NotFound: no such connection. Rejected: nobody is asked for one of its kind.
        """
        connection = self._open(name)
        if not isinstance(connection, OAuthConnection):
            raise Rejected(f'the connection "{name}" is of kind {connection.kind}: nobody has to allow it')
        state, verifier = randomness.token_urlsafe(32), randomness.token_urlsafe(48)
        url = connection.authorize_address(state=state, verifier=verifier, redirect_uri=self.callback)
        now = self.tools.clock()
        consent = {
            "connection": name,
            "client": connection.client_id,
            "verifier": verifier,
            "redirect_uri": self.callback,
            "until": now + CONSENT_SECONDS,
            "by": by,
        }
        await self.board.begin_consent(_digest(state), consent, now=now)
        return {"name": name, "url": url, "callback": self.callback, "until": iso(now + CONSENT_SECONDS)}

    async def connected(self, answer: Mapping[str, str]) -> str:
        """
        End a consent by the query of the callback; the name of the connection that works now.

        Raises:
            Rejected: it was not begun here, was ended already, or its time is over.
            ActionError: it was refused; the message is for a person.
        """
        consent = await self.board.end_consent(_digest(answer.get("state", "")))
        now = self.tools.clock()
        if consent is None or now >= consent["until"]:
            raise Rejected(
                "this address was used already, or is too old; begin anew: hookline connections connect"
            )
        name = consent["connection"]
        connection = self._open(name)
        if not isinstance(connection, OAuthConnection) or connection.client_id != consent["client"]:
            raise Rejected(f'the connection "{name}" was changed meanwhile; begin anew')
        if "code" not in answer:
            raise self._refused(name, answer)
        http = self.tools.outbound.for_call(
            connection=None, idempotency_key=None, timeout_seconds=ASK_SECONDS
        )
        hidden = frozenset({answer["code"], consent["verifier"]}) | self.tools.safe.secret_values()
        try:
            with hiding(lambda: hidden):
                tokens = await connection.exchange(
                    http, code=answer["code"], verifier=consent["verifier"],
                    redirect_uri=consent["redirect_uri"], now=now,
                )  # fmt: skip
        except ActionError as error:
            raise type(error)(masked(str(error), hidden)) from None
        await self.board.keep_tokens(name, connection, tokens)
        await self.board.stand(name, self.board.standing(name).now_works(now))
        return str(name)

    def _refused(self, name: str, answer: Mapping[str, str]) -> ConnectionRejected:
        words = answer.get("error_description") or answer.get("error") or "it gave no code"
        with hiding(self.tools.safe.secret_values):
            return ConnectionRejected(f"{name} is not connected: {in_brief(words)}")

    def _kind(self, name: str) -> str:
        kinds = self.board.connection_kinds()
        if name not in kinds:
            hint = did_you_mean(name, list(kinds))
            raise NotFound(f"there is no connection {name}{f'; {hint}' if hint else ''}")
        return kinds[name]

    def _open(self, name: str) -> Connection:
        kind = self._kind(name)
        connection = self.board.open_connection(name)
        if connection is None:
            raise NotFound(
                f"the connection {name} is of kind {kind}, which this server does not know; set it again"
            )
        return connection


def shown_connection(board: Shown, name: str, now: float) -> Json:
    """The connection *name* as `runner.engine.standing.described`. Raises NotFound."""
    kind = board.connection_kinds().get(name)
    if kind is None:
        raise NotFound(f"there is no connection {name}")
    return dict(described(name, kind, board.open_connection(name), board.standing(name), now))


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()
