"""An OpenID provider on loopback: authlib's, with its keys and what it says of itself and of Ann."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.servers.authorization_server import CLIENT, Auth


@dataclass
class OpenID(Auth):
    """
    `says` are claims of Ann in ID tokens, `tells` those of the userinfo endpoint; `changes` replace claims
    of a token that is otherwise right; `algorithm` signs it, well or not at all.
    """

    says: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "ann-1",
            "name": "Ann Example",
            "email": "Ann@Example.com",
            "email_verified": True,
        }
    )
    tells: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    issuer: str | None = None  # what it calls itself, where that is not its address
    nonces: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.keys: dict[str, RSAKey | ECKey] = {
            "RS256": RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"}),
            "ES256": ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"}),
        }
        self.asked_for_keys = 0

    def extensions(self) -> list[Any]:
        return [CodeChallenge(required=True), _Tokens(self)]

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/.well-known/openid-configuration", self._about)
        app.router.add_get("/keys", self._public_keys)
        app.router.add_get("/userinfo", self._userinfo)

    def rotate(self) -> None:
        """Another key signs from now on."""
        self.keys["RS256"] = RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})

    async def _about(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer or self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
            }
        )

    async def _public_keys(self, _request: web.Request) -> web.Response:
        self.asked_for_keys += 1
        return web.json_response(KeySet(list(self.keys.values())).as_dict(private=False))

    async def _userinfo(self, request: web.Request) -> web.Response:
        known = {f"Bearer {one.access}" for one in self.tokens}
        if request.headers.get("Authorization") not in known:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response(self.tells)


class _Tokens(OpenIDCode):  # type: ignore[misc]  # authlib has no types
    def __init__(self, provider: OpenID) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        is_known = nonce in self.provider.nonces
        self.provider.nonces.add(nonce)
        return is_known and not request.user  # authlib looks again when the person has agreed

    def get_client_algorithm(self, _client: Any) -> str:
        return self.provider.algorithm

    def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.provider.url,
            "aud": [CLIENT],
            "iat": now,
            "exp": now + 300,
            "nonce": request.authorization_code.get_nonce(),
            **self.provider.says,
            **self.provider.changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm = self.provider.algorithm
        if algorithm not in self.provider.keys:
            return _forged(algorithm, claims, self.provider.keys["RS256"].as_pem(private=False))
        key = self.provider.keys[algorithm]
        return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, [algorithm])


def _forged(algorithm: str, claims: dict[str, Any], secret: bytes) -> str:
    """A token as no library makes it: unsigned, or with what is public taken for a secret."""
    parts = (json.dumps({"alg": algorithm}).encode(), json.dumps(claims).encode())
    signed = b".".join(urlsafe_b64encode(one).rstrip(b"=") for one in parts)
    code = hmac.digest(secret, signed, "sha256") if algorithm == "HS256" else b""
    return (signed + b"." + urlsafe_b64encode(code).rstrip(b"=")).decode()
