"""
Signing in with an account elsewhere: a client of OpenID Connect.

Who comes back with a code is believed for what the provider says to us directly: the code is exchanged with
PKCE, and the ID token must be signed by a key of the provider, be for us, and carry the nonce that this
browser was sent with. An email counts only where the provider says that it has been verified.

Sources: OpenID Connect Core 1.0 (3.1), Discovery 1.0 (4), RFC 6749, 7636, 9207, 9700.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from runner.connector.kinds import basic
from runner.connector.oauth import challenge_of
from runner.errors import Rejected, Unavailable
from runner.inbound.jwt import (
    LEEWAY_SECONDS,
    SECRET_ALGORITHMS,
    Key,
    Token,
    fitting,
    is_by_key,
    read_keys,
    read_token,
    refusal_of_names,
    refusal_of_times,
)

if TYPE_CHECKING:
    from runner.engine.turn import Outbound
    from runner.settings import Oidc
    from runner.values import Json

CALLBACK = "/signin/oidc/callback"
SCOPE = "openid email profile"
ASK_SECONDS = 10.0
KEPT_SECONDS = 3600.0  # what the provider says of itself
RENEWED_SECONDS = 60.0  # its keys are asked for again at most so often, when a token names one we have not
MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser was sent with: `state`, `nonce` and `verifier` are its alone, and come back with it."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Account:
    """
    Who came back. `identity` is issuer and subject, which stay; `email` is verified; `values` are those
    of the claim that says roles.
    """

    identity: str
    email: str | None
    name: str
    values: frozenset[str]


class SingleSignOn:
    """The way to the provider of *settings*, through *outbound*; *callback* is where people come back to."""

    def __init__(
        self, settings: Oidc, outbound: Outbound, *, callback: str, clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        self._outbound = outbound
        self._callback = callback
        self._clock = clock
        self._about: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, tuple[Key, ...]] | None = None

    async def begin(self) -> Begun:
        """
        Where to send a browser.

        Raises:
            ActionError: the provider cannot be asked; the message is for a person.
        """
        about = await self._provider()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._callback,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        address = about["authorization_endpoint"]
        joint = "&" if urlsplit(address).query else "?"
        return Begun(f"{address}{joint}{urlencode(query)}", state, nonce, verifier)

    async def finish(self, answer: Mapping[str, str], *, state: str, nonce: str, verifier: str) -> Account:
        """
        Who came back with *answer*, the query of our callback.

        Raises:
            ActionError: nobody who can be believed; the message is for a person.
        """
        if not state or not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise Rejected("this answer is not to what this browser asked; begin anew")
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:
            raise Rejected("this answer comes from another provider; begin anew")
        if "code" not in answer:
            denied = answer.get("error") == "access_denied"
            raise Rejected("it was not allowed there" if denied else "the provider gave no code; begin anew")
        about = await self._provider()
        tokens = await self._exchange(about, answer["code"], verifier)
        claims = await self._claims(about, tokens.get("id_token"), nonce)
        if "email" not in claims and "userinfo_endpoint" in about:
            claims = {**await self._more(about, tokens.get("access_token"), claims["sub"]), **claims}
        return self._account(claims)

    def _account(self, claims: Mapping[str, Json]) -> Account:
        is_verified = claims.get("email_verified") in (True, "true")
        email, name = claims.get("email"), claims.get("name")
        given = claims.get(self.settings.role_claim) if self.settings.role_claim else None
        values = given if isinstance(given, list) else [given]
        return Account(
            f"{self.settings.issuer} {claims['sub']}",
            email if isinstance(email, str) and is_verified else None,
            name if isinstance(name, str) else "",
            frozenset(one for one in values if isinstance(one, str)),
        )

    async def _exchange(self, about: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Json]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        client, secret = self.settings.client_id, self.settings.client_secret
        ways = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        headers = {}
        if secret and "client_secret_basic" in ways:
            headers["Authorization"] = basic(_encoded(client), _encoded(secret))
        else:
            form |= {"client_id": client, **({"client_secret": secret} if secret else {})}
        reply = await self._http().post(
            about["token_endpoint"], form=form, headers=headers, follow_redirects=False,
            max_reply_bytes=MOST_BYTES,
        )  # fmt: skip
        if reply.status != 200:
            raise Rejected(f"{self.settings.name} did not take the code (it answered {reply.status})")
        tokens = reply.json()
        if not isinstance(tokens, dict):
            raise Rejected(f"{self.settings.name} gave no tokens")
        return tokens

    async def _claims(self, about: Mapping[str, Any], text: Json, nonce: str) -> dict[str, Json]:
        """The claims of the ID token *text*, once all that speaks against it was looked at."""
        try:
            token = read_token(text if isinstance(text, str) else "")
        except ValueError as error:
            raise Rejected(f"the ID token {error}") from None
        if token.algorithm in SECRET_ALGORITHMS or not await self._is_signed(about, token):
            raise Rejected("the ID token is not signed by a key of the provider")
        claims, client = dict(token.claims), self.settings.client_id
        refused = refusal_of_times(claims, now=self._clock(), leeway=LEEWAY_SECONDS) or refusal_of_names(
            claims, issuers=(self.settings.issuer,), audiences=(client,), address=client
        )
        if refused:
            raise Rejected(refused.reason)
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client:
            raise Rejected("the ID token is for others too, and its `azp` is not this server")
        shown = claims.get("nonce")
        if not isinstance(shown, str) or not hmac.compare_digest(shown.encode(), nonce.encode()):
            raise Rejected("the ID token is not for what this browser asked; begin anew")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise Rejected("the ID token does not say whose it is")
        return claims

    async def _is_signed(self, about: Mapping[str, Any], token: Token) -> bool:
        keys = await self._key_set(about, older_than=KEPT_SECONDS)
        if not fitting(token, keys):  # the provider may have a new one
            keys = await self._key_set(about, older_than=RENEWED_SECONDS)
        return is_by_key(token, fitting(token, keys))

    async def _key_set(self, about: Mapping[str, Any], *, older_than: float) -> tuple[Key, ...]:
        if self._keys is None or self._clock() - self._keys[0] > older_than:
            try:
                self._keys = (self._clock(), read_keys(await self._document(about["jwks_uri"])))
            except ValueError as error:
                raise Rejected(f"the keys of {self.settings.name} cannot be read: {error}") from None
        return self._keys[1]

    async def _more(self, about: Mapping[str, Any], access: Json, subject: Json) -> dict[str, Json]:
        """What the provider says of the one whose ID token says too little. Source: Core, 5.3."""
        headers = {"Authorization": f"Bearer {access}"}
        said = await self._document(about["userinfo_endpoint"], headers)
        if not isinstance(said, dict) or said.get("sub") != subject:
            raise Rejected(f"{self.settings.name} spoke of somebody else; begin anew")
        return said

    async def _provider(self) -> Mapping[str, Any]:
        """What the provider says of itself, an hour old at most."""
        if self._about is not None and self._clock() - self._about[0] <= KEPT_SECONDS:
            return self._about[1]
        issuer = self.settings.issuer
        about = await self._document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not isinstance(about, dict) or about.get("issuer") != issuer:
            raise Rejected(f"{issuer} calls itself otherwise; `oidc.issuer` must be the same to the letter")
        for name in (*needed, *({"userinfo_endpoint"} & about.keys())):
            address = about.get(name)
            if not isinstance(address, str) or urlsplit(address).scheme not in {
                "https",
                urlsplit(issuer).scheme,
            }:
                raise Rejected(f"{issuer} names no {name} that is safe to use")
        self._about = (self._clock(), about)
        return about

    async def _document(self, url: str, headers: Mapping[str, str] | None = None) -> Json:
        reply = await self._http().get(
            url, headers=headers or {}, follow_redirects=False, max_reply_bytes=MOST_BYTES
        )
        if reply.status != 200:
            raise Unavailable(f"{urlsplit(url).netloc} answered {reply.status}")
        return reply.json()

    def _http(self) -> Any:
        return self._outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=ASK_SECONDS)


def _encoded(text: str) -> str:
    """RFC 6749, 2.3.1: both parts are form-encoded before they are joined."""
    return urlencode({"": text})[1:]
