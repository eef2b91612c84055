"""
An OAuth 2.0 authorization server on loopback: authlib's, with a resource beside it that takes its tokens.

It rotates refresh tokens, and takes a second use of one for a theft: then all tokens of that consent are
worth nothing (RFC 9700, 4.14.2). Its clock is the test's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from aiohttp import web
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    OAuth2Error,
    OAuth2Request,
    TokenMixin,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc7636 import CodeChallenge

if TYPE_CHECKING:
    from types import TracebackType

CLIENT, SECRET = "client-1", "s3cr3t & of client-1"
ISSUER = "https://auth.test"  # authlib refuses plain http; ours is on loopback
ANN = "ann"


@dataclass
class Client(ClientMixin):  # type: ignore[misc]  # authlib has no types
    """A client, confidential where it has a secret."""

    id: str
    secret: str | None
    redirect_uris: list[str]

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == (self.secret is None)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return True


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that was given out."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str | None
    code_challenge_method: str | None
    nonce: str | None = None

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Given(TokenMixin):  # type: ignore[misc]
    """A token that was given out; those of one consent are a family."""

    access: str
    refresh: str | None
    client_id: str
    scope: str
    ends_at: float
    family: str
    is_spent: bool = False
    is_revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return client.id == self.client_id

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return int(self.ends_at)

    def is_expired(self) -> bool:
        return False


@dataclass
class Auth:
    """
    Listens on 127.0.0.1 while entered. `life_seconds` is that of an access token; `asked` has the form of
    each request for a token; with `gate` set, such a request waits for it.
    """

    clock: Callable[[], float]
    redirect_uri: str
    life_seconds: int = 3600
    gives_refresh_tokens: bool = True
    asked: list[Mapping[str, str]] = field(default_factory=list)
    tokens: list[Given] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)  # Authorization of requests for the resource
    before_token: Callable[[], Any] | None = None  # awaited before a token is given
    fails: list[web.Response] = field(default_factory=list)  # given in place of the next tokens
    port: int = 0

    def extensions(self) -> list[Any]:
        """What authlib's grant by code is extended with."""
        return [CodeChallenge(required=True)]

    def add_routes(self, app: web.Application) -> None:
        """What this server answers beside tokens and the resource."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.clients = {
            CLIENT: Client(CLIENT, SECRET, [self.redirect_uri]),
            "public": Client("public", None, [self.redirect_uri]),
        }
        self.server = _server(self)
        app = web.Application()
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_route("*", "/api", self._resource)
        self.add_routes(app)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def consent(self, url: str, *, allow: bool = True) -> str:
        """Where a person's browser is sent who opens *url* and allows it, or not."""
        request = _request("GET", urlsplit(url).path, dict(parse_qsl(urlsplit(url).query)))
        try:
            grant = self.server.get_consent_grant(request, end_user=ANN)
            status, _body, headers = self.server.create_authorization_response(
                request, grant_user=ANN if allow else None, grant=grant
            )
        except OAuth2Error as error:
            raise AssertionError(f"it would be shown: {error}") from error
        assert status == 302
        return str(dict(headers)["Location"])

    def revoke(self) -> None:
        """Take back all that was given."""
        for one in self.tokens:
            one.is_revoked = True

    def end_access(self) -> None:
        """Access tokens that are out end now, whatever was said of their end."""
        for one in self.tokens:
            one.ends_at = self.clock()

    async def _authorize(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(self.consent(str(request.url)))

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.before_token is not None:
            await self.before_token()
        if self.fails:
            return self.fails.pop(0)
        status, body, headers = self.server.create_token_response(
            _request("POST", "/token", form, dict(request.headers))
        )
        return web.json_response(
            body, status=status, headers={n: v for n, v in headers if n != "Content-Type"}
        )

    async def _resource(self, request: web.Request) -> web.Response:
        header = request.headers.get("Authorization", "")
        self.seen.append(header)
        known = next((one for one in self.tokens if header == f"Bearer {one.access}"), None)
        if known is None or known.is_revoked or self.clock() >= known.ends_at:
            return web.json_response({"error": "invalid_token", "got": header}, status=401)
        return web.json_response({"scope": known.scope})


def _request(method: str, path: str, data: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    request = _Request(method, ISSUER + path, headers=headers or {})
    request.payload = BasicOAuth2Payload(data)
    request.given = data
    return request


class _Request(OAuth2Request):  # type: ignore[misc]
    given: dict[str, str]

    @property
    def args(self) -> dict[str, str]:
        return self.given

    @property
    def form(self) -> dict[str, str]:
        return self.given


def _by_basic(query_client: Callable[[str], Client | None], request: Any) -> Client | None:
    """RFC 6749, 2.3.1, to the letter: both parts are form-encoded, which authlib's own does not undo."""
    client_id, secret = extract_basic_authorization(request.headers)
    client = query_client(unquote_plus(client_id)) if client_id and secret else None
    return client if client and client.check_client_secret(unquote_plus(secret)) else None


def _server(auth: Auth) -> Any:
    class Server(AuthorizationServer):  # type: ignore[misc]
        def query_client(self, client_id: str) -> Client | None:
            return auth.clients.get(client_id)

        def save_token(self, token: Mapping[str, Any], request: Any) -> None:
            old = request.refresh_token
            family = old.family if old is not None else secrets.token_hex(8)
            ends_at = auth.clock() + token["expires_in"]
            auth.tokens.append(
                Given(
                    token["access_token"], token.get("refresh_token"), request.client.id,
                    token.get("scope", ""), ends_at, family,
                )
            )  # fmt: skip

        def create_oauth2_request(self, request: Any) -> Any:
            return request

        def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
            return status, body, headers

        def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
            pass

    class Codes(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            auth.codes[code] = Code(
                code, request.client.id, data["redirect_uri"], data.get("scope", ""),
                data.get("code_challenge"), data.get("code_challenge_method"), data.get("nonce"),
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            found = auth.codes.get(code)
            return found if found and found.client_id == client.id else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del auth.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> str:
            return ANN

    class Refresh(grants.RefreshTokenGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> Given | None:
            found = next((one for one in auth.tokens if one.refresh == refresh_token), None)
            if found is not None and found.is_spent:  # a theft
                for one in auth.tokens:
                    one.is_revoked = one.is_revoked or one.family == found.family
            return None if found is None or found.is_revoked else found

        def authenticate_user(self, refresh_token: Given) -> str:
            return ANN

        def revoke_old_credential(self, refresh_token: Given) -> None:
            refresh_token.is_spent = True

    class Own(grants.ClientCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def token(*, scope: str | None, include_refresh_token: bool, **_rest: Any) -> dict[str, Any]:
        made: dict[str, Any] = {
            "token_type": "Bearer",
            "access_token": secrets.token_urlsafe(24),
            "expires_in": auth.life_seconds,
            "scope": scope or "",
        }
        if include_refresh_token and auth.gives_refresh_tokens:
            made["refresh_token"] = secrets.token_urlsafe(24)
        return made

    server = Server(scopes_supported=["read", "write", "openid", "email", "profile"])
    server.register_client_auth_method("client_secret_basic", _by_basic)
    server.register_grant(Codes, auth.extensions())
    server.register_grant(Refresh)
    server.register_grant(Own)
    server.register_token_generator("default", token)
    return server
