"""
A receiver of Standard Webhooks on loopback: it checks signature and age as the specification tells
receivers to, and takes each webhook-id once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.servers.http_sink import HttpSink, Received

TOLERANCE_SECONDS = 300


class WebhookReceiver(HttpSink):
    """Knows *secret* (`whsec_…`) or the public key `whpk_…`; `taken` are the bodies by webhook-id."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self.handler = self._answer
        self.taken: dict[str, Any] = {}
        self.repeats = 0
        self._secret = secret

    @property
    def hook(self) -> str:
        """The endpoint."""
        return f"{self.url}/hook"

    async def _answer(self, received: Received) -> web.Response:
        if received.method != "POST" or received.path != "/hook":
            return web.Response(status=404, text="no such endpoint")
        message_id = received.headers["webhook-id"]
        timestamp = received.headers["webhook-timestamp"]
        if not re.fullmatch(r"[^.\s]+", message_id) or not re.fullmatch(r"\d{10}", timestamp):
            return web.Response(status=400, text="malformed headers")
        if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
            return web.Response(status=400, text="too old")
        signed = f"{message_id}.{timestamp}.".encode() + received.body
        if not any(self._is_ours(one, signed) for one in received.headers["webhook-signature"].split(" ")):
            return web.Response(status=401, text="wrong signature")
        if "application/json" not in received.headers["content-type"]:
            return web.Response(status=415)
        if message_id in self.taken:
            self.repeats += 1
        self.taken[message_id] = received.json()
        return web.Response(status=204)

    def _is_ours(self, entry: str, signed: bytes) -> bool:
        version, _, text = entry.partition(",")
        kind, _, key_text = self._secret.partition("_")
        key = base64.b64decode(key_text)
        given = base64.b64decode(text)
        if version == "v1" and kind == "whsec":
            return hmac.compare_digest(given, hmac.new(key, signed, hashlib.sha256).digest())
        if version == "v1a" and kind == "whpk":
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(given, signed)
            except InvalidSignature:
                return False
            return True
        return False
