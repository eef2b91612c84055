"""
Signature Version 4 for S3, in a header and in a query.

Source: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature, where and when (UTC)."""

    access_key_id: str
    secret: str
    region: str
    at: datetime
    service: str = "s3"

    @property
    def stamp(self) -> str:
        """The time, as `X-Amz-Date` has it."""
        return f"{self.at:%Y%m%dT%H%M%SZ}"

    @property
    def scope(self) -> str:
        """What the key that is derived for this is good for."""
        return f"{self.at:%Y%m%d}/{self.region}/{self.service}/aws4_request"

    def authorization(self, method: str, url: str, headers: Mapping[str, str], digest: str) -> str:
        """The value of `Authorization`; all *headers* are signed, `host` among them."""
        signature = self._signature(method, url, headers, digest)
        return (
            f"{ALGORITHM} Credential={self.access_key_id}/{self.scope},"
            f"SignedHeaders={_names(headers)},Signature={signature}"
        )

    def presigned(
        self, method: str, url: str, *, headers: Mapping[str, str], seconds: int, token: str | None = None
    ) -> str:
        """*url* as anyone may use it for *seconds*, who sends these *headers*."""
        fields = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", f"{self.access_key_id}/{self.scope}"),
            ("X-Amz-Date", self.stamp),
            ("X-Amz-Expires", str(seconds)),
            *([("X-Amz-Security-Token", token)] if token else []),
            ("X-Amz-SignedHeaders", _names(headers)),
        ]
        query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in fields)
        url = f"{url}{'&' if '?' in url else '?'}{query}"
        return f"{url}&X-Amz-Signature={self._signature(method, url, headers, UNSIGNED)}"

    def _signature(self, method: str, url: str, headers: Mapping[str, str], digest: str) -> str:
        parts = urlsplit(url)
        lines = sorted(f"{name.lower()}:{' '.join(text.split())}\n" for name, text in headers.items())
        canonical = "\n".join(
            (
                method,
                # the path and the query may have come here in another encoding that means the same
                encoded(unquote(parts.path), safe="/") or "/",
                _canonical_query(parts.query),
                "".join(lines),
                _names(headers),
                digest,
            )
        )
        to_sign = "\n".join(
            (ALGORITHM, self.stamp, self.scope, hashlib.sha256(canonical.encode()).hexdigest())
        )
        key = f"AWS4{self.secret}".encode()
        for part in self.scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, to_sign.encode(), "sha256").hex()


def encoded(text: str, *, safe: str = "") -> str:
    """*text* as AWS encodes it: all but letters, digits and `-._~`."""
    return quote(text, safe=f"-._~{safe}")


def _canonical_query(query: str) -> str:
    pairs = (one.partition("=")[::2] for one in query.split("&") if one)
    return "&".join(sorted(f"{encoded(unquote(name))}={encoded(unquote(value))}" for name, value in pairs))


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(name.lower() for name in headers))
