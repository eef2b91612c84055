"""
OAuth 2.0: tokens by a client's own credentials, or by a person's consent with PKCE, and their renewal.

Sources: RFC 6749 (4.1, 4.4, 5, 6), RFC 7636 (PKCE, S256 always), RFC 9700 (the best current practice).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Self, TypeAlias
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from runner.connector.kinds import Basic, Bearer, Header, Query, basic
from runner.connector.tokens import TokenConnection, Tokens
from runner.connector.words import in_brief
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from runner.values import Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.connector.ports import Call, Http, Reply

ClientAuth = Literal["basic", "body"]

CONNECT = "connect it again: hookline connections connect NAME"
MENDS = {  # RFC 6749, 5.2
    "invalid_client": "the service does not know this client_id and client_secret",
    "invalid_grant": f"what a person allowed has ended or was taken back; {CONNECT}",
    "unauthorized_client": "the service does not let this client get tokens in this way",
    "invalid_scope": "the service does not know this scope, or does not give it",
    "unsupported_grant_type": "the service gives no tokens in this way; try the other `grant`",
    "invalid_request": "the service misses something in the request, or does not know a part of it",
    "access_denied": "the person did not allow it",
}
LONGEST_SAID = 200


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a service gives tokens. `authorize_url` None: there is no asking of a person."""

    token_url: str
    authorize_url: str | None = None
    client_auth: ClientAuth = "basic"
    authorize_parameters: Mapping[str, str] = field(default_factory=dict)
    token_parameters: Mapping[str, str] = field(default_factory=dict)


class OAuthConnection(TokenConnection):
    """The base of connections to a service whose endpoints are known: a kind gives `endpoints`."""

    client_id: str = Field(description="The id of the client (app) that the service knows.", min_length=1)
    client_secret: SecretStr | None = Field(None, description="Its secret; a public client has none.")
    scope: str | None = Field(
        None, description="What is asked for, as the service names it; several with spaces between."
    )
    refresh_token: SecretStr | None = Field(
        None, description="A refresh token that you have already, in place of connecting."
    )

    def endpoints(self) -> Endpoints:
        """Where tokens are had."""
        raise NotImplementedError

    def asks_a_person(self) -> bool:
        """Whether a person allows it, in a browser."""
        return True

    def not_of_grant(self) -> frozenset[str]:
        """A new secret of the same client keeps what a person allowed."""
        return frozenset({"client_secret"}) if self.asks_a_person() else frozenset()

    def ends_at(self) -> float | None:
        """The end of the refresh token, or of a token that none renews."""
        known = self.tokens
        if known is None or not self.asks_a_person():
            return None
        if known.refresh_token is None and self.refresh_token is None:
            return known.expires_at
        return known.refresh_ends_at

    def waits_for_a_person(self) -> bool:
        """Whether nobody has allowed it yet."""
        return self.asks_a_person() and self.tokens is None and self.refresh_token is None

    def authorize_address(self, *, state: str, verifier: str, redirect_uri: str) -> str:
        """
        Where a person allows it. *verifier* is 43 to 128 unreserved characters that `exchange` gets too.

        Raises:
            Rejected: nobody is asked for this connection.
        """
        ends = self.endpoints()
        if not self.asks_a_person() or ends.authorize_url is None:
            raise Rejected("this connection gets its tokens by itself; nobody has to allow it")
        query = {
            **ends.authorize_parameters,
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **({"scope": self.scope} if self.scope else {}),
        }
        joint = "&" if urlsplit(ends.authorize_url).query else "?"
        return f"{ends.authorize_url}{joint}{urlencode(query)}"

    async def exchange(
        self, http: Http, *, code: str, verifier: str, redirect_uri: str, now: float
    ) -> Tokens:
        """The tokens for the *code* that the service sent back. Raises ActionError."""
        return await self._ask(
            http,
            now,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
        )

    async def obtain(self, http: Http, now: float) -> Tokens:
        """As `TokenConnection.obtain`."""
        if not self.asks_a_person():
            return await self._ask(http, now, grant_type="client_credentials", scope=self.scope)
        known = self.tokens
        token = known.refresh_token if known and known.refresh_token else self.refresh_token
        if token is None:
            why = "its token has ended and the service gave none to renew it with" if known else "nobody has"
            raise ConnectionRejected(f"this connection is not connected: {why}; {CONNECT}")
        fresh = await self._ask(http, now, grant_type="refresh_token", refresh_token=token.get_secret_value())
        if fresh.refresh_token is None:  # RFC 6749, 6: the one that we have stays good
            ends = fresh.refresh_ends_at or (None if known is None else known.refresh_ends_at)
            fresh = fresh.model_copy(update={"refresh_token": token, "refresh_ends_at": ends})
        return fresh

    async def test(self, call: Call) -> str:
        """Say that there are tokens; with an `api_url`, that the service takes them."""
        if self.api_url is not None:
            return await super().test(call)
        host = urlsplit(self.endpoints().token_url).hostname
        return f"{host} gave a token; give the connection an api_url to try it there"

    async def _ask(self, http: Http, now: float, **form: str | None) -> Tokens:
        ends = self.endpoints()
        fields = {**ends.token_parameters, **{name: text for name, text in form.items() if text is not None}}
        headers = {"Accept": "application/json"}  # GitHub answers with a form unless it is asked
        secret = None if self.client_secret is None else self.client_secret.get_secret_value()
        if secret is not None and ends.client_auth == "basic":
            # RFC 6749, 2.3.1: both are form-encoded first
            headers["Authorization"] = basic(quote_plus(self.client_id), quote_plus(secret))
        else:
            fields |= {"client_id": self.client_id} | ({} if secret is None else {"client_secret": secret})
        try:
            reply = await http.post(ends.token_url, form=fields, headers=headers, follow_redirects=False)
            return tokens_of(reply, now)
        except OutcomeUnknown as error:  # of the call that waits for the token, nothing has happened
            raise Unavailable(str(error), cause=error.cause) from error


