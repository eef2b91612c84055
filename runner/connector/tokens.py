"""Connections that work by tokens with an end, which the server gets, keeps and renews for them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, SecretStr

from runner.connector.kinds import HttpConnection
from runner.errors import ConnectionRejected

if TYPE_CHECKING:
    from runner.connector.ports import Http, OutgoingRequest

MARGIN_SECONDS = 120.0  # renewed so long before its end: a call may take a while to arrive
MARGIN_SHARE = 0.2  # of a short life, so that it is not renewed for every call


class Tokens(BaseModel):
    """
    What a service gave us. Times are UTC seconds; an end that is None is not known. `refresh_ends_at`
    is when no new ones can be had without a person.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    access_token: SecretStr
    obtained_at: float
    expires_at: float | None = None
    refresh_token: SecretStr | None = None
    refresh_ends_at: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether it is time for new ones."""
        if self.expires_at is None:
            return False
        margin = min(MARGIN_SECONDS, MARGIN_SHARE * (self.expires_at - self.obtained_at))
        return now >= self.expires_at - margin

    def is_over(self, now: float) -> bool:
        """Whether the service takes them no more."""
        return self.expires_at is not None and now >= self.expires_at


class TokenConnection(HttpConnection):
    """
    A connection whose tokens are no field: the server calls `obtain` for them, one at a time for a
    connection, before they end and when a request is answered 401, and keeps them sealed.
    """

    _tokens: Tokens | None = PrivateAttr(None)

    @property
    def tokens(self) -> Tokens | None:
        """Those that it has now."""
        return self._tokens

    def with_tokens(self, tokens: Tokens | None) -> Self:
        """This connection with *tokens*."""
        copy = self.model_copy()
        copy._tokens = tokens  # noqa: SLF001 - it is one of ours
        return copy

    def grant_id(self) -> str:
        """
        What the tokens were had by, as a digest: those of another grant are forgotten, so that a
        changed key works from the next call on.
        """
        skipped = {"hosts", "api_url", *self.not_of_grant()}
        by = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name in type(self).model_fields
            if name not in skipped and (value := getattr(self, name)) is not None
        }
        return hashlib.sha256(f"{self.kind} {sorted(by.items())}".encode()).hexdigest()

    def not_of_grant(self) -> frozenset[str]:
        """Fields that may change while the tokens stay good."""
        return frozenset()

    def ends_at(self) -> float | None:
        """When a person has to act, in UTC seconds; None: never, or it is not known."""
        return None

    async def obtain(self, http: Http, now: float) -> Tokens:
        """
        New tokens, by what is known: a key, or the refresh token of the present ones.

        *http* carries no credentials of this connection. Raises ActionError: ConnectionRejected where
        only a person can help.
        """
        raise NotImplementedError

    def apply(self, request: OutgoingRequest) -> None:
        """Set `Authorization`. Raises ConnectionRejected: there is no token yet."""
        if self._tokens is None:
            raise ConnectionRejected("this connection has no token yet; see: hookline connections connect")
        request.set_header("Authorization", f"Bearer {self._tokens.access_token.get_secret_value()}")

    def secret_texts(self) -> frozenset[str]:
        """The secret fields, and the tokens."""
        tokens = self._tokens
        kept = () if tokens is None else (tokens.access_token, tokens.refresh_token)
        return super().secret_texts() | {one.get_secret_value() for one in kept if one is not None}