class OAuth2(OAuthConnection):
    """OAuth 2.0 with any service: by the client's own credentials, or by a person's consent (PKCE)."""

    title: ClassVar[str] = "OAuth 2.0"
    steps: ClassVar[tuple[str, ...]] = (
        "At the service create an app (client), and give it the redirect address shown here.",
        "Copy its client id and client secret into the fields here.",
        "The service's page on OAuth says the two addresses, to authorize and for tokens, and the scopes.",
        "Save, then connect: a person allows it once in a browser. With client_credentials nobody has to.",
    )

    grant: Literal["authorization_code", "client_credentials"] = Field(
        "authorization_code",
        description="`authorization_code`: a person allows it once in a browser; "
        "`client_credentials`: the client speaks for itself.",
    )
    token_url: str = Field(
        description="Where the service gives tokens.", examples=["https://auth.example.com/oauth/token"]
    )
    authorize_url: str | None = Field(None, description="Where a person allows it, for `authorization_code`.")
    client_auth: ClientAuth = Field(
        "basic", description="How the client shows its secret: HTTP Basic, or in the body."
    )
    authorize_parameters: dict[str, str] = Field(
        default_factory=dict,
        description="More for `authorize_url`, such as access_type: offline, where a service gives "
        "refresh tokens only then.",
    )
    token_parameters: dict[str, str] = Field(
        default_factory=dict, description="More for `token_url`, such as audience or resource."
    )

    @field_validator("token_url", "authorize_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/?#@]+(/|$)", value):
            raise ValueError("must start with https:// or http:// and a host")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.grant == "client_credentials" and self.client_secret is None:
            raise ValueError("grant: client_credentials needs client_secret")
        if self.grant == "authorization_code" and self.authorize_url is None and self.refresh_token is None:
            raise ValueError("grant: authorization_code needs authorize_url, or a refresh_token")
        return self

    def endpoints(self) -> Endpoints:
        """As the fields say."""
        return Endpoints(
            self.token_url,
            self.authorize_url,
            self.client_auth,
            self.authorize_parameters,
            self.token_parameters,
        )

    def asks_a_person(self) -> bool:
        """Whether the grant is `authorization_code`."""
        return self.grant == "authorization_code"


HttpCredentials: TypeAlias = Basic | Bearer | Header | Query | OAuth2
"""What an action takes that reaches any service: the connection of such a parameter is one of these."""


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def tokens_of(reply: Reply, now: float) -> Tokens:
    """
    The tokens in the answer of a token endpoint.

    Raises:
        ConnectionRejected: it says no, with the mend in words. Unavailable, OutcomeUnknown: as the status.
        Rejected: what it gives cannot be used.
    """
    if reply.status in {408, 429} or reply.status >= 500:
        reply.accept()
    answer = _object(reply)
    if isinstance(code := answer.get("error"), str):  # some say no with a 200
        raise refusal(code, answer.get("error_description"), urlsplit(reply.url).hostname or "")
    try:
        reply.accept()
    except Rejected as error:
        raise ConnectionRejected(str(error)) from None
    token, kind = answer.get("access_token"), answer.get("token_type", "bearer")
    if not isinstance(token, str) or not token:
        raise Rejected(f"{urlsplit(reply.url).hostname} answered without an access_token")
    if str(kind).lower() != "bearer":
        raise Rejected(f"{urlsplit(reply.url).hostname} gives tokens of the type {kind!r}; we use bearer")
    refresh = answer.get("refresh_token")
    return Tokens(
        access_token=SecretStr(token),
        obtained_at=now,
        expires_at=_end(answer.get("expires_in"), now),
        refresh_token=SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
        refresh_ends_at=_end(answer.get("refresh_token_expires_in"), now),  # GitHub, Google, Microsoft
    )


def refusal(code: str, said: Json, host: str) -> ConnectionRejected:
    """The error of an answer that says no: its code, what the service adds, and the mend."""
    more = f" ({in_brief(said, LONGEST_SAID)})" if isinstance(said, str) and said.strip() else ""
    mend = f"; {MENDS[code]}" if code in MENDS else ""
    return ConnectionRejected(f"{host} says {in_brief(code, LONGEST_SAID)}{more}{mend}")


def _object(reply: Reply) -> dict[str, Json]:
    """The answer's object; an empty one where it is none and its status says enough."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        if reply.status < 400:
            raise
        return {}
    return answer if isinstance(answer, dict) else {}


def _end(seconds: Json, now: float) -> float | None:
    """Some services write the number as a text."""
    try:
        return now + float(seconds) if seconds is not None and not isinstance(seconds, bool) else None
    except (TypeError, ValueError):
        return None
